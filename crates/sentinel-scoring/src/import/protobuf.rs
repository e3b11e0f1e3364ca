//! Protocol buffers as far as ONNX needs them: the fields of a message, one after another.
//!
//! Written here and not taken: `prost` with its derive brings a build of syntax trees into the heart for
//! five messages, and allocates every field of them; a walk over borrowed bytes is shorter than the
//! messages would be. Promises to borrow, never to copy or reserve. Must never read past a message.

use super::value::fault;
use crate::error::ImportError;

/// A message: its bytes, and where in the file they begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    bytes: &'a [u8],
    start: usize,
}

/// One field of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    /// Its number.
    pub(super) number: u64,
    /// Where it begins in the file.
    pub(super) at: usize,
    /// What it holds.
    pub(super) content: Content<'a>,
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Content<'a> {
    /// An integer.
    Varint(u64),
    /// Four bytes, little end first.
    Fixed32([u8; 4]),
    /// Eight bytes, little end first.
    Fixed64([u8; 8]),
    /// A text, a message, or packed numbers.
    Bytes(Message<'a>),
}

impl<'a> Message<'a> {
    /// The message of a whole file.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, start: 0 }
    }

    /// Its bytes.
    pub(super) fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// A problem at its begin.
    pub(super) fn fault(self, problem: impl Into<String>) -> ImportError {
        fault(self.start, problem)
    }

    /// Its bytes as text.
    pub(super) fn text(self) -> Result<&'a str, ImportError> {
        std::str::from_utf8(self.bytes).map_err(|_| self.fault("a text is not UTF-8"))
    }

    /// Its fields, in the order of the file.
    pub(super) fn fields(self) -> Fields<'a> {
        Fields {
            message: self,
            at: 0,
        }
    }

    /// Packed integers.
    pub(super) fn varints(self) -> Varints<'a> {
        Varints(self.fields())
    }

    /// Packed f32.
    pub(super) fn floats(self) -> Result<impl Iterator<Item = f32> + 'a, ImportError> {
        let (chunks, rest) = self.bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(self.fault("packed numbers are cut short"));
        }
        Ok(chunks.iter().map(|bytes| f32::from_le_bytes(*bytes)))
    }

    /// Packed f64.
    pub(super) fn doubles(self) -> Result<impl Iterator<Item = f64> + 'a, ImportError> {
        let (chunks, rest) = self.bytes.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(self.fault("packed numbers are cut short"));
        }
        Ok(chunks.iter().map(|bytes| f64::from_le_bytes(*bytes)))
    }
}

/// The fields of a message.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    message: Message<'a>,
    at: usize,
}

impl<'a> Fields<'a> {
    fn fault(&self, problem: &str) -> ImportError {
        fault(self.message.start + self.at, problem)
    }

    fn varint(&mut self) -> Result<u64, ImportError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let Some(byte) = self.message.bytes.get(self.at) else {
                return Err(self.fault("the message is cut short"));
            };
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.fault("an integer has more than ten bytes"))
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], ImportError> {
        let rest = self.message.bytes.get(self.at..).unwrap_or_default();
        let Some(taken) = rest.first_chunk() else {
            return Err(self.fault("the message is cut short"));
        };
        self.at += N;
        Ok(*taken)
    }

    fn field(&mut self) -> Result<Field<'a>, ImportError> {
        let at = self.message.start + self.at;
        let key = self.varint()?;
        let content = match key & 7 {
            0 => Content::Varint(self.varint()?),
            1 => Content::Fixed64(self.take()?),
            2 => {
                let length = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
                let end = self.at.saturating_add(length);
                let Some(bytes) = self.message.bytes.get(self.at..end) else {
                    return Err(self.fault("a field is longer than its message"));
                };
                let start = self.message.start + self.at;
                self.at = end;
                Content::Bytes(Message { bytes, start })
            }
            5 => Content::Fixed32(self.take()?),
            _ => return Err(self.fault("this is no protocol buffer")),
        };
        Ok(Field {
            number: key >> 3,
            at,
            content,
        })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.message.bytes.len() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            // Nothing behind a break can be trusted.
            self.at = self.message.bytes.len();
        }
        Some(field)
    }
}

/// Packed integers.
#[derive(Debug)]
pub(super) struct Varints<'a>(Fields<'a>);

impl Iterator for Varints<'_> {
    type Item = Result<u64, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.at >= self.0.message.bytes.len() {
            return None;
        }
        let number = self.0.varint();
        if number.is_err() {
            self.0.at = self.0.message.bytes.len();
        }
        Some(number)
    }
}

impl<'a> Field<'a> {
    /// A problem at this field.
    pub(super) fn fault(&self, problem: impl Into<String>) -> ImportError {
        fault(self.at, problem)
    }

    /// The field as a message or text.
    pub(super) fn message(&self) -> Result<Message<'a>, ImportError> {
        match self.content {
            Content::Bytes(message) => Ok(message),
            _ => Err(self.fault(format!("field {} is no message", self.number))),
        }
    }

    /// The field as an integer.
    #[allow(
        clippy::cast_possible_wrap,
        reason = "negative integers are written as large ones"
    )]
    pub(super) fn integer(&self) -> Result<i64, ImportError> {
        match self.content {
            Content::Varint(value) => Ok(value as i64),
            _ => Err(self.fault(format!("field {} is no integer", self.number))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_in_the_order_of_the_file() {
        let bytes = [
            0x08, 0x96, 0x01, 0x12, 0x03, b'a', b'b', b'c', 0x1d, 0, 0, 0x80, 0x3f, 0x21, 0, 0, 0,
            0, 0, 0, 0xf0, 0x3f, 0x2a, 0x03, 0x01, 0xac, 0x02,
        ];
        let fields: Vec<Field<'_>> = Message::of(&bytes).fields().map(Result::unwrap).collect();
        assert_eq!(fields.len(), 5);
        assert_eq!(fields[0].integer().unwrap(), 150);
        assert_eq!(fields[1].message().unwrap().text().unwrap(), "abc");
        assert!(
            matches!(fields[2].content, Content::Fixed32(one) if f32::from_le_bytes(one) == 1.0)
        );
        assert!(
            matches!(fields[3].content, Content::Fixed64(one) if f64::from_le_bytes(one) == 1.0)
        );
        let packed = fields[4].message().unwrap().varints();
        assert_eq!(packed.map(Result::unwrap).collect::<Vec<_>>(), [1, 300]);
    }

    #[test]
    fn what_is_broken_is_named_with_its_byte() {
        for (bytes, byte, part) in [
            (&[0x08][..], 1, "cut short"),
            (
                &[0x12, 0xff, 0xff, 0xff, 0xff, 0x0f],
                6,
                "longer than its message",
            ),
            (&[0x0b, 0x00], 1, "no protocol buffer"),
            (
                &[
                    0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                ],
                11,
                "ten bytes",
            ),
            (&[0x15, 0, 0], 1, "cut short"),
        ] {
            let found = Message::of(bytes).fields().find_map(Result::err).unwrap();
            match found {
                ImportError::Byte {
                    byte: found,
                    problem,
                } => {
                    assert_eq!(found, byte, "{problem}");
                    assert!(problem.contains(part), "{problem}");
                }
                other => panic!("{other}"),
            }
        }
    }
}
