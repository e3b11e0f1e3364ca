//! The catalogue: every shipped feature, family by family.
//!
//! A feature is one entry in its family's file: a call of the generator of its shape, with its kind of
//! entity, its window and its words. Order is part of the feature set: entries are added at the end of a
//! family, and the set's hash changes when any of it does. Must never hold state: what a definition or a
//! fact costs is decided by the plan, and equal parts are shared there.

mod velocity;
mod device;
mod behaviour;
mod payment;
mod geography;
mod history;

use sentinel_domain::Transaction;

use crate::definition::{Aggregate, Definition};
use crate::entity::EntityKind;
use crate::fact::Fact;
use crate::feature::{Context, Family, Feature, Missing, Source, Unit};
use crate::field::{Category, Number};
use crate::filter::{Filter, Flag};
use crate::window::WindowIndex;

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

/// Windows, each with a value one could meet there.
type Windows = [(WindowIndex, f64)];

/// What people read of an entry: doc, phrase and example.
type Words = (String, String, f64);

/// An entry that reads an aggregate over a window.
fn windowed(
    family: Family,
    definition: Definition,
    name: String,
    (unit, missing): (Unit, Missing),
    (doc, phrase, example): Words,
) -> Feature {
    Feature {
        name,
        family,
        unit,
        missing,
        doc,
        example,
        phrase,
        source: Source::Windowed(definition),
    }
}

/// An entry that reads a fact, called by its kind and the fact.
fn known(
    family: Family,
    (kind, fact): (EntityKind, Fact),
    (unit, missing): (Unit, Missing),
    (doc, phrase, example): Words,
) -> Feature {
    Feature {
        name: format!("{kind}_{fact}"),
        family,
        unit,
        missing,
        doc,
        example,
        phrase,
        source: Source::Fact(kind, fact),
    }
}

/// An entry that reads the transaction alone.
fn of_transaction(
    family: Family,
    name: &str,
    (unit, missing): (Unit, Missing),
    (doc, phrase, example): (&str, &str, f64),
    value: fn(&Transaction, Context) -> f64,
) -> Feature {
    Feature {
        name: name.into(),
        family,
        unit,
        missing,
        doc: doc.into(),
        example,
        phrase: phrase.into(),
        source: Source::Transaction(value),
    }
}

/// An aggregate of every event of a window.
fn over(entity: EntityKind, aggregate: Aggregate, window: WindowIndex) -> Definition {
    Definition {
        entity,
        aggregate,
        window,
        ratio_to: None,
        filter: None,
    }
}

/// How many events: `of` is what they are to the entity (`of`, `from`, `at`).
fn counts(family: Family, kind: EntityKind, of: &str, windows: &Windows) -> Vec<Feature> {
    let entry = |&(at, example): &(WindowIndex, f64)| {
        let (noun, window) = (kind.noun(), at.window());
        let phrase = window.phrase;
        windowed(
            family,
            over(kind, Aggregate::Count, at),
            format!("{kind}_count_{}", window.name),
            (Unit::Count, Missing::NoEntity),
            (
                format!("events {of} the {noun} within {phrase}, this one included"),
                format!("{{value}} payments {of} this {noun} within {phrase}"),
                example,
            ),
        )
    };
    windows.iter().map(entry).collect()
}

/// A category that is counted: its name in names of features and in sentences.
struct Counted(Category, &'static str, &'static str);

const MERCHANTS: Counted = Counted(
    Category::Entity(EntityKind::Merchant),
    "merchants",
    "merchants",
);
const ACCOUNTS: Counted = Counted(
    Category::Entity(EntityKind::Account),
    "accounts",
    "accounts",
);
const CARDS: Counted = Counted(Category::Entity(EntityKind::Card), "cards", "cards");
const DEVICES: Counted = Counted(Category::Entity(EntityKind::Device), "devices", "devices");
const IPS: Counted = Counted(Category::Entity(EntityKind::Ip), "ips", "IP addresses");
const PAYEES: Counted = Counted(
    Category::Entity(EntityKind::Counterparty),
    "counterparties",
    "payees",
);
const COUNTRIES: Counted = Counted(Category::MerchantCountry, "countries", "merchant countries");

/// How many different values of a category.
fn distinct(
    family: Family,
    kind: EntityKind,
    of: &str,
    Counted(category, name, plural): &Counted,
    windows: &Windows,
) -> Vec<Feature> {
    let entry = |&(at, example): &(WindowIndex, f64)| {
        let (noun, window) = (kind.noun(), at.window());
        let phrase = window.phrase;
        windowed(
            family,
            over(kind, Aggregate::Distinct(category.clone()), at),
            format!("{kind}_distinct_{name}_{}", window.name),
            (Unit::Count, Missing::NoEntity),
            (
                format!("different {plural} {of} the {noun} within {phrase}, this one included"),
                format!("{{value}} different {plural} {of} this {noun} within {phrase}"),
                example,
            ),
        )
    };
    windows.iter().map(entry).collect()
}

