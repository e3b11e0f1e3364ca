//! Pages and cursors: how lists are read piece by piece.
//!
//! Promises that a cursor goes on after the last row seen, by key and not by count, so rows added in
//! between neither repeat nor hide a row. Must never be read by callers: a cursor is opaque.

use std::fmt;

use sentinel_domain::Instant;

use crate::error::StoreError;

/// The most rows a page may hold.
pub const LIMIT_MAX: u32 = 1_000;

/// The rows a page holds where nobody says otherwise.
pub const LIMIT_DEFAULT: u32 = 100;

/// Some rows of a list, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows, newest first.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end of the list.
    pub next: Option<Cursor>,
}

/// Where a page ended. Opaque text that survives a URL; it is checked when it is used.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cursor(pub String);

impl Cursor {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The cursor after a row.
    fn after(instant: Instant, id: &str) -> Self {
        Self(format!("{}.{id}", instant.micros()))
    }

    /// The key of the row this cursor stands after; `is_id` knows the identifiers of the list.
    fn key(&self, is_id: impl Fn(&str) -> bool) -> Result<(i64, &str), StoreError> {
        let key = self.0.split_once('.').and_then(|(micros, id)| {
            let micros: i64 = micros.parse().ok()?;
            is_id(id).then_some((micros, id))
        });
        key.ok_or_else(|| StoreError::BadCursor {
            cursor: self.0.clone(),
        })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The bounds of one page, checked.
pub(crate) struct Bounds<'a> {
    limit: u32,
    /// The key after which the page begins.
    pub(crate) after: Option<(i64, &'a str)>,
}

impl<'a> Bounds<'a> {
    /// Checks limit and cursor before anything is read.
    pub(crate) fn new(
        limit: u32,
        after: Option<&'a Cursor>,
        is_id: impl Fn(&str) -> bool,
    ) -> Result<Self, StoreError> {
        if limit == 0 || limit > LIMIT_MAX {
            return Err(StoreError::BadLimit { limit });
        }
        let after = after.map(|cursor| cursor.key(is_id)).transpose()?;
        Ok(Self { limit, after })
    }

    /// One row more than the page holds: its presence says that there is a next page.
    pub(crate) fn rows_to_read(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// The page out of the rows that were read; `key` gives instant and id of a row.
    pub(crate) fn page<T>(
        &self,
        mut items: Vec<T>,
        key: impl Fn(&T) -> (Instant, String),
    ) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more).map(key);
        let next = last.map(|(instant, id)| Cursor::after(instant, &id));
        Page { items, next }
    }
}
