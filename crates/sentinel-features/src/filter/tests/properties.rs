//! Filters at random: the canonical form, conjunction and opposites.

use proptest::prelude::*;
use sentinel_synth::builder::random_transaction;
use sentinel_synth::random::Random;

use super::*;

fn pick(words: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    proptest::sample::select(words).prop_map(str::to_owned)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// `op literal` or `in [...]`.
fn test_of(
    operators: &'static [&'static str],
    literal: impl Strategy<Value = String> + Clone,
) -> impl Strategy<Value = String> {
    let one = (pick(operators), literal.clone()).prop_map(|(op, value)| format!("{op} {value}"));
    let list = prop::collection::vec(literal, 1..4)
        .prop_map(|values| format!("in [{}]", values.join(" , ")));
    prop_oneof![one, list]
}

const ORDERED: &[&str] = &["=", "!=", "<", "<=", ">", ">="];
const EQUAL: &[&str] = &["=", "!="];

fn term_text() -> impl Strategy<Value = String> {
    let flags: Vec<&'static str> = Flag::ALL.iter().map(|flag| flag.as_str()).collect();
    let flag = (prop::bool::ANY, proptest::sample::select(flags))
        .prop_map(|(not, flag)| format!("{}{flag}", if not { "not " } else { "" }));
    let amount =
        (0..100_000_i64, 0..100_u8).prop_map(|(major, cents)| format!("{major}.{cents:02}"));
    let amount = test_of(ORDERED, amount).prop_map(|test| format!("amount {test}"));
    let hour = test_of(ORDERED, (0..24_u8).prop_map(|hour| hour.to_string()));
    let mcc = test_of(
        ORDERED,
        (0..10_000_u16).prop_map(|code| format!("{code:04}")),
    );
    let channel = test_of(EQUAL, pick(&["web", "app", "pos", "atm", "moto", "api"]));
    let countries = test_of(EQUAL, pick(&["US", "fr", "DE"]));
    let words = test_of(EQUAL, "[ -~é]{0,8}".prop_map(|text| quoted(&text)));
    let mixed = test_of(
        EQUAL,
        prop_oneof![
            any::<i64>().prop_map(|number| format!("{number:?}")),
            any::<f64>()
                .prop_filter("finite", |number| number.is_finite())
                .prop_map(|number| format!("{number:?}")),
            "[ -~]{0,4}".prop_map(|text| quoted(&text)),
            pick(&["true", "false", "and", "in", "not", "1e5", "-0.0", "+1"]),
        ],
    );
    let name = "[ -~]{1,5}";
    prop_oneof![
        flag,
        amount,
        hour.prop_map(|test| format!("hour {test}")),
        mcc.prop_map(|test| format!("mcc {test}")),
        channel.prop_map(|test| format!("channel {test}")),
        countries.prop_map(|test| format!("merchant_country {test}")),
        words.prop_map(|test| format!("merchant_id {test}")),
        (name, mixed).prop_map(|(name, test)| format!("attribute.{} {test}", quoted(&name))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_printed_reads_as_the_same_filter(terms in prop::collection::vec(term_text(), 1..6)) {
        let filter = Filter::parse(&terms.join(" and ")).unwrap();
        let printed = filter.to_string();
        let read = Filter::parse(&printed).unwrap();
        prop_assert_eq!(&read, &filter);
        prop_assert_eq!(read.to_string(), printed);
        prop_assert!(!filter.to_string().contains('\n'));
        let mut turned = terms.clone();
        turned.reverse();
        prop_assert_eq!(Filter::parse(&turned.join("\n and ")).unwrap(), filter);
    }

    #[test]
    fn a_filter_holds_where_each_of_its_terms_does(
        terms in prop::collection::vec(term_text(), 1..6),
        seed: u64,
        amount in prop::option::of(0..10_000_000_i64),
    ) {
        let t = random_transaction(&mut Random::new(seed));
        let each = terms.iter().all(|term| matches(term, &t, amount));
        prop_assert_eq!(matches(&terms.join(" and "), &t, amount), each);
    }

    #[test]
    fn of_two_opposite_terms_one_holds_where_the_field_is_there(
        seed: u64,
        code in 0..10_000_u16,
        amount in prop::option::of(0..100_000_i64),
    ) {
        let t = random_transaction(&mut Random::new(seed));
        let either = |one: String, other: String| {
            (matches(&one, &t, amount), matches(&other, &t, amount))
        };
        for (field, literal, there) in [
            ("channel", "web".to_owned(), t.channel.is_some()),
            ("merchant_country", "US".to_owned(), t.merchant_country.is_some()),
            ("currency", "EUR".to_owned(), true),
            ("mcc", format!("{code}"), t.mcc.is_some()),
            ("amount", format!("{code}"), amount.is_some()),
        ] {
            let (equal, not) = either(format!("{field} = {literal}"), format!("{field} != {literal}"));
            prop_assert_eq!((equal != not, equal && not), (there, false));
        }
        for (field, there) in [("mcc", t.mcc.is_some()), ("amount", amount.is_some()), ("hour", true)] {
            let code = code % 24;
            let (below, above) = either(format!("{field} < {code}"), format!("{field} >= {code}"));
            prop_assert_eq!(below != above, there);
        }
    }

    #[test]
    fn no_text_stops_the_reader_and_faults_lie_within_it(text in "[ -~é\n]{0,40}|(channel|amount|in|and|not|\\[|,|=|<|'|\"| |web|1){0,12}") {
        if let Err(fault) = Filter::parse(&text) {
            prop_assert!((1..=text.chars().count() + 1).contains(&fault.column));
        }
    }
}
