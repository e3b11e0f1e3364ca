//! The document of a mapping: its tables, with what a message about them needs.
//!
//! Promises that whatever is wrong with a value is said with its section, its key and its line. Must
//! never: know what a section means.

use sentinel_domain::Field;
use toml::de::{DeTable, DeValue};

use crate::intake::spelling;
use crate::mapping::MappingError;

/// One table of the document, with what a message about it needs.
pub(super) struct Section<'t, 'i> {
    pub(super) text: &'t str,
    /// Empty for the document itself.
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) table: &'t DeTable<'i>,
}

impl<'t, 'i> Section<'t, 'i> {
    pub(super) fn path(&self, key: &str) -> String {
        if self.name.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.name)
        }
    }

    pub(super) fn bad(&self, key: &str, line: usize, detail: impl Into<String>) -> MappingError {
        MappingError::BadValue {
            line,
            key: self.path(key),
            detail: detail.into(),
        }
    }

    /// Every pair, in the order of the keys, with the line of the key.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&'t str, usize, &'t DeValue<'i>)> {
        let table: &'t DeTable<'i> = self.table;
        let text = self.text;
        table.iter().map(move |(key, value)| {
            (
                key.get_ref().as_ref(),
                line_at(text, key.span().start),
                value.get_ref(),
            )
        })
    }

    pub(super) fn find(&self, key: &str) -> Option<(usize, &'t DeValue<'i>)> {
        self.pairs()
            .find(|(have, ..)| *have == key)
            .map(|(_, line, value)| (line, value))
    }

    /// Refuses every key that is not one of these.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), MappingError> {
        for (key, line, _) in self.pairs() {
            if !known.contains(&key) {
                let hint = match spelling::hint(key, known.iter().copied()) {
                    none if none.is_empty() => format!("; there are {}", known.join(", ")),
                    hint => hint,
                };
                return Err(MappingError::UnknownKey {
                    line,
                    key: self.path(key),
                    hint,
                });
            }
        }
        Ok(())
    }

    pub(super) fn section(&self, key: &str) -> Result<Option<Section<'t, 'i>>, MappingError> {
        match self.find(key) {
            None => Ok(None),
            Some((line, DeValue::Table(table))) => Ok(Some(Section {
                text: self.text,
                name: self.path(key),
                line,
                table,
            })),
            Some((line, other)) => {
                Err(self.bad(key, line, format!("is {}, expected a section", kind(other))))
            }
        }
    }

    pub(super) fn optional(&self, key: &str) -> Result<Option<(&'t str, usize)>, MappingError> {
        match self.find(key) {
            None => Ok(None),
            Some((line, DeValue::String(text))) => Ok(Some((text.as_ref(), line))),
            Some((line, other)) => {
                Err(self.bad(key, line, format!("is {}, expected a text", kind(other))))
            }
        }
    }

    pub(super) fn required(&self, key: &str) -> Result<(&'t str, usize), MappingError> {
        self.optional(key)?
            .ok_or_else(|| self.bad(key, self.line, "is missing"))
    }

    pub(super) fn list(&self, key: &str) -> Result<Option<Vec<String>>, MappingError> {
        let Some((line, value)) = self.find(key) else {
            return Ok(None);
        };
        let texts = match value {
            DeValue::Array(items) => items
                .iter()
                .map(|item| item.get_ref().as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>(),
            _ => None,
        };
        texts
            .map(Some)
            .ok_or_else(|| self.bad(key, line, "is not a list of texts"))
    }

    /// Every pair of a section whose keys are fields.
    pub(super) fn fields(
        &self,
    ) -> Result<Vec<(Field, &'t str, usize, &'t DeValue<'i>)>, MappingError> {
        let named = self
            .pairs()
            .map(|(key, line, value)| match Field::parse(key) {
                Some(field) => Ok((field, key, line, value)),
                None => {
                    let known = Field::ALL.iter().map(|field| field.as_str());
                    let hint = match spelling::hint(key, known) {
                        none if none.is_empty() => {
                            "; it is not a field of a transaction".to_owned()
                        }
                        hint => hint,
                    };
                    Err(MappingError::UnknownKey {
                        line,
                        key: self.path(key),
                        hint,
                    })
                }
            });
        named.collect()
    }
}

pub(super) fn text_of<'t>(
    section: &Section<'_, '_>,
    key: &str,
    line: usize,
    value: &'t DeValue<'_>,
) -> Result<&'t str, MappingError> {
    value
        .as_str()
        .ok_or_else(|| section.bad(key, line, format!("is {}, expected a text", kind(value))))
}

pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}

/// The 1-based line of a byte of the text.
pub(super) fn line_at(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    1 + before.filter(|byte| **byte == b'\n').count()
}
