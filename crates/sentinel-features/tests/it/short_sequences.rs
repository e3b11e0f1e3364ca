//! Short random logs of few entities, which shrink to something one can read.
//!
//! Promises times that fall on the borders: of windows, of milliseconds, of the lateness allowed.

use proptest::prelude::*;

use sentinel_domain::Coordinates;

use crate::comparison::check_all;
use crate::event::{DAY, Event, HOUR, MILLISECOND, MINUTE, SECOND};

/// Time from the greatest so far to an event, microseconds.
fn short_steps() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => Just(0),
        3 => 1..4 * MILLISECOND,
        1 => 0..20 * SECOND,
        2 => -4 * MILLISECOND..0,
        2 => -MINUTE..0,
        1 => -HOUR..0,
    ]
}

/// The same with the borders of windows in it.
fn long_steps() -> impl Strategy<Value = i64> {
    let borders = prop::sample::select(vec![MINUTE, 5 * MINUTE, HOUR, DAY]);
    let around = prop::sample::select(vec![-1_000, -999, -1, 0, 1, 999, 1_000]);
    let behind = prop::sample::select(vec![MINUTE, 5 * MINUTE, HOUR, HOUR + SECOND]);
    prop_oneof![
        4 => short_steps(),
        2 => (borders, around.clone()).prop_map(|(border, around)| border + around),
        2 => (behind, around).prop_map(|(behind, around)| around - behind),
        1 => 0..2 * HOUR,
        1 => -3 * HOUR..0,
        1 => Just((1_i64 << 32) * MILLISECOND),
    ]
}

fn amounts() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        2 => Just(None),
        2 => Just(Some(0)),
        6 => (1..20_i64).prop_map(Some),
        2 => (4_294_967_294..4_294_967_298_i64).prop_map(Some),
        1 => Just(Some(100_000_000_000_000)),
    ]
}

fn places() -> impl Strategy<Value = Option<Coordinates>> {
    prop::option::of(
        (-3..3, -3..3)
            .prop_map(|(lat, lon)| Coordinates::new(lat * 100_000_000, lon * 300_000_000).unwrap()),
    )
}

/// An event whose time is still the step from the greatest time before it.
fn events(steps: impl Strategy<Value = i64>) -> impl Strategy<Value = Event> {
    let few = || prop::option::weighted(0.8, 0..3_u32);
    (
        (steps, prop_oneof![4 => Just(0_u32), 1 => 1..4_u32]),
        (few(), few(), prop::option::weighted(0.8, 0..6_u32), few()),
        (amounts(), places()),
    )
        .prop_map(
            |((time_us, account), (card, device, merchant, ip), (amount, place))| Event {
                time_us,
                account,
                card,
                device,
                merchant,
                ip,
                amount,
                place,
            },
        )
}

/// Steps made into times.
fn timed(mut events: Vec<Event>) -> Vec<Event> {
    let mut greatest_us = 1_700_000_000_123_456;
    for event in &mut events {
        event.time_us += greatest_us;
        greatest_us = greatest_us.max(event.time_us);
    }
    events
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn a_few_events_around_the_borders_of_windows_give_what_plain_loops_give(
        events in prop::collection::vec(events(long_steps()), 1..24).prop_map(timed),
    ) {
        check_all(&events).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn a_burst_with_ties_and_late_events_gives_what_plain_loops_give(
        events in prop::collection::vec(events(short_steps()), 1..48).prop_map(timed),
    ) {
        check_all(&events).map_err(TestCaseError::fail)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn a_long_burst_that_outgrows_its_room_gives_what_plain_loops_give(
        events in prop::collection::vec(events(short_steps()), 100..280).prop_map(timed),
    ) {
        check_all(&events).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn a_long_log_around_the_borders_of_windows_gives_what_plain_loops_give(
        events in prop::collection::vec(events(long_steps()), 60..160).prop_map(timed),
    ) {
        check_all(&events).map_err(TestCaseError::fail)?;
    }
}
