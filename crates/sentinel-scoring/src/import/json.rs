//! JSON as models are written in: bytes to a [`Value`].
//!
//! A reader of our own, since one that keeps the place of each value, packs arrays of numbers and takes
//! Python's `NaN` and `Infinity` is not to be had. Promises to read all of the text or to name the byte at
//! which it stops. Must never look past the bytes it was given.

use super::value::{DEPTH_MAX, Data, Elements, VALUES_MAX, Value, fault};
use crate::error::ImportError;

/// The document.
pub(super) fn read(bytes: &[u8]) -> Result<Value, ImportError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| fault(error.valid_up_to(), "the text is not UTF-8"))?;
    let mut reader = Reader {
        text,
        at: 0,
        values: 0,
    };
    let value = reader.value(0)?;
    reader.skip_space();
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.fault("nothing may follow the document")),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// How many values were read that are not packed.
    values: usize,
}

impl<'a> Reader<'a> {
    fn fault(&self, problem: impl Into<String>) -> ImportError {
        fault(self.at, problem)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Takes this byte if it comes next, after space.
    fn takes(&mut self, byte: u8) -> bool {
        self.skip_space();
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, byte: u8) -> Result<(), ImportError> {
        if self.takes(byte) {
            return Ok(());
        }
        Err(self.fault(match self.peek() {
            None => "the file is cut short".to_owned(),
            Some(_) => format!("expected {:?}", char::from(byte)),
        }))
    }

    fn value(&mut self, depth: usize) -> Result<Value, ImportError> {
        self.skip_space();
        let at = self.at;
        if depth > DEPTH_MAX {
            return Err(self.fault(format!("values nest deeper than {DEPTH_MAX}")));
        }
        let data = match self.peek() {
            None => return Err(self.fault("the file is cut short")),
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Data::Text(self.text()?),
            Some(_) => self.word()?,
        };
        if !matches!(data, Data::Number(_)) {
            self.values += 1;
            if self.values > VALUES_MAX {
                return Err(self.fault(format!("the document has more than {VALUES_MAX} values")));
            }
        }
        Ok(Value { at, data })
    }

    fn object(&mut self, depth: usize) -> Result<Data, ImportError> {
        self.expect(b'{')?;
        let mut members = Vec::new();
        if self.takes(b'}') {
            return Ok(Data::Object(members));
        }
        loop {
            self.skip_space();
            let name = self.text()?;
            self.expect(b':')?;
            let value = self.value(depth + 1)?;
            // Numbers are not counted as values, but as members they take as much memory.
            self.values += 1;
            members.push((name, value));
            if !self.takes(b',') {
                self.expect(b'}')?;
                return Ok(Data::Object(members));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Data, ImportError> {
        self.expect(b'[')?;
        let mut elements = Elements::Numbers(Vec::new());
        if self.takes(b']') {
            return Ok(elements.data());
        }
        loop {
            elements.push(self.value(depth + 1)?)?;
            if !self.takes(b',') {
                self.expect(b']')?;
                return Ok(elements.data());
            }
        }
    }

    /// A number or one of the few words.
    fn word(&mut self) -> Result<Data, ImportError> {
        let rest = self.rest();
        let end = rest
            .find(|letter: char| !(letter.is_ascii_alphanumeric() || "+-.".contains(letter)))
            .unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        let data = match word {
            "null" => Data::Null,
            "true" => Data::Bool(true),
            "false" => Data::Bool(false),
            "NaN" => Data::Number(f64::NAN),
            "Infinity" => Data::Number(f64::INFINITY),
            "-Infinity" => Data::Number(f64::NEG_INFINITY),
            // Rust reads "inf" and "nan" too, which are no JSON; a number has a digit.
            _ => match word.parse() {
                Ok(number) if word.bytes().any(|byte| byte.is_ascii_digit()) => {
                    Data::Number(number)
                }
                _ => {
                    let shown: String = rest.chars().take(20).collect();
                    return Err(self.fault(format!("{shown:?} is no value")));
                }
            },
        };
        self.at += end;
        Ok(data)
    }

    fn text(&mut self) -> Result<String, ImportError> {
        self.expect(b'"')?;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let Some(plain) = rest.find(['"', '\\']) else {
                return Err(self.fault("a text has no end"));
            };
            text.push_str(rest.get(..plain).unwrap_or_default());
            self.at += plain + 1;
            if rest.as_bytes().get(plain) == Some(&b'"') {
                return Ok(text);
            }
            let escape = self.peek();
            self.at += 1;
            text.push(match escape {
                Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
                Some(b'b') => '\u{8}',
                Some(b'f') => '\u{c}',
                Some(b'n') => '\n',
                Some(b'r') => '\r',
                Some(b't') => '\t',
                Some(b'u') => self.escaped()?,
                _ => return Err(self.fault("a backslash leads to no letter")),
            });
        }
    }

    /// The letter of `\uXXXX`, or of two of them that belong together.
    fn escaped(&mut self) -> Result<char, ImportError> {
        let first = self.hex()?;
        let code = match first {
            0xd800..=0xdbff if self.rest().starts_with("\\u") => {
                self.at += 2;
                let second = self.hex()?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    return Err(self.fault("half a letter"));
                }
                0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            other => other,
        };
        char::from_u32(code).ok_or_else(|| self.fault("half a letter"))
    }

    fn hex(&mut self) -> Result<u32, ImportError> {
        let digits = self.rest().get(..4).unwrap_or_default();
        let code = u32::from_str_radix(digits, 16)
            .map_err(|_| self.fault("four hexadecimal digits follow \\u"))?;
        self.at += 4;
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_reads_as_it_stands() {
        let text = r#" {"a": [1, -2.5e3, NaN], "b": {"c": "x\n\u00e9\ud83d\ude00\"", "d": [[], [true, null]]},
            "n": "[5E-1]", "e": []}"#;
        let value = read(text.as_bytes()).unwrap();
        let numbers = value.numbers("a").unwrap();
        assert_eq!(numbers[..2], [1.0, -2500.0]);
        assert!(numbers[2].is_nan());
        let inner = value.member("b").unwrap();
        assert_eq!(inner.text("c").unwrap(), "x\né😀\"");
        assert_eq!(inner.list("d").unwrap().len(), 2);
        assert_eq!(value.list("e").unwrap().len(), 0);
        assert_eq!(value.numbers("e").unwrap().len(), 0);
        assert_eq!(value.member("n").unwrap().at, text.find("\"[5E").unwrap());
    }

    #[test]
    fn what_is_broken_is_named_with_its_byte() {
        let deep = "[".repeat(300);
        for (text, byte, part) in [
            ("{\"a\": 1", 7, "cut short"),
            ("{\"a\" 1}", 5, "expected ':'"),
            ("[1, x]", 4, "no value"),
            ("[inf]", 1, "no value"),
            ("[1, \"a\"]", 4, "mixes"),
            ("{} {}", 3, "nothing may follow"),
            ("\"abc", 1, "no end"),
            ("\"\\ud800\"", 7, "half a letter"),
            (deep.as_str(), 257, "nest deeper"),
        ] {
            match read(text.as_bytes()).unwrap_err() {
                ImportError::Byte {
                    byte: found,
                    problem,
                } => {
                    assert_eq!(found, byte, "{text} {problem}");
                    assert!(problem.contains(part), "{problem}");
                }
                other => panic!("{other}"),
            }
        }
    }
}
