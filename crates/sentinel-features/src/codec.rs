//! Bytes of window state: a writer, a reader that never trusts, and why bytes are refused.
//!
//! A state is what a log prefix made of it, so its bytes hold what can be told apart by an answer and
//! nothing of how it lies in memory: equal states are equal bytes, and a state that was read back goes on
//! as if it had never been away. Whole numbers are written seven bits to a byte.

/// Why bytes are not the state of an engine.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CodecError {
    /// They do not begin as a state does.
    #[error("read window state: not a state of this format (version {VERSION})")]
    Format,
    /// They were changed, or cut short.
    #[error("read window state: the checksum does not match: it was changed or cut short")]
    Checksum,
    /// They were written for features that keep something else.
    #[error("read window state: it was written for other features; fill it from the log instead")]
    OtherFeatures,
    /// The checksum matches, but they make no sense.
    #[error("read window state: {0} is out of bounds")]
    Content(&'static str),
}

/// The format's version.
pub(crate) const VERSION: u8 = 2;

/// Writes a state.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    pub bytes: Vec<u8>,
}

impl Writer {
    /// A whole number, seven bits to a byte.
    #[allow(clippy::cast_possible_truncation, reason = "seven bits at a time")]
    pub fn unsigned(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// A whole number that may be below zero.
    pub fn signed(&mut self, value: i64) {
        self.unsigned(((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    /// How many follow.
    pub fn count(&mut self, count: usize) {
        self.unsigned(count as u64);
    }

    /// A sum of squares.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the halves are what is wanted"
    )]
    pub fn wide(&mut self, value: u128) {
        self.unsigned(value as u64);
        self.unsigned((value >> 64) as u64);
    }

    /// Text.
    pub fn text(&mut self, text: &str) {
        self.count(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }
}

/// Reads a state.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pub bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A whole number.
    pub fn unsigned(&mut self, what: &'static str) -> Result<u64, CodecError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.bytes.split_first().ok_or(CodecError::Content(what))?;
            self.bytes = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(CodecError::Content(what))
    }

    /// A whole number that may be below zero.
    pub fn signed(&mut self, what: &'static str) -> Result<i64, CodecError> {
        let value = self.unsigned(what)?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// A whole number of some smaller kind.
    pub fn small<T: TryFrom<u64>>(&mut self, what: &'static str) -> Result<T, CodecError> {
        T::try_from(self.unsigned(what)?).map_err(|_| CodecError::Content(what))
    }

    /// A whole number of some smaller kind that may be below zero.
    pub fn small_signed<T: TryFrom<i64>>(&mut self, what: &'static str) -> Result<T, CodecError> {
        T::try_from(self.signed(what)?).map_err(|_| CodecError::Content(what))
    }

    /// How many follow: never more than there are bytes left.
    pub fn count(&mut self, what: &'static str) -> Result<usize, CodecError> {
        let count: usize = self.small(what)?;
        if count > self.bytes.len() {
            return Err(CodecError::Content(what));
        }
        Ok(count)
    }

    /// A sum of squares.
    pub fn wide(&mut self, what: &'static str) -> Result<u128, CodecError> {
        let low = self.unsigned(what)?;
        Ok(u128::from(low) | u128::from(self.unsigned(what)?) << 64)
    }

    /// Text.
    pub fn text(&mut self, what: &'static str) -> Result<&'a str, CodecError> {
        let length = self.count(what)?;
        let (text, rest) = self
            .bytes
            .split_at_checked(length)
            .ok_or(CodecError::Content(what))?;
        self.bytes = rest;
        std::str::from_utf8(text).map_err(|_| CodecError::Content(what))
    }
}
