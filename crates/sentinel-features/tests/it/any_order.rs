//! The order of arrival decides nothing where it may not.
//!
//! Promises that events within the lateness allowed leave the same windows and the same history behind,
//! in whatever order they came.

use proptest::prelude::*;

use sentinel_domain::Coordinates;

use crate::comparison::Subject;
use crate::event::{DAY, Event, HOUR, MILLISECOND, MINUTE};
use crate::oracle::Oracle;

const START: i64 = 1_704_067_200_000_000;

/// An event of the last hour. Its place follows from its time, so that two places of one microsecond
/// are the same place: which of them is the last is a matter of order.
fn events_of_the_hour() -> impl Strategy<Value = Event> {
    let offsets = prop_oneof![
        3 => 0..=HOUR,
        2 => (0..=60_i64).prop_map(|minute| minute * MINUTE),
        2 => (HOUR - 5 * MILLISECOND)..=HOUR,
    ];
    let named = || prop::option::weighted(0.8, 0..2_u32);
    let amount = prop::option::weighted(0.8, 0..6_000_000_000_i64);
    (
        offsets,
        0..3_u32,
        named(),
        named(),
        0..9_u32,
        named(),
        amount,
    )
        .prop_map(
            |(offset_us, account, card, device, merchant, ip, amount)| Event {
                time_us: START + offset_us,
                account,
                card,
                device,
                merchant: (merchant < 8).then_some(merchant),
                ip,
                amount,
                place: Coordinates::new((offset_us / 10) as i32, (offset_us / 5) as i32),
            },
        )
}

/// Rows that look at every entity, at the end of the hour, without touching it again in the next row.
fn last_rows(mut subject: Subject, oracle: &mut Oracle) -> Result<Vec<Vec<u64>>, String> {
    let mut rows = Vec::new();
    for entity in 0..8 {
        let probe = Event {
            time_us: START + HOUR,
            account: entity,
            card: Some(entity),
            device: Some(entity),
            merchant: Some(entity),
            ip: Some(entity),
            amount: Some(777),
            place: Coordinates::new(1, 2),
        };
        subject.check(oracle, &probe)?;
        rows.push(subject.bits());
    }
    Ok(rows)
}

/// The rows of the probes after the events of the days before and those of the hour.
fn rows_after(before: &[Event], hour: &[Event]) -> Result<Vec<Vec<u64>>, String> {
    let (mut subject, mut oracle) = (Subject::new(), Oracle::new());
    for event in before.iter().chain(hour) {
        let answer = subject.check(&mut oracle, event)?;
        if answer.flags.too_late {
            return Err(format!("{event:?} is too late for this test"));
        }
    }
    last_rows(subject, &mut oracle)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn any_order_within_the_lateness_allowed_leaves_the_same_windows(
        before in prop::collection::vec((0..2 * DAY, events_of_the_hour()), 0..40),
        (hour, shuffled) in prop::collection::vec(events_of_the_hour(), 1..90)
            .prop_flat_map(|hour| (Just(hour.clone()), Just(hour).prop_shuffle())),
    ) {
        let mut before: Vec<Event> = before
            .into_iter()
            .map(|(ago_us, event)| Event { time_us: START - ago_us, ..event })
            .collect();
        before.sort_by_key(|event| event.time_us);
        let mut in_order = hour;
        in_order.sort_by_key(|event| event.time_us);
        let reversed: Vec<Event> = in_order.iter().rev().cloned().collect();
        let rows = rows_after(&before, &in_order).map_err(TestCaseError::fail)?;
        prop_assert_eq!(&rows, &rows_after(&before, &shuffled).map_err(TestCaseError::fail)?);
        prop_assert_eq!(&rows, &rows_after(&before, &reversed).map_err(TestCaseError::fail)?);
    }
}
