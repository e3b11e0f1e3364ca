//! Behaviour: this payment against the habit of the one who makes it.
//!
//! What an account or a card usually pays, when, and in which manner; and what the payment says of
//! itself.

use super::{
    CARD_NOT_PRESENT, CASH, HIGH, NIGHT, TRANSFERS, UNDER_LIMIT, Windows, known, over, payment,
    picked_count, picked_sum, windowed,
};
use crate::definition::Aggregate;
use crate::entity::EntityKind;
use crate::fact::Fact;
use crate::feature::{Family, Feature, Missing, Unit};
use crate::field::Number;
use crate::window::WindowIndex;

const FAMILY: Family = Family::Behaviour;

pub(super) fn features() -> Vec<Feature> {
    let mut all = payment::amount_and_hour(FAMILY).to_vec();
    for kind in [EntityKind::Account, EntityKind::Card] {
        all.extend(per_window(
            kind,
            &MEAN,
            &short([4_100.0, 4_100.0, 3_900.0, 3_650.0]),
        ));
        all.extend(per_window(
            kind,
            &GREATEST,
            &short([4_990.0, 4_990.0, 6_200.0, 9_900.0]),
        ));
        all.extend(per_window(kind, &TO_MEAN, &short([1.3, 1.3, 1.2, 1.1])));
        all.push(to_mean_ever(kind));
        all.extend(per_window(kind, &Z_SCORE, &[(WindowIndex::D30, 0.4)]));
    }
    let merchant_windows = [(WindowIndex::H24, 1.3)];
    all.extend(per_window(
        EntityKind::Merchant,
        &TO_MEAN,
        &merchant_windows,
    ));
    let day = |example| [(WindowIndex::H24, example)];
    all.extend(per_window(EntityKind::Account, &MEDIAN, &day(3_584.0)));
    all.extend(per_window(EntityKind::Account, &RANK, &day(0.8)));
    all.extend(per_window(EntityKind::Card, &PREVIOUS, &day(199.0)));
    all.extend(per_window(EntityKind::Card, &GAP_MEAN, &day(5_400.0)));
    all.extend(per_window(EntityKind::Card, &GAP_DEVIATION, &day(3_100.0)));
    all.extend(habit());
    all.extend(manner());
    all.extend(payment::flags(FAMILY));
    all
}

/// The windows of a table without longer ones, each with its example.
fn short([m1, m5, h1, h24]: [f64; 4]) -> [(WindowIndex, f64); 4] {
    [
        (WindowIndex::M1, m1),
        (WindowIndex::M5, m5),
        (WindowIndex::H1, h1),
        (WindowIndex::H24, h24),
    ]
}

/// An aggregate of amounts or gaps in words: `{noun}` and `{window}` stand for the entity and the window.
struct Shape {
    aggregate: Aggregate,
    name: &'static str,
    unit: Unit,
    missing: Missing,
    doc: &'static str,
    phrase: &'static str,
}

const MEAN: Shape = Shape {
    aggregate: Aggregate::Mean(Number::Amount),
    name: "mean",
    unit: Unit::MinorUnits,
    missing: Missing::NoAmount,
    doc: "mean amount of the {noun} within {window}, this one included",
    phrase: "{value} a payment of this {noun} within {window}",
};

const GREATEST: Shape = Shape {
    aggregate: Aggregate::Max(Number::Amount),
    name: "max",
    unit: Unit::MinorUnits,
    missing: Missing::NoAmount,
    doc: "greatest amount of the {noun} within {window}, this one included",
    phrase: "{value} is the greatest payment of this {noun} within {window}",
};

const TO_MEAN: Shape = Shape {
    aggregate: Aggregate::ToMean(Number::Amount),
    name: "amount_to_mean",
    unit: Unit::Ratio,
    missing: Missing::NoHistory,
    doc: "the amount over the mean of the {noun}'s other amounts within {window}",
    phrase: "{value} times the other payments of this {noun} within {window}",
};

const Z_SCORE: Shape = Shape {
    aggregate: Aggregate::ZScore(Number::Amount),
    name: "amount_zscore",
    unit: Unit::Ratio,
    missing: Missing::NoHistory,
    doc: "the amount minus the mean of the {noun}'s other amounts within {window}, over their standard deviation",
    phrase: "{value} standard deviations above the other payments of this {noun} within {window}",
};

const MEDIAN: Shape = Shape {
    aggregate: Aggregate::Median(Number::Amount),
    name: "median",
    unit: Unit::MinorUnits,
    missing: Missing::NoAmount,
    doc: "middle amount of the {noun} within {window}, this one included, within 12.5 %",
    phrase: "{value} is about the middle payment of this {noun} within {window}",
};

