//! Names of things: what people and machines call an account, a card, a decision.
//!
//! What callers name is text, at most [`ID_BYTES_MAX`] bytes. What the machine names follows from a log
//! position, so that a replay gives the same name (`docs/adr/0003-machine-identifiers.md`).

use std::fmt;

use compact_str::CompactString;

use crate::position::{LogId, LogPosition, Offset, Partition};

/// The longest identifier a caller may send, in bytes of UTF-8.
pub const ID_BYTES_MAX: usize = 64;

/// Short text without a heap allocation up to 24 bytes.
pub type Text = CompactString;

macro_rules! text_identifiers {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Text);

        impl $name {
            /// Takes the text as it is; bounds are checked where a [`crate::Draft`] becomes a transaction.
            pub fn new(text: impl Into<Text>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

text_identifiers! {
    /// The caller's unique name for an event: the idempotency key.
    EventId;
    /// The paying account.
    AccountId;
    /// The person behind one or more accounts.
    CustomerId;
    /// A surrogate of a card number; a raw number is refused.
    CardToken;
    /// The merchant.
    MerchantId;
    /// The merchant's terminal.
    TerminalId;
    /// The payee account of a transfer.
    CounterpartyId;
    /// A device print.
    DeviceId;
    /// Links a login to a payment.
    SessionId;
    /// An IP address in its canonical text form.
    IpAddress;
    /// The name of a label, unique for its source.
    LabelId;
}

macro_rules! machine_identifiers {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name { partition: Partition, offset: Offset, check: u64 }

        impl $name {
            /// The name that follows from a position.
            pub fn at(position: LogPosition) -> Self {
                let check = position_check($prefix, position.log, position.partition, position.offset);
                Self { partition: position.partition, offset: position.offset, check }
            }

            /// The position this name claims. Whether it is a name of `log` is checked: a name of
            /// another log, or one made up, gives `None`.
            pub fn position_in(&self, log: LogId) -> Option<LogPosition> {
                let position = LogPosition { log, partition: self.partition, offset: self.offset };
                (Self::at(position) == *self).then_some(position)
            }

            /// Reads the text form; `None` where it is not one.
            pub fn parse(text: &str) -> Option<Self> {
                let digits = text.strip_prefix($prefix)?.strip_prefix('_')?;
                let partition = u16::from_str_radix(digits.get(0..4)?, 16).ok()?;
                let offset = u64::from_str_radix(digits.get(4..16)?, 16).ok()?;
                let check = u64::from_str_radix(digits.get(16..)?, 16).ok()?;
                let parsed = Self { partition: Partition(partition), offset: Offset(offset), check };
                (parsed.to_string() == text).then_some(parsed)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{:04x}{:012x}{:016x}", $prefix, self.partition.0, self.offset.0, self.check)
            }
        }
    )+};
}

machine_identifiers! {
    /// Names a decision: `dec_`, then partition, offset and a BLAKE3 check, hexadecimal.
    DecisionId = "dec";
    /// Names the alert that a decision raised.
    AlertId = "alr";
    /// Names the case that an alert opened.
    CaseId = "cas";
}

/// The first eight bytes of BLAKE3 over kind, log, partition and offset.
fn position_check(kind: &str, log: LogId, partition: Partition, offset: Offset) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(kind.as_bytes());
    hasher.update(&log.0);
    hasher.update(&partition.0.to_le_bytes());
    hasher.update(&offset.0.to_le_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(first)
}
