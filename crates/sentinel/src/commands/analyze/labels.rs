//! What is known about fraud: a column of the table, or a file beside it.
//!
//! A file names transactions by `event_id` (or `transaction_id`, `TransactionID`) and may say what each is
//! in `kind` (`fraud`, `legit`, `suspect`) or in `fraud`, `is_fraud`, `isFraud`, `label` (1, true, fraud: fraud).
//! Where it says nothing more, to be listed is to be fraud. Held are 16 bytes for each fraud, nothing else.

use std::collections::HashSet;
use std::path::Path;

use sentinel_domain::ContentHash;

use super::cells::CellRows;
use crate::commands::usage;

/// Columns that name the transaction.
const IDS: [&str; 3] = ["event_id", "transaction_id", "TransactionID"];

/// Columns that say what it is.
const VERDICTS: [&str; 5] = ["kind", "fraud", "is_fraud", "isFraud", "label"];

/// The frauds of a labels file.
pub struct Labels {
    fraud: HashSet<[u8; 16]>,
    /// Lines that could not be used.
    pub broken: u64,
}

impl Labels {
    /// Reads a file to its end. A correction (`legit` behind `fraud`) takes a fraud back.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let keys: Vec<&str> = IDS.iter().chain(&VERDICTS).copied().collect();
        let mut rows = CellRows::open(path, &keys)?;
        let ids: Vec<usize> = columns(&rows, &IDS);
        let verdicts: Vec<usize> = columns(&rows, &VERDICTS);
        if ids.is_empty() {
            return Err(usage(format!(
                "--labels {}: has no column {}",
                path.display(),
                IDS.join(", ")
            )));
        }
        let mut fraud = HashSet::new();
        let mut without_id = 0;
        let mut named = false;
        rows.each(&mut |cells| {
            let first = |columns: &[usize]| columns.iter().find_map(|column| cells.get(*column));
            let Some(id) = first(&ids) else {
                without_id += 1;
                return;
            };
            named = true;
            let key = ContentHash::of(id.as_bytes()).short();
            match first(&verdicts) {
                None => drop(fraud.insert(key)),
                Some(word) if says_fraud(word) => drop(fraud.insert(key)),
                Some("suspect") => {}
                Some(_) => drop(fraud.remove(&key)),
            }
        })?;
        let broken = rows.broken + without_id;
        if broken > 0 && !named {
            return Err(usage(format!(
                "--labels {}: none of its {broken} lines names a transaction by {}",
                path.display(),
                IDS.join(", ")
            )));
        }
        Ok(Self { fraud, broken })
    }

    /// Whether a transaction is known as fraud.
    pub fn is_fraud(&self, event_id: &str) -> bool {
        self.fraud
            .contains(&ContentHash::of(event_id.as_bytes()).short())
    }
}

fn columns(rows: &CellRows, names: &[&str]) -> Vec<usize> {
    names.iter().filter_map(|name| rows.find(&[name])).collect()
}

fn says_fraud(word: &str) -> bool {
    matches!(word, "1" | "1.0" | "true" | "True" | "TRUE" | "fraud")
}
