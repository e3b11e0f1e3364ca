//! What a payment says of itself: entries that need no history.
//!
//! Flags are those of filters, so that a window over them and the flag of the payment itself mean the
//! same.

use sentinel_domain::Transaction;
use sentinel_domain::transaction::{CheckResult, ThreeDs};

use super::of_transaction;
use crate::feature::{Context, Family, Feature, Missing, Unit};
use crate::filter::{EarlierAmounts, Flag};
use crate::local_time::{local_seconds, weekday};

/// Amount and hour.
pub(super) fn amount_and_hour(family: Family) -> [Feature; 2] {
    [
        of_transaction(
            family,
            "reference_amount_minor",
            (Unit::MinorUnits, Missing::NoAmount),
            (
                "the amount in the reference currency",
                "the amount is {value}",
                4_990.0,
            ),
            reference_amount,
        ),
        of_transaction(
            family,
            "local_hour",
            (Unit::Hours, Missing::Never),
            (
                "the hour of the day where the payer is: the offset sent, else longitude / 15, else UTC",
                "made at {value} local time",
                14.5,
            ),
            local_hour,
        ),
    ]
}

/// Yes or no: when, how much, in which manner, and what the checks said.
pub(super) fn flags(family: Family) -> Vec<Feature> {
    let flag = |name, missing, doc, phrase, value| {
        of_transaction(
            family,
            name,
            (Unit::Flag, missing),
            (doc, phrase, 0.0),
            value,
        )
    };
    vec![
        flag(
            "is_night",
            Missing::Never,
            "1 from midnight to six where the payer is",
            "made at night|not made at night",
            |t, context| f64::from(Flag::Night.holds(t, context.amount, EarlierAmounts::default())),
        ),
        flag(
            "is_weekend",
            Missing::Never,
            "1 on a Saturday or Sunday where the payer is",
            "made on a weekend|made on a weekday",
            is_weekend,
        ),
        flag(
            "is_round_amount",
            Missing::NoAmount,
            "1 where the amount is a multiple of 100 major units of the reference currency",
            "the amount is a round hundred|the amount is not a round hundred",
            is_round_amount,
        ),
        flag(
            "is_card_not_present",
            Missing::NoField,
            "1 where channel or entry mode say that the card was not there",
            "made without the card present|made with the card present",
            is_card_not_present,
        ),
        flag(
            "cvv_mismatch",
            Missing::NoField,
            "1 where the security code does not match; missing where it was not checked",
            "the security code does not match|the security code matches",
            |t, _| mismatch(t.cvv_result),
        ),
        flag(
            "avs_mismatch",
            Missing::NoField,
            "1 where the billing address does not match; missing where it was not checked",
            "the billing address does not match|the billing address matches at least in part",
            |t, _| mismatch(t.avs_result),
        ),
        flag(
            "three_ds_failed",
            Missing::NoField,
            "1 where 3-D Secure could not authenticate the payer",
            "3-D Secure failed|3-D Secure did not fail",
            three_ds_failed,
        ),
    ]
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
    local_seconds(transaction).rem_euclid(86_400) as f64 / 3_600.0
}

fn is_weekend(transaction: &Transaction, _: Context) -> f64 {
    f64::from(weekday(local_seconds(transaction)) >= 5)
}

fn is_round_amount(transaction: &Transaction, context: Context) -> f64 {
    if context.amount.is_none() {
        return f64::NAN;
    }
    f64::from(Flag::RoundAmount.holds(transaction, context.amount, EarlierAmounts::default()))
}

fn is_card_not_present(transaction: &Transaction, context: Context) -> f64 {
    if transaction.channel.is_none() && transaction.entry_mode.is_none() {
        return f64::NAN;
    }
    f64::from(Flag::CardNotPresent.holds(transaction, context.amount, EarlierAmounts::default()))
}

fn mismatch(result: Option<CheckResult>) -> f64 {
    match result {
        Some(CheckResult::Mismatch) => 1.0,
        Some(CheckResult::Match | CheckResult::Partial) => 0.0,
        Some(CheckResult::Unavailable) | None => f64::NAN,
    }
}

