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

/// A piece is handed on once it is so long. It may be longer by what is kept of one entity, which lies in
/// one piece always.
const PIECE_BYTES: usize = 1 << 17;

/// Writes a state, piece after piece: memory for writing does not grow with the state.
pub(crate) struct Writer<'a> {
    pub bytes: Vec<u8>,
    take: &'a mut dyn FnMut(&[u8]),
}

impl<'a> Writer<'a> {
    /// Hands its pieces on to `take`.
    pub fn new(take: &'a mut dyn FnMut(&[u8])) -> Self {
        Self {
            bytes: Vec::new(),
            take,
        }
    }

    /// Between two things that are read each in one piece.
    pub fn between(&mut self) {
        if self.bytes.len() >= PIECE_BYTES {
            self.finish();
        }
    }

    /// Before a part: what is left of the one before is handed on, and an empty piece.
    pub fn begin_part(&mut self) {
        self.finish();
        (self.take)(&[]);
    }

    /// Hands on what is left.
    pub fn finish(&mut self) {
        if !self.bytes.is_empty() {
            (self.take)(&self.bytes);
            self.bytes.clear();
        }
    }

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

/// Reads a state, piece after piece.
pub(crate) struct Reader<'a> {
    piece: Vec<u8>,
    at: usize,
    next: &'a mut dyn FnMut(&mut Vec<u8>) -> bool,
}

impl<'a> Reader<'a> {
    /// Asks `next` to put the next piece in place of the last one; false where there is none.
    pub fn new(next: &'a mut dyn FnMut(&mut Vec<u8>) -> bool) -> Self {
        Self {
            piece: Vec::new(),
            at: 0,
            next,
        }
    }

    /// What is left of the piece; of the next one where nothing is.
    fn left(&mut self) -> &[u8] {
        while self.at >= self.piece.len() {
            self.at = 0;
            self.piece.clear();
            if !(self.next)(&mut self.piece) {
                self.piece.clear();
                break;
            }
        }
        self.piece.get(self.at..).unwrap_or_default()
    }

    /// Whether nothing follows.
    pub fn is_at_end(&mut self) -> bool {
        self.left().is_empty()
    }

    /// So many bytes.
    pub fn take(&mut self, count: usize, what: &'static str) -> Result<&[u8], CodecError> {
        if self.left().len() < count {
            return Err(CodecError::Content(what));
        }
        let from = self.at;
        self.at += count;
        Ok(&self.piece[from..self.at])
    }

    /// A whole number.
    pub fn unsigned(&mut self, what: &'static str) -> Result<u64, CodecError> {
        let mut value = 0;
        let left = self.left();
        for (index, byte) in left.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                self.at += index + 1;
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

    /// How many follow in this piece: never more than it has bytes left.
    pub fn count(&mut self, what: &'static str) -> Result<usize, CodecError> {
        let count: usize = self.small(what)?;
        if count > self.piece.len() - self.at {
            return Err(CodecError::Content(what));
        }
        Ok(count)
    }

    /// How many follow in this piece and those behind it. Nothing may be set aside for so many before they
    /// have been read.
    pub fn far_count(&mut self, what: &'static str) -> Result<usize, CodecError> {
        self.small(what)
    }

    /// A sum of squares.
    pub fn wide(&mut self, what: &'static str) -> Result<u128, CodecError> {
        let low = self.unsigned(what)?;
        Ok(u128::from(low) | u128::from(self.unsigned(what)?) << 64)
    }

    /// Text.
    pub fn text(&mut self, what: &'static str) -> Result<&str, CodecError> {
        let length = self.count(what)?;
        if length == 0 {
            return Ok("");
        }
        let text = self.take(length, what)?;
        std::str::from_utf8(text).map_err(|_| CodecError::Content(what))
    }
}