/// A flag that picks events.
struct Picked {
    flag: Flag,
    /// In names of features.
    name: &'static str,
    /// What such payments were, for sentences.
    was: &'static str,
    /// The same, exactly, for docs.
    was_exactly: &'static str,
}

const DECLINED: Picked = Picked {
    flag: Flag::Declined,
    name: "declined",
    was: "were declined or failed a check",
    was_exactly: "were declined or failed the security code or 3-D Secure",
};
const NIGHT: Picked = Picked {
    flag: Flag::Night,
    name: "night",
    was: "were made at night",
    was_exactly: "were made from midnight to six where the payer was",
};
const SMALL: Picked = Picked {
    flag: Flag::SmallAmount,
    name: "small",
    was: "were small",
    was_exactly: "were below 5 major units",
};
const FOREIGN: Picked = Picked {
    flag: Flag::Foreign,
    name: "foreign",
    was: "were made abroad",
    was_exactly: "went to another country than the card's, else the billing address's",
};
const UNDER_LIMIT: Picked = Picked {
    flag: Flag::UnderLimit,
    name: "under_limit",
    was: "stayed just below a limit",
    was_exactly: "stayed at most a tenth below 1,000, 3,000 or 10,000 major units",
};
const CASH: Picked = Picked {
    flag: Flag::Cash,
    name: "cash",
    was: "were cash",
    was_exactly: "were cash or made at a cash machine",
};
const TRANSFERS: Picked = Picked {
    flag: Flag::Transfer,
    name: "transfer",
    was: "were transfers",
    was_exactly: "were transfers from account to account",
};
const CARD_NOT_PRESENT: Picked = Picked {
    flag: Flag::CardNotPresent,
    name: "card_not_present",
    was: "were made without the card present",
    was_exactly: "were made from afar by their channel or entry mode",
};

const HIGH: Picked = Picked {
    flag: Flag::HighAmount,
    name: "high",
    was: "were far above what their accounts used to pay",
    was_exactly: "were above three times the mean of their account's earlier amounts",
};

/// How many events that a flag picks.
fn picked_count(
    family: Family,
    kind: EntityKind,
    picked: &Picked,
    (at, example): (WindowIndex, f64),
) -> Feature {
    let (noun, window) = (kind.noun(), at.window());
    let phrase = window.phrase;
    windowed(
        family,
        Definition {
            filter: Some(Filter::of(picked.flag)),
            ..over(kind, Aggregate::Count, at)
        },
        format!("{kind}_{}_count_{}", picked.name, window.name),
        (Unit::Count, Missing::NoEntity),
        (
            format!(
                "events of the {noun} within {phrase}, this one included, that {}",
                picked.was_exactly
            ),
            format!(
                "{{value}} of this {noun}'s payments within {phrase} {}",
                picked.was
            ),
            example,
        ),
    )
}

/// The sum of the amounts that a flag picks.
fn picked_sum(
    family: Family,
    kind: EntityKind,
    picked: &Picked,
    (at, example): (WindowIndex, f64),
) -> Feature {
    let (noun, window) = (kind.noun(), at.window());
    let phrase = window.phrase;
    windowed(
        family,
        Definition {
            filter: Some(Filter::of(picked.flag)),
            ..over(kind, Aggregate::Sum(Number::Amount), at)
        },
        format!("{kind}_{}_sum_{}", picked.name, window.name),
        (Unit::MinorUnits, Missing::NoEntity),
        (
            format!(
                "amounts of the {noun}'s events within {phrase}, this one included, that {}",
                picked.was_exactly
            ),
            format!(
                "{{value}} in this {noun}'s payments within {phrase} that {}",
                picked.was
            ),
            example,
        ),
    )
}

/// Time since the first sight of an entity.
fn seconds_since_first(family: Family, kind: EntityKind, example: f64) -> Feature {
    let noun = kind.noun();
    known(
        family,
        (kind, Fact::SecondsSinceFirst),
        (Unit::Seconds, Missing::NoHistory),
        (
            format!("time since the {noun} was first seen"),
            format!("this {noun} was first seen {{value}} ago"),
            example,
        ),
    )
}

/// Whether a pair is new, how old it is and how often it was seen: `of` names both, such as `of this
/// account at this merchant`.
fn of_pair(family: Family, kind: EntityKind, of: &str) -> [Feature; 3] {
    [
        known(
            family,
            (kind, Fact::IsNew),
            (Unit::Flag, Missing::NoEntity),
            (
                format!("1 where there is no earlier event {of}"),
                format!("this is the first payment {of}|this is not the first payment {of}"),
                0.0,
            ),
        ),
        known(
            family,
            (kind, Fact::SecondsSinceFirst),
            (Unit::Seconds, Missing::NoHistory),
            (
                format!("time since the first event {of}"),
                format!("the first payment {of} was made {{value}} ago"),
                1_209_600.0,
            ),
        ),
        known(
            family,
            (kind, Fact::CountEver),
            (Unit::Count, Missing::NoEntity),
            (
                format!("earlier events {of}"),
                format!("{{value}} earlier payments {of} are known"),
                4.0,
            ),
        ),
    ]
}

#[cfg(test)]
mod tests;
