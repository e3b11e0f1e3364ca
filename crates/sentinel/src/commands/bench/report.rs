//! Printing a measurement: JSON for machines, one line a figure for people, ratios to an earlier one.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;
use serde_json::Value;

use super::{Output, ReportArguments};
use crate::commands::usage;

/// Prints a report.
pub fn print(report: &impl Serialize, arguments: &ReportArguments) -> anyhow::Result<()> {
    let mut report = serde_json::to_value(report).context("spell the report")?;
    let ratios = match &arguments.compare {
        Some(path) => Some(ratios_to(&earlier(path)?, &report)),
        None => None,
    };
    let mut out = std::io::stdout().lock();
    match arguments.output {
        Output::Json => {
            if let (Some(ratios), Some(object)) = (ratios, report.as_object_mut()) {
                let ratios = ratios.into_iter().map(|one| (one.name, one.ratio.into()));
                object.insert("ratios".to_owned(), Value::Object(ratios.collect()));
            }
            serde_json::to_writer_pretty(&mut out, &report)?;
            writeln!(out)?;
        }
        Output::Table => {
            print_table(&report, &mut out)?;
            if let (Some(ratios), Some(path)) = (ratios, &arguments.compare) {
                writeln!(out, "\nagainst {}", path.display())?;
                for one in ratios {
                    let Ratio {
                        name,
                        earlier,
                        now,
                        ratio,
                    } = one;
                    writeln!(out, "{name:<58} {earlier:>16} -> {now:<16} x{ratio:.3}")?;
                }
            }
        }
    }
    out.flush()?;
    Ok(())
}

fn earlier(path: &Path) -> anyhow::Result<Value> {
    let text = std::fs::read(path)
        .map_err(|error| usage(format!("read --compare {}: {error}", path.display())))?;
    serde_json::from_slice(&text)
        .map_err(|error| usage(format!("read --compare {}: {error}", path.display())))
}

fn print_table(report: &Value, out: &mut impl Write) -> std::io::Result<()> {
    for (name, value) in leaves(report) {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) if number.is_f64() => {
                format!("{:.3}", number.as_f64().unwrap_or(f64::NAN))
            }
            other => other.to_string(),
        };
        writeln!(out, "{name:<58} {value}")?;
    }
    Ok(())
}

/// One figure of two runs.
struct Ratio {
    name: String,
    earlier: f64,
    now: f64,
    ratio: f64,
}

/// Every figure that both have and that is not zero.
fn ratios_to(earlier: &Value, now: &Value) -> Vec<Ratio> {
    let earlier = leaves(earlier);
    let before = |name: &str| {
        let found = earlier.iter().find(|(have, _)| have == name);
        found.and_then(|(_, value)| value.as_f64())
    };
    let figures = leaves(now).into_iter().filter_map(|(name, value)| {
        let (earlier, now) = (before(&name)?, value.as_f64()?);
        (earlier != 0.0 && !name.starts_with("machine.")).then_some(Ratio {
            name,
            earlier,
            now,
            ratio: now / earlier,
        })
    });
    figures.collect()
}

/// Every value that holds no other, with the way to it. An element of a list is called by its `name`.
fn leaves(value: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    collect("", value, &mut found);
    found
}

fn collect<'a>(path: &str, value: &'a Value, found: &mut Vec<(String, &'a Value)>) {
    let below = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                collect(&below(name), value, found);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                let name = value.get("name").and_then(Value::as_str);
                let name = name.map_or_else(|| index.to_string(), str::to_owned);
                collect(&below(&name), value, found);
            }
        }
        leaf => found.push((path.to_owned(), leaf)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ratios_are_taken_of_figures_that_both_have() {
        let earlier = json!({"a": {"b": 2.0, "none": 0}, "rows": [{"name": "x", "n": 10}], "machine": {"load": 1.0}});
        let now = json!({"a": {"b": 3.0, "new": 1, "none": 1}, "rows": [{"name": "x", "n": 5}], "machine": {"load": 2.0}});
        let ratios: Vec<(String, f64)> = ratios_to(&earlier, &now)
            .into_iter()
            .map(|one| (one.name, one.ratio))
            .collect();
        assert_eq!(
            ratios,
            [("a.b".to_owned(), 1.5), ("rows.x.n".to_owned(), 0.5)]
        );
    }
}
