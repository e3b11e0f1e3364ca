//! Outcomes as payloads of the decision log: four bytes of latency, then the body.
//!
//! The latency is measured, so it differs from run to run; the body follows from the log and is what a
//! replay compares byte for byte ([`outcome_body`]). Position and log time are those of the record and
//! are not stored again; versions are named by their short hash.

use std::sync::Arc;

use sentinel_domain::identifier::Text;
use sentinel_domain::rejection::RejectionCode;
use sentinel_domain::{
    Contribution, Decision, Degradation, EventId, Instant, LogOdds, LogPosition, Offset, Outcome,
    Reason, Rejection, RuleHit, RuleOutcome, Score, Tier, Verdict, Versions,
};

use super::cursor::{CODEC_VERSION, Cursor, put_float, put_head, put_signed, put_text};
use super::versions::{VersionsTable, decode_versions, encode_versions, has_lists, short_hash};
use crate::error::CodecError;
use crate::varint::write_varint;

const KIND_DECIDED: u8 = 1;
const KIND_REPEATED: u8 = 2;
const KIND_CONFLICTED: u8 = 3;
const KIND_APPLIED: u8 = 4;
const KIND_ACTIVATED: u8 = 5;
const KIND_IGNORED: u8 = 6;
const KIND_REFUSED: u8 = 7;

/// Decisions carry the confidence of their score since this version; those before have none.
const DECIDED_VERSION: u8 = 2;

/// Activations name lists since this version, where there are any.
const ACTIVATED_VERSION: u8 = 2;

/// The latency before the body.
const LATENCY_BYTES: usize = 4;

/// Writes outcomes. It remembers the hash of the last versions it met: they are shared by reference
/// between two activations, so one comparison of pointers saves a hash a decision.
#[derive(Debug, Default, Clone)]
pub struct OutcomeEncoder {
    last: Option<(Arc<Versions>, u64)>,
}

impl OutcomeEncoder {
    /// Appends an outcome's payload to `out`.
    pub fn encode(&mut self, outcome: &Outcome, latency_us: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(&latency_us.to_le_bytes());
        match outcome {
            Outcome::Decided(decision) => {
                out.extend_from_slice(&[KIND_DECIDED, DECIDED_VERSION]);
                let versions = self.short_hash(&decision.versions);
                out.extend_from_slice(&versions.to_be_bytes());
                encode_decision(decision, out);
            }
            Outcome::Repeated { first } => {
                put_head(out, KIND_REPEATED);
                write_varint(out, first.0);
            }
            Outcome::Conflicted { first } => {
                put_head(out, KIND_CONFLICTED);
                write_varint(out, first.0);
            }
            Outcome::Applied => put_head(out, KIND_APPLIED),
            Outcome::Activated(versions) => {
                let version = if has_lists(versions) {
                    ACTIVATED_VERSION
                } else {
                    CODEC_VERSION
                };
                out.extend_from_slice(&[KIND_ACTIVATED, version]);
                encode_versions(versions, out);
            }
            Outcome::Ignored => put_head(out, KIND_IGNORED),
            Outcome::Refused(rejection) => {
                put_head(out, KIND_REFUSED);
                out.push(rejection.code.code());
                put_text(out, &rejection.field);
                put_text(out, &rejection.detail);
            }
        }
    }

    fn short_hash(&mut self, versions: &Arc<Versions>) -> u64 {
        match &self.last {
            Some((last, hash)) if Arc::ptr_eq(last, versions) => *hash,
            _ => {
                let hash = short_hash(versions);
                self.last = Some((Arc::clone(versions), hash));
                hash
            }
        }
    }
}

/// Reads an outcome and its latency in microseconds back. `position` and `log_time` are those of the
/// transaction it speaks of. Versions are looked up in the table, which the caller keeps filled.
pub fn decode_outcome(
    bytes: &[u8],
    position: LogPosition,
    log_time: Instant,
    versions: &VersionsTable,
) -> Result<(Outcome, u32), CodecError> {
    let mut cursor = Cursor::new(bytes);
    let latency_us = u32::from_le_bytes(cursor.array("latency")?);
    let newest = |kind| match kind {
        KIND_DECIDED => DECIDED_VERSION,
        KIND_ACTIVATED => ACTIVATED_VERSION,
        _ => CODEC_VERSION,
    };
    let (kind, version) = cursor.head(newest)?;
    let outcome = match kind {
        KIND_DECIDED => {
            let confident = version == DECIDED_VERSION;
            let decision = decode_decision(&mut cursor, confident, position, log_time, versions)?;
            Outcome::Decided(Box::new(decision))
        }
        KIND_REPEATED => Outcome::Repeated {
            first: Offset(cursor.varint("first offset")?),
        },
        KIND_CONFLICTED => Outcome::Conflicted {
            first: Offset(cursor.varint("first offset")?),
        },
        KIND_APPLIED => Outcome::Applied,
        KIND_ACTIVATED => {
            let has_lists = version == ACTIVATED_VERSION;
            Outcome::Activated(Arc::new(decode_versions(&mut cursor, has_lists)?))
        }
        KIND_IGNORED => Outcome::Ignored,
        KIND_REFUSED => Outcome::Refused(Rejection {
            code: cursor.word("rejection code", RejectionCode::from_code)?,
            field: cursor.text("rejection field")?.to_owned(),
            detail: cursor.text("rejection detail")?.to_owned(),
        }),
        kind => return Err(CodecError::UnknownKind { kind }),
    };
    cursor.finish()?;
    Ok((outcome, latency_us))
}

