//! Every size around a power of two, with a late event at every place.
//!
//! Promises to try what a store that doubles, wraps around and changes its mechanism by size could get
//! wrong, without knowing which mechanism it is.

use sentinel_features::FeatureSet;

use crate::ask::{EXACT, everything, little};
use crate::comparison::{check_all, set_of};
use crate::event::{DAY, Event, HOUR, MILLISECOND, SECOND, START};

/// The sizes around which stores grow or change.
const SIZES: [i64; 20] = [
    1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 15, 16, 17, 31, 32, 33, 64, 65, 129,
];

/// Event number `index` of a list: seven merchants and one event in five without, amounts up and down.
fn numbered(time_us: i64, index: i64) -> Event {
    let event = Event::at(time_us).amount((index * 7_919) % 1_000);
    match index % 5 {
        0 => event,
        _ => event.merchant((index * index % 7) as u32),
    }
}

/// All that may be asked, and as little as a store may have a way of its own for.
fn sets() -> [FeatureSet; 3] {
    let some = Some("amount > 300");
    [
        set_of(&everything()),
        set_of(&little(None, &["1m", "5m", "1h", "24h"])),
        set_of(&little(some, &EXACT)),
    ]
}

fn check(sets: &[FeatureSet], events: &[Event], case: &str) {
    for set in sets {
        check_all(set.clone(), events).unwrap_or_else(|difference| panic!("{case}: {difference}"));
    }
}

#[test]
fn a_late_event_at_every_place_of_every_size() {
    let sets = sets();
    for size in SIZES {
        // Every place of the small, every eleventh of the large.
        let step = if size > 20 { 11 } else { 1 };
        for place in (0..=size).step_by(step) {
            // Before event `place`, 500 ms after the one before it.
            let mut events: Vec<Event> = (0..size)
                .map(|index| numbered(START + index * SECOND, index))
                .collect();
            events.push(numbered(START + place * SECOND - 500 * MILLISECOND, place));
            // A tie with it, then on in order: whatever the late ones broke would show.
            events.push(numbered(START + place * SECOND - 500 * MILLISECOND, 3));
            events.extend((0..3).map(|index| numbered(START + (size + index) * SECOND, index)));
            check(&sets, &events, &format!("size {size}, place {place}"));
        }
    }
}

#[test]
fn growth_while_the_oldest_have_left_and_the_rest_has_wrapped_around() {
    let sets = sets();
    for size in SIZES {
        for gone in [1, 2, 3, 5, 8, 13, 40, 100] {
            // The first `gone` leave the longest exact window before the others come.
            let mut events: Vec<Event> = (0..gone)
                .map(|index| numbered(START + index * MILLISECOND, index))
                .collect();
            let later = START + DAY - HOUR;
            events.extend((0..size).map(|index| numbered(later + index * SECOND, index)));
            let after = START + DAY + gone * MILLISECOND;
            events.extend((0..size).map(|index| numbered(after + index * SECOND, index + 2)));
            events.push(numbered(after - 10 * SECOND, 4));
            events.push(numbered(after + size * SECOND, 6));
            check(&sets, &events, &format!("size {size}, gone {gone}"));
        }
    }
}

#[test]
fn any_number_of_events_of_one_instant() {
    let sets = sets();
    for size in SIZES {
        let mut events: Vec<Event> = (0..size).map(|index| numbered(START, index)).collect();
        events.push(numbered(START - 1, 1));
        events.push(numbered(START - MILLISECOND, 2));
        events.push(numbered(START + 999, 3));
        // All but the last leave the window of a minute at once.
        events.push(numbered(START + 60 * SECOND, 4));
        events.push(numbered(START + DAY, 5));
        check(&sets, &events, &format!("size {size}"));
    }
}

#[test]
fn events_that_come_in_the_reverse_of_their_order() {
    let sets = sets();
    for size in SIZES {
        let mut events: Vec<Event> = (0..size)
            .map(|index| numbered(START - index * 20 * SECOND, index))
            .collect();
        events.push(numbered(START + SECOND, 1));
        check(&sets, &events, &format!("size {size}"));
    }
}

#[test]
fn an_event_an_hour_and_an_event_a_day_fill_the_tiles_and_leave_them() {
    let sets = sets();
    for (step, count) in [(HOUR, 400), (7 * HOUR, 200), (DAY, 70), (11 * DAY, 12)] {
        let mut events = Vec::new();
        for index in 0..count {
            events.push(numbered(START + index * step, index));
            // Now and then one that belongs into the tile before.
            if index % 4 == 1 {
                events.push(numbered(START + index * step - 20 * 60 * SECOND, index + 1));
            }
        }
        check(&sets, &events, &format!("step {step}"));
    }
}

#[test]
fn amounts_that_outgrow_32_bits_anywhere_in_the_list() {
    let sets = sets();
    let large = i64::from(u32::MAX);
    for size in [3, 8, 9, 33, 65] {
        for place in [0, 1, size / 2, size - 1] {
            for amount in [large, large + 1, large * 3, i64::MAX / 65_536] {
                let mut events: Vec<Event> = (0..size)
                    .map(|index| numbered(START + index * SECOND, index))
                    .collect();
                events[place as usize].amount = Some(amount);
                events.push(numbered(START + size * SECOND - 2_500 * MILLISECOND, 1));
                // The large one leaves the hour, then the day.
                events.push(numbered(START + place * SECOND + HOUR, 1));
                events.push(numbered(START + place * SECOND + DAY, 2));
                check(
                    &sets,
                    &events,
                    &format!("size {size}, place {place}, {amount}"),
                );
            }
        }
    }
}
