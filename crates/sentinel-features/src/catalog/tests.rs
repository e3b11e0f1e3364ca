//! The catalogue's own law: names, words, families, and nothing twice.

use std::collections::BTreeSet;

use super::*;

/// The least a family must hold, so that a table of any shape finds something to go by.
const LEAST: [(Family, usize); 5] = [
    (Family::Velocity, 30),
    (Family::Device, 20),
    (Family::Behaviour, 40),
    (Family::Geography, 25),
    (Family::History, 35),
];

#[test]
fn every_entry_is_complete_and_named_once() {
    let mut names = BTreeSet::new();
    for feature in features() {
        let name = &feature.name;
        assert!(names.insert(name.clone()), "{name} stands twice");
        assert!(
            name.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        );
        let doc = &feature.doc;
        assert!(doc.len() > 10, "{name} has no doc");
        assert!(
            !doc.contains(['\n', '{', '}']),
            "{name}: {doc:?} is no line"
        );
        assert!(feature.example.is_finite(), "{name} has no example");
        says_its_value(&feature);
    }
}

fn says_its_value(feature: &Feature) {
    let (name, phrase) = (&feature.name, &feature.phrase);
    if feature.unit == Unit::Flag {
        let sentences: Vec<&str> = phrase.split('|').collect();
        assert!(
            sentences.len() == 2,
            "{name} needs a sentence for yes and one for no"
        );
        assert!(!phrase.contains(['{', '}']), "{name}: {phrase:?}");
        assert!([0.0, 1.0].contains(&feature.example), "{name} is 0 or 1");
    } else {
        assert!(!phrase.contains('|'), "{name} is no flag");
        let rest = phrase.replacen("{value}", "", 1);
        assert!(rest.len() < phrase.len(), "{name} does not say its value");
        assert!(!rest.contains(['{', '}']), "{name}: {phrase:?}");
    }
}

#[test]
fn every_family_is_large_enough() {
    let all = features();
    for (family, least) in LEAST {
        let many = all
            .iter()
            .filter(|feature| feature.family == family)
            .count();
        assert!(many >= least, "{family} has {many} of {least}");
    }
    assert!(all.len() >= 170, "{} features", all.len());
}

#[test]
fn no_two_entries_have_the_same_source() {
    let mut windows = BTreeSet::new();
    let mut facts = BTreeSet::new();
    for feature in features() {
        let fresh = match feature.source {
            Source::Windowed(definition) => {
                let checked = definition.check();
                assert!(checked.is_ok(), "{}: {checked:?}", feature.name);
                windows.insert(definition)
            }
            Source::Fact(kind, fact) => facts.insert((kind, fact)),
            Source::Transaction(_) => true,
            Source::Attribute(..) => panic!("{} is shipped", feature.name),
        };
        assert!(fresh, "{} repeats another entry", feature.name);
    }
}

#[test]
fn names_of_windowed_entries_name_kind_and_window() {
    for feature in features() {
        if let Source::Windowed(definition) = &feature.source {
            let last = definition.ratio_to.unwrap_or(definition.window);
            let (kind, window) = (definition.entity.as_str(), last.window().name);
            let name = &feature.name;
            assert!(name.starts_with(kind) && name.ends_with(window), "{name}");
        }
    }
}

/// Shipped before longer windows, besides those that come once per window.
const EARLIER_NAMES: [&str; 22] = [
    "reference_amount_minor",
    "local_hour",
    "account_amount_to_mean_ever",
    "card_amount_to_mean_ever",
    "account_distance_km",
    "account_speed_kmh",
    "card_distance_km",
    "card_speed_kmh",
    "card_country_differs_from_merchant",
    "billing_country_differs_from_shipping",
    "card_country_differs_from_billing",
    "account_seconds_since_last",
    "card_seconds_since_last",
    "account_count_ever",
    "account_seconds_since_first",
    "card_count_ever",
    "card_seconds_since_first",
    "merchant_count_ever",
    "merchant_seconds_since_first",
    "device_seconds_since_first",
    "ip_seconds_since_first",
    "account_age_seconds",
];

/// What was shipped before longer windows: rules and models refer to these names.
#[test]
fn earlier_names_stand() {
    let all = features();
    let names: BTreeSet<&str> = all.iter().map(|feature| feature.name.as_str()).collect();
    let per_window = [
        (
            "account",
            &[
                "count",
                "sum",
                "mean",
                "max",
                "distinct_merchants",
                "amount_to_mean",
            ][..],
        ),
        (
            "card",
            &[
                "count",
                "sum",
                "mean",
                "max",
                "distinct_merchants",
                "amount_to_mean",
            ],
        ),
        ("merchant", &["count", "distinct_accounts"]),
        ("device", &["count", "distinct_accounts"]),
        ("ip", &["count", "distinct_accounts"]),
    ];
    for (kind, shapes) in per_window {
        for shape in shapes {
            for window in ["1m", "5m", "1h", "24h"] {
                let name = format!("{kind}_{shape}_{window}");
                assert!(names.contains(name.as_str()), "{name} is gone");
            }
        }
    }
    for name in EARLIER_NAMES {
        assert!(names.contains(name), "{name} is gone");
    }
}