const RANK: Shape = Shape {
    aggregate: Aggregate::Rank(Number::Amount),
    name: "amount_rank",
    unit: Unit::Share,
    missing: Missing::NoHistory,
    doc: "share of the {noun}'s other amounts within {window} that are about as large as this one or smaller",
    phrase: "{value} of the other payments of this {noun} within {window} are no larger",
};

const PREVIOUS: Shape = Shape {
    aggregate: Aggregate::Previous(Number::Amount),
    name: "previous_amount",
    unit: Unit::MinorUnits,
    missing: Missing::NoHistory,
    doc: "amount of the {noun}'s newest other event within {window} that has one",
    phrase: "the last payment of this {noun} within {window} was {value}",
};

const GAP_MEAN: Shape = Shape {
    aggregate: Aggregate::GapMean,
    name: "gap_mean",
    unit: Unit::Seconds,
    missing: Missing::NoHistory,
    doc: "mean time between consecutive events of the {noun} within {window}",
    phrase: "payments of this {noun} within {window} come every {value} on average",
};

const GAP_DEVIATION: Shape = Shape {
    aggregate: Aggregate::GapStandardDeviation,
    name: "gap_deviation",
    unit: Unit::Seconds,
    missing: Missing::NoHistory,
    doc: "standard deviation of the time between consecutive events of the {noun} within {window}; a machine's is small",
    phrase: "the time between payments of this {noun} within {window} varies by {value}",
};

/// One entry per window.
fn per_window(kind: EntityKind, shape: &Shape, windows: &Windows) -> Vec<Feature> {
    let entry = |&(at, example): &(WindowIndex, f64)| {
        let window = at.window();
        let words = |text: &str| {
            text.replace("{noun}", kind.noun())
                .replace("{window}", window.phrase)
        };
        windowed(
            FAMILY,
            over(kind, shape.aggregate.clone(), at),
            format!("{kind}_{}_{}", shape.name, window.name),
            (shape.unit, shape.missing),
            (words(shape.doc), words(shape.phrase), example),
        )
    };
    windows.iter().map(entry).collect()
}

fn to_mean_ever(kind: EntityKind) -> Feature {
    let noun = kind.noun();
    known(
        FAMILY,
        (kind, Fact::AmountToMeanEver),
        (Unit::Ratio, Missing::NoHistory),
        (
            format!("the amount over the mean of all earlier amounts of the {noun}"),
            format!("{{value}} times the usual payment of this {noun}"),
            0.9,
        ),
    )
}

/// Hours, days and amounts that the account is used to. Every payment names an account, so cards need
/// no habit of their own.
fn habit() -> [Feature; 3] {
    let share = |fact, doc: &str, phrase: &str, example| {
        known(
            FAMILY,
            (EntityKind::Account, fact),
            (Unit::Share, Missing::NoHistory),
            (doc.into(), phrase.into(), example),
        )
    };
    [
        share(
            Fact::HourShare,
            "share of the account's earlier events within an hour of this local time of day",
            "{value} of this account's earlier payments were made around this time of day",
            0.25,
        ),
        share(
            Fact::WeekdayShare,
            "share of the account's earlier events on this local day of the week",
            "{value} of this account's earlier payments were made on this day of the week",
            0.15,
        ),
        share(
            Fact::AmountShare,
            "share of the account's earlier amounts that are about as large as this one or smaller",
            "{value} of this account's earlier payments were no larger",
            0.7,
        ),
    ]
}

/// Far above the account's mean, at night, in cash, by transfer, without the card, just under a limit.
fn manner() -> Vec<Feature> {
    let kind = EntityKind::Account;
    vec![
        picked_count(FAMILY, kind, &HIGH, (WindowIndex::D7, 1.0)),
        picked_count(FAMILY, kind, &HIGH, (WindowIndex::D30, 2.0)),
        picked_count(
            FAMILY,
            EntityKind::Merchant,
            &HIGH,
            (WindowIndex::D30, 90.0),
        ),
        picked_count(FAMILY, kind, &NIGHT, (WindowIndex::D7, 1.0)),
        picked_count(FAMILY, kind, &UNDER_LIMIT, (WindowIndex::H24, 1.0)),
        picked_sum(FAMILY, kind, &UNDER_LIMIT, (WindowIndex::D7, 990_000.0)),
        picked_count(FAMILY, kind, &CASH, (WindowIndex::H24, 1.0)),
        picked_sum(FAMILY, kind, &TRANSFERS, (WindowIndex::H24, 50_000.0)),
        picked_count(FAMILY, kind, &CARD_NOT_PRESENT, (WindowIndex::H24, 2.0)),
    ]
}
