//! The result for a terminal: what one looks at first. The rest is in the report and in `-o json`.

use std::io::{Result, Write};

use super::fields;
use super::summary::{Level, Slot, Summary, Words};

/// Levels shown of a column.
const LEVELS_SHOWN: usize = 6;

/// Prints the result.
pub fn print(summary: &Summary, out: &mut impl Write) -> Result<()> {
    let Summary {
        rows,
        refused_rows,
        first_event,
        last_event,
        layout,
        amounts,
        clients,
        ..
    } = summary;
    writeln!(out, "{} ({layout})", summary.input)?;
    line(
        out,
        "transactions",
        &format!("{rows}, {refused_rows} rows refused"),
    )?;
    line(out, "time", &format!("{first_event} to {last_event}"))?;
    let fraud = if summary.labelled {
        format!("{}, {}", summary.fraud, percent(summary.fraud_rate))
    } else {
        "not known".to_owned()
    };
    line(out, "fraud", &fraud)?;
    let currency = &amounts.currency;
    let spread = format!(
        "mean {:.2}, deviation {:.2}, from {:.2} to {:.2} {currency}",
        amounts.mean, amounts.deviation, amounts.minimum, amounts.maximum
    );
    line(out, "amounts", &spread)?;
    let quantiles = amounts.quantiles.iter().map(|quantile| {
        let name = quantile.share * 100.0;
        format!("{name:.0} % {:.2}", quantile.amount)
    });
    line(out, "quantiles", &quantiles.collect::<Vec<_>>().join(", "))?;
    for part in &amounts.mixture {
        let told = format!(
            "{:.3} of log-normal, median {:.2}, log deviation {:.3}",
            part.weight,
            libm::exp(part.log_mean),
            part.log_deviation
        );
        line(out, "mixture", &told)?;
    }
    let of_clients = format!(
        "{}{}, {:.2} rows each, {} with one row",
        if clients.exact { "" } else { "about " },
        clients.count,
        clients.mean,
        percent(clients.single_share)
    );
    line(out, "clients", &of_clients)?;
    if summary.labelled {
        hours(summary, out)?;
    }
    for name in fields::NAMED {
        if let Some(words) = summary.words_of(name) {
            levels(words, out)?;
        }
    }
    missing(summary, out)?;
    for note in &summary.notes {
        line(out, "note", note)?;
    }
    Ok(())
}

fn line(out: &mut impl Write, name: &str, value: &str) -> Result<()> {
    writeln!(out, "{name:<14} {value}")
}

/// A share as people read it.
pub fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

fn hours(summary: &Summary, out: &mut impl Write) -> Result<()> {
    let by_rate = |a: &&Slot, b: &&Slot| a.fraud_rate.total_cmp(&b.fraud_rate);
    let busy = summary.hours.iter().filter(|hour| hour.rows > 0);
    let (Some(high), Some(low)) = (busy.clone().max_by(by_rate), busy.min_by(by_rate)) else {
        return Ok(());
    };
    let told = format!(
        "fraud most at {}:00 ({}), least at {}:00 ({})",
        high.name,
        percent(high.fraud_rate),
        low.name,
        percent(low.fraud_rate)
    );
    line(out, "hours", &told)
}

fn levels(words: &Words, out: &mut impl Write) -> Result<()> {
    let told = |level: &Level| {
        let word = level.level.as_deref().unwrap_or("missing");
        format!(
            "{word} {} ({})",
            percent(level.share),
            percent(level.fraud_rate)
        )
    };
    let mut shown: Vec<String> = words.levels.iter().take(LEVELS_SHOWN).map(told).collect();
    if words.levels.len() > LEVELS_SHOWN {
        shown.push("...".to_owned());
    }
    writeln!(out, "{}: share (fraud)", words.name)?;
    line(out, "", &shown.join(", "))
}

fn missing(summary: &Summary, out: &mut impl Write) -> Result<()> {
    let columns = summary.missing.len();
    let more = |bound: f64| {
        let over = summary
            .missing
            .iter()
            .filter(|one| one.missing_rate > bound);
        over.count()
    };
    let told = format!(
        "{} of {columns} columns have gaps, {} are more than half empty",
        more(0.0),
        more(0.5)
    );
    line(out, "missing", &told)
}
