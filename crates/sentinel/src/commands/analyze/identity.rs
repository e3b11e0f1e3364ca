//! The identity table of IEEE-CIS, joined to its transactions by `TransactionID`.
//!
//! It is read whole before the first transaction, since either table may be in any order. Held are per row
//! a hash of the id, which columns it has, and a number for each word: measured, 250 bytes a row for the 41
//! columns of the public set, tables that grow by doubling included. This is the one part of the analysis
//! whose memory grows with the rows of a table, and never with those of the transactions.

use std::collections::HashMap;
use std::path::Path;

use sentinel_domain::ContentHash;

use super::cells::CellRows;
use super::layout::{Use, ieee_cis_use};
use crate::commands::usage;

/// Columns that are looked at, at most: as many as a 64-bit set holds.
const COLUMNS_MAX: usize = 64;

/// Words of a column told apart; later ones share a number.
const WORDS_MAX: usize = 16_384;

/// The number of a cell without a word.
const NO_WORD: u16 = u16::MAX;

/// What stands for words beyond the bound.
const OTHER: &str = "(other)";

/// Who is shown a column: its name, whether it is there, and the word with the name it is counted under.
pub type TakeColumn<'a> = dyn FnMut(&str, bool, Option<(&str, &str)>) + 'a;

/// A column of the identity table.
struct Column {
    name: String,
    /// Under which name its words are counted.
    words_as: Option<String>,
    words: Vec<String>,
    numbers: HashMap<String, u16>,
}

/// Identities by transaction.
pub struct Identities {
    columns: Vec<Column>,
    /// By hash of the id, the place in `present` and, times the columns, in `words`.
    places: HashMap<[u8; 16], u32>,
    present: Vec<u64>,
    words: Vec<u16>,
    /// Rows that could not be read.
    pub broken: u64,
    /// Rows of an id that came before; the first counts.
    pub repeated: u64,
}

impl Identities {
    /// Reads a table to its end.
    pub fn read(path: &Path, missing: &[String]) -> anyhow::Result<Self> {
        let mut rows = CellRows::open(path, &[])?;
        let Some(id) = rows.find(&["TransactionID"]) else {
            return Err(usage(format!(
                "--identity {}: has no column \"TransactionID\"",
                path.display()
            )));
        };
        // The published test table spells its columns `id-01`.
        let looked_at: Vec<(usize, Column)> = rows
            .columns()
            .iter()
            .enumerate()
            .filter(|(number, _)| *number != id)
            .take(COLUMNS_MAX)
            .map(|(number, name)| (number, Column::new(name.replace("id-", "id_"))))
            .collect();
        let (numbers, columns): (Vec<usize>, Vec<Column>) = looked_at.into_iter().unzip();
        let mut identities = Self {
            columns,
            places: HashMap::new(),
            present: Vec::new(),
            words: Vec::new(),
            broken: 0,
            repeated: 0,
        };
        let mut without_id = 0;
        rows.each(&mut |cells| match cells.get(id) {
            None => without_id += 1,
            Some(id) => {
                let cell = |column: &usize| {
                    let cell = cells.get(*column)?;
                    (!missing.iter().any(|missing| missing == cell)).then_some(cell)
                };
                identities.add(id, numbers.iter().map(cell));
            }
        })?;
        identities.broken = rows.broken + without_id;
        Ok(identities)
    }

    fn add<'a>(&mut self, id: &str, cells: impl Iterator<Item = Option<&'a str>>) {
        let Ok(place) = u32::try_from(self.present.len()) else {
            self.broken += 1;
            return;
        };
        match self.places.entry(key(id)) {
            std::collections::hash_map::Entry::Occupied(_) => {
                self.repeated += 1;
                return;
            }
            std::collections::hash_map::Entry::Vacant(slot) => slot.insert(place),
        };
        let mut present = 0;
        for (at, (column, cell)) in self.columns.iter_mut().zip(cells).enumerate() {
            present |= u64::from(cell.is_some()) << at;
            self.words.push(column.number(cell));
        }
        self.present.push(present);
    }

    /// Shows every column for a transaction. A transaction without an identity lacks all.
    pub fn each(&self, id: &str, take: &mut TakeColumn<'_>) {
        let place = self.places.get(&key(id)).map(|place| *place as usize);
        let present = place.and_then(|place| self.present.get(place)).copied();
        for (at, column) in self.columns.iter().enumerate() {
            let number = place.and_then(|place| self.words.get(place * self.columns.len() + at));
            let word = number.and_then(|number| column.word(*number));
            let there = present.is_some_and(|present| present >> at & 1 == 1);
            take(&column.name, there, word);
        }
    }
}

impl Column {
    fn new(name: String) -> Self {
        let words_as = match ieee_cis_use(&name) {
            Use::Word(counted) => Some(counted),
            Use::Number(_) | Use::Presence => None,
        };
        Self {
            name,
            words_as,
            words: Vec::new(),
            numbers: HashMap::new(),
        }
    }

    fn number(&mut self, cell: Option<&str>) -> u16 {
        let (Some(_), Some(cell)) = (&self.words_as, cell) else {
            return NO_WORD;
        };
        let cell = if self.words.len() < WORDS_MAX {
            cell
        } else {
            OTHER
        };
        if let Some(number) = self.numbers.get(cell) {
            return *number;
        }
        let number = u16::try_from(self.words.len()).unwrap_or(NO_WORD);
        self.words.push(cell.to_owned());
        self.numbers.insert(cell.to_owned(), number);
        number
    }

    fn word(&self, number: u16) -> Option<(&str, &str)> {
        let word = self.words.get(usize::from(number))?;
        Some((self.words_as.as_deref()?, word))
    }
}

fn key(id: &str) -> [u8; 16] {
    // Tables that went through other tools spell ids as 2987004.0.
    let id = id.strip_suffix(".0").unwrap_or(id);
    ContentHash::of(id.as_bytes()).short()
}
