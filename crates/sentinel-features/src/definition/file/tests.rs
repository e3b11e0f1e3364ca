//! The file of features: what it may say, every fault with its line, and its canonical form.

use proptest::prelude::*;

use super::*;
use crate::feature::{Missing, Unit};

const EXAMPLE: &str = r#"
# Splitting on the web.
[[feature]]
name = "account_web_sum_15m"
entity = "account"
aggregate = "sum"
field = "amount"
window = "15m"
ratio_to = "24h"
filter = "channel = web and amount >= 100"
doc = "web spending, of the day's"
phrase = "{value} times the day's spending on the web"
example = 12.5
family = "behaviour"

[[feature]]
name = "card_count_night_7d"
entity = "card"
aggregate = "count"
window = "7d"
filter = "night"
"#;

fn free(_: &str) -> bool {
    false
}

fn features(text: &str) -> Vec<Feature> {
    read(text, &free).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn messages(text: &str) -> Vec<String> {
    let errors = read(text, &|name| name == "account_count_1m").unwrap_err();
    errors.iter().map(DefinitionError::to_string).collect()
}

/// All that makes a feature what it is.
fn contents(feature: &Feature) -> (String, [String; 4], f64, Definition) {
    let Source::Windowed(definition) = &feature.source else {
        panic!("{} has no definition", feature.name);
    };
    let texts = [
        format!("{} {} {}", feature.family, feature.unit, feature.missing),
        feature.doc.clone(),
        feature.phrase.clone(),
        definition.to_string(),
    ];
    (
        feature.name.clone(),
        texts,
        feature.example,
        definition.clone(),
    )
}

fn all_contents(features: &[Feature]) -> Vec<(String, [String; 4], f64, Definition)> {
    features.iter().map(contents).collect()
}

#[test]
fn a_file_says_features() {
    let read = features(EXAMPLE);
    let [web, night] = read.as_slice() else {
        panic!("two features");
    };
    assert_eq!(web.name, "account_web_sum_15m");
    assert_eq!((web.family, web.unit), (Family::Behaviour, Unit::Ratio));
    assert_eq!(web.doc, "web spending, of the day's");
    assert_eq!(web.phrase, "{value} times the day's spending on the web");
    assert_eq!(web.example, 12.5);
    let line = "sum(amount) of account over 15m / 24h where channel = web and amount >= 100";
    assert_eq!(contents(web).3.to_string(), line);
    assert_eq!((night.family, night.unit), (Family::Velocity, Unit::Count));
    assert_eq!(night.missing, Missing::NoEntity);
    assert_eq!(
        night.phrase,
        "{value} payments at night of this card within 7 days"
    );
    assert!(features("# nothing yet\n").is_empty());
}

#[test]
fn the_canonical_form_reads_as_the_same_features() {
    let read = features(EXAMPLE);
    let written = to_toml(&read);
    let again = features(&written);
    assert_eq!(all_contents(&again), all_contents(&read));
    assert_eq!(to_toml(&again), written);
    let second = r#"
[[feature]]
name = "card_count_night_7d"
entity = "card"
aggregate = "count"
window = "7d"
filter = "night"
doc = "events at night of the card within 7 days"
phrase = "{value} payments at night of this card within 7 days"
example = 2.0
family = "velocity"
"#;
    assert!(written.ends_with(second), "{written}");
    assert_eq!(to_toml(&[]), "");
}

#[test]
fn every_fault_of_a_file_is_said_with_line_feature_key_and_remedy() {
    let text = r#"colour = "red"
[[feature]]
name = "one"
entity = "acount"
aggregate = "sum"
field = "merchant"
window = "2h"
filter = "chanel = web"
family = "speed"
phrase = "no value"
exampel = 1
example = "1"

[[feature]]
name = "One"
entity = 3

[[feature]]
name = "account_count_1m"
entity = "card"
aggregate = "median"
field = "amount"
window = "30d"
ratio_to = "30d"
doc = ""

[[feature]]
name = "one"
entity = "account"
aggregate = "count"
field = "amount"
window = "1m"
phrase = "{value}|no"
"#;
    let expected = [
        "line 1: colour: is no key of the file: every feature begins with [[feature]]",
        "line 4: one: entity: \"acount\" is no kind of entity; did you mean account?",
        "line 6: one: field: \"merchant\" is no number, which sum needs; there are amount, \
         distance_km, attribute.NAME",
        "line 7: one: window: \"2h\" is no window; there are 1m, 5m, 15m, 1h, 6h, 24h, 7d, 30d",
        "line 8: one: filter: column 1: `chanel` is no field; did you mean channel?",
        "line 9: one: family: \"speed\" is no family; there are velocity, device, behaviour, \
         geography, history",
        "line 10: one: phrase: says nothing of the value: put {value} where it belongs",
        "line 11: one: exampel: is no key of a feature; did you mean example?",
        "line 12: one: example: expected a decimal number, such as 12.5",
        "line 14: aggregate: is missing, such as aggregate = \"count\"",
        "line 14: window: is missing, such as window = \"15m\"",
        "line 15: name: \"One\" is no name: small letters, digits and _, a letter first, at most \
         64",
        "line 16: entity: is a number, expected a text",
        "line 19: account_count_1m: name: is the name of another feature already",
        "line 23: account_count_1m: window: median is not kept over 30d: up to 24h it is",
        "line 24: account_count_1m: ratio_to: median has no ratio; count, sum, mean and distinct \
         have one",
        "line 24: account_count_1m: ratio_to: is the window itself: the ratio would always be 1",
        "line 25: account_count_1m: doc: expected one line of 1 to 512 letters",
        "line 28: one: name: stands twice: first in the feature at line 2",
        "line 31: one: field: count is of the events: it takes no field",
        "line 33: one: phrase: holds a `|`, which divides yes from no in shipped features",
    ];
    let expected: Vec<String> = expected
        .iter()
        .map(|line| format!("read the features, {line}"))
        .collect();
    assert_eq!(messages(text), expected);
}

#[test]
fn faults_of_definitions_stand_at_their_keys() {
    let head = "[[feature]]\nname = \"x\"\nwindow = \"1h\"\n";
    for (rest, expected) in [
        (
            "entity = \"device\"\naggregate = \"max\"\nfield = \"distance_km\"",
            "line 6: x: field: distance_km is known for account and card, not for device",
        ),
        (
            "entity = \"card\"\naggregate = \"distinct\"\nfield = \"card\"",
            "line 6: x: field: every event of one card names the same card",
        ),
        (
            "entity = \"account_device\"\naggregate = \"distinct\"\nfield = \"card\"",
            "line 5: x: aggregate: distinct is not kept for account_device, which is a pair",
        ),
        (
            "entity = \"card\"\naggregate = \"gap_mean\"\nfilter = \"night\"",
            "line 6: x: filter: gap_mean is between all events: it takes no filter",
        ),
        (
            "entity = \"card\"\naggregate = \"distinct\"\nfield = \"merchants\"",
            "line 6: x: field: \"merchants\" is no field that distinct tells apart; did you mean \
             merchant?",
        ),
        (
            "entity = \"card\"\naggregate = \"sum\"",
            "line 1: x: field: is missing: sum needs a number",
        ),
        (
            "entity = \"card\"\naggregate = \"sum\"\nfield = [1]",
            "line 6: x: field: is a list, expected a text",
        ),
    ] {
        let expected = format!("read the features, {expected}");
        assert_eq!(messages(&format!("{head}{rest}\n")), [expected]);
    }
}

#[test]
fn every_key_of_a_definition_fault_is_a_key_of_the_file() {
    for key in ["window", "ratio_to", "filter", "field", "aggregate"] {
        assert!(Key::parse(key).is_some(), "{key}");
    }
}

#[test]
fn broken_toml_is_named_by_its_line() {
    let broken = messages("[[feature]]\nname = \"a\"\nentity = \n\n[[feature]]\nname = b c\n");
    assert!(broken.iter().any(|m| m.contains("line 3: ")), "{broken:?}");
    assert!(broken.iter().any(|m| m.contains("line 6: ")), "{broken:?}");
    let twice = messages("[[feature]]\nname = \"a\"\nname = \"b\"\n");
    assert!(
        twice[0].starts_with("read the features, line 3: "),
        "{twice:?}"
    );
    assert_eq!(
        messages("feature = 1\n"),
        ["read the features, line 1: feature: is a number, every feature begins with [[feature]]"]
    );
    let one = messages("\n[feature]\nname = \"a\"\n");
    assert_eq!(
        one,
        ["read the features, line 2: feature: is a section, every feature begins with [[feature]]"]
    );
    assert_eq!(messages("feature = [1]\n").len(), 1);
}

fn many(count: usize) -> String {
    let of = |place| {
        format!(
            "[[feature]]\nname = \"f{place}\"\nentity = \"ip\"\naggregate = \"count\"\nwindow = \"1h\"\n"
        )
    };
    (0..count).map(of).collect()
}

#[test]
fn what_is_too_much_is_refused() {
    assert_eq!(features(&many(DEFINITIONS_MAX)).len(), DEFINITIONS_MAX);
    assert_eq!(
        messages(&many(DEFINITIONS_MAX + 2)),
        ["read the features, line 321: feature: a file has at most 64 features"]
    );
    let long = format!("# {}\n", "x".repeat(FILE_BYTES_MAX));
    assert!(messages(&long)[0].contains("at most 1048576 are read"));
    let name = "n".repeat(65);
    assert!(messages(&many(1).replace("f0", &name))[0].contains("is no name"));
    let doc = format!("{}doc = \"{}\"\n", many(1), "x".repeat(513));
    assert!(messages(&doc)[0].contains("line 6: f0: doc: expected one line"));
}

#[test]
fn numbers_of_examples_may_be_whole_or_not() {
    let example = |written: &str| {
        let read = read(&format!("{}example = {written}\n", many(1)), &free);
        read.ok().map(|features| features[0].example)
    };
    assert_eq!(example("12"), Some(12.0));
    assert_eq!(example("-1_000.25"), Some(-1_000.25));
    assert_eq!(example("1e3"), Some(1_000.0));
    for wrong in ["inf", "nan", "0xff", "1e999", "true", "\"1\""] {
        assert_eq!(example(wrong), None, "{wrong}");
    }
}

fn pick<T: Clone + std::fmt::Debug + 'static>(values: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(values)
}

