//! One entity with more events in a day than are held.
//!
//! Promises: beyond the limit the row is flagged and the windows are those of the newest events held;
//! what counts the whole history is not touched by it. Must never answer every event by plain loops: of
//! so long lists a sample is enough, all of it around the limit.

use sentinel_features::EVENTS_PER_ENTITY_MAX;
use sentinel_synth::Random;

use crate::comparison::Subject;
use crate::event::{DAY, Event, HOUR, MILLISECOND, MINUTE};
use crate::oracle::{Flags, Oracle};

const START: i64 = 1_704_067_200_000_000;

/// Engine and oracle over a long list of which only some events are compared.
struct Long {
    subject: Subject,
    oracle: Oracle,
    compared: u32,
}

impl Long {
    fn new() -> Self {
        Self {
            subject: Subject::new(),
            oracle: Oracle::new(),
            compared: 0,
        }
    }

    /// Takes the event in; compares its row where asked to.
    fn apply(&mut self, event: &Event, compare: bool) -> Flags {
        let flags = self.subject.apply(event);
        let too_late = self.oracle.store(event);
        if compare {
            self.compared += 1;
            let answer = self.oracle.answer(event, too_late);
            self.subject
                .verdict(event, flags, &answer)
                .unwrap_or_else(|difference| panic!("{difference}"));
        }
        flags
    }
}

/// Whether event `index` of a long list is compared: all around the limit, others now and then.
fn sampled(index: usize) -> bool {
    index.abs_diff(EVENTS_PER_ENTITY_MAX) < 6 || index.is_multiple_of(1_499)
}

/// An event of one account and one card at many merchants, of the largest amounts there are.
fn busy(time_us: i64, index: usize) -> Event {
    let mut event = Event::at(time_us).amount(100_000_000_000_000 - (index as i64 * 31) % 5_000);
    event.merchant = (!index.is_multiple_of(11)).then_some((index * index % 6_007) as u32);
    event.card = (!index.is_multiple_of(3)).then_some(7);
    event
}

#[test]
fn beyond_the_limit_the_windows_are_those_of_the_newest_held_and_flagged() {
    let mut long = Long::new();
    let mut random = Random::new(5);
    let mut now_us = START;
    for index in 0..EVENTS_PER_ENTITY_MAX + 3_000 {
        // Two a second, ties among them, one in fifty late.
        now_us += random.below(1_000) as i64 * MILLISECOND * i64::from(random.chance(0.9));
        let late_us = i64::from(random.chance(0.02)) * random.below(HOUR as u64) as i64;
        let flags = long.apply(&busy(now_us - late_us, index), sampled(index));
        assert_eq!(flags.estimated, index >= EVENTS_PER_ENTITY_MAX, "{index}");
    }
    // Late before everything that is held in the hour, and too late altogether.
    let flags = long.apply(&busy(now_us - HOUR, 1), true);
    assert!(flags.late && flags.estimated);
    let flags = long.apply(&busy(now_us - HOUR - MILLISECOND, 1), true);
    assert!(flags.too_late && flags.estimated);
    // Another entity's row says nothing of it.
    let other = Event {
        account: 2,
        ..Event::at(now_us)
    };
    assert!(!long.apply(&other, true).estimated);
    // Once the ones that left early would have left anyway, the windows are whole again.
    let mut whole_at = None;
    for hour in 1..=26 {
        let flags = long.apply(&busy(now_us + hour * HOUR, 2), true);
        assert!(whole_at.is_none() || !flags.estimated, "hour {hour}");
        if !flags.estimated && whole_at.is_none() {
            whole_at = Some(hour);
        }
    }
    assert!(whole_at.is_some_and(|hour| hour < 26), "{whole_at:?}");
    assert!(long.compared > 70);
}

#[test]
fn beyond_the_limit_a_late_event_may_be_the_oldest_and_is_not_held() {
    let mut long = Long::new();
    // All of it within half an hour, so that an event may lie before all that is held.
    for index in 0..EVENTS_PER_ENTITY_MAX + 2_000 {
        let time_us = START + (index as i64 / 40) * MILLISECOND;
        long.apply(&busy(time_us, index), sampled(index));
    }
    let newest_us = START + (EVENTS_PER_ENTITY_MAX + 1_999) as i64 / 40 * MILLISECOND;
    // Before all that is held, within the oldest millisecond that is held, just after it, at the end.
    let oldest_us = 1_638 * MILLISECOND;
    let behind = [
        30 * MINUTE,
        oldest_us,
        oldest_us,
        oldest_us - MILLISECOND,
        0,
        20 * MINUTE,
    ];
    for (index, behind) in behind.into_iter().enumerate() {
        let flags = long.apply(&busy(newest_us - behind, index), true);
        assert!(flags.estimated);
    }
    // The next ones push the oldest out one by one: of one millisecond, the first in the log goes first.
    for index in 0..120 {
        assert!(long.apply(&busy(newest_us, index), true).estimated);
    }
    // A minute later the shorter windows have moved on.
    assert!(long.apply(&busy(START + 2 * MINUTE, 5), true).estimated);
    // When the late ones would have left, others that left early are still missed.
    let flags = long.apply(&busy(START + DAY - MINUTE, 6), true);
    assert!(flags.estimated);
    // A day later nothing is left but the event and what came after the burst.
    assert!(!long.apply(&busy(START + DAY + MINUTE, 7), true).estimated);
    assert!(
        !long
            .apply(&busy(START + DAY + MINUTE - 1, 8), true)
            .estimated
    );
}

#[test]
fn more_events_than_are_held_in_one_millisecond() {
    let mut long = Long::new();
    for index in 0..EVENTS_PER_ENTITY_MAX + 500 {
        long.apply(&busy(START + index as i64 % 1_000, index), sampled(index));
    }
    assert!(long.apply(&busy(START - 1, 3), true).estimated);
    assert!(long.apply(&busy(START + MILLISECOND, 4), true).estimated);
    // All that left early lie on the open end of this window: nothing is missed any more.
    assert!(!long.apply(&busy(START + DAY, 5), true).estimated);
}

#[test]
fn a_full_day_of_a_merchant_counts_its_accounts_among_the_newest_held() {
    let mut long = Long::new();
    for index in 0..EVENTS_PER_ENTITY_MAX + 1_500 {
        let event = Event {
            account: (index * 7 % 30_011) as u32,
            ..Event::at(START + index as i64 * 1_200 * MILLISECOND).merchant(3)
        };
        long.apply(&event, sampled(index));
    }
    assert!(long.compared > 40);
}

#[test]
fn all_the_amounts_ever_are_summed_without_overflow() {
    // 2^63 over the largest amount is 92,234 events: beyond it a sum in 64 bits would be wrong.
    let mut long = Long::new();
    for index in 0..93_000 {
        let event = Event::at(START + index as i64 * 10_000 * MILLISECOND);
        let compare = index > 92_990;
        long.apply(&event.amount(100_000_000_000_000), compare);
    }
}
