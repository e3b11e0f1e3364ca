//! Geography: places and the way between them, countries and whether they agree.

use sentinel_domain::{Country, Scalar, Transaction};

use super::{
    COUNTRIES, FOREIGN, Windows, distinct, known, of_pair, of_transaction, over, picked_count,
    windowed,
};
use crate::definition::Aggregate;
use crate::entity::EntityKind;
use crate::fact::Fact;
use crate::feature::{Context, Family, Feature, Missing, Unit};
use crate::field::Number;
use crate::window::WindowIndex;

const FAMILY: Family = Family::Geography;

/// The attribute that carries the country of the IP address, two letters, where the sender looked it up.
const IP_COUNTRY: &str = "ip_country";

pub(super) fn features() -> Vec<Feature> {
    let mut all = Vec::new();
    let travel_windows = [(WindowIndex::H1, 4.0), (WindowIndex::H24, 38.0)];
    for kind in [EntityKind::Account, EntityKind::Card] {
        all.push(distance(kind));
        all.push(speed(kind));
        all.extend(travelled(kind, &travel_windows));
        all.push(picked_count(
            FAMILY,
            kind,
            &FOREIGN,
            (WindowIndex::H24, 1.0),
        ));
    }
    all.push(speed(EntityKind::Device));
    let week = (WindowIndex::D7, 2.0);
    all.push(picked_count(FAMILY, EntityKind::Card, &FOREIGN, week));
    let day = [(WindowIndex::H24, 1.0)];
    all.extend(distinct(FAMILY, EntityKind::Card, "of", &COUNTRIES, &day));
    all.extend(of_pair(
        FAMILY,
        EntityKind::CardCountry,
        "with this card in this country",
    ));
    all.extend(mismatches());
    all.push(countries());
    all
}

fn distance(kind: EntityKind) -> Feature {
    let noun = kind.noun();
    known(
        FAMILY,
        (kind, Fact::DistanceKm),
        (Unit::Kilometres, Missing::NoHistory),
        (
            format!("distance from the {noun}'s last place"),
            format!("{{value}} from the last place of this {noun}"),
            12.0,
        ),
    )
}

fn speed(kind: EntityKind) -> Feature {
    let noun = kind.noun();
    known(
        FAMILY,
        (kind, Fact::SpeedKmh),
        (Unit::KilometresPerHour, Missing::NoHistory),
        (
            format!("speed needed to come from the {noun}'s last place, at least one second apart"),
            format!("this {noun} would have travelled at {{value}}"),
            40.0,
        ),
    )
}

fn travelled(kind: EntityKind, windows: &Windows) -> Vec<Feature> {
    let entry = |&(at, example): &(WindowIndex, f64)| {
        let (noun, window) = (kind.noun(), at.window());
        let phrase = window.phrase;
        windowed(
            FAMILY,
            over(kind, Aggregate::Sum(Number::DistanceMetres), at),
            format!("{kind}_travelled_km_{}", window.name),
            (Unit::Kilometres, Missing::NoEntity),
            (
                format!("distances between the {noun}'s places within {phrase}, summed"),
                format!("this {noun} travelled {{value}} within {phrase}"),
                example,
            ),
        )
    };
    windows.iter().map(entry).collect()
}

fn mismatches() -> Vec<Feature> {
    vec![
        mismatch("card", "merchant", |t, _| {
            differs(t.card_country, t.merchant_country)
        }),
        mismatch("billing", "shipping", |t, _| {
            differs(t.billing_country, t.shipping_country)
        }),
        mismatch("card", "billing", |t, _| {
            differs(t.card_country, t.billing_country)
        }),
        mismatch("card", "shipping", |t, _| {
            differs(t.card_country, t.shipping_country)
        }),
        mismatch("card", "ip", |t, _| differs(t.card_country, ip_country(t))),
        mismatch("billing", "ip", |t, _| {
            differs(t.billing_country, ip_country(t))
        }),
        mismatch("billing", "merchant", |t, _| {
            differs(t.billing_country, t.merchant_country)
        }),
        mismatch("shipping", "ip", |t, _| {
            differs(t.shipping_country, ip_country(t))
        }),
        mismatch("counterparty", "billing", |t, _| {
            differs(t.counterparty_country, t.billing_country)
        }),
    ]
}

