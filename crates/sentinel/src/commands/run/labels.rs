//! A labels file: JSON lines as `sentinel generate --labels` writes them.
//!
//! Read whole before the first row, since labels need not stand in the order in which they become known.
//! A line that is no label refuses the file, with its number: a label that is lost would go unnoticed.

use std::path::Path;

use sentinel_domain::Label;
use sentinel_pipeline::intake::json::{self, LabelLine};

use crate::commands::usage;

/// The labels of a file; a fault is wrong usage and names the line.
pub fn read(path: &Path) -> anyhow::Result<Vec<Label>> {
    let lines = read_lines(path)?;
    Ok(lines.into_iter().map(|line| line.label).collect())
}

/// As [`read`], with what stands beside each label.
pub fn read_lines(path: &Path) -> anyhow::Result<Vec<LabelLine>> {
    let bytes = crate::content::read(path)?;
    let mut labels = Vec::new();
    for (number, line) in (1_u64..).zip(bytes.split(|byte| *byte == b'\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let read = json::parse_label(line).map_err(|rejection| {
            usage(format!(
                "read --labels {}:{number}: {rejection} (labels are read as JSON lines, such as \
                 `sentinel generate --labels labels.jsonl` writes)",
                path.display()
            ))
        })?;
        labels.push(read);
    }
    Ok(labels)
}
