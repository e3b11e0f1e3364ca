//! Every order of a few events around the borders of windows, and short random logs that shrink to
//! something one can read.

use proptest::prelude::*;

use sentinel_features::FeatureSet;
use sentinel_features::definition::Definition;

use crate::ask::{EXACT, TILED, everything, little};
use crate::comparison::{check_all, set_of};
use crate::event::{DAY, Event, HOUR, MILLISECOND, MINUTE, SECOND, START};

/// The lengths of the windows.
const LENGTHS: [i64; 8] = [
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    HOUR,
    6 * HOUR,
    DAY,
    168 * HOUR,
    30 * DAY,
];

/// Every list of up to `longest` of these times.
fn sequences(times: &[i64], longest: usize) -> Vec<Vec<i64>> {
    let mut all: Vec<Vec<i64>> = vec![Vec::new()];
    let mut first_of_length = 0;
    for _ in 0..longest {
        let until = all.len();
        for at in first_of_length..until {
            for time in times {
                let mut longer = all[at].clone();
                longer.push(*time);
                all.push(longer);
            }
        }
        first_of_length = until;
    }
    // Shorter ones are the beginnings of longer ones.
    all.split_off(first_of_length)
}

#[test]
fn every_order_of_five_events_around_the_border_of_a_window() {
    let all = everything();
    for (length, name) in LENGTHS.into_iter().zip(EXACT.into_iter().chain(TILED)) {
        let of_window = |definition: &&Definition| definition.window.window().name == name;
        let definitions: Vec<Definition> = all.iter().filter(of_window).cloned().collect();
        let set = set_of(&definitions);
        // Of a tiled window START is the first millisecond of a tile.
        let times = [
            START,
            START + length - MILLISECOND,
            START + length,
            START + length + MILLISECOND,
        ];
        for sequence in sequences(&times, 5) {
            let events: Vec<Event> = sequence
                .iter()
                .enumerate()
                .map(|(at, time_us)| {
                    let event = Event::at(*time_us).amount(100 + 70 * at as i64);
                    event.merchant(at as u32 % 3)
                })
                .collect();
            check_all(set.clone(), &events)
                .unwrap_or_else(|difference| panic!("{name}: {difference}"));
        }
    }
}

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
    let borders = prop::sample::select(LENGTHS.to_vec());
    let around = prop::sample::select(vec![-1_000, -999, -1, 0, 1, 999, 1_000]);
    let behind = prop::sample::select(vec![MINUTE, 15 * MINUTE, HOUR, HOUR + SECOND]);
    prop_oneof![
        4 => short_steps(),
        3 => (borders, around.clone()).prop_map(|(border, around)| border + around),
        2 => (behind, around).prop_map(|(behind, around)| around - behind),
        1 => 0..2 * HOUR,
        1 => -3 * HOUR..0,
        1 => Just((1_i64 << 32) * MILLISECOND),
        1 => Just(401 * DAY),
    ]
}

fn amounts() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        2 => Just(None),
        2 => Just(Some(0)),
        6 => (1..20_i64).prop_map(Some),
        4 => (60..3_000_i64).prop_map(Some),
        2 => (4_294_967_294..4_294_967_298_i64).prop_map(Some),
        1 => Just(Some(i64::MAX / 65_536)),
    ]
}

/// An event whose time is still the step from the greatest time before it.
fn events(steps: impl Strategy<Value = i64>) -> impl Strategy<Value = Event> {
    let few = || prop::option::weighted(0.8, 0..3_u32);
    (
        (steps, prop_oneof![4 => Just(0_u32), 1 => 1..4_u32]),
        (few(), few(), prop::option::weighted(0.8, 0..6_u32), few()),
        (amounts(), prop::option::of((-3..3, -3..3))),
    )
        .prop_map(
            |((time_us, account), (card, device, merchant, ip), (amount, place))| {
                let event = Event {
                    card,
                    device,
                    merchant,
                    ip,
                    amount,
                    ..Event::at(time_us).account(account)
                };
                match place {
                    Some((lat, lon)) => event.place(lat * 100_000_000, lon * 300_000_000),
                    None => event,
                }
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

fn check(events: &[Event]) -> Result<(), TestCaseError> {
    check_all(FeatureSet::shipped(), events).map_err(TestCaseError::fail)?;
    check_all(set_of(&little(None, &EXACT)), events).map_err(TestCaseError::fail)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn a_few_events_around_the_borders_of_windows_give_what_plain_loops_give(
        events in prop::collection::vec(events(long_steps()), 1..24).prop_map(timed),
    ) {
        check(&events)?;
    }

    #[test]
    fn a_burst_with_ties_and_late_events_gives_what_plain_loops_give(
        events in prop::collection::vec(events(short_steps()), 1..48).prop_map(timed),
    ) {
        check(&events)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(25) })]

    #[test]
    fn a_long_burst_that_outgrows_its_room_gives_what_plain_loops_give(
        events in prop::collection::vec(events(short_steps()), 100..280).prop_map(timed),
    ) {
        check(&events)?;
    }

    #[test]
    fn a_long_log_around_the_borders_of_windows_gives_what_plain_loops_give(
        events in prop::collection::vec(events(long_steps()), 60..160).prop_map(timed),
    ) {
        check(&events)?;
    }
}
