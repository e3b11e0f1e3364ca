//! Definitions: which are refused, and how each is called.

use proptest::prelude::*;

use super::*;

fn definition(aggregate: &str, field: Option<&str>, entity: &str, window: &str) -> Definition {
    Definition {
        entity: EntityKind::parse(entity).unwrap(),
        aggregate: Aggregate::parse(aggregate, field).unwrap(),
        window: WindowIndex::parse(window).unwrap(),
        ratio_to: None,
        filter: None,
    }
}

/// Every aggregate with a field where it needs one.
fn every_aggregate() -> Vec<(&'static str, Option<&'static str>)> {
    let field = |needs: &Needs| match needs {
        Needs::Number(_) => Some("amount"),
        Needs::Category(_) => Some("merchant"),
        Needs::Nothing(_) => None,
    };
    AGGREGATES
        .iter()
        .map(|(name, needs)| (*name, field(needs)))
        .collect()
}

#[test]
fn every_aggregate_is_read_by_its_name() {
    assert_eq!(every_aggregate().len(), 16);
    for (name, field) in every_aggregate() {
        let aggregate = Aggregate::parse(name, field).unwrap();
        assert_eq!(aggregate.name(), name);
        assert_eq!(aggregate.field().as_deref(), field);
    }
    let message = Aggregate::parse("sun", None).unwrap_err();
    assert_eq!(message, "\"sun\" is no aggregate; did you mean sum?");
    let message = Aggregate::parse("total", None).unwrap_err();
    assert!(message.contains("there are count, sum, mean"), "{message}");
}

#[test]
fn every_aggregate_refuses_a_field_it_is_not_of() {
    for (name, field) in every_aggregate() {
        let wrong: &[Option<&str>] = match field {
            Some("amount") => &[None, Some("merchant"), Some(""), Some("amonut")],
            Some(_) => &[None, Some("amount"), Some("distance_km"), Some("merchants")],
            None => &[Some("amount"), Some("merchant")],
        };
        for field in wrong {
            let message = Aggregate::parse(name, *field).unwrap_err();
            assert!(message.contains(name), "{name} {field:?}: {message}");
        }
    }
}

#[test]
fn long_windows_take_what_tiles_can_answer() {
    let tiled = [
        "count",
        "sum",
        "mean",
        "standard_deviation",
        "min",
        "max",
        "to_mean",
        "z_score",
        "distinct",
    ];
    for (name, field) in every_aggregate() {
        for window in crate::window::WINDOWS {
            let long = matches!(window.name, "7d" | "30d");
            let made = definition(name, field, "account", window.name);
            let expected = !long || tiled.contains(&name);
            assert_eq!(made.check().is_ok(), expected, "{made}");
        }
    }
    let message = definition("median", Some("amount"), "card", "7d").check();
    assert_eq!(
        message.unwrap_err(),
        "window: median is not kept over 7d: up to 24h it is"
    );
}

#[test]
fn gaps_take_no_filter() {
    for (name, field) in every_aggregate() {
        let mut made = definition(name, field, "account", "1h");
        made.filter = Some(Filter::parse("channel = web").unwrap());
        let is_gap = name.starts_with("gap");
        assert_eq!(made.check().is_err(), is_gap, "{made}");
    }
}

#[test]
fn ratios_are_of_counts_sums_and_means_over_another_window() {
    for (name, field) in every_aggregate() {
        let mut made = definition(name, field, "account", "1h");
        made.ratio_to = Some(WindowIndex::H24);
        let expected = ["count", "sum", "mean", "distinct"].contains(&name);
        assert_eq!(made.check().is_ok(), expected, "{made}");
        made.ratio_to = Some(WindowIndex::H1);
        assert!(made.check().is_err(), "{made}");
    }
}

#[test]
fn distances_are_of_accounts_and_cards() {
    for entity in EntityKind::ALL {
        let made = definition("max", Some("distance_km"), entity.as_str(), "24h");
        let expected = matches!(entity, EntityKind::Account | EntityKind::Card);
        assert_eq!(made.check().is_ok(), expected, "{made}");
    }
}

#[test]
fn nobody_counts_its_own_kind_and_pairs_count_none() {
    for entity in EntityKind::ALL {
        for name in Category::names() {
            let made = definition("distinct", Some(name), entity.as_str(), "1h");
            let told_apart = match Category::parse(name) {
                Some(Category::Entity(kind)) => kind != *entity && kind.parts().is_none(),
                _ => true,
            };
            let expected = told_apart && entity.parts().is_none();
            assert_eq!(made.check().is_ok(), expected, "{made}");
        }
    }
    let country = definition("distinct", Some("card_country"), "card", "1h");
    assert_eq!(country.check(), Ok(()), "the country of a card is a field");
}

#[test]
fn every_fault_is_said_at_once() {
    let mut made = definition("gap_mean", None, "account", "30d");
    made.ratio_to = Some(WindowIndex::D30);
    made.filter = Some(Filter::parse("night").unwrap());
    let message = made.check().unwrap_err();
    for key in ["window: ", "ratio_to: ", "filter: ", "always be 1"] {
        assert!(message.contains(key), "{message}");
    }
}