fn mismatch(one: &str, other: &str, value: fn(&Transaction, Context) -> f64) -> Feature {
    let said = |side| match side {
        "ip" => "IP address",
        "counterparty" => "payee",
        side => side,
    };
    let (first, second) = (said(one), said(other));
    of_transaction(
        FAMILY,
        &format!("{one}_country_differs_from_{other}"),
        (Unit::Flag, Missing::NoField),
        (
            &format!("1 where the {first} country differs from the {second} country"),
            &format!(
                "{first} and {second} country differ|{first} and {second} country are the same"
            ),
            0.0,
        ),
        value,
    )
}

fn differs(one: Option<Country>, other: Option<Country>) -> f64 {
    match (one, other) {
        (Some(one), Some(other)) => f64::from(one != other),
        _ => f64::NAN,
    }
}

fn ip_country(transaction: &Transaction) -> Option<Country> {
    match transaction.attributes.get(IP_COUNTRY)? {
        Scalar::Text(word) => Country::parse(word),
        Scalar::Boolean(_) | Scalar::Integer(_) | Scalar::Number(_) => None,
    }
}

fn countries() -> Feature {
    of_transaction(
        FAMILY,
        "payment_distinct_countries",
        (Unit::Count, Missing::NoField),
        (
            "different countries among those of card, IP address, billing, shipping, merchant and payee",
            "{value} different countries are named in the payment",
            1.0,
        ),
        distinct_countries,
    )
}

fn distinct_countries(transaction: &Transaction, _: Context) -> f64 {
    let named = [
        transaction.card_country,
        ip_country(transaction),
        transaction.billing_country,
        transaction.shipping_country,
        transaction.merchant_country,
        transaction.counterparty_country,
    ];
    let mut different = 0_u32;
    for (place, country) in named.iter().enumerate() {
        let first = !named.iter().take(place).any(|earlier| earlier == country);
        different += u32::from(country.is_some() && first);
    }
    if different == 0 {
        return f64::NAN;
    }
    f64::from(different)
}

#[cfg(test)]
mod tests {
    use sentinel_synth::builder;

    use super::*;
    use crate::feature::Source;

    fn value(name: &str, transaction: &Transaction) -> f64 {
        let all = features();
        let feature = all.iter().find(|feature| feature.name == name).unwrap();
        match feature.source {
            Source::Transaction(value) => value(transaction, Context { amount: None }),
            _ => panic!("{name} asks more than the transaction"),
        }
    }

    #[test]
    fn countries_are_compared_where_both_are_given() {
        let name = "card_country_differs_from_ip";
        let card = builder::transaction("e").card_country("NL");
        assert!(value(name, &card.clone().build()).is_nan());
        let at = |country: &str| {
            let word = Scalar::Text(country.into());
            card.clone().attribute(IP_COUNTRY, word).build()
        };
        assert_eq!(value(name, &at("nl")), 0.0);
        assert_eq!(value(name, &at("DE")), 1.0);
        assert!(value(name, &at("Germany")).is_nan());
    }

    #[test]
    fn different_countries_of_a_payment_are_counted_once() {
        let name = "payment_distinct_countries";
        let plain = builder::transaction("e");
        assert!(value(name, &plain.clone().build()).is_nan());
        let named = plain
            .card_country("NL")
            .merchant_country("DE")
            .billing_country("NL")
            .shipping_country("FR")
            .attribute(IP_COUNTRY, Scalar::Text("DE".into()));
        assert_eq!(value(name, &named.build()), 3.0);
    }
}
