//! JSON in and out: one flat object is one transaction.
//!
//! **Enters:** the bytes of one object. **Leaves:** a valid [`Transaction`], or a [`Rejection`] that
//! names the field. Values go from the parser straight into the [`Draft`], so there is no tree in
//! between and no depth to overflow: the first nested value ends the reading.
//!
//! **Promises:** `parse_transaction(write_transaction(t)) == t`, numbers with a fraction included
//! (this needs `serde_json` with `float_roundtrip`). **Must never:** guess. An unknown key, a key given
//! twice, a text where a number belongs are refused, since each of them is a sender's mistake that
//! would otherwise cost a field silently.

mod label;

use std::fmt;

use compact_str::CompactString;
use sentinel_domain::attribute::ATTRIBUTES_MAX;
use sentinel_domain::{Draft, Field, Rejection, RejectionCode as Code, Scalar, Transaction, Value};
use serde::Serialize;
use serde::de::{self, DeserializeSeed, Deserializer as _, MapAccess, SeqAccess, Visitor};

pub use label::{LabelLine, parse_label, write_label};

use crate::intake::spelling;

/// Reads one canonical transaction: a flat object whose keys are the fields' names, with further facts
/// under `attributes`. `null` means absent. White space around the object is allowed.
pub fn parse_transaction(bytes: &[u8]) -> Result<Transaction, Rejection> {
    let mut reading = Reading::default();
    // Looked at as a whole, text is checked faster than string by string; only bytes that are not
    // text take the other way, which finds the field they stand in.
    let outcome = match std::str::from_utf8(bytes) {
        Ok(text) => reading.read(serde_json::Deserializer::from_str(text)),
        Err(_) => reading.read(serde_json::Deserializer::from_slice(bytes)),
    };
    match outcome {
        Ok(()) => reading.draft.finish(),
        Err(error) => Err(reading.refusal(bytes, &error)),
    }
}

/// What has been read of an object so far.
#[derive(Default)]
struct Reading {
    draft: Draft,
    /// Bit *n* is set when the key of the field with code *n* was met, `null` or not.
    met: u64,
    /// Names met under `attributes`, as many as a draft accepts.
    attributes: Vec<CompactString>,
    attributes_met: bool,
    /// The key being read, for a fault inside its value.
    at: &'static str,
    /// Why reading stopped, where it was not the parser's own fault.
    rejection: Option<Rejection>,
}

impl Reading {
    fn read<'de, R: serde_json::de::Read<'de>>(
        &mut self,
        mut deserializer: serde_json::Deserializer<R>,
    ) -> serde_json::Result<()> {
        deserializer.deserialize_map(Object(self))?;
        deserializer.end()
    }

    /// Keeps the rejection and gives the parser an error to stop at.
    fn stop<E: de::Error>(&mut self, rejection: Rejection) -> E {
        self.rejection = Some(rejection);
        E::custom("")
    }

    fn refusal(&mut self, bytes: &[u8], error: &serde_json::Error) -> Rejection {
        self.rejection
            .take()
            .unwrap_or_else(|| syntax_rejection(bytes, self.at, error))
    }
}

/// The rejection for an error of the parser itself.
pub(crate) fn syntax_rejection(bytes: &[u8], at: &str, error: &serde_json::Error) -> Rejection {
    if let Err(fault) = std::str::from_utf8(bytes) {
        let detail = format!(
            "byte {} of the object is not UTF-8",
            fault.valid_up_to() + 1
        );
        return Rejection::new(Code::BadUtf8, at, detail);
    }
    let spelled = error.to_string();
    // Within a file of lines the parser's own "line 1" would mislead: only the column is kept.
    let detail = match spelled.rsplit_once(" at line ") {
        Some((what, _)) if error.line() == 1 => format!("{what} at column {}", error.column()),
        _ => spelled,
    };
    Rejection::new(Code::BadJson, "", detail)
}

/// The refusal of a key that came before.
pub(crate) fn repeated_key(key: &str) -> Rejection {
    Rejection::new(Code::BadJson, key, "is given twice in one object")
}

