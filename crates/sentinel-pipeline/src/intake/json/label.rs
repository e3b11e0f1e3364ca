//! Labels as JSON: one flat object is one label, a line of a labels file.
//!
//! **Enters:** the bytes of one object. **Leaves:** a [`Label`] under the same laws as the transaction it
//! speaks of, or a [`Rejection`] that names the field. **Promises:** `parse_label(write_label(l)) == l`.
//! **Must never:** let `story` or `episode` reach a decision. Generated labels carry them for the person
//! who reads the file; they are read so that a misspelt key is still found, and stay beside the label.

use sentinel_domain::identifier::ID_BYTES_MAX;
use sentinel_domain::{
    Draft, Field, Instant, Label, LabelId, LabelKind, LabelSource, Rejection,
    RejectionCode as Code, Text, Value,
};
use serde::{Deserialize, Serialize};

use super::syntax_rejection;

/// One line of a labels file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelLine {
    /// What was learnt.
    pub label: Label,
    /// The kind of fraud, where the payments were made up.
    pub story: Option<String>,
    /// The number of the episode among those of its stream, where the payments were made up.
    pub episode: Option<u64>,
}

#[derive(Serialize)]
struct Written<'a> {
    label_id: &'a str,
    event_id: &'a str,
    kind: &'a str,
    source: &'a str,
    known_at: i64,
    event_time: i64,
    amount_minor: i64,
    currency: &'a str,
    account_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    terminal_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    story: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    episode: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    label_id: String,
    event_id: String,
    kind: String,
    source: String,
    known_at: When,
    event_time: When,
    amount_minor: i64,
    currency: String,
    account_id: String,
    card_token: Option<String>,
    merchant_id: Option<String>,
    terminal_id: Option<String>,
    story: Option<String>,
    episode: Option<u64>,
}

/// An instant as a transaction may spell it: microseconds, or RFC 3339.
#[derive(Deserialize)]
#[serde(untagged)]
enum When {
    Micros(i64),
    Text(String),
}

impl When {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Micros(micros) => Value::Integer(*micros),
            Self::Text(text) => Value::Text(text),
        }
    }
}

/// Appends the canonical spelling of a label: absent fields left out, instants as microseconds. No line end.
pub fn write_label(label: &Label, story: Option<&str>, episode: Option<u64>, out: &mut Vec<u8>) {
    let line = Written {
        label_id: label.label_id.as_str(),
        event_id: label.event_id.as_str(),
        kind: label.kind.as_str(),
        source: label.source.as_str(),
        known_at: label.known_at.micros(),
        event_time: label.event_time.micros(),
        amount_minor: label.amount_minor,
        currency: label.currency.as_str(),
        account_id: label.account_id.as_str(),
        card_token: label.card_token.as_ref().map(|id| id.as_str()),
        merchant_id: label.merchant_id.as_ref().map(|id| id.as_str()),
        terminal_id: label.terminal_id.as_ref().map(|id| id.as_str()),
        story,
        episode,
    };
    let written = serde_json::to_writer(out, &line);
    assert!(written.is_ok(), "a flat object is always written to memory");
}

/// Reads one label. `story` and `episode` may stand in it; any other further key is refused.
pub fn parse_label(bytes: &[u8]) -> Result<LabelLine, Rejection> {
    let read: Read =
        serde_json::from_slice(bytes).map_err(|error| syntax_rejection(bytes, "", &error))?;
    // What a label says of its transaction obeys that transaction's laws, told by the same words.
    let mut draft = Draft::new();
    draft.set(Field::EventType, Value::Text("card_auth"))?;
    draft.set(Field::EventId, Value::Text(&read.event_id))?;
    draft.set(Field::EventTime, read.event_time.value())?;
    draft.set(Field::AccountId, Value::Text(&read.account_id))?;
    draft.set(Field::AmountMinor, Value::Integer(read.amount_minor))?;
    draft.set(Field::Currency, Value::Text(&read.currency))?;
    let further = [
        (Field::CardToken, &read.card_token),
        (Field::MerchantId, &read.merchant_id),
        (Field::TerminalId, &read.terminal_id),
    ];
    for (field, text) in further {
        if let Some(text) = text {
            draft.set(field, Value::Text(text))?;
        }
    }
    let transaction = draft.finish()?;
    let label = Label {
        label_id: LabelId::new(label_id(&read.label_id)?),
        event_id: transaction.event_id,
        kind: word("kind", &read.kind, LabelKind::parse(&read.kind))?,
        source: word("source", &read.source, LabelSource::parse(&read.source))?,
        known_at: known_at(&read.known_at)?,
        event_time: transaction.event_time,
        amount_minor: transaction.amount_minor,
        currency: transaction.currency,
        account_id: transaction.account_id,
        card_token: transaction.card_token,
        merchant_id: transaction.merchant_id,
        terminal_id: transaction.terminal_id,
    };
    Ok(LabelLine {
        label,
        story: read.story,
        episode: read.episode,
    })
}

