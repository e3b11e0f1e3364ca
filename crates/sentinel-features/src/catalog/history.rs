//! History: what is known from longer ago, from labels that are known by now, and from the calendar.

use sentinel_domain::Transaction;

use super::{known, of_pair, of_transaction, seconds_since_first};
use crate::entity::EntityKind;
use crate::fact::Fact;
use crate::feature::{Context, Family, Feature, Missing, Unit};

const FAMILY: Family = Family::History;

pub(super) fn features() -> Vec<Feature> {
    let mut all = Vec::new();
    for kind in [EntityKind::Account, EntityKind::Card] {
        all.push(seconds_since_last(kind));
        all.push(dormant(kind));
    }
    for kind in [EntityKind::Account, EntityKind::Card, EntityKind::Merchant] {
        all.push(count_ever(kind));
        all.push(seconds_since_first(FAMILY, kind, 2_592_000.0));
        all.push(fraud_count_ever(kind));
        all.push(seconds_since_fraud(kind));
    }
    all.push(seconds_since_first(
        FAMILY,
        EntityKind::Counterparty,
        5_184_000.0,
    ));
    all.push(seconds_since_first(FAMILY, EntityKind::Email, 15_552_000.0));
    all.push(of_transaction(
        FAMILY,
        "account_age_seconds",
        (Unit::Seconds, Missing::NoField),
        (
            "time since the account was opened, where the sender says so",
            "the account was opened {value} ago",
            31_536_000.0,
        ),
        account_age,
    ));
    all.extend(of_pair(
        FAMILY,
        EntityKind::AccountMerchant,
        "of this account at this merchant",
    ));
    all.extend(calendar());
    all.push(fraud_rate_30d(EntityKind::Merchant));
    for kind in [EntityKind::Merchant, EntityKind::Terminal, EntityKind::Mcc] {
        all.extend(delayed_rates(kind));
    }
    for kind in [EntityKind::Merchant, EntityKind::Terminal] {
        all.extend(fraud_run(kind));
    }
    all
}

fn seconds_since_last(kind: EntityKind) -> Feature {
    let noun = kind.noun();
    known(
        FAMILY,
        (kind, Fact::SecondsSinceLast),
        (Unit::Seconds, Missing::NoHistory),
        (
            format!("time since the {noun}'s newest earlier event"),
            format!("{{value}} after the last payment of this {noun}"),
            7_200.0,
        ),
    )
}

fn dormant(kind: EntityKind) -> Feature {
    let noun = kind.noun();
    known(
        FAMILY,
        (kind, Fact::DormantSeconds),
        (Unit::Seconds, Missing::NoHistory),
        (
            format!(
                "length of the {noun}'s silence of a day or more that ended within the last 24 hours, else 0"
            ),
            format!("{{value}} of silence of this {noun} ended within the last 24 hours"),
            0.0,
        ),
    )
}

fn count_ever(kind: EntityKind) -> Feature {
    let noun = kind.noun();
    known(
        FAMILY,
        (kind, Fact::CountEver),
        (Unit::Count, Missing::NoEntity),
        (
            format!("earlier events of the {noun}"),
            format!("{{value}} earlier payments of this {noun} are known"),
            180.0,
        ),
    )
}

fn fraud_count_ever(kind: EntityKind) -> Feature {
    let noun = kind.noun();
    known(
        FAMILY,
        (kind, Fact::FraudCountEver),
        (Unit::Count, Missing::NoEntity),
        (
            format!("frauds of the {noun} that labels have made known by now"),
            format!("{{value}} frauds of this {noun} are known"),
            0.0,
        ),
    )
}

fn seconds_since_fraud(kind: EntityKind) -> Feature {
    let noun = kind.noun();
    known(
        FAMILY,
        (kind, Fact::SecondsSinceFraud),
        (Unit::Seconds, Missing::NoHistory),
        (
            format!("time since a fraud of the {noun} last became known"),
            format!("a fraud of this {noun} became known {{value}} ago"),
            3_456_000.0,
        ),
    )
}

