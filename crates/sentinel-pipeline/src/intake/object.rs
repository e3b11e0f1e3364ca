//! Objects of any shape read as rows of a table: the keys a mapping names become cells.
//!
//! Numbers and booleans are spelled out as a table would, so that one mapping serves both formats.
//! Keys that the mapping does not name are passed over, nested or not.

use std::fmt;
use std::fmt::Write as _;

use sentinel_domain::Rejection;
use serde::de::{
    self, DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use crate::intake::json::{nested_value, repeated_key, syntax_rejection};
use crate::mapping::Cell;

/// Reads objects into cells. Its buffers are reused.
#[derive(Default)]
pub struct ObjectReader {
    text: String,
    cells: Vec<Cell>,
    /// Which of `cells` were met, `null` or not.
    met: Vec<bool>,
}

impl ObjectReader {
    /// Reads one object. `keys` are those to keep, sorted; the cells come in their order, absent keys
    /// and `null` as [`Cell::ABSENT`].
    pub fn read(&mut self, bytes: &[u8], keys: &[String]) -> Result<(&str, &[Cell]), Rejection> {
        self.text.clear();
        self.cells.clear();
        self.cells.resize(keys.len(), Cell::ABSENT);
        self.met.clear();
        self.met.resize(keys.len(), false);
        let mut rejection = None;
        let mut at = "";
        let object = Object {
            reader: self,
            keys,
            at: &mut at,
            rejection: &mut rejection,
        };
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let outcome = deserializer
            .deserialize_map(object)
            .and_then(|()| deserializer.end());
        match outcome {
            Ok(()) => Ok((&self.text, &self.cells)),
            Err(error) => Err(rejection.unwrap_or_else(|| syntax_rejection(bytes, at, &error))),
        }
    }
}

struct Object<'a, 'k> {
    reader: &'a mut ObjectReader,
    keys: &'k [String],
    /// The key being read, for a fault inside its value.
    at: &'a mut &'k str,
    rejection: &'a mut Option<Rejection>,
}

impl<'de> Visitor<'de> for Object<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(column) = map.next_key_seed(KeyOf(self.keys))? {
            let Some((column, key)) = column else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            *self.at = key;
            if self.reader.met.get(column).copied().unwrap_or(false) {
                *self.rejection = Some(repeated_key(key));
                return Err(de::Error::custom(""));
            }
            if let Some(met) = self.reader.met.get_mut(column) {
                *met = true;
            }
            let start = self.reader.text.len();
            let value = CellText {
                text: &mut self.reader.text,
                key,
                rejection: self.rejection,
            };
            if map.next_value_seed(value)?
                && let Some(cell) = self.reader.cells.get_mut(column)
            {
                *cell = Cell {
                    start,
                    end: self.reader.text.len(),
                };
            }
            *self.at = "";
        }
        Ok(())
    }
}

/// Finds the number of a key.
struct KeyOf<'k>(&'k [String]);

impl<'de, 'k> DeserializeSeed<'de> for KeyOf<'k> {
    type Value = Option<(usize, &'k str)>;

    fn deserialize<D: de::Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_str(self)
    }
}

impl<'k> Visitor<'_> for KeyOf<'k> {
    type Value = Option<(usize, &'k str)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<Self::Value, E> {
        let at = self.0.binary_search_by(|have| have.as_str().cmp(key)).ok();
        Ok(at.and_then(|at| self.0.get(at).map(|key| (at, key.as_str()))))
    }
}

/// Spells a value out as a cell; false for `null`.
struct CellText<'a> {
    text: &'a mut String,
    key: &'a str,
    rejection: &'a mut Option<Rejection>,
}

impl CellText<'_> {
    fn spell<E>(self, value: impl fmt::Display) -> Result<bool, E> {
        let written = write!(self.text, "{value}");
        assert!(written.is_ok(), "a scalar is always written to memory");
        Ok(true)
    }

    fn refuse<E: de::Error>(self, kind: &str) -> Result<bool, E> {
        *self.rejection = Some(nested_value(self.key, kind));
        Err(E::custom(""))
    }
}

impl<'de> DeserializeSeed<'de> for CellText<'_> {
    type Value = bool;

    fn deserialize<D: de::Deserializer<'de>>(self, input: D) -> Result<bool, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for CellText<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a single value")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<bool, E> {
        self.text.push_str(text);
        Ok(true)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<bool, E> {
        self.spell(value)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<bool, E> {
        self.spell(value)
    }

    /// The shortest decimal that reads back as the same number is the one that was sent, up to 15
    /// significant digits: enough for any amount.
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<bool, E> {
        self.spell(value)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<bool, E> {
        self.spell(value)
    }

    fn visit_unit<E: de::Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<bool, A::Error> {
        self.refuse("an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<bool, A::Error> {
        self.refuse("an object")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Option<String>>, String> {
        let keys = ["amount", "city", "when"].map(str::to_owned);
        let mut reader = ObjectReader::default();
        let (text, cells) = reader
            .read(text.as_bytes(), &keys)
            .map_err(|r| r.to_string())?;
        let cell = |cell: &Cell| text.get(cell.start..cell.end).map(str::to_owned);
        Ok(cells.iter().map(cell).collect())
    }

    #[test]
    fn keys_come_in_any_order_and_others_are_passed_over() {
        let found =
            read(r#"{"x":{"y":[1]},"when":7,"amount":12.345,"z":null,"city":"Pór\u0074o"}"#);
        let expected = ["12.345", "Pórto", "7"].map(|cell| Some(cell.to_owned()));
        assert_eq!(found.unwrap(), expected);
    }

    #[test]
    fn absent_and_null_are_no_cells_but_an_empty_text_is_one() {
        assert_eq!(
            read(r#"{"city":"","when":null}"#).unwrap(),
            [None, Some(String::new()), None]
        );
    }

    #[test]
    fn a_nested_value_a_repeated_key_and_bad_syntax_are_refused() {
        let said = |text| read(text).unwrap_err();
        assert_eq!(
            said(r#"{"city":["a"]}"#),
            "wrong_type in city: is an array, expected a single value"
        );
        assert_eq!(
            said(r#"{"city":1,"city":null}"#),
            "bad_json in city: is given twice in one object"
        );
        assert!(said("[1]").starts_with("bad_json: "));
        assert!(said(r#"{"city":1"#).contains("EOF"));
    }

    #[test]
    fn a_deep_value_under_a_foreign_key_does_not_overflow() {
        let deep = format!("{{\"x\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(read(&deep).unwrap(), [None, None, None]);
    }
}
