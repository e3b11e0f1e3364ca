//! Geography: places and the way between them.

use sentinel_domain::{Country, Transaction};

use super::of_entity;
use crate::entity::EntityKind;
use crate::feature::{Context, Family, Feature, Missing, Source, Unit};
use crate::slice::Measure;

pub(super) fn features() -> Vec<Feature> {
    let mut all = Vec::new();
    for kind in [EntityKind::Account, EntityKind::Card] {
        let noun = kind.noun();
        all.push(of_entity(
            Family::Geography,
            kind,
            Measure::DistanceKm,
            format!("{kind}_distance_km"),
            (Unit::Kilometres, Missing::NoHistory),
            (
                format!("distance from the {noun}'s last place"),
                format!("{{value}} from the last place of this {noun}"),
                12.0,
            ),
        ));
        all.push(of_entity(
            Family::Geography,
            kind,
            Measure::SpeedKmh,
            format!("{kind}_speed_kmh"),
            (Unit::KilometresPerHour, Missing::NoHistory),
            (
                format!(
                    "speed needed to come from the {noun}'s last place, at least one second apart"
                ),
                format!("this {noun} would have travelled at {{value}}"),
                40.0,
            ),
        ));
    }
    all.push(mismatch(
        "card_country_differs_from_merchant",
        "card",
        "merchant",
        |t, _| differs(t.card_country, t.merchant_country),
    ));
    all.push(mismatch(
        "billing_country_differs_from_shipping",
        "billing",
        "shipping",
        |t, _| differs(t.billing_country, t.shipping_country),
    ));
    all.push(mismatch(
        "card_country_differs_from_billing",
        "card",
        "billing",
        |t, _| differs(t.card_country, t.billing_country),
    ));
    all
}

fn mismatch(name: &str, one: &str, other: &str, flag: fn(&Transaction, Context) -> f64) -> Feature {
    Feature {
        name: name.into(),
        family: Family::Geography,
        unit: Unit::Flag,
        missing: Missing::NoField,
        doc: format!("1 where the {one} country differs from the {other} country"),
        example: 0.0,
        phrase: format!("{one} and {other} country differ|{one} and {other} country are the same"),
        source: Source::Transaction(flag),
    }
}

fn differs(one: Option<Country>, other: Option<Country>) -> f64 {
    match (one, other) {
        (Some(one), Some(other)) => f64::from(u8::from(one != other)),
        _ => f64::NAN,
    }
}
