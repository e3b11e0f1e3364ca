//! Reading and writing single fields.
//!
//! Promises that every read is checked against what is left, and that an error names its field.

use sentinel_domain::identifier::{ID_BYTES_MAX, Text};
use sentinel_domain::{ContentHash, Currency, Instant};

use crate::error::CodecError;
use crate::varint::{read_varint, unzigzag, write_varint, zigzag};

/// The version byte of every payload kind but those that had a second form.
pub(super) const CODEC_VERSION: u8 = 1;

/// What is left of a payload.
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    /// Reads kind and version, which is at most the newest of that kind.
    pub(super) fn head(&mut self, newest: impl Fn(u8) -> u8) -> Result<(u8, u8), CodecError> {
        let [kind, version] = self.array("kind and version")?;
        if (CODEC_VERSION..=newest(kind)).contains(&version) {
            Ok((kind, version))
        } else {
            Err(CodecError::UnknownVersion { version })
        }
    }

    /// Nothing may follow.
    pub(super) fn finish(self) -> Result<(), CodecError> {
        match self.rest.len() {
            0 => Ok(()),
            bytes => Err(CodecError::TrailingBytes { bytes }),
        }
    }

    #[inline]
    pub(super) fn array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<[u8; N], CodecError> {
        match self.rest.split_first_chunk::<N>() {
            Some((chunk, rest)) => {
                self.rest = rest;
                Ok(*chunk)
            }
            None => Err(CodecError::Truncated { field }),
        }
    }

    #[inline]
    pub(super) fn byte(&mut self, field: &'static str) -> Result<u8, CodecError> {
        self.array::<1>(field).map(|[byte]| byte)
    }

    /// A word of a closed list.
    #[inline]
    pub(super) fn word<T>(
        &mut self,
        field: &'static str,
        from_code: impl FnOnce(u8) -> Option<T>,
    ) -> Result<T, CodecError> {
        let code = self.byte(field)?;
        from_code(code).ok_or(CodecError::UnknownCode { field, code })
    }

    #[inline]
    pub(super) fn varint(&mut self, field: &'static str) -> Result<u64, CodecError> {
        read_varint(&mut self.rest).ok_or(CodecError::Truncated { field })
    }

    #[inline]
    pub(super) fn signed(&mut self, field: &'static str) -> Result<i64, CodecError> {
        self.varint(field).map(unzigzag)
    }

    /// A varint that fits 32 bits.
    pub(super) fn varint_u32(&mut self, field: &'static str) -> Result<u32, CodecError> {
        let law = "does not fit 32 bits";
        u32::try_from(self.varint(field)?).map_err(|_| CodecError::Invalid { field, law })
    }

    /// The number of items that follow, each at least `item_bytes_min` long: more than fit into what is
    /// left cannot be, so nobody reserves memory for them.
    pub(super) fn count(
        &mut self,
        field: &'static str,
        item_bytes_min: usize,
    ) -> Result<usize, CodecError> {
        let count = usize::try_from(self.varint(field)?).unwrap_or(usize::MAX);
        if count > self.left() / item_bytes_min {
            return Err(CodecError::Truncated { field });
        }
        Ok(count)
    }

    /// Bytes with their length before them.
    #[inline]
    pub(super) fn bytes(&mut self, field: &'static str) -> Result<&'a [u8], CodecError> {
        let count = usize::try_from(self.varint(field)?).unwrap_or(usize::MAX);
        match self.rest.split_at_checked(count) {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(bytes)
            }
            None => Err(CodecError::Truncated { field }),
        }
    }

    /// Text of any length, the empty one included.
    #[inline]
    pub(super) fn text(&mut self, field: &'static str) -> Result<&'a str, CodecError> {
        std::str::from_utf8(self.bytes(field)?).map_err(|_| CodecError::BadUtf8 { field })
    }

    /// Text of one to `bytes_max` bytes.
    #[inline]
    pub(super) fn bounded_text(
        &mut self,
        field: &'static str,
        bytes_max: usize,
    ) -> Result<Text, CodecError> {
        let text = self.text(field)?;
        if text.is_empty() {
            let law = "the text is empty";
            return Err(CodecError::Invalid { field, law });
        }
        if text.len() > bytes_max {
            let law = "the text is longer than the field allows";
            return Err(CodecError::Invalid { field, law });
        }
        Ok(Text::new(text))
    }

    /// What a caller names something by.
    #[inline]
    pub(super) fn id(&mut self, field: &'static str) -> Result<Text, CodecError> {
        self.bounded_text(field, ID_BYTES_MAX)
    }

    /// An instant within the years a transaction may carry.
    #[inline]
    pub(super) fn instant(&mut self, field: &'static str) -> Result<Instant, CodecError> {
        let micros = i64::from_le_bytes(self.array(field)?);
        if !Instant::RANGE_MICROS.contains(&micros) {
            let law = "the instant lies outside the years 1900 to 2200";
            return Err(CodecError::Invalid { field, law });
        }
        Ok(Instant::from_micros(micros))
    }

    /// A currency by its three letters, upper case: one spelling only.
    #[inline]
    pub(super) fn currency(&mut self, field: &'static str) -> Result<Currency, CodecError> {
        let letters: [u8; 3] = self.array(field)?;
        // By far the most frequent one, without a search of the table.
        if letters == *b"USD" {
            return Ok(Currency::USD);
        }
        std::str::from_utf8(&letters)
            .ok()
            .and_then(Currency::parse)
            .filter(|currency| currency.as_str().as_bytes() == letters)
            .ok_or(CodecError::Invalid {
                field,
                law: "the currency is not in ISO 4217",
            })
    }

    pub(super) fn float(&mut self, field: &'static str) -> Result<f64, CodecError> {
        self.array(field).map(f64::from_le_bytes)
    }

    pub(super) fn hash(&mut self, field: &'static str) -> Result<ContentHash, CodecError> {
        self.array(field).map(ContentHash)
    }
}

pub(super) fn put_head(out: &mut Vec<u8>, kind: u8) {
    out.extend_from_slice(&[kind, CODEC_VERSION]);
}

#[inline]
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[inline]
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_bytes(out, text.as_bytes());
}

#[inline]
pub(super) fn put_signed(out: &mut Vec<u8>, value: i64) {
    write_varint(out, zigzag(value));
}

pub(super) fn put_instant(out: &mut Vec<u8>, instant: Instant) {
    out.extend_from_slice(&instant.micros().to_le_bytes());
}

pub(super) fn put_float(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(&value.to_le_bytes());
}