fn three_ds_failed(transaction: &Transaction, _: Context) -> f64 {
    transaction
        .three_ds
        .map_or(f64::NAN, |said| f64::from(said == ThreeDs::Failed))
}

#[cfg(test)]
mod tests {
    use sentinel_domain::transaction::{Channel, EntryMode};
    use sentinel_domain::{Coordinates, Instant};
    use sentinel_synth::builder;

    use super::*;

    const UNPRICED: Context = Context { amount: None };

    fn value(name: &str, transaction: &Transaction, context: Context) -> f64 {
        let all = [
            amount_and_hour(Family::Behaviour).to_vec(),
            flags(Family::Behaviour),
        ]
        .concat();
        let feature = all.iter().find(|feature| feature.name == name).unwrap();
        match feature.source {
            crate::feature::Source::Transaction(value) => value(transaction, context),
            _ => panic!("{name} asks more than the transaction"),
        }
    }

    #[test]
    fn the_hour_is_the_payers() {
        let noon = Instant::parse_rfc3339("2026-03-01T12:00:00Z").unwrap();
        let mut payment = builder::transaction("e").at(noon).build();
        assert_eq!(value("local_hour", &payment, UNPRICED), 12.0);
        payment.coordinates = Coordinates::new(0, -900_000_000);
        assert_eq!(value("local_hour", &payment, UNPRICED), 6.0);
        payment.utc_offset_minutes = Some(330);
        assert_eq!(value("local_hour", &payment, UNPRICED), 17.5);
    }

    #[test]
    fn night_and_weekend_are_the_payers() {
        let saturday = Instant::parse_rfc3339("2026-03-07T02:00:00Z").unwrap();
        let mut payment = builder::transaction("e").at(saturday).build();
        assert_eq!(value("is_night", &payment, UNPRICED), 1.0);
        assert_eq!(value("is_weekend", &payment, UNPRICED), 1.0);
        payment.utc_offset_minutes = Some(-180);
        assert_eq!(value("is_night", &payment, UNPRICED), 0.0);
        assert_eq!(value("is_weekend", &payment, UNPRICED), 0.0);
    }

    #[test]
    fn a_check_that_was_not_made_is_missing() {
        let plain = builder::transaction("e").build();
        for name in [
            "cvv_mismatch",
            "avs_mismatch",
            "three_ds_failed",
            "is_card_not_present",
        ] {
            assert!(value(name, &plain, UNPRICED).is_nan(), "{name}");
        }
        let checked = builder::transaction("e")
            .cvv(CheckResult::Mismatch)
            .avs(CheckResult::Partial)
            .three_ds(ThreeDs::Failed)
            .build();
        assert_eq!(value("cvv_mismatch", &checked, UNPRICED), 1.0);
        assert_eq!(value("avs_mismatch", &checked, UNPRICED), 0.0);
        assert_eq!(value("three_ds_failed", &checked, UNPRICED), 1.0);
        let unavailable = builder::transaction("e")
            .cvv(CheckResult::Unavailable)
            .build();
        assert!(value("cvv_mismatch", &unavailable, UNPRICED).is_nan());
    }

    #[test]
    fn the_manner_shows_in_channel_and_entry_mode() {
        let online = builder::transaction("e").channel(Channel::Web).build();
        assert_eq!(value("is_card_not_present", &online, UNPRICED), 1.0);
        let tapped = builder::transaction("e")
            .channel(Channel::Pos)
            .entry_mode(EntryMode::Contactless)
            .build();
        assert_eq!(value("is_card_not_present", &tapped, UNPRICED), 0.0);
    }

    #[test]
    fn a_round_amount_needs_a_rate() {
        let payment = builder::transaction("e").build();
        let priced = |amount| Context {
            amount: Some(amount),
        };
        assert!(value("is_round_amount", &payment, UNPRICED).is_nan());
        assert_eq!(value("is_round_amount", &payment, priced(30_000)), 1.0);
        assert_eq!(value("is_round_amount", &payment, priced(30_001)), 0.0);
        assert_eq!(value("reference_amount_minor", &payment, priced(7)), 7.0);
    }
}
