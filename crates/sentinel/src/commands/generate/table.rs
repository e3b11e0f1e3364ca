//! CSV: a header of canonical fields and attributes, a line a payment, absent values as empty cells.

use std::io::Write;

use sentinel_domain::{Field, Transaction, Value};

use super::cell::{attribute_column, attribute_text};
use crate::csv;

/// The first line: every field, then the attributes as `attributes.NAME`.
pub fn header(attributes: &[String]) -> Vec<u8> {
    let fields = Field::ALL.iter().map(|field| field.as_str().to_owned());
    let columns = fields.chain(attributes.iter().map(|name| attribute_column(name)));
    let mut out = Vec::new();
    for (index, column) in columns.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_text(&column, &mut out);
    }
    out.push(b'\n');
    out
}

/// One line with its end.
pub fn write_row(transaction: &Transaction, attributes: &[String], out: &mut Vec<u8>) {
    for (index, field) in Field::ALL.iter().copied().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match transaction.value(field) {
            Some(Value::Text(text)) => write_text(text, out),
            Some(Value::Integer(value)) => write_integer(value, out),
            _ => {}
        }
    }
    for name in attributes {
        out.push(b',');
        if let Some(value) = transaction.attributes.get(name) {
            write_text(&attribute_text(value), out);
        }
    }
    out.push(b'\n');
}

/// Writing to memory does not fail.
pub fn write_integer(value: i64, out: &mut Vec<u8>) {
    let _ = write!(out, "{value}");
}

/// A text, in quotes where it would not read back without.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(csv::cell(text).as_bytes());
}
