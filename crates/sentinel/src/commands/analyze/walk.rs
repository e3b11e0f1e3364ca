//! One walk over the rows, from the house's reader into the statistics.
//!
//! ```text
//!  input ─▶ source ─┬─ cells (columns: missing, words, numbers) ─┐
//!                   └─ transaction (time, amount, client) ───────┴─▶ statistics
//!  labels, identities: read before, looked up by row
//! ```

use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;

use anyhow::Context;
use sentinel_domain::{Instant, RateTable, Transaction};
use sentinel_pipeline::intake::source::{SourceBatch, SourceItem};
use sentinel_pipeline::mapping::{Cell, Row};

use super::identity::Identities;
use super::labels::Labels;
use super::layout::{Kind, Layout, Use};
use super::statistics::Statistics;
use crate::commands::run::input::Input;
use crate::commands::run::ledger::progress_bar;
use crate::commands::usage;

/// Rows between two looks at the progress bar.
const PROGRESS_ROWS: u64 = 1_024;

/// What stands beside the table.
pub struct Beside {
    /// Frauds by transaction.
    pub labels: Option<Labels>,
    /// Identities by transaction.
    pub identities: Option<Identities>,
}

/// The cells of the row that was read last, kept until it is known whether it is a transaction.
#[derive(Default)]
struct Seen {
    text: String,
    cells: Vec<Cell>,
}

impl Seen {
    fn keep(&mut self, row: &Row<'_>) {
        self.text.clear();
        self.text.push_str(row.text);
        self.cells.clear();
        self.cells.extend_from_slice(row.cells);
    }

    fn cell(&self, column: usize) -> Option<&str> {
        let Cell { start, end } = *self.cells.get(column)?;
        self.text.get(start..end)
    }
}

/// Reads a table to its end.
pub fn walk(
    path: &Path,
    layout: &Layout,
    beside: &Beside,
    rates: RateTable,
) -> anyhow::Result<Statistics> {
    let mut input = Input::open(path)?;
    // An analysis looks back: no event is too far ahead of it.
    let now = Instant::from_micros(Instant::RANGE_MICROS.end);
    let mut source = input.read(layout.mapping.clone(), now)?;
    let columns = Columns::new(layout, source.columns())?;
    let mut statistics = Statistics::new(rates);
    let progress = progress_bar(input.total_bytes);
    let mut batch = SourceBatch::default();
    let mut seen = Seen::default();
    let mut rows = 0_u64;
    while source
        .next_batch_seeing(&mut batch, 1, &mut |_, row| seen.keep(row))
        .context("read the input")?
    {
        for item in batch.items.drain(..) {
            match item {
                SourceItem::Transaction { transaction, .. } => {
                    columns.count(&transaction, &seen, beside, &mut statistics);
                }
                SourceItem::Rejected { row, rejection, .. } => statistics.refuse(row, &rejection),
                // What a label says was read from its row already.
                SourceItem::Label { .. } => {}
            }
        }
        rows += 1;
        if rows.is_multiple_of(PROGRESS_ROWS) {
            progress.set_position(input.read_bytes.load(Relaxed));
        }
    }
    progress.finish_and_clear();
    Ok(statistics)
}

/// What is done with each column.
struct Columns<'a> {
    layout: &'a Layout,
    names: Vec<String>,
    uses: Vec<Use>,
    /// The column that says fraud.
    label: Option<usize>,
}

impl<'a> Columns<'a> {
    fn new(layout: &'a Layout, names: &[String]) -> anyhow::Result<Self> {
        let label = match &layout.label {
            None => None,
            Some(rule) => {
                let at = names.iter().position(|name| *name == rule.column);
                // The test table of IEEE-CIS has no labels; a mapping that names a column means it.
                if at.is_none() && layout.kind != Kind::IeeeCis {
                    return Err(usage(format!(
                        "the label column {:?} of the mapping is not in the table",
                        rule.column
                    )));
                }
                at
            }
        };
        Ok(Self {
            layout,
            names: names.to_vec(),
            uses: layout.uses(names),
            label,
        })
    }

    fn count(
        &self,
        transaction: &Transaction,
        seen: &Seen,
        beside: &Beside,
        statistics: &mut Statistics,
    ) {
        let event_id = transaction.event_id.as_str();
        let fraud = match (&beside.labels, &self.layout.label) {
            (Some(labels), _) => labels.is_fraud(event_id),
            (None, Some(rule)) => {
                let cell = self.label.and_then(|column| seen.cell(column));
                cell.is_some_and(|cell| rule.fraud.iter().any(|word| word == cell))
            }
            (None, None) => false,
        };
        let amount = statistics.add(transaction, fraud);
        let row = (amount, fraud);
        match self.layout.kind {
            Kind::Canonical => statistics.add_fields(transaction, row, true),
            Kind::Mapped => statistics.add_fields(transaction, row, false),
            // Its own words stand in its columns, unshortened: discover is no other.
            Kind::IeeeCis => {}
        }
        if self.layout.kind != Kind::Canonical {
            self.count_cells(seen, row, statistics);
        }
        if let Some(identities) = &beside.identities {
            identities.each(event_id, &mut |name, there, word| {
                statistics.count_present(name, there);
                if let Some((counted, word)) = word {
                    statistics.word(counted, Some(word), row);
                }
            });
        }
    }

    fn count_cells(&self, seen: &Seen, row: (Option<i64>, bool), statistics: &mut Statistics) {
        for (column, (name, counted)) in self.names.iter().zip(&self.uses).enumerate() {
            let cell = seen
                .cell(column)
                .filter(|cell| !self.layout.is_missing(cell));
            statistics.count_present(name, cell.is_some());
            match (counted, cell) {
                (Use::Word(name), Some(cell)) => statistics.word(name, Some(cell), row),
                (Use::Number(name), Some(cell)) => {
                    if let Some(number) = cell.trim().parse().ok().filter(|n: &f64| n.is_finite()) {
                        statistics.number(name, number);
                    }
                }
                _ => {}
            }
        }
    }
}
