//! Velocity: how often and how much, in how short a time.

use super::{of_entity, per_window};
use crate::entity::EntityKind;
use crate::feature::{Family, Feature, Missing, Unit};
use crate::slice::Measure;

pub(super) fn features() -> Vec<Feature> {
    let mut all = Vec::new();
    for kind in [EntityKind::Account, EntityKind::Card] {
        all.extend(counts(kind));
        all.extend(sums(kind));
        all.extend(means(kind));
        all.extend(maxima(kind));
        all.extend(merchants(kind));
    }
    all.extend(counts(EntityKind::Merchant));
    all
}

fn counts(kind: EntityKind) -> impl Iterator<Item = Feature> {
    per_window(move |index, window| {
        let (noun, phrase) = (kind.noun(), window.phrase);
        of_entity(
            Family::Velocity,
            kind,
            Measure::Count(index),
            format!("{kind}_count_{}", window.name),
            (Unit::Count, Missing::NoEntity),
            (
                format!("events of the {noun} within {phrase}, this one included"),
                format!("{{value}} payments of this {noun} within {phrase}"),
                2.0,
            ),
        )
    })
}

fn sums(kind: EntityKind) -> impl Iterator<Item = Feature> {
    per_window(move |index, window| {
        let (noun, phrase) = (kind.noun(), window.phrase);
        of_entity(
            Family::Velocity,
            kind,
            Measure::Sum(index),
            format!("{kind}_sum_{}", window.name),
            (Unit::MinorUnits, Missing::NoEntity),
            (
                format!("amounts of the {noun} within {phrase}, this one included"),
                format!("{{value}} spent by this {noun} within {phrase}"),
                12_500.0,
            ),
        )
    })
}

fn means(kind: EntityKind) -> impl Iterator<Item = Feature> {
    per_window(move |index, window| {
        let (noun, phrase) = (kind.noun(), window.phrase);
        of_entity(
            Family::Velocity,
            kind,
            Measure::Mean(index),
            format!("{kind}_mean_{}", window.name),
            (Unit::MinorUnits, Missing::NoAmount),
            (
                format!("mean amount of the {noun} within {phrase}, this one included"),
                format!("{{value}} a payment of this {noun} within {phrase}"),
                6_250.0,
            ),
        )
    })
}

fn maxima(kind: EntityKind) -> impl Iterator<Item = Feature> {
    per_window(move |index, window| {
        let (noun, phrase) = (kind.noun(), window.phrase);
        of_entity(
            Family::Velocity,
            kind,
            Measure::Max(index),
            format!("{kind}_max_{}", window.name),
            (Unit::MinorUnits, Missing::NoAmount),
            (
                format!("greatest amount of the {noun} within {phrase}, this one included"),
                format!("{{value}} is the greatest payment of this {noun} within {phrase}"),
                9_900.0,
            ),
        )
    })
}

fn merchants(kind: EntityKind) -> impl Iterator<Item = Feature> {
    per_window(move |index, window| {
        let (noun, phrase) = (kind.noun(), window.phrase);
        of_entity(
            Family::Velocity,
            kind,
            Measure::Distinct(index),
            format!("{kind}_distinct_merchants_{}", window.name),
            (Unit::Count, Missing::NoEntity),
            (
                format!("different merchants of the {noun} within {phrase}, this one included"),
                format!("{{value}} different merchants of this {noun} within {phrase}"),
                2.0,
            ),
        )
    })
}
