//! What a draft accepts, and what it says of what it does not.

use super::*;

fn complete() -> Draft {
    let mut draft = Draft::new();
    draft.set(Field::EventId, Value::Text("e1")).unwrap();
    draft
        .set(Field::EventType, Value::Text("card_auth"))
        .unwrap();
    draft
        .set(Field::EventTime, Value::Text("2026-11-21T13:00:00Z"))
        .unwrap();
    draft.set(Field::AccountId, Value::Text("a1")).unwrap();
    draft
        .set(Field::AmountMinor, Value::Integer(1_250))
        .unwrap();
    draft.set(Field::Currency, Value::Text("eur")).unwrap();
    draft
}

fn refused(field: Field, value: Value<'_>) -> String {
    Draft::new().set(field, value).unwrap_err().to_string()
}

#[test]
fn the_required_fields_are_enough() {
    let transaction = complete().finish().unwrap();
    assert_eq!(transaction.event_time.to_string(), "2026-11-21T13:00:00Z");
    assert_eq!(transaction.currency.as_str(), "EUR");
}

#[test]
fn each_missing_required_field_is_named() {
    for missing in REQUIRED {
        let mut draft = complete();
        draft.given &= !(1 << missing.code());
        let rejection = draft.finish().unwrap_err();
        assert_eq!(rejection.code, Code::MissingField);
        assert_eq!(rejection.field, missing.as_str());
    }
}

#[test]
fn refusals_name_the_field_what_was_found_and_what_is_expected() {
    let cases = [
        (
            Field::AmountMinor,
            Value::Integer(-5),
            "negative_amount in amount_minor: is -5",
        ),
        (
            Field::AmountMinor,
            Value::Number(1.5),
            "wrong_type in amount_minor: is the number 1.5",
        ),
        (
            Field::AmountMinor,
            Value::Text("12"),
            "wrong_type in amount_minor: is the text \"12\"",
        ),
        (
            Field::Currency,
            Value::Text("ZZZ"),
            "unknown_currency in currency: \"ZZZ\"",
        ),
        (
            Field::EventType,
            Value::Text("gift"),
            "unknown_value in event_type: \"gift\" is not one of",
        ),
        (
            Field::EventTime,
            Value::Text("yesterday"),
            "wrong_type in event_time",
        ),
        (
            Field::EventTime,
            Value::Integer(i64::MAX),
            "out_of_range in event_time",
        ),
        (Field::Ip, Value::Text("1.2.3"), "wrong_type in ip"),
        (
            Field::LatE7,
            Value::Integer(900_000_001),
            "out_of_range in lat_e7",
        ),
        (Field::Mcc, Value::Integer(10_000), "out_of_range in mcc"),
        (
            Field::CardToken,
            Value::Text("4111 1111 1111 1111"),
            "looks like a card number",
        ),
        (
            Field::AccountId,
            Value::Text(""),
            "missing_field in account_id: is empty",
        ),
        (
            Field::AccountId,
            Value::Integer(7),
            "wrong_type in account_id: is the integer 7",
        ),
    ];
    for (field, value, expected) in cases {
        let message = refused(field, value);
        assert!(
            message.contains(expected),
            "{message} should contain {expected}"
        );
    }
    assert!(!refused(Field::CardToken, Value::Text("4111111111111111")).contains("4111"));
}

#[test]
fn cells_of_a_table_are_read_as_the_field_wants_them() {
    let mut draft = complete();
    draft.set(Field::AmountMinor, Value::Cell("42")).unwrap();
    draft
        .set(Field::EventTime, Value::Cell("1795266000000000"))
        .unwrap();
    draft.set(Field::AccountId, Value::Cell("7")).unwrap();
    draft.set_attribute("v1", Value::Cell("-1.5")).unwrap();
    let transaction = draft.finish().unwrap();
    assert_eq!(
        (transaction.amount_minor, transaction.account_id.as_str()),
        (42, "7")
    );
    assert_eq!(
        transaction.attributes.get("v1"),
        Some(&Scalar::Number(-1.5))
    );
}

#[test]
fn half_a_pair_is_refused() {
    let mut draft = complete();
    draft.set(Field::LatE7, Value::Integer(1)).unwrap();
    assert_eq!(draft.finish().unwrap_err().field, "lon_e7");
}

#[test]
fn one_address_has_one_spelling() {
    let spelled = |text| {
        let mut draft = complete();
        draft.set(Field::Ip, Value::Text(text)).unwrap();
        draft.finish().unwrap().ip.unwrap().to_string()
    };
    assert_eq!(spelled("2001:DB8:0:0::1"), "2001:db8::1");
    assert_eq!(spelled("::ffff:10.0.0.1"), "10.0.0.1");
}

#[test]
fn the_fingerprint_ignores_spelling_and_sees_every_field() {
    let scratch = &mut Vec::new();
    let mut zoned = complete();
    zoned
        .set(Field::EventTime, Value::Text("2026-11-21T14:00:00+01:00"))
        .unwrap();
    let plain = complete().finish().unwrap().fingerprint(scratch);
    assert_eq!(zoned.finish().unwrap().fingerprint(scratch), plain);
    for field in Field::ALL
        .iter()
        .filter(|f| !matches!(f, Field::LatE7 | Field::LonE7))
    {
        let candidates = [
            Value::Text("other"),
            Value::Text("PT"),
            Value::Text("10.9.9.9"),
            Value::Integer(4_141),
            Value::Text("GBP"),
            Value::Text("login"),
            Value::Text("visa"),
            Value::Text("credit"),
            Value::Text("web"),
            Value::Text("chip"),
            Value::Text("match"),
            Value::Text("none"),
            Value::Integer(60),
        ];
        let mut draft = complete();
        assert!(
            candidates
                .iter()
                .any(|value| draft.set(*field, *value).is_ok()),
            "{field}"
        );
        if matches!(field, Field::BillingAmountMinor) {
            draft
                .set(Field::BillingCurrency, Value::Text("GBP"))
                .unwrap();
        } else if matches!(field, Field::BillingCurrency) {
            draft
                .set(Field::BillingAmountMinor, Value::Integer(9))
                .unwrap();
        }
        assert_ne!(
            draft.finish().unwrap().fingerprint(scratch),
            plain,
            "{field}"
        );
    }
}

#[test]
fn attributes_are_bounded_and_sorted() {
    let mut draft = complete();
    for n in 0..ATTRIBUTES_MAX {
        draft
            .set_attribute(&format!("k{n:02}"), Value::Integer(1))
            .unwrap();
    }
    assert!(draft.set_attribute("one_more", Value::Integer(1)).is_err());
    assert!(
        draft.set_attribute("k00", Value::Integer(2)).is_ok(),
        "replacing is no growth"
    );
}
