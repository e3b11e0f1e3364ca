//! What a replay found, for people and for programs. Must never leave out what differs.

use std::io::Write;

use sentinel_api::wire::decision::{DecisionBody, SpelledVersions};
use sentinel_domain::{Decision, Offset, Outcome};
use sentinel_eventlog::VersionsTable;
use sentinel_pipeline::replay::{Explained, RangeReplay, Replay};
use serde_json::{Value, json};

/// One decision.
pub fn decision(
    id: &str,
    replayed: &Replay,
    explained: Option<&Explained>,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    if replayed.is_equal() {
        let bytes = replayed.computed_bytes.len();
        writeln!(out, "equal: {id} is the same byte for byte ({bytes} bytes)")?;
        applied(replayed.entries, replayed.began, out)?;
        writeln!(out, "decision: {}", outcome(&replayed.computed))?;
    } else {
        writeln!(out, "DIFFERENT: {id} is not what the log gives now")?;
        difference(replayed, out)?;
    }
    if let Some(explained) = explained {
        explanation(explained, out)?;
    }
    out.flush()
}

/// The same for programs.
pub fn decision_json(
    id: &str,
    replayed: &Replay,
    explained: Option<&Explained>,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let body = json!({
        "decision_id": id,
        "equal": replayed.is_equal(),
        "entries": replayed.entries,
        "began_at": replayed.began.0,
        "computed": outcome(&replayed.computed),
        "recorded": recorded(replayed),
        "explanation": explained.map(explanation_json),
    });
    writeln!(out, "{body:#}")
}

/// A stretch of the log.
pub fn range(
    (from, to): (Offset, Offset),
    found: &RangeReplay,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let (compared, different) = (found.compared, found.different);
    let verdict = if different == 0 { "equal" } else { "DIFFERENT" };
    writeln!(
        out,
        "{verdict}: entries {from} to {to}, {compared} outcomes compared, {different} differ"
    )?;
    applied(found.entries, found.began, out)?;
    writeln!(out, "hash of the outcomes: {}", found.hash)?;
    for replayed in &found.differences {
        writeln!(out, "entry {}:", replayed.position.offset)?;
        difference(replayed, out)?;
    }
    let untold = different.saturating_sub(found.differences.len() as u64);
    if untold > 0 {
        writeln!(out, "and {untold} more")?;
    }
    out.flush()
}

/// The same for programs.
pub fn range_json(
    (from, to): (Offset, Offset),
    found: &RangeReplay,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let differences = found.differences.iter().map(|replayed| {
        json!({
            "offset": replayed.position.offset.0,
            "computed": outcome(&replayed.computed),
            "recorded": recorded(replayed),
        })
    });
    let body = json!({
        "from": from.0,
        "to": to.0,
        "equal": found.different == 0,
        "entries": found.entries,
        "began_at": found.began.0,
        "compared": found.compared,
        "different": found.different,
        "hash": found.hash.to_string(),
        "differences": differences.collect::<Vec<Value>>(),
    });
    writeln!(out, "{body:#}")
}

/// How many entries were applied, and from where on.
fn applied(entries: u64, began: Offset, out: &mut dyn Write) -> std::io::Result<()> {
    match began {
        Offset(0) => writeln!(out, "{entries} entries of the log applied"),
        began => writeln!(
            out,
            "{entries} entries of the log applied, behind the snapshot at {began}"
        ),
    }
}

fn difference(replayed: &Replay, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "computed: {}", outcome(&replayed.computed))?;
    writeln!(out, "recorded: {}", recorded(replayed))?;
    let (recorded, computed) = (&replayed.recorded_bytes, &replayed.computed_bytes);
    let differs = recorded
        .iter()
        .zip(computed)
        .position(|(one, other)| one != other)
        .unwrap_or(recorded.len().min(computed.len()));
    writeln!(
        out,
        "first difference at byte {differs} of {} recorded, {} computed",
        recorded.len(),
        computed.len()
    )
}

/// The recorded outcome where it can still be read.
fn recorded(replayed: &Replay) -> Value {
    let mut versions = VersionsTable::default();
    if let Outcome::Decided(decision) = &replayed.computed {
        versions.insert(decision.versions.clone());
    }
    match replayed.recorded(&versions) {
        Ok(recorded) => outcome(&recorded),
        Err(error) => Value::String(format!("cannot be read: {error}")),
    }
}

fn outcome(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Decided(decision) => body(decision),
        other => Value::String(format!("{other:?}")),
    }
}

fn body(decision: &Decision) -> Value {
    let spelled = SpelledVersions::of(&decision.versions);
    serde_json::to_value(DecisionBody::of(decision, &spelled, None)).unwrap_or_default()
}

/// Features by the size of what they put in; those without a say follow in the catalogue's order.
fn explanation(explained: &Explained, out: &mut dyn Write) -> std::io::Result<()> {
    let total: i64 = explained.features.iter().map(|one| one.2.units()).sum();
    writeln!(out, "\nlog-odds that each feature puts in:")?;
    writeln!(out, "{:>10.4}  base", explained.base.to_f64())?;
    let mut features: Vec<_> = explained.features.iter().collect();
    features.sort_by_key(|one| std::cmp::Reverse(one.2.units().abs()));
    for (name, value, log_odds) in features {
        let value = if value.is_nan() {
            "missing".to_owned()
        } else {
            value.to_string()
        };
        writeln!(out, "{:>10.4}  {name} = {value}", log_odds.to_f64())?;
    }
    let sum = sentinel_domain::LogOdds::from_units(explained.base.units() + total);
    writeln!(out, "{:>10.4}  together", sum.to_f64())
}

fn explanation_json(explained: &Explained) -> Value {
    let features = explained.features.iter().map(|(name, value, log_odds)| {
        json!({ "feature": name, "value": value, "log_odds": log_odds.to_f64() })
    });
    json!({
        "base": explained.base.to_f64(),
        "features": features.collect::<Vec<Value>>(),
    })
}
