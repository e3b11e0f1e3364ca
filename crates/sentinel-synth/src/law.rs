//! The law of the domain, for tests: a transaction taken apart and built again through a draft.

use sentinel_domain::{Draft, Field, Rejection, Scalar, Transaction, Value};

/// The transaction as a reader would make it of these fields.
pub(crate) fn rebuild(transaction: &Transaction) -> Result<Transaction, Rejection> {
    let mut draft = Draft::new();
    for field in Field::ALL {
        if let Some(value) = transaction.value(*field) {
            draft.set(*field, value)?;
        }
    }
    for (name, value) in transaction.attributes.iter() {
        let value = match value {
            Scalar::Boolean(value) => Value::Boolean(*value),
            Scalar::Integer(value) => Value::Integer(*value),
            Scalar::Number(value) => Value::Number(*value),
            Scalar::Text(value) => Value::Text(value),
        };
        draft.set_attribute(name, value)?;
    }
    draft.finish()
}