#[test]
fn units_follow_from_aggregate_and_field() {
    let unit = |name, field| definition(name, field, "account", "1h").unit();
    assert_eq!(unit("count", None), Unit::Count);
    assert_eq!(unit("distinct", Some("channel")), Unit::Count);
    assert_eq!(unit("gap_standard_deviation", None), Unit::Seconds);
    assert_eq!(unit("rank", Some("amount")), Unit::Share);
    for name in ["to_mean", "z_score"] {
        assert_eq!(unit(name, Some("amount")), Unit::Ratio);
    }
    let numbers = [
        ("amount", Unit::MinorUnits),
        ("distance_km", Unit::Kilometres),
        ("attribute.x", Unit::Raw),
    ];
    for (field, expected) in numbers {
        for name in ["sum", "mean", "min", "first", "previous", "quantile_90"] {
            assert_eq!(unit(name, Some(field)), expected);
        }
    }
    let mut ratio = definition("sum", Some("amount"), "account", "1h");
    ratio.ratio_to = Some(WindowIndex::D7);
    assert_eq!(ratio.unit(), Unit::Ratio);
}

#[test]
fn why_a_value_is_missing_follows_from_what_it_rests_on() {
    let missing = |name, field| definition(name, field, "account", "1h").missing();
    assert_eq!(missing("count", None), Missing::NoEntity);
    assert_eq!(missing("sum", Some("amount")), Missing::NoEntity);
    assert_eq!(missing("distinct", Some("channel")), Missing::NoEntity);
    assert_eq!(missing("mean", Some("amount")), Missing::NoAmount);
    assert_eq!(missing("max", Some("attribute.x")), Missing::NoField);
    assert_eq!(missing("max", Some("distance_km")), Missing::NoHistory);
    for name in ["previous", "rank", "to_mean", "z_score"] {
        assert_eq!(missing(name, Some("amount")), Missing::NoHistory);
    }
    assert_eq!(missing("gap_mean", None), Missing::NoHistory);
    let mut filtered = definition("mean", Some("amount"), "account", "1h");
    filtered.filter = Some(Filter::of(crate::filter::Flag::Night));
    assert_eq!(filtered.missing(), Missing::NoHistory);
    let mut ratio = definition("count", None, "account", "1h");
    ratio.ratio_to = Some(WindowIndex::H24);
    assert_eq!(ratio.missing(), Missing::NoEntity);
    ratio.filter = filtered.filter;
    assert_eq!(ratio.missing(), Missing::NoHistory);
}

#[test]
fn a_definition_is_one_line() {
    let mut made = definition("sum", Some("amount"), "account", "15m");
    assert_eq!(made.to_string(), "sum(amount) of account over 15m");
    made.filter = Some(Filter::parse("amount>=100 and channel=web").unwrap());
    assert_eq!(
        made.to_string(),
        "sum(amount) of account over 15m where channel = web and amount >= 100"
    );
    made.ratio_to = Some(WindowIndex::H24);
    made.aggregate = Aggregate::Count;
    made.filter = None;
    assert_eq!(made.to_string(), "count of account over 15m / 24h");
}

#[test]
fn sentences_speak_of_payments() {
    let mut made = definition("count", None, "account", "15m");
    assert_eq!(
        made.doc(),
        "events of the account within 15 minutes, this one included"
    );
    assert_eq!(
        made.phrase(),
        "{value} payments of this account within 15 minutes"
    );
    made.filter = Some(Filter::parse("declined and foreign and channel = web").unwrap());
    assert_eq!(
        made.phrase(),
        "{value} declined payments abroad of this account within 15 minutes, where channel = web"
    );
    assert_eq!(
        made.doc(),
        "declined events abroad of the account within 15 minutes, where channel = web"
    );
    let mut made = definition("distinct", Some("merchant"), "card", "24h");
    assert_eq!(
        made.phrase(),
        "{value} different merchants in payments of this card within 24 hours"
    );
    made.ratio_to = Some(WindowIndex::D30);
    assert_eq!(
        made.phrase(),
        "{value} times as many different merchants in payments of this card within 24 hours as \
         within 30 days"
    );
    let made = definition("sum", Some("amount"), "merchant", "1h");
    assert_eq!(
        made.phrase(),
        "{value} in payments of this merchant within 1 hour"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_definition_has_short_plain_sentences(
        name in "[ -~]{1,64}",
        value in "[ -~é]{0,120}",
        place in 0..16_usize,
        ratio: bool,
    ) {
        let (aggregate, field) = every_aggregate()[place];
        let attribute = format!("attribute.{name}");
        let mut made = definition(aggregate, field.map(|_| attribute.as_str()), "account", "15m");
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
        made.filter = Some(Filter::parse(&format!("merchant_id != \"{escaped}\"")).unwrap());
        made.ratio_to = ratio.then_some(WindowIndex::H24);
        let (doc, phrase) = (made.doc(), made.phrase());
        let says = phrase.contains("{value}") && !phrase.contains('|');
        prop_assert!(says, "{}", phrase);
        prop_assert!(doc.chars().count() <= 512 && phrase.chars().count() <= 512);
        prop_assert!(doc.len() > 10 && made.example().is_finite());
        prop_assert!(!made.to_string().contains('\n'));
    }
}
