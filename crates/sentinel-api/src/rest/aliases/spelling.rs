//! From the words of existing clients to the canonical spelling, byte by byte.
//!
//! **Enters:** the body of `POST /transactions`. **Leaves:** a canonical body for the pipeline, and the
//! way back from its field names to the keys the caller wrote.
//!
//! **Promises:** no amount passes through floating point; values that are not renamed are copied as they
//! stand. What cannot be read goes on to the pipeline all the same, which refuses, counts and keeps it.

use sentinel_domain::{Currency, Field, Instant, Rejection};

mod decimal;
mod members;

/// The words of existing clients and the fields they mean.
const OLD_NAMES: &[(&str, Field)] = &[
    ("transaction_id", Field::EventId),
    ("user_id", Field::AccountId),
    ("amount", Field::AmountMinor),
    ("timestamp", Field::EventTime),
    ("merchant", Field::MerchantId),
];

/// A body in the canonical spelling.
pub struct Canonical {
    /// What the pipeline reads.
    pub body: Vec<u8>,
    /// Fields the caller wrote under another key.
    written_as: Vec<(Field, &'static str)>,
    /// Better words for a fault the pipeline will find.
    faults: Vec<(Field, String)>,
}

impl Canonical {
    fn unchanged(body: &[u8]) -> Self {
        Self {
            body: body.to_vec(),
            written_as: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// A rejection in the caller's words.
    pub fn told_back(&self, rejection: Rejection) -> Rejection {
        let of = |field: &Field| field.as_str() == rejection.field;
        let key = self
            .written_as
            .iter()
            .find(|(field, _)| of(field))
            .map(|(_, key)| *key);
        let fault = self
            .faults
            .iter()
            .find(|(field, _)| of(field))
            .map(|(_, fault)| fault.clone());
        let absent = OLD_NAMES
            .iter()
            .find(|(_, field)| of(field))
            .map(|(key, _)| *key);
        let is_absent = rejection.code == sentinel_domain::RejectionCode::MissingField;
        let field = match key.or(absent.filter(|_| is_absent)) {
            Some(key) => key.to_owned(),
            None => rejection.field,
        };
        Rejection {
            field,
            detail: fault.unwrap_or(rejection.detail),
            ..rejection
        }
    }
}

/// The canonical spelling of a body; `make_id` names a transaction that has no name.
pub fn canonical(body: &[u8], make_id: impl FnOnce() -> String) -> Canonical {
    // What is no JSON object is refused by the pipeline with the right words.
    let Some(members) = members::of_object(body) else {
        return Canonical::unchanged(body);
    };
    let has = |key: &str| members.iter().any(|member| member.key == key);
    let mut writer = Writer::default();
    let currency = members.iter().find(|member| member.key == "currency");
    let currency = currency.and_then(|member| Currency::parse(&member.text()?));
    for member in &members {
        match member.key.as_str() {
            "merchant" if has("merchant_id") => {
                writer.renamed(Field::MerchantName, "merchant", member.value)
            }
            "transaction_id" => writer.name(Field::EventId, "transaction_id", member.value),
            "user_id" => writer.name(Field::AccountId, "user_id", member.value),
            "merchant" => writer.name(Field::MerchantId, "merchant", member.value),
            "amount" => writer.amount(member, currency.unwrap_or(Currency::USD)),
            "timestamp" => writer.timestamp(member),
            "attributes" => writer.attributes(member.value),
            key if Field::parse(key).is_some() => writer.raw(key, member.value),
            key => writer.attribute(key, member.value),
        }
    }
    if !has("transaction_id") && !has("event_id") {
        writer.text(Field::EventId.as_str(), &make_id());
    }
    if !has("currency") {
        writer.text(Field::Currency.as_str(), Currency::USD.as_str());
    }
    if !has("event_type") {
        writer.text(Field::EventType.as_str(), "card_auth");
    }
    writer.finish()
}

/// Writes the canonical object.
#[derive(Default)]
struct Writer {
    members: Vec<String>,
    attributes: Vec<String>,
    /// An `attributes` value that is no object, for the pipeline to refuse.
    odd_attributes: Option<String>,
    written_as: Vec<(Field, &'static str)>,
    faults: Vec<(Field, String)>,
}

impl Writer {
    fn raw(&mut self, key: &str, value: &str) {
        self.members.push(format!("{}:{value}", quoted(key)));
    }

    fn text(&mut self, key: &str, text: &str) {
        self.raw(key, &quoted(text));
    }

    fn renamed(&mut self, field: Field, key: &'static str, value: &str) {
        self.written_as.push((field, key));
        self.raw(field.as_str(), value);
    }

    /// An identifier: such clients number their users and write the number as it is.
    fn name(&mut self, field: Field, key: &'static str, value: &str) {
        let is_integer = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        if is_integer {
            self.renamed(field, key, &quoted(value));
        } else {
            self.renamed(field, key, value);
        }
    }

    fn amount(&mut self, member: &members::Member<'_>, currency: Currency) {
        let text = member.text();
        let written = text.as_deref().unwrap_or(member.value);
        match decimal::minor_units(written, currency) {
            Ok(minor) => self.renamed(Field::AmountMinor, "amount", &minor.to_string()),
            Err(_) if member.value == "null" => {}
            Err(fault) => {
                self.faults.push((Field::AmountMinor, fault));
                // A text is never an amount, so the pipeline refuses it.
                self.renamed(Field::AmountMinor, "amount", &quoted(written));
            }
        }
    }

    fn timestamp(&mut self, member: &members::Member<'_>) {
        const EXPECTED: &str = "expected a text such as 2026-11-21T13:00:00Z; microseconds since 1970 UTC go under event_time";
        let Some(text) = member.text() else {
            if member.value != "null" {
                self.faults
                    .push((Field::EventTime, format!("is not a text, {EXPECTED}")));
                self.renamed(Field::EventTime, "timestamp", &quoted("not an instant"));
            }
            return;
        };
        let with_zone = Instant::parse_rfc3339(&text).map(|_| text.clone());
        let without_zone = || {
            let utc = format!("{}Z", text.replacen(' ', "T", 1));
            Instant::parse_rfc3339(&utc).map(|_| utc)
        };
        let instant = with_zone.or_else(without_zone);
        if instant.is_none() {
            self.faults
                .push((Field::EventTime, format!("is no instant, {EXPECTED}")));
        }
        self.renamed(
            Field::EventTime,
            "timestamp",
            &quoted(instant.as_deref().unwrap_or(&text)),
        );
    }

    fn attributes(&mut self, value: &str) {
        match members::of_object(value.as_bytes()) {
            Some(members) => {
                for member in &members {
                    self.attribute(&member.key, member.value);
                }
            }
            None => self.odd_attributes = Some(value.to_owned()),
        }
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.attributes.push(format!("{}:{value}", quoted(name)));
    }

    fn finish(mut self) -> Canonical {
        if let Some(value) = self.odd_attributes.take() {
            self.raw("attributes", &value);
        } else if !self.attributes.is_empty() {
            let value = format!("{{{}}}", self.attributes.join(","));
            self.raw("attributes", &value);
        }
        Canonical {
            body: format!("{{{}}}", self.members.join(",")).into_bytes(),
            written_as: self.written_as,
            faults: self.faults,
        }
    }
}

/// A text as JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests;