/// The refusal of an object or array where one value belongs.
pub(crate) fn nested_value(key: &str, kind: &str) -> Rejection {
    let detail = format!("is {kind}, expected a single value");
    Rejection::new(Code::WrongType, key, detail)
}

struct Object<'a>(&'a mut Reading);

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(KeyOf(self.0))? {
            match key {
                Key::Field(field) => map.next_value_seed(FieldValue(self.0, field))?,
                Key::Attributes => map.next_value_seed(AttributesValue(self.0))?,
            }
            self.0.at = "";
        }
        Ok(())
    }
}

enum Key {
    Field(Field),
    Attributes,
}

struct KeyOf<'a>(&'a mut Reading);

impl<'de> DeserializeSeed<'de> for KeyOf<'_> {
    type Value = Key;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyOf<'_> {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<Key, E> {
        if let Some(field) = Field::parse(key) {
            let bit = 1 << field.code();
            if self.0.met & bit != 0 {
                return Err(self.0.stop(repeated_key(key)));
            }
            self.0.met |= bit;
            self.0.at = field.as_str();
            return Ok(Key::Field(field));
        }
        if key != ATTRIBUTES {
            return Err(self.0.stop(unknown_key(key)));
        }
        if self.0.attributes_met {
            return Err(self.0.stop(repeated_key(key)));
        }
        self.0.attributes_met = true;
        self.0.at = ATTRIBUTES;
        Ok(Key::Attributes)
    }
}

/// The key under which facts without a field of their own travel.
const ATTRIBUTES: &str = "attributes";

fn unknown_key(key: &str) -> Rejection {
    let known = Field::ALL.iter().map(|field| field.as_str());
    let hint = spelling::hint(key, known.chain([ATTRIBUTES]));
    let short: String = key.chars().take(64).collect();
    let detail = format!(
        "is not a field of a transaction{hint}{}",
        if hint.is_empty() {
            "; further facts go under attributes"
        } else {
            ""
        }
    );
    Rejection::new(Code::UnknownField, short, detail)
}

struct FieldValue<'a>(&'a mut Reading, Field);

impl FieldValue<'_> {
    fn key(&self) -> String {
        self.1.to_string()
    }

    fn set<E: de::Error>(self, value: Value<'_>) -> Result<(), E> {
        let Self(reading, field) = self;
        reading
            .draft
            .set(field, value)
            .map_err(|rejection| reading.stop(rejection))
    }
}

struct AttributeValue<'a>(&'a mut Reading, CompactString);

impl AttributeValue<'_> {
    fn key(&self) -> String {
        format!("{ATTRIBUTES}.{}", self.1)
    }

    fn set<E: de::Error>(self, value: Value<'_>) -> Result<(), E> {
        let Self(reading, name) = self;
        reading
            .draft
            .set_attribute(&name, value)
            .map_err(|rejection| reading.stop(rejection))
    }
}

/// Both kinds of value are read alike: a scalar is set, `null` is absent, anything nested is refused.
macro_rules! scalar_visitor {
    ($name:ident) => {
        impl<'de> DeserializeSeed<'de> for $name<'_> {
            type Value = ();

            fn deserialize<D: de::Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
                input.deserialize_any(self)
            }
        }

        impl<'de> Visitor<'de> for $name<'_> {
            type Value = ();

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a single value")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
                self.set(Value::Text(text))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
                self.set(Value::Integer(value))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
                match i64::try_from(value) {
                    Ok(value) => self.set(Value::Integer(value)),
                    Err(_) => self.set(Value::Number(value as f64)),
                }
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
                self.set(Value::Number(value))
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
                self.set(Value::Boolean(value))
            }

            fn visit_unit<E: de::Error>(self) -> Result<(), E> {
                Ok(())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
                let key = self.key();
                Err(self.0.stop(nested_value(&key, "an array")))
            }

            fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
                let key = self.key();
                Err(self.0.stop(nested_value(&key, "an object")))
            }
        }
    };
}

scalar_visitor!(FieldValue);
scalar_visitor!(AttributeValue);

