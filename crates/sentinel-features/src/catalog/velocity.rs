//! Velocity: how often and how much, in how short a time.
//!
//! Counts, sums and different values. Amounts per payment are habit and stand in `behaviour`.

use super::{
    ACCOUNTS, CARDS, DECLINED, MERCHANTS, PAYEES, SMALL, Windows, counts, distinct, over,
    picked_count, windowed,
};
use crate::definition::{Aggregate, Definition};
use crate::entity::EntityKind;
use crate::feature::{Family, Feature, Missing, Unit};
use crate::field::Number;
use crate::window::WindowIndex;

const FAMILY: Family = Family::Velocity;

pub(super) fn features() -> Vec<Feature> {
    let mut all = Vec::new();
    all.extend(of_account());
    all.extend(of_card());
    all.extend(of_merchant());
    all.extend(of_others());
    all
}

fn of_account() -> Vec<Feature> {
    let kind = EntityKind::Account;
    let mut all = counts(
        FAMILY,
        kind,
        "of",
        &[
            (WindowIndex::M1, 2.0),
            (WindowIndex::M5, 2.0),
            (WindowIndex::M15, 2.0),
            (WindowIndex::H1, 2.0),
            (WindowIndex::H6, 3.0),
            (WindowIndex::H24, 4.0),
            (WindowIndex::D7, 12.0),
            (WindowIndex::D30, 38.0),
        ],
    );
    let sums_of = [
        (WindowIndex::M1, 4_990.0),
        (WindowIndex::M5, 4_990.0),
        (WindowIndex::H1, 6_240.0),
        (WindowIndex::H24, 12_500.0),
        (WindowIndex::D30, 96_000.0),
    ];
    all.extend(sums(kind, ("of", "spent by"), &sums_of));
    all.extend(distinct(FAMILY, kind, "of", &MERCHANTS, &FOUR));
    all.push(count_ratio(kind, (WindowIndex::H1, WindowIndex::H24), 0.3));
    all.push(sum_ratio(kind, (WindowIndex::H24, WindowIndex::D30), 0.2));
    all.extend(distinct(
        FAMILY,
        kind,
        "of",
        &CARDS,
        &[(WindowIndex::H24, 1.0)],
    ));
    all.extend(distinct(
        FAMILY,
        kind,
        "of",
        &PAYEES,
        &[(WindowIndex::H24, 1.0)],
    ));
    all.push(picked_count(FAMILY, kind, &SMALL, (WindowIndex::H1, 1.0)));
    all.push(picked_count(
        FAMILY,
        kind,
        &DECLINED,
        (WindowIndex::H24, 1.0),
    ));
    all
}

fn of_card() -> Vec<Feature> {
    let kind = EntityKind::Card;
    let mut all = counts(FAMILY, kind, "of", &FOUR);
    let sums_of = [
        (WindowIndex::M1, 4_990.0),
        (WindowIndex::M5, 4_990.0),
        (WindowIndex::H1, 6_240.0),
        (WindowIndex::H24, 12_500.0),
    ];
    all.extend(sums(kind, ("of", "spent by"), &sums_of));
    all.extend(distinct(FAMILY, kind, "of", &MERCHANTS, &FOUR));
    all.push(count_ratio(kind, (WindowIndex::H24, WindowIndex::D7), 0.3));
    all.push(picked_count(FAMILY, kind, &SMALL, (WindowIndex::H24, 1.0)));
    all.push(picked_count(
        FAMILY,
        kind,
        &DECLINED,
        (WindowIndex::H24, 1.0),
    ));
    all
}

fn of_merchant() -> Vec<Feature> {
    let kind = EntityKind::Merchant;
    let counts_of = [
        (WindowIndex::M1, 2.0),
        (WindowIndex::M5, 5.0),
        (WindowIndex::H1, 40.0),
        (WindowIndex::H24, 620.0),
    ];
    let mut all = counts(FAMILY, kind, "of", &counts_of);
    all.extend(sums(
        kind,
        ("of", "taken by"),
        &[(WindowIndex::H24, 1_860_000.0)],
    ));
    all.extend(distinct(
        FAMILY,
        kind,
        "at",
        &CARDS,
        &[(WindowIndex::H1, 37.0)],
    ));
    all
}

