//! Behaviour: this payment against the habit of the one who makes it.

use sentinel_domain::Transaction;

use super::{of_entity, per_window};
use crate::entity::EntityKind;
use crate::feature::{Context, Family, Feature, Missing, Source, Unit};
use crate::slice::Measure;

pub(super) fn features() -> Vec<Feature> {
    let mut all = vec![
        Feature {
            name: "reference_amount_minor".into(),
            family: Family::Behaviour,
            unit: Unit::MinorUnits,
            missing: Missing::NoAmount,
            doc: "the amount in the reference currency".into(),
            example: 4_990.0,
            phrase: "the amount is {value}".into(),
            source: Source::Transaction(reference_amount),
        },
        Feature {
            name: "local_hour".into(),
            family: Family::Behaviour,
            unit: Unit::Hours,
            missing: Missing::Never,
            doc: "the hour of the day where the payer is: the offset sent, else longitude / 15, else UTC"
                .into(),
            example: 14.5,
            phrase: "made at {value} local time".into(),
            source: Source::Transaction(local_hour),
        },
    ];
    for kind in [EntityKind::Account, EntityKind::Card] {
        all.extend(to_mean(kind));
        all.push(to_mean_ever(kind));
    }
    all
}

fn to_mean(kind: EntityKind) -> impl Iterator<Item = Feature> {
    per_window(move |index, window| {
        let (noun, phrase) = (kind.noun(), window.phrase);
        of_entity(
            Family::Behaviour,
            kind,
            Measure::AmountToMean(index),
            format!("{kind}_amount_to_mean_{}", window.name),
            (Unit::Ratio, Missing::NoHistory),
            (
                format!("the amount over the mean of the {noun}'s other amounts within {phrase}"),
                format!("{{value}} times the other payments of this {noun} within {phrase}"),
                1.3,
            ),
        )
    })
}

fn to_mean_ever(kind: EntityKind) -> Feature {
    let noun = kind.noun();
    of_entity(
        Family::Behaviour,
        kind,
        Measure::AmountToMeanEver,
        format!("{kind}_amount_to_mean_ever"),
        (Unit::Ratio, Missing::NoHistory),
        (
            format!("the amount over the mean of all earlier amounts of the {noun}"),
            format!("{{value}} times the usual payment of this {noun}"),
            0.9,
        ),
    )
}

#[allow(
    clippy::cast_precision_loss,
    reason = "amounts are below 2^53 by the law of the draft"
)]
fn reference_amount(_: &Transaction, context: Context) -> f64 {
    context.amount.map_or(f64::NAN, |amount| amount as f64)
}

/// Hours since local midnight.
#[allow(clippy::cast_precision_loss, reason = "seconds of a day")]
fn local_hour(transaction: &Transaction, _: Context) -> f64 {
    let offset_seconds = match (transaction.utc_offset_minutes, transaction.coordinates) {
        (Some(minutes), _) => i64::from(minutes) * 60,
        // Fifteen degrees are an hour: 1.5e8 units of 1e-7 degrees are 3,600 seconds.
        (None, Some(place)) => (i64::from(place.lon_e7) * 3_600).div_euclid(150_000_000),
        (None, None) => 0,
    };
    let seconds = transaction.event_time.micros().div_euclid(1_000_000) + offset_seconds;
    seconds.rem_euclid(86_400) as f64 / 3_600.0
}

#[cfg(test)]
mod tests {
    use sentinel_domain::{Coordinates, Instant};
    use sentinel_synth::builder;

    use super::*;

    #[test]
    fn the_hour_is_the_payers() {
        let noon = Instant::parse_rfc3339("2026-03-01T12:00:00Z").unwrap();
        let context = Context { amount: None };
        let mut payment = builder::transaction("e").at(noon).build();
        payment.coordinates = None;
        payment.utc_offset_minutes = None;
        assert_eq!(local_hour(&payment, context), 12.0);
        payment.coordinates = Coordinates::new(0, -900_000_000);
        assert_eq!(local_hour(&payment, context), 6.0);
        payment.utc_offset_minutes = Some(330);
        assert_eq!(local_hour(&payment, context), 17.5);
    }
}