/// The payload without its latency: what a replay compares byte for byte.
pub fn outcome_body(payload: &[u8]) -> &[u8] {
    payload.get(LATENCY_BYTES..).unwrap_or_default()
}

fn encode_decision(decision: &Decision, out: &mut Vec<u8>) {
    put_text(out, decision.event_id.as_str());
    out.extend_from_slice(&[decision.verdict.code(), decision.tier.code()]);
    put_signed(out, decision.score.log_odds.units());
    put_float(out, decision.score.probability);
    put_float(out, decision.score.risk);
    put_float(out, decision.score.confidence);
    put_signed(out, decision.base.units());
    write_varint(out, decision.degraded.len() as u64);
    out.extend(
        decision
            .degraded
            .iter()
            .map(|degradation| degradation.code()),
    );
    write_varint(out, decision.reasons.len() as u64);
    for reason in &decision.reasons {
        put_text(out, &reason.code);
        put_text(out, &reason.text);
        put_signed(out, reason.contribution.units());
    }
    write_varint(out, decision.rules.len() as u64);
    for rule in &decision.rules {
        put_text(out, &rule.rule_id);
        write_varint(out, u64::from(rule.version));
        out.push(rule.outcome.code());
        write_varint(out, rule.evidence.len() as u64);
        for (name, value) in &rule.evidence {
            put_text(out, name);
            put_float(out, *value);
        }
    }
    write_varint(out, decision.contributions.len() as u64);
    for contribution in &decision.contributions {
        write_varint(out, u64::from(contribution.feature));
        put_signed(out, contribution.log_odds.units());
    }
}

fn decode_decision(
    cursor: &mut Cursor<'_>,
    confident: bool,
    position: LogPosition,
    log_time: Instant,
    versions: &VersionsTable,
) -> Result<Decision, CodecError> {
    let short_hash = u64::from_be_bytes(cursor.array("versions hash")?);
    let versions = versions
        .get(short_hash)
        .ok_or(CodecError::UnknownVersions { short_hash })?;
    Ok(Decision {
        position,
        log_time,
        versions: Arc::clone(versions),
        // From here on the order is the order of the bytes.
        event_id: EventId(Text::new(cursor.text("event_id")?)),
        verdict: cursor.word("verdict", Verdict::from_code)?,
        tier: cursor.word("tier", Tier::from_code)?,
        score: Score {
            log_odds: log_odds(cursor, "score")?,
            probability: cursor.float("probability")?,
            risk: cursor.float("risk")?,
            confidence: if confident {
                cursor.float("confidence")?
            } else {
                0.0
            },
        },
        base: log_odds(cursor, "base")?,
        degraded: list(cursor, "degraded", 1, |c| {
            c.word("degraded", Degradation::from_code)
        })?,
        reasons: list(cursor, "reasons", 3, decode_reason)?,
        rules: list(cursor, "rules", 4, decode_rule)?,
        contributions: list(cursor, "contributions", 2, decode_contribution)?,
    })
}

/// A count and that many items of at least `item_bytes_min` bytes each.
fn list<T>(
    cursor: &mut Cursor<'_>,
    field: &'static str,
    item_bytes_min: usize,
    mut item: impl FnMut(&mut Cursor<'_>) -> Result<T, CodecError>,
) -> Result<Vec<T>, CodecError> {
    let count = cursor.count(field, item_bytes_min)?;
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(item(cursor)?);
    }
    Ok(items)
}

fn log_odds(cursor: &mut Cursor<'_>, field: &'static str) -> Result<LogOdds, CodecError> {
    cursor.signed(field).map(LogOdds::from_units)
}

fn decode_reason(cursor: &mut Cursor<'_>) -> Result<Reason, CodecError> {
    Ok(Reason {
        code: Text::new(cursor.text("reason code")?),
        text: cursor.text("reason text")?.to_owned(),
        contribution: log_odds(cursor, "reason contribution")?,
    })
}

fn decode_rule(cursor: &mut Cursor<'_>) -> Result<RuleHit, CodecError> {
    Ok(RuleHit {
        rule_id: Text::new(cursor.text("rule id")?),
        version: cursor.varint_u32("rule version")?,
        outcome: cursor.word("rule outcome", RuleOutcome::from_code)?,
        evidence: list(cursor, "evidence", 9, |c| {
            Ok((Text::new(c.text("evidence name")?), c.float("evidence")?))
        })?,
    })
}

fn decode_contribution(cursor: &mut Cursor<'_>) -> Result<Contribution, CodecError> {
    let field = "contribution";
    let feature = u16::try_from(cursor.varint(field)?).map_err(|_| {
        let law = "the feature's index does not fit 16 bits";
        CodecError::Invalid { field, law }
    })?;
    let log_odds = log_odds(cursor, field)?;
    Ok(Contribution { feature, log_odds })
}
