//! History: what is known from longer ago.

use sentinel_domain::Transaction;

use super::of_entity;
use crate::entity::EntityKind;
use crate::feature::{Context, Family, Feature, Missing, Source, Unit};
use crate::slice::Measure;

pub(super) fn features() -> Vec<Feature> {
    let mut all = Vec::new();
    for kind in [EntityKind::Account, EntityKind::Card] {
        let noun = kind.noun();
        all.push(of_entity(
            Family::History,
            kind,
            Measure::SecondsSinceLast,
            format!("{kind}_seconds_since_last"),
            (Unit::Seconds, Missing::NoHistory),
            (
                format!("time since the {noun}'s newest earlier event"),
                format!("{{value}} after the last payment of this {noun}"),
                7_200.0,
            ),
        ));
    }
    for kind in [EntityKind::Account, EntityKind::Card, EntityKind::Merchant] {
        let noun = kind.noun();
        all.push(of_entity(
            Family::History,
            kind,
            Measure::CountEver,
            format!("{kind}_count_ever"),
            (Unit::Count, Missing::NoEntity),
            (
                format!("earlier events of the {noun}"),
                format!("{{value}} earlier payments of this {noun} are known"),
                180.0,
            ),
        ));
        all.push(of_entity(
            Family::History,
            kind,
            Measure::SecondsSinceFirst,
            format!("{kind}_seconds_since_first"),
            (Unit::Seconds, Missing::NoHistory),
            (
                format!("time since the {noun} was first seen"),
                format!("this {noun} was first seen {{value}} ago"),
                2_592_000.0,
            ),
        ));
    }
    all.push(Feature {
        name: "account_age_seconds".into(),
        family: Family::History,
        unit: Unit::Seconds,
        missing: Missing::NoField,
        doc: "time since the account was opened, where the sender says so".into(),
        example: 31_536_000.0,
        phrase: "the account was opened {value} ago".into(),
        source: Source::Transaction(account_age),
    });
    all
}

#[allow(clippy::cast_precision_loss, reason = "seconds within three centuries")]
fn account_age(transaction: &Transaction, _: Context) -> f64 {
    transaction.account_opened_at.map_or(f64::NAN, |opened| {
        transaction.event_time.micros_since(opened).max(0) as f64 / 1e6
    })
}
