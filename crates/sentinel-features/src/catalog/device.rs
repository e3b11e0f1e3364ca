//! Device: devices, addresses and merchants, and how many accounts share them.

use super::{of_entity, per_window};
use crate::entity::EntityKind;
use crate::feature::{Family, Feature, Missing, Unit};
use crate::slice::Measure;

pub(super) fn features() -> Vec<Feature> {
    let mut all = Vec::new();
    for kind in [EntityKind::Device, EntityKind::Ip] {
        all.extend(counts(kind));
        all.extend(accounts(kind));
        all.push(of_entity(
            Family::Device,
            kind,
            Measure::SecondsSinceFirst,
            format!("{kind}_seconds_since_first"),
            (Unit::Seconds, Missing::NoHistory),
            (
                format!("time since the {} was first seen", kind.noun()),
                format!("this {} was first seen {{value}} ago", kind.noun()),
                864_000.0,
            ),
        ));
    }
    all.extend(accounts(EntityKind::Merchant));
    all
}

fn counts(kind: EntityKind) -> impl Iterator<Item = Feature> {
    per_window(move |index, window| {
        let (noun, phrase) = (kind.noun(), window.phrase);
        of_entity(
            Family::Device,
            kind,
            Measure::Count(index),
            format!("{kind}_count_{}", window.name),
            (Unit::Count, Missing::NoEntity),
            (
                format!("events from the {noun} within {phrase}, this one included"),
                format!("{{value}} payments from this {noun} within {phrase}"),
                1.0,
            ),
        )
    })
}

fn accounts(kind: EntityKind) -> impl Iterator<Item = Feature> {
    per_window(move |index, window| {
        let (noun, phrase) = (kind.noun(), window.phrase);
        of_entity(
            Family::Device,
            kind,
            Measure::Distinct(index),
            format!("{kind}_distinct_accounts_{}", window.name),
            (Unit::Count, Missing::NoEntity),
            (
                format!("different accounts at the {noun} within {phrase}, this one included"),
                format!("{{value}} different accounts at this {noun} within {phrase}"),
                1.0,
            ),
        )
    })
}