struct AttributesValue<'a>(&'a mut Reading);

impl AttributesValue<'_> {
    fn refuse<E: de::Error>(self, kind: &str) -> Result<(), E> {
        let detail = format!("is {kind}, expected an object of single values");
        Err(self
            .0
            .stop(Rejection::new(Code::WrongType, ATTRIBUTES, detail)))
    }
}

impl<'de> DeserializeSeed<'de> for AttributesValue<'_> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AttributesValue<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of single values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(AttributeName(self.0))? {
            map.next_value_seed(AttributeValue(self.0, name))?;
        }
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        self.refuse("a text")
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        self.refuse("a number")
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        self.refuse("a number")
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        self.refuse("a number")
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        self.refuse("a boolean")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        self.refuse("an array")
    }
}

struct AttributeName<'a>(&'a mut Reading);

impl<'de> DeserializeSeed<'de> for AttributeName<'_> {
    type Value = CompactString;

    fn deserialize<D: de::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<CompactString, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for AttributeName<'_> {
    type Value = CompactString;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<CompactString, E> {
        // The number of names is bounded first, so a walk over them is cheaper than a set.
        if self.0.attributes.iter().any(|met| met == name) {
            return Err(self.0.stop(repeated_key(&format!("{ATTRIBUTES}.{name}"))));
        }
        if self.0.attributes.len() >= ATTRIBUTES_MAX {
            let detail = format!("more than {ATTRIBUTES_MAX} attributes");
            return Err(self
                .0
                .stop(Rejection::new(Code::TooLong, ATTRIBUTES, detail)));
        }
        let name = CompactString::from(name);
        self.0.attributes.push(name.clone());
        Ok(name)
    }
}

/// Appends the canonical spelling of a transaction: fields in their fixed order, absent ones left out,
/// instants as microseconds, attributes last in the order of their names. No line end.
pub fn write_transaction(transaction: &Transaction, out: &mut Vec<u8>) {
    let mut object = ObjectWriter {
        out,
        separator: b'{',
    };
    for field in Field::ALL {
        match transaction.value(*field) {
            Some(Value::Integer(value)) => object.integer(*field, value),
            Some(Value::Text(value)) => object.text(*field, value),
            _ => {}
        }
    }
    object.attributes(transaction);
    object.close();
}

struct ObjectWriter<'a> {
    out: &'a mut Vec<u8>,
    /// What stands before the next key: the opening brace, then commas.
    separator: u8,
}

impl ObjectWriter<'_> {
    /// Field names are plain ASCII words, so they need no escaping.
    fn key(&mut self, field: Field) {
        self.out.extend_from_slice(&[self.separator, b'"']);
        self.out.extend_from_slice(field.as_str().as_bytes());
        self.out.extend_from_slice(b"\":");
        self.separator = b',';
    }

    fn text(&mut self, field: Field, value: &str) {
        self.key(field);
        append(self.out, value);
    }

    fn integer(&mut self, field: Field, value: i64) {
        self.key(field);
        append(self.out, &value);
    }

    fn attributes(&mut self, transaction: &Transaction) {
        if transaction.attributes.is_empty() {
            return;
        }
        self.out.extend_from_slice(&[self.separator, b'"']);
        self.out.extend_from_slice(ATTRIBUTES.as_bytes());
        self.out.extend_from_slice(b"\":");
        let mut separator = b'{';
        for (name, value) in transaction.attributes.iter() {
            self.out.push(separator);
            separator = b',';
            append(self.out, name);
            self.out.push(b':');
            match value {
                Scalar::Boolean(value) => append(self.out, value),
                Scalar::Integer(value) => append(self.out, value),
                Scalar::Number(value) => append(self.out, value),
                Scalar::Text(value) => append(self.out, value.as_str()),
            }
        }
        self.out.push(b'}');
    }

    fn close(&mut self) {
        self.out.push(b'}');
    }
}

fn append<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    let written = serde_json::to_writer(out, value);
    assert!(written.is_ok(), "a scalar is always written to memory");
}

#[cfg(test)]
mod tests;
