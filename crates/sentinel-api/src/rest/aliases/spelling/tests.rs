//! The alias spelling against the canonical one.

use sentinel_domain::RejectionCode;

use super::*;

fn spelled(body: &str) -> String {
    let canonical = canonical(body.as_bytes(), || "txn_made".to_owned());
    String::from_utf8(canonical.body).unwrap()
}

#[test]
fn the_words_of_existing_clients_become_fields() {
    let body = r#"{"transaction_id":"t-1","user_id":"u-1","amount":12.3,"timestamp":"2026-11-21T13:00:00Z","merchant":"shop"}"#;
    assert_eq!(
        spelled(body),
        r#"{"event_id":"t-1","account_id":"u-1","amount_minor":1230,"event_time":"2026-11-21T13:00:00Z","merchant_id":"shop","currency":"USD","event_type":"card_auth"}"#
    );
}

#[test]
fn absent_names_are_made_and_numbers_become_names() {
    let body = r#"{"user_id":17,"amount":"500","currency":"JPY","event_type":"cash"}"#;
    assert_eq!(
        spelled(body),
        r#"{"account_id":"17","amount_minor":500,"currency":"JPY","event_type":"cash","event_id":"txn_made"}"#
    );
}

#[test]
fn instants_without_a_zone_are_utc() {
    for text in [
        "2026-11-21T13:00:00",
        "2026-11-21 13:00:00",
        "2026-11-21T13:00:00Z",
    ] {
        let body = format!(r#"{{"event_id":"e","timestamp":"{text}"}}"#);
        assert!(
            spelled(&body).contains(r#""event_time":"2026-11-21T13:00:00Z""#),
            "{text}"
        );
    }
}

#[test]
fn canonical_fields_pass_through_and_other_keys_become_attributes() {
    let body = r#"{"event_id":"e","merchant_id":"m","merchant":"Shop","mcc":5411,"basket":{"n":1},"loyal":true,"attributes":{"n":2}}"#;
    assert_eq!(
        spelled(body),
        r#"{"event_id":"e","merchant_id":"m","merchant_name":"Shop","mcc":5411,"currency":"USD","event_type":"card_auth","attributes":{"basket":{"n":1},"loyal":true,"n":2}}"#
    );
}

#[test]
fn what_is_no_object_goes_on_as_it_is() {
    for body in ["", "[1]", "{\"a\":", "nonsense"] {
        assert_eq!(spelled(body), body);
    }
}

#[test]
fn a_rejection_is_told_in_the_callers_words() {
    let canonical = canonical(br#"{"user_id":"","amount":12.345,"timestamp":5}"#, || {
        "t".into()
    });
    let told = |code, field: &str| {
        let rejection = canonical.told_back(Rejection::new(code, field, "canonical words"));
        (rejection.field, rejection.detail)
    };
    let wrong = RejectionCode::WrongType;
    assert_eq!(told(RejectionCode::MissingField, "account_id").0, "user_id");
    assert_eq!(told(wrong, "amount_minor").0, "amount");
    assert_eq!(
        told(wrong, "amount_minor").1,
        "has more than the 2 decimals of USD"
    );
    assert_eq!(told(wrong, "event_time").0, "timestamp");
    assert!(told(wrong, "event_time").1.contains("is not a text"));
    assert_eq!(told(wrong, "mcc"), ("mcc".into(), "canonical words".into()));
}