/// What the account did on this day and in this month of its own calendar.
fn calendar() -> [Feature; 4] {
    let entry = |fact, unit, doc: &str, phrase: &str, example| {
        let words = (doc.into(), phrase.into(), example);
        let shape = (unit, Missing::NoEntity);
        known(FAMILY, (EntityKind::Account, fact), shape, words)
    };
    [
        entry(
            Fact::DayCount,
            Unit::Count,
            "events of the account on the newest day of the payer's calendar, this one included",
            "{value} payments of this account on this day",
            2.0,
        ),
        entry(
            Fact::DaySum,
            Unit::MinorUnits,
            "amounts of the account on the newest day of the payer's calendar, this one included",
            "{value} spent by this account on this day",
            7_400.0,
        ),
        entry(
            Fact::MonthCount,
            Unit::Count,
            "events of the account in the newest month of the payer's calendar, this one included",
            "{value} payments of this account in this month",
            21.0,
        ),
        entry(
            Fact::MonthSum,
            Unit::MinorUnits,
            "amounts of the account in the newest month of the payer's calendar, this one included",
            "{value} spent by this account in this month",
            68_000.0,
        ),
    ]
}

fn fraud_rate_30d(kind: EntityKind) -> Feature {
    let noun = kind.noun();
    known(
        FAMILY,
        (kind, Fact::FraudRate30d),
        (Unit::Share, Missing::NoHistory),
        (
            format!("frauds known by now over events of the {noun} within 30 days"),
            format!("{{value}} of this {noun}'s payments within 30 days are known as fraud"),
            0.002,
        ),
    )
}

/// Rates of known fraud in days that ended a week ago: younger ones are mostly not yet labelled, and a
/// rate over them would say that all is well.
fn delayed_rates(kind: EntityKind) -> [Feature; 3] {
    let entry = |fact, days: &str, example| {
        let noun = kind.noun();
        known(
            FAMILY,
            (kind, fact),
            (Unit::Share, Missing::NoHistory),
            (
                format!(
                    "known frauds over events of the {noun} in the {days} that ended 7 days ago"
                ),
                format!(
                    "{{value}} of this {noun}'s payments in the {days} that ended 7 days ago are known as fraud"
                ),
                example,
            ),
        )
    };
    [
        entry(Fact::DelayedFraudRate1d, "day", 0.0),
        entry(Fact::DelayedFraudRate7d, "7 days", 0.004),
        entry(Fact::DelayedFraudRate30d, "30 days", 0.006),
    ]
}

/// Frauds in a row. A compromised terminal gives one fraud after the other; a leaked card leaves one behind
/// wherever it goes, and honest payments after it.
fn fraud_run(kind: EntityKind) -> [Feature; 2] {
    let noun = kind.noun();
    let since = "since the newest hour, 7 days ago or more, that had payments and no known fraud";
    [
        known(
            FAMILY,
            (kind, Fact::FraudRunCount),
            (Unit::Count, Missing::NoEntity),
            (
                format!("known frauds of the {noun} {since}"),
                format!("{{value}} frauds in a row are known of this {noun}"),
                0.0,
            ),
        ),
        known(
            FAMILY,
            (kind, Fact::FraudRunSeconds),
            (Unit::Seconds, Missing::NoHistory),
            (
                format!("time since the first known fraud, to the hour, of the {noun} {since}"),
                format!("the row of known frauds of this {noun} began {{value}} ago"),
                864_000.0,
            ),
        ),
    ]
}

#[allow(clippy::cast_precision_loss, reason = "seconds within three centuries")]
fn account_age(transaction: &Transaction, _: Context) -> f64 {
    transaction.account_opened_at.map_or(f64::NAN, |opened| {
        transaction.event_time.micros_since(opened).max(0) as f64 / 1e6
    })
}