/// Terminal, issuer's prefix, payee and customer.
fn of_others() -> Vec<Feature> {
    let mut all = counts(
        FAMILY,
        EntityKind::Terminal,
        "at",
        &[(WindowIndex::H1, 9.0)],
    );
    let bin_cards = [(WindowIndex::M5, 3.0), (WindowIndex::H1, 22.0)];
    all.extend(distinct(FAMILY, EntityKind::Bin, "of", &CARDS, &bin_cards));
    all.push(picked_count(
        FAMILY,
        EntityKind::Bin,
        &DECLINED,
        (WindowIndex::H1, 1.0),
    ));
    let payee = EntityKind::Counterparty;
    all.extend(distinct(
        FAMILY,
        payee,
        "paying",
        &ACCOUNTS,
        &[(WindowIndex::H24, 1.0)],
    ));
    all.extend(sums(
        payee,
        ("to", "received by"),
        &[(WindowIndex::D7, 85_000.0)],
    ));
    let customer = EntityKind::Customer;
    all.extend(sums(
        customer,
        ("of", "spent by"),
        &[(WindowIndex::H24, 14_800.0)],
    ));
    all
}

/// The four windows of a table without longer ones.
const FOUR: [(WindowIndex, f64); 4] = [
    (WindowIndex::M1, 1.0),
    (WindowIndex::M5, 1.0),
    (WindowIndex::H1, 2.0),
    (WindowIndex::H24, 3.0),
];

/// The sum of amounts: `of` and `spent` are what they are to the entity.
fn sums(kind: EntityKind, (of, spent): (&str, &str), windows: &Windows) -> Vec<Feature> {
    let entry = |&(at, example): &(WindowIndex, f64)| {
        let (noun, window) = (kind.noun(), at.window());
        let phrase = window.phrase;
        windowed(
            FAMILY,
            over(kind, Aggregate::Sum(Number::Amount), at),
            format!("{kind}_sum_{}", window.name),
            (Unit::MinorUnits, Missing::NoEntity),
            (
                format!("amounts {of} the {noun} within {phrase}, this one included"),
                format!("{{value}} {spent} this {noun} within {phrase}"),
                example,
            ),
        )
    };
    windows.iter().map(entry).collect()
}

/// The part of a longer window's events that a shorter one holds.
fn count_ratio(
    kind: EntityKind,
    (short, long): (WindowIndex, WindowIndex),
    example: f64,
) -> Feature {
    let (noun, near, far) = (kind.noun(), short.window(), long.window());
    windowed(
        FAMILY,
        Definition {
            ratio_to: Some(long),
            ..over(kind, Aggregate::Count, short)
        },
        format!("{kind}_count_{}_to_{}", near.name, far.name),
        (Unit::Share, Missing::NoEntity),
        (
            format!(
                "events of the {noun} within {} over those within {}",
                near.phrase, far.phrase
            ),
            format!(
                "{{value}} of this {noun}'s payments within {} fall within {}",
                far.phrase, near.phrase
            ),
            example,
        ),
    )
}

/// The part of a longer window's amounts that a shorter one holds.
fn sum_ratio(kind: EntityKind, (short, long): (WindowIndex, WindowIndex), example: f64) -> Feature {
    let (noun, near, far) = (kind.noun(), short.window(), long.window());
    windowed(
        FAMILY,
        Definition {
            ratio_to: Some(long),
            ..over(kind, Aggregate::Sum(Number::Amount), short)
        },
        format!("{kind}_sum_{}_to_{}", near.name, far.name),
        (Unit::Share, Missing::NoAmount),
        (
            format!(
                "amounts of the {noun} within {} over those within {}",
                near.phrase, far.phrase
            ),
            format!(
                "{{value}} of what this {noun} spent within {} falls within {}",
                far.phrase, near.phrase
            ),
            example,
        ),
    )
}