fn label_id(text: &str) -> Result<Text, Rejection> {
    match text.len() {
        0 => Err(Rejection::new(Code::MissingField, "label_id", "is empty")),
        bytes if bytes > ID_BYTES_MAX => {
            let detail = format!("is {bytes} bytes long, at most {ID_BYTES_MAX}");
            Err(Rejection::new(Code::TooLong, "label_id", detail))
        }
        _ => Ok(text.into()),
    }
}

fn word<T>(field: &str, spelled: &str, parsed: Option<T>) -> Result<T, Rejection> {
    parsed.ok_or_else(|| {
        let short: String = spelled.chars().take(40).collect();
        let detail = format!("is the text {short:?}, which is no {field} of a label");
        Rejection::new(Code::UnknownValue, field, detail)
    })
}

/// By the law of `event_time`, under its own name.
fn known_at(when: &When) -> Result<Instant, Rejection> {
    let mut draft = Draft::new();
    draft
        .set(Field::AccountOpenedAt, when.value())
        .map_err(|rejection| Rejection {
            field: "known_at".to_owned(),
            ..rejection
        })?;
    match when {
        When::Micros(micros) => Ok(Instant::from_micros(*micros)),
        When::Text(text) => Ok(Instant::parse_rfc3339(text).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"label_id":"e1-fraud","event_id":"e1","kind":"fraud","source":"chargeback","known_at":1774259200000000,"event_time":1774000000000000,"amount_minor":1250,"currency":"EUR","account_id":"a1","card_token":"c1","story":"card_testing","episode":7}"#;

    #[test]
    fn what_is_written_is_read_back_story_and_episode_beside_it() {
        let line = parse_label(LINE.as_bytes()).unwrap();
        assert_eq!(line.story.as_deref(), Some("card_testing"));
        assert_eq!(line.episode, Some(7));
        assert_eq!(line.label.merchant_id, None);
        let mut out = Vec::new();
        write_label(&line.label, line.story.as_deref(), line.episode, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), LINE);
        let plain = LINE.replace(r#","story":"card_testing","episode":7"#, "");
        assert_eq!(parse_label(plain.as_bytes()).unwrap().label, line.label);
        let text = LINE.replace("1774259200000000", "\"2026-03-23T09:46:40Z\"");
        assert_eq!(parse_label(text.as_bytes()).unwrap().label, line.label);
    }

    #[test]
    fn a_fault_is_named() {
        for (from, to, expected) in [
            ("\"e1\"", "\"\"", "missing_field in event_id"),
            ("\"fraud\"", "\"fruad\"", "unknown_value in kind"),
            ("chargeback", "rumour", "unknown_value in source"),
            ("1250", "-1", "negative_amount in amount_minor"),
            ("EUR", "EURO", "unknown_currency in currency"),
            ("1774259200000000", "\"soon\"", "wrong_type in known_at"),
            (
                "1774259200000000",
                "9223372036854775807",
                "out_of_range in known_at",
            ),
            ("\"e1-fraud\"", "\"\"", "missing_field in label_id"),
            (
                "\"episode\"",
                "\"episodes\"",
                "bad_json: unknown field `episodes`",
            ),
            ("\"kind\":\"fraud\",", "", "bad_json: missing field `kind`"),
            ("{", "", "bad_json"),
        ] {
            let told = parse_label(LINE.replacen(from, to, 1).as_bytes()).unwrap_err();
            let told = told.to_string();
            assert!(told.starts_with(expected), "{to}: {told}");
        }
    }
}
