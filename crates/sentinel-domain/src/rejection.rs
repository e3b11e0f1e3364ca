//! Bad input as a value: what was wrong, where, and the bytes that were refused.

use std::fmt;

use crate::vocabulary;

vocabulary! {
    /// Why an input was refused.
    RejectionCode {
        /// A required field is absent.
        MissingField = 1, "missing_field";
        /// A field holds a value of another type.
        WrongType = 2, "wrong_type";
        /// An amount is below zero.
        NegativeAmount = 3, "negative_amount";
        /// A currency code is not in ISO 4217.
        UnknownCurrency = 4, "unknown_currency";
        /// A word is not in the field's closed list.
        UnknownValue = 5, "unknown_value";
        /// A text is longer than the field allows.
        TooLong = 6, "too_long";
        /// A number or instant lies outside the field's range.
        OutOfRange = 7, "out_of_range";
        /// The event lies more than five minutes ahead of the appender's clock.
        FutureEvent = 8, "future_event";
        /// The bytes are not UTF-8.
        BadUtf8 = 9, "bad_utf8";
        /// The line is not a JSON object.
        BadJson = 10, "bad_json";
        /// The row has another number of columns than the header.
        BadRow = 11, "bad_row";
        /// The line is longer than the configured bound.
        LineTooLong = 12, "line_too_long";
        /// The compressed input ends in the middle or is damaged.
        BadCompression = 13, "bad_compression";
        /// The same event id came before with another body.
        Conflict = 14, "conflict";
        /// A field that is not part of the transaction.
        UnknownField = 15, "unknown_field";
        /// The entry in the log cannot be decoded.
        BadEntry = 16, "bad_entry";
        /// Deciding on the entry stopped the engine again and again.
        Skipped = 17, "skipped";
        /// It speaks of a decision that is not there.
        UnknownDecision = 18, "unknown_decision";
    }
}

/// An input that was refused, with the field it stumbled over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The kind of fault.
    pub code: RejectionCode,
    /// The canonical field name, or the column of the table; empty where the whole line is at fault.
    pub field: String,
    /// What was found and what is expected, for a person.
    pub detail: String,
}

impl Rejection {
    /// A rejection of one field.
    pub fn new(code: RejectionCode, field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            code,
            field: field.into(),
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            write!(f, "{}: {}", self.code, self.detail)
        } else {
            write!(f, "{} in {}: {}", self.code, self.field, self.detail)
        }
    }
}

/// A refused input, kept with its bytes so that nothing is lost. Keyed by (source, row).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Where it came from: a file path, `-`, or `rest`.
    pub source: String,
    /// The 1-based line of the file, or the running number at a door.
    pub row: u64,
    /// Why it was refused.
    pub rejection: Rejection,
    /// The bytes as they came.
    pub bytes: Vec<u8>,
}
