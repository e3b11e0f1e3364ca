//! What an object must look like, and what is said of one that does not.

use proptest::prelude::*;
use sentinel_domain::transaction::{CardBrand, CardFunding, Channel, EntryMode, EventType};

use super::*;

const SMALL: &str = r#"{"event_id":"e1","event_type":"card_auth","event_time":1774000000000000,
    "account_id":"a1","amount_minor":1250,"currency":"EUR"}"#;

/// The small object with one more pair.
fn with(pair: &str) -> String {
    SMALL.replacen('{', &format!("{{{pair},"), 1)
}

fn refused(text: &str) -> String {
    parse_transaction(text.as_bytes()).unwrap_err().to_string()
}

fn written(transaction: &Transaction) -> String {
    let mut out = Vec::new();
    write_transaction(transaction, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_full_object_is_read_and_written_in_the_canonical_order() {
    let text = r#" {"attributes":{"b":2.0,"a":"x\"y","c":true,"d":-7}, "lon_e7":-91000000,"lat_e7":387000000,
        "ip":"::ffff:10.0.0.1","mcc":"5411","event_time":"2026-03-01T10:00:00.5+01:00","currency":"eur",
        "amount_minor":1250,"account_id":"a1","event_type":"card_auth","event_id":"\u0065\n1",
        "merchant_country":null} "#;
    let transaction = parse_transaction(text.as_bytes()).unwrap();
    assert_eq!(
        written(&transaction),
        r#"{"event_id":"e\n1","event_type":"card_auth","event_time":1772355600500000,"account_id":"a1","amount_minor":1250,"currency":"EUR","mcc":5411,"ip":"10.0.0.1","lat_e7":387000000,"lon_e7":-91000000,"attributes":{"a":"x\"y","b":2.0,"c":true,"d":-7}}"#
    );
}

#[test]
fn refusals_name_the_field_and_what_was_found() {
    for (text, expected) in [
        (
            with(r#""amount_minor":12.0"#),
            "wrong_type in amount_minor: is the number 12",
        ),
        (
            with(r#""mcc":true"#),
            "wrong_type in mcc: is the boolean true",
        ),
        (
            with(r#""ip":[1]"#),
            "wrong_type in ip: is an array, expected a single value",
        ),
        (
            with(r#""ip":{"v4":1}"#),
            "wrong_type in ip: is an object, expected a single value",
        ),
        (
            with(r#""utc_offset_minutes":99999999999999999999"#),
            "wrong_type in utc_offset_minutes: is the number",
        ),
        (
            with(r#""ammount_minor":5"#),
            "unknown_field in ammount_minor: is not a field of a transaction; did you mean \"amount_minor\"?",
        ),
        (
            with(r#""user_id":5"#),
            "unknown_field in user_id: is not a field of a transaction; did you mean \"account_id\"?",
        ),
        (
            with(r#""shoe_size":5"#),
            "unknown_field in shoe_size: is not a field of a transaction; further facts go under attributes",
        ),
        (
            with(r#""mcc":1,"mcc":null"#),
            "bad_json in mcc: is given twice in one object",
        ),
        (
            with(r#""attributes":{"a":1,"a":2}"#),
            "bad_json in attributes.a: is given twice",
        ),
        (
            with(r#""attributes":{},"attributes":{}"#),
            "bad_json in attributes: is given twice",
        ),
        (
            with(r#""attributes":{"a":[1]}"#),
            "wrong_type in attributes.a: is an array, expected a single value",
        ),
        (
            with(r#""attributes":5"#),
            "wrong_type in attributes: is a number, expected an object",
        ),
        (
            with(r#""attributes":[]"#),
            "wrong_type in attributes: is an array, expected an object",
        ),
        (
            with(r#""attributes":{"":1}"#),
            "too_long in attributes.: attribute names have 1 to 64",
        ),
        ("{}".to_owned(), "missing_field in event_id: is required"),
    ] {
        let said = refused(&text);
        assert!(said.starts_with(expected), "{said}\n{expected}");
    }
}

#[test]
fn what_is_not_one_object_is_refused_with_the_column() {
    for (text, expected) in [
        ("", "bad_json: EOF while parsing a value at column 0"),
        ("nonsense", "bad_json: expected ident at column 2"),
        (
            "[1]",
            "bad_json: invalid type: sequence, expected a JSON object at column 0",
        ),
        (
            "\"text\"",
            "bad_json: invalid type: string \"text\", expected a JSON object",
        ),
        (
            "{\"mcc\":1",
            "bad_json: EOF while parsing an object at column 8",
        ),
        ("{\"mcc\":1,}", "bad_json: trailing comma at column 10"),
        ("{\"mcc\":01}", "bad_json: invalid number at column 9"),
        (
            "{\"ip\":\"\\ud800\"}",
            "bad_json: unexpected end of hex escape",
        ),
        ("{} {}", "bad_json: trailing characters at column 4"),
    ] {
        let said = refused(text);
        assert!(said.starts_with(expected), "{said}\n{expected}");
    }
}

#[test]
fn a_body_of_several_lines_keeps_line_and_column() {
    assert_eq!(
        refused("{\n  \"mcc\": ,\n}"),
        "bad_json: expected value at line 2 column 10"
    );
}

#[test]
fn bytes_that_are_not_utf8_are_named_by_field_and_place() {
    let at = |bytes: &[u8]| parse_transaction(bytes).unwrap_err().to_string();
    assert_eq!(
        at(b"{\"account_id\":\"a\xFF\"}"),
        "bad_utf8 in account_id: byte 17 of the object is not UTF-8"
    );
    assert_eq!(
        at(b"{\"acc\xC3\":1}"),
        "bad_utf8: byte 6 of the object is not UTF-8"
    );
    assert_eq!(at(b"\xFE{}"), "bad_utf8: byte 1 of the object is not UTF-8");
}

#[test]
fn a_deep_value_is_refused_without_going_down() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(300_000), close.repeat(300_000));
        assert!(refused(&with(&format!("\"ip\":{deep}"))).starts_with("wrong_type in ip"));
        let attribute = with(&format!("\"attributes\":{{\"a\":{deep}}}"));
        assert!(refused(&attribute).starts_with("wrong_type in attributes.a"));
        assert!(parse_transaction(deep.as_bytes()).is_err());
    }
}

#[test]
fn more_attributes_than_allowed_are_refused_even_where_they_are_null() {
    for value in ["1", "null"] {
        let pairs: Vec<String> = (0..65).map(|n| format!("\"a{n}\":{value}")).collect();
        let text = with(&format!("\"attributes\":{{{}}}", pairs.join(",")));
        assert_eq!(
            refused(&text),
            "too_long in attributes: more than 64 attributes"
        );
    }
}

/// A value that the field accepts.
fn value_of(field: Field) -> BoxedStrategy<Option<OwnedValue>> {
    let words = |all: Vec<&'static str>| {
        prop::sample::select(all)
            .prop_map(|word| OwnedValue::Text(word.to_owned()))
            .boxed()
    };
    macro_rules! vocabulary {
        ($name:ident) => {
            words($name::ALL.iter().map(|word| word.as_str()).collect())
        };
    }
    let some = match field {
        Field::EventType => vocabulary!(EventType),
        Field::CardBrand => vocabulary!(CardBrand),
        Field::CardFunding => vocabulary!(CardFunding),
        Field::Channel => vocabulary!(Channel),
        Field::EntryMode => vocabulary!(EntryMode),
        Field::AvsResult | Field::CvvResult => words(vec!["match", "partial", "unavailable"]),
        Field::ThreeDs => words(vec!["none", "attempted", "failed"]),
        Field::EventTime | Field::AccountOpenedAt => (-2_208_988_800_000_000
            ..7_258_118_400_000_000_i64)
            .prop_map(OwnedValue::Integer)
            .boxed(),
        Field::AmountMinor | Field::BillingAmountMinor => (0..=100_000_000_000_000_i64)
            .prop_map(OwnedValue::Integer)
            .boxed(),
        Field::Mcc => (0..=9_999_i64).prop_map(OwnedValue::Integer).boxed(),
        Field::LatE7 => (-900_000_000..=900_000_000_i64)
            .prop_map(OwnedValue::Integer)
            .boxed(),
        Field::LonE7 => (-1_800_000_000..=1_800_000_000_i64)
            .prop_map(OwnedValue::Integer)
            .boxed(),
        Field::UtcOffsetMinutes => (-840..=840_i64).prop_map(OwnedValue::Integer).boxed(),
        Field::Currency | Field::BillingCurrency => words(vec!["USD", "jpy", "KWD"]),
        Field::CardCountry
        | Field::MerchantCountry
        | Field::CounterpartyCountry
        | Field::BillingCountry
        | Field::ShippingCountry => "[A-Za-z]{2}".prop_map(OwnedValue::Text).boxed(),
        Field::CardBin => "[0-9]{6,8}".prop_map(OwnedValue::Text).boxed(),
        Field::Ip => any::<std::net::IpAddr>()
            .prop_map(|address| OwnedValue::Text(address.to_string()))
            .boxed(),
        _ => "[a-z\"\\\\\u{0}-\u{1f}é€😀]{1,10}"
            .prop_map(OwnedValue::Text)
            .boxed(),
    };
    let required = sentinel_domain::draft::REQUIRED.contains(&field);
    // Pairs that need each other are always given.
    let paired = matches!(
        field,
        Field::LatE7 | Field::LonE7 | Field::BillingAmountMinor | Field::BillingCurrency
    );
    if required || paired {
        some.prop_map(Some).boxed()
    } else {
        prop::option::of(some).boxed()
    }
}

#[derive(Debug, Clone)]
enum OwnedValue {
    Text(String),
    Integer(i64),
    Number(f64),
    Boolean(bool),
}

impl OwnedValue {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Text(text),
            Self::Integer(value) => Value::Integer(*value),
            Self::Number(value) => Value::Number(*value),
            Self::Boolean(value) => Value::Boolean(*value),
        }
    }
}

fn scalar() -> impl Strategy<Value = OwnedValue> {
    prop_oneof![
        any::<i64>().prop_map(OwnedValue::Integer),
        prop::num::f64::NORMAL.prop_map(OwnedValue::Number),
        prop::num::f64::SUBNORMAL.prop_map(OwnedValue::Number),
        any::<bool>().prop_map(OwnedValue::Boolean),
        "\\PC{0,20}".prop_map(OwnedValue::Text),
    ]
}

prop_compose! {
    fn transaction()(
        fields in Field::ALL.iter().map(|field| value_of(*field)).collect::<Vec<_>>(),
        attributes in prop::collection::btree_map("\\PC{1,8}", scalar(), 0..6),
    ) -> Transaction {
        let mut draft = Draft::new();
        for (field, value) in Field::ALL.iter().zip(&fields) {
            if let Some(value) = value {
                draft.set(*field, value.value()).unwrap();
            }
        }
        for (name, value) in &attributes {
            draft.set_attribute(name, value.value()).unwrap();
        }
        draft.finish().unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Needs `float_roundtrip` in serde_json: without it a number may come back as its neighbour.
    #[test]
    fn what_is_written_is_read_back(transaction in transaction()) {
        let text = written(&transaction);
        let back = parse_transaction(text.as_bytes());
        prop_assert_eq!(back.as_ref(), Ok(&transaction), "{}", text);
        prop_assert_eq!(written(&back.unwrap()), text);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = parse_transaction(&bytes);
    }

    #[test]
    fn a_damaged_object_is_read_or_refused(at in 0..SMALL.len(), byte in any::<u8>()) {
        let mut bytes = SMALL.as_bytes().to_vec();
        bytes[at] = byte;
        if let Err(rejection) = parse_transaction(&bytes) {
            prop_assert!(!rejection.detail.is_empty());
        }
    }
}
