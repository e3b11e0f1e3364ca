//! The catalogue: every shipped feature, family by family.
//!
//! A feature is one entry in its family's file. Order is part of the feature set: entries are added at
//! the end of a family, and the set's hash changes when any of it does.

mod velocity;
mod device;
mod behaviour;
mod geography;
mod history;

use crate::entity::EntityKind;
use crate::feature::{Family, Feature, Missing, Source, Unit};
use crate::slice::Measure;
use crate::window::{WINDOW_COUNT, WINDOWS, Window};

/// Every shipped feature, in the order of the row.
pub fn features() -> Vec<Feature> {
    [
        velocity::features(),
        device::features(),
        behaviour::features(),
        geography::features(),
        history::features(),
    ]
    .concat()
}

/// One feature per window, from a function of the window's index.
fn per_window(entry: impl Fn(usize, &Window) -> Feature) -> impl Iterator<Item = Feature> {
    (0..WINDOW_COUNT).map(move |index| entry(index, &WINDOWS[index]))
}

/// An entry that reads one number of an entity's slice.
fn of_entity(
    family: Family,
    kind: EntityKind,
    measure: Measure,
    name: String,
    (unit, missing): (Unit, Missing),
    (doc, phrase, example): (String, String, f64),
) -> Feature {
    let source = Source::Entity(kind, measure);
    Feature {
        name,
        family,
        unit,
        missing,
        doc,
        example,
        phrase,
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

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
            assert!(feature.doc.len() > 10, "{name} has no doc");
            let says = if feature.unit == Unit::Flag {
                "|"
            } else {
                "{value}"
            };
            assert!(
                feature.phrase.contains(says),
                "{name} does not say its value"
            );
            assert!(feature.example.is_finite(), "{name} has no example");
        }
        assert!(names.len() >= 80);
    }
}
