//! XGBoost's binary form (`.ubj`, Universal Binary JSON): bytes to the [`Value`] that the JSON form gives.
//!
//! Written here and not taken: no crate of this format is kept up, and the counts of typed arrays are where
//! readers are tricked. Promises that a count never reserves more than the bytes behind it can fill. Must
//! never take a typed array whose elements have no bytes: one count would make any number of values.

use super::value::{DEPTH_MAX, Data, Elements, VALUES_MAX, Value, fault};
use crate::error::ImportError;

/// The document.
pub(super) fn read(bytes: &[u8]) -> Result<Value, ImportError> {
    let mut reader = Reader {
        bytes,
        at: 0,
        values: 0,
    };
    let marker = reader.marker()?;
    let value = reader.value(marker, 0)?;
    if reader.at < bytes.len() {
        return Err(reader.fault("nothing may follow the document"));
    }
    Ok(value)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// How many values were read that are not packed.
    values: usize,
}

/// The type and number of elements that an array or object states.
struct Stated {
    marker: Option<u8>,
    count: Option<usize>,
}

impl Reader<'_> {
    fn fault(&self, problem: impl Into<String>) -> ImportError {
        fault(self.at, problem)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    /// The next marker; `N` is padding.
    fn marker(&mut self) -> Result<u8, ImportError> {
        loop {
            let Some(marker) = self.peek() else {
                return Err(self.fault("the file is cut short"));
            };
            self.at += 1;
            if marker != b'N' {
                return Ok(marker);
            }
        }
    }

    fn takes(&mut self, marker: u8) -> bool {
        let there = self.peek() == Some(marker);
        self.at += usize::from(there);
        there
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], ImportError> {
        let taken = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk);
        match taken {
            Some(taken) => {
                self.at += N;
                Ok(*taken)
            }
            None => Err(self.fault("the file is cut short")),
        }
    }

    /// The number behind a marker; `None` where the marker is none of a number. Integers wider than 53
    /// bits are rounded, and no model has them.
    #[allow(clippy::cast_precision_loss, reason = "see above")]
    fn number(&mut self, marker: u8) -> Result<Option<f64>, ImportError> {
        Ok(Some(match marker {
            b'i' => f64::from(i8::from_be_bytes(self.take()?)),
            b'U' => f64::from(u8::from_be_bytes(self.take()?)),
            b'I' => f64::from(i16::from_be_bytes(self.take()?)),
            b'l' => f64::from(i32::from_be_bytes(self.take()?)),
            b'L' => i64::from_be_bytes(self.take()?) as f64,
            b'd' => f64::from(f32::from_be_bytes(self.take()?)),
            b'D' => f64::from_be_bytes(self.take()?),
            _ => return Ok(None),
        }))
    }

    /// A length or count.
    fn count(&mut self) -> Result<usize, ImportError> {
        let marker = self.marker()?;
        let at = self.at;
        let number = match marker {
            b'L' => i64::from_be_bytes(self.take()?),
            b'i' => i64::from(i8::from_be_bytes(self.take()?)),
            b'U' => i64::from(u8::from_be_bytes(self.take()?)),
            b'I' => i64::from(i16::from_be_bytes(self.take()?)),
            b'l' => i64::from(i32::from_be_bytes(self.take()?)),
            other => return Err(fault(at, format!("marker {other} is no count"))),
        };
        match usize::try_from(number) {
            Ok(count) if count <= self.left() => Ok(count),
            _ => Err(fault(
                at,
                format!("a count of {number} is more than the file has bytes left"),
            )),
        }
    }

    fn text(&mut self) -> Result<String, ImportError> {
        let length = self.count()?;
        let bytes = self.bytes.get(self.at..self.at + length);
        let text = std::str::from_utf8(bytes.unwrap_or_default())
            .map_err(|_| self.fault("a text is not UTF-8"))?;
        self.at += length;
        Ok(text.to_owned())
    }

    fn value(&mut self, marker: u8, depth: usize) -> Result<Value, ImportError> {
        let at = self.at.saturating_sub(1);
        if depth > DEPTH_MAX {
            return Err(self.fault(format!("values nest deeper than {DEPTH_MAX}")));
        }
        if let Some(number) = self.number(marker)? {
            let data = Data::Number(number);
            return Ok(Value { at, data });
        }
        self.counted()?;
        let data = match marker {
            b'{' => self.object(depth)?,
            b'[' => self.array(depth)?,
            b'S' => Data::Text(self.text()?),
            b'C' => Data::Text(char::from(self.take::<1>()?[0]).to_string()),
            b'Z' => Data::Null,
            b'T' => Data::Bool(true),
            b'F' => Data::Bool(false),
            other => return Err(fault(at, format!("there is no marker {other}"))),
        };
        Ok(Value { at, data })
    }

    fn counted(&mut self) -> Result<(), ImportError> {
        self.values += 1;
        if self.values > VALUES_MAX {
            return Err(self.fault(format!("the document has more than {VALUES_MAX} values")));
        }
        Ok(())
    }

    /// `$` and a type, `#` and a count, if they stand there.
    fn stated(&mut self) -> Result<Stated, ImportError> {
        let marker = if self.takes(b'$') {
            Some(self.marker()?)
        } else {
            None
        };
        let count = if self.takes(b'#') {
            Some(self.count()?)
        } else {
            None
        };
        if marker.is_some() && count.is_none() {
            return Err(self.fault("a type of elements needs a count"));
        }
        if let Some(marker @ (b'Z' | b'T' | b'F')) = marker {
            return Err(self.fault(format!("elements of type {marker} have no bytes")));
        }
        Ok(Stated { marker, count })
    }

    fn array(&mut self, depth: usize) -> Result<Data, ImportError> {
        let stated = self.stated()?;
        let mut elements = Elements::Numbers(Vec::new());
        let mut read = 0;
        loop {
            match stated.count {
                Some(count) if read == count => return Ok(elements.data()),
                None if self.takes(b']') => return Ok(elements.data()),
                _ => {}
            }
            let marker = match stated.marker {
                Some(marker) => marker,
                None => self.marker()?,
            };
            elements.push(self.value(marker, depth + 1)?)?;
            read += 1;
        }
    }

    fn object(&mut self, depth: usize) -> Result<Data, ImportError> {
        let stated = self.stated()?;
        let mut members = Vec::new();
        loop {
            match stated.count {
                Some(count) if members.len() == count => return Ok(Data::Object(members)),
                None if self.takes(b'}') => return Ok(Data::Object(members)),
                _ => {}
            }
            // Numbers are not counted as values, but as members they take as much memory.
            self.counted()?;
            let name = self.text()?;
            let marker = match stated.marker {
                Some(marker) => marker,
                None => self.marker()?,
            };
            members.push((name, self.value(marker, depth + 1)?));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_reads() {
        let mut bytes = b"{U\x01a[$I#U\x02\x01\x00\xff\xffU\x01b[#i\x02SU\x02hiZ".to_vec();
        bytes.extend(b"U\x01cd\x3f\x80\x00\x00U\x01dD\x40\x00\x00\x00\x00\x00\x00\x00U\x01e[TF]");
        bytes.extend(b"I\x00\x01fL\x00\x00\x00\x00\x00\x00\x00\x05U\x01gl\xff\xff\xff\xfe}");
        let value = read(&bytes).unwrap();
        assert_eq!(value.numbers("a").unwrap(), [256.0, -1.0]);
        assert_eq!(value.list("b").unwrap().len(), 2);
        assert_eq!(value.number("c").unwrap(), 1.0);
        assert_eq!(value.number("d").unwrap(), 2.0);
        assert_eq!(value.list("e").unwrap()[0].data, Data::Bool(true));
        assert_eq!(value.count("f").unwrap(), 5);
        assert_eq!(value.number("g").unwrap(), -2.0);
    }

    #[test]
    fn what_is_broken_is_named_with_its_byte() {
        let deep = b"[".repeat(300);
        for (bytes, byte, part) in [
            (&b"{U\x01a"[..], 4, "cut short"),
            (b"[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff", 5, "more than"),
            (b"[$d#L\xff\xff\xff\xff\xff\xff\xff\xff", 5, "count of -1"),
            (b"[$Z#U\x05.....", 6, "no bytes"),
            (b"[$dU\x05", 3, "needs a count"),
            (b"[U\x01X]", 3, "no marker 88"),
            (b"{}{}", 2, "nothing may follow"),
            (&deep, 258, "nest deeper"),
        ] {
            match read(bytes).unwrap_err() {
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