/// An aggregate with its field.
fn computed() -> impl Strategy<Value = String> {
    let numbers = pick(&[
        "sum",
        "mean",
        "standard_deviation",
        "min",
        "max",
        "first",
        "previous",
        "median",
        "quantile_90",
        "rank",
        "to_mean",
        "z_score",
    ]);
    let fields = pick(&[
        "amount",
        "distance_km",
        "attribute.x",
        "attribute.a \\\"b\\\" \\\\",
    ]);
    let numbers = (numbers, fields);
    let distinct = pick(&[
        "merchant",
        "card_country",
        "card_in_country",
        "session",
        "attribute.y",
    ]);
    prop_oneof![
        pick(&["count", "gap_mean"]).prop_map(|name| format!("aggregate = \"{name}\"\n")),
        numbers.prop_map(|(name, field)| format!("aggregate = \"{name}\"\nfield = \"{field}\"\n")),
        distinct.prop_map(|field| format!("aggregate = \"distinct\"\nfield = \"{field}\"\n")),
    ]
}

fn feature_text() -> impl Strategy<Value = String> {
    let filters = pick(&[
        "night",
        "not declined and mcc in [6011, 1]",
        "attribute.k = 'a b'",
    ]);
    (
        pick(EntityKind::ALL),
        computed(),
        pick(&["1m", "24h", "7d"]),
        prop::option::of(pick(&["1h", "30d"])),
        prop::option::of(filters),
        prop::option::of("[ -~é]{1,20}"),
        prop::option::of(any::<f64>().prop_filter("finite", |value| value.is_finite())),
    )
        .prop_map(
            |(entity, computed, window, ratio, filter, words, example)| {
                let mut text = format!("entity = \"{entity}\"\n{computed}window = \"{window}\"\n");
                if let Some(ratio) = ratio {
                    text.push_str(&format!("ratio_to = \"{ratio}\"\n"));
                }
                if let Some(filter) = filter {
                    text.push_str(&format!("filter = \"{filter}\"\n"));
                }
                if let Some(words) = words {
                    let phrase = quoted(&format!("{{value}} {}", words.replace('|', "/")));
                    text.push_str(&format!(
                        "doc = {}\nphrase = {phrase}\n",
                        quoted(&format!("d{words}"))
                    ));
                }
                if let Some(example) = example {
                    text.push_str(&format!("example = {example:?}\n"));
                }
                text
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_written_reads_as_the_same(texts in prop::collection::vec(feature_text(), 1..8)) {
        let mut all = Vec::new();
        for (place, text) in texts.iter().enumerate() {
            // What the rules refuse is no matter of the form.
            if let Ok(mut read) = read(&format!("[[feature]]\nname = \"f{place}\"\n{text}"), &free) {
                all.append(&mut read);
            }
        }
        let written = to_toml(&all);
        let again = features(&written);
        prop_assert_eq!(all_contents(&again), all_contents(&all));
        prop_assert_eq!(to_toml(&again), written);
        for feature in &all {
            prop_assert_eq!(contents(feature).3.check(), Ok(()));
        }
    }

    #[test]
    fn no_text_stops_the_reader(text in "([ -~é\n]{0,60})|((\\[\\[feature\\]\\]|\\[feature|name|field|=|\"a\"|1|\\[|\\]|\\{|\\}|\n| ){0,30})") {
        if let Err(errors) = read(&text, &free) {
            prop_assert!(!errors.is_empty());
            prop_assert!(errors.iter().all(|e| (1..=text.matches('\n').count() + 1).contains(&e.line)));
        }
    }
}
