//! Attributes as columns of a table.
//!
//! Promises the spelling that the canonical intake reads back. Must never round or reformat a value.

use sentinel_domain::Scalar;

/// The column of an attribute.
pub fn attribute_column(name: &str) -> String {
    format!("attributes.{name}")
}

/// An attribute as a text: a number with a fraction keeps its point, so that it reads back as one.
pub fn attribute_text(value: &Scalar) -> String {
    match value {
        Scalar::Boolean(value) => value.to_string(),
        Scalar::Integer(value) => value.to_string(),
        Scalar::Number(value) => format!("{value:?}"),
        Scalar::Text(value) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use sentinel_domain::{Draft, Field, Value};
    use sentinel_synth::Random;
    use sentinel_synth::builder::random_transaction;

    #[test]
    fn every_field_of_any_transaction_reads_back() {
        let mut random = Random::new(3);
        let mut met = std::collections::BTreeSet::new();
        for _ in 0..500 {
            let mut transaction = random_transaction(&mut random);
            transaction.attributes = Default::default();
            let mut draft = Draft::new();
            for field in Field::ALL.iter().copied() {
                match transaction.value(field) {
                    Some(Value::Text(text)) => {
                        assert!(!field.is_integer(), "{field}");
                        draft.set(field, Value::Cell(text)).unwrap();
                    }
                    Some(Value::Integer(value)) => {
                        assert!(field.is_integer(), "{field}");
                        draft.set(field, Value::Cell(&value.to_string())).unwrap();
                    }
                    _ => continue,
                }
                met.insert(field.as_str());
            }
            assert_eq!(draft.finish().as_ref(), Ok(&transaction));
        }
        assert_eq!(met.len(), Field::ALL.len(), "{met:?}");
    }
}
