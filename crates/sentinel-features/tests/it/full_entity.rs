//! One entity with more events in a day than are held one by one.
//!
//! Promises: beyond the limit the row is flagged, sums and extremes go on by tiles of ten seconds, and
//! whatever needs single events is that of the newest held. Must never answer every event by plain loops:
//! of so long lists a sample is enough, all of it around the limit.

use sentinel_features::definition::{Aggregate, Definition};
use sentinel_features::field::Number;
use sentinel_features::{EVENTS_PER_ENTITY_MAX, EntityKind, FeatureEngine, FeatureSet};
use sentinel_synth::Random;

use crate::ask::{
    OF_EVERY_WINDOW, OF_EXACT_WINDOWS, SUM, account, distinct, little, of, only, windowed,
};
use crate::comparison::{Subject, set_of, set_of_sources};
use crate::event::{DAY, Event, HOUR, MILLISECOND, MINUTE, SECOND, START};
use crate::oracle::Flags;
use sentinel_features::fact::Fact;
use sentinel_features::feature::Source;

/// Engine and oracle over a long list of which only some events are compared.
struct Long {
    subject: Subject,
    compared: u32,
}

/// Every aggregate over a day, some over a minute, an hour and a week.
fn definitions() -> Vec<Definition> {
    let mut all: Vec<Definition> = OF_EVERY_WINDOW.map(|one| account(one, "24h")).into();
    all.extend(OF_EXACT_WINDOWS.map(|one| account(one, "24h")));
    all.push(account(distinct(EntityKind::Merchant), "24h"));
    all.push(account(distinct(EntityKind::Merchant), "1m"));
    all.extend(["1m", "1h"].map(|window| account(SUM, window)));
    all.extend(["1h", "7d"].map(|window| account(Aggregate::ZScore(Number::Amount), window)));
    all.push(account(Aggregate::Max(Number::Amount), "1h"));
    all.push(account(Aggregate::Count, "30d"));
    let web = |aggregate| only("channel = web", account(aggregate, "24h"));
    all.extend([
        web(Aggregate::Count),
        web(Aggregate::Min(Number::Amount)),
        web(Aggregate::ToMean(Number::Amount)),
        web(Aggregate::Median(Number::Amount)),
    ]);
    all.push(of(EntityKind::Card, Aggregate::Count, "24h"));
    all
}

impl Long {
    fn new() -> Self {
        Self::of(set_of(&definitions()))
    }

    fn of(set: FeatureSet) -> Self {
        Self {
            subject: Subject::of(set),
            compared: 0,
        }
    }

    /// Takes the event in; compares its row where asked to.
    fn apply(&mut self, event: &Event, compare: bool) -> Flags {
        self.compared += u32::from(compare);
        let told = self.subject.pass(event, compare);
        told.unwrap_or_else(|difference| panic!("{difference}"))
            .flags
    }
}

/// Whether event `index` of a long list is compared: all around the limit, others now and then.
fn sampled(index: usize) -> bool {
    index.abs_diff(EVENTS_PER_ENTITY_MAX) < 4 || index.is_multiple_of(4_999)
}

/// An event of one account and one card at many merchants, of the largest amounts there are.
fn busy(time_us: i64, index: usize) -> Event {
    let mut event = Event::at(time_us).amount(100_000_000_000_000 - (index as i64 * 31) % 5_000);
    event.merchant = (!index.is_multiple_of(11)).then_some((index * index % 6_007) as u32);
    event.card = (!index.is_multiple_of(3)).then_some(7);
    if index.is_multiple_of(4) {
        event.words.channel = Some(sentinel_domain::transaction::Channel::Web);
    }
    event
}

#[test]
fn beyond_the_limit_sums_go_on_by_tiles_and_the_row_is_flagged() {
    let few = little(Some("channel = web"), &["1m", "6h", "24h"]);
    for definitions in [definitions(), few] {
        outgrow(Long::of(set_of(&definitions)));
    }
}

fn outgrow(mut long: Long) {
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
    let other = Event::at(now_us).account(2);
    assert!(!long.apply(&other, true).estimated);
    // Once the ones that left early would have left anyway, the windows are whole again; the tiles
    // leave some seconds after their first events would have.
    let mut whole_at = None;
    let (mut step, mut at_us) = (HOUR, now_us);
    for place in 0..60 {
        at_us += step;
        let flags = long.apply(&busy(at_us, 2), true);
        assert!(whole_at.is_none() || !flags.estimated, "place {place}");
        if at_us > START + DAY - HOUR {
            step = 4 * MINUTE;
        }
        if !flags.estimated && whole_at.is_none() {
            whole_at = Some(at_us);
        }
    }
    assert!(
        whole_at.is_some_and(|us| us < START + 26 * HOUR),
        "{whole_at:?}"
    );
}

#[test]
fn the_tiles_leave_the_window_whole() {
    // Forty a second for half an hour; the oldest 6,400 seconds' tenth leave early: sixteen tiles.
    let mut long = Long::new();
    for index in 0..EVENTS_PER_ENTITY_MAX + 6_400 {
        long.apply(
            &busy(START + index as i64 * 25 * MILLISECOND, index),
            sampled(index),
        );
    }
    // Around the end of the first tile, of the second, and of the last, a day on, to the millisecond.
    let borders = [0, 10, 11, 20, 155, 159, 160, 161, 170];
    for second in borders {
        for around in [-MILLISECOND, 0, 1, MILLISECOND] {
            let time_us = START + DAY + second * SECOND + around;
            long.apply(&busy(time_us, second as usize), true);
        }
    }
    assert!(long.compared > 40);
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
        assert!(long.apply(&busy(newest_us - behind, index), true).estimated);
    }
    // The next ones push the oldest out one by one: of one millisecond, the first in the log goes first.
    for index in 0..120 {
        let flags = long.apply(&busy(newest_us, index), index.is_multiple_of(10));
        assert!(flags.estimated);
    }
    // A minute later the shorter windows have moved on.
    assert!(long.apply(&busy(START + 2 * MINUTE, 5), true).estimated);
    // When the late ones would have left, others that left early are still missed.
    let flags = long.apply(&busy(START + DAY - MINUTE, 6), true);
    assert!(flags.estimated);
    // A day later nothing is left but the event and what came after the burst.
    assert!(!long.apply(&busy(START + DAY + MINUTE, 7), true).estimated);
    let flags = long.apply(&busy(START + DAY + MINUTE - 1, 8), true);
    assert!(!flags.estimated);
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
fn the_greatest_amounts_are_summed_and_squared_exactly_while_their_sum_fits() {
    // 2^63 over the largest amount is 65,536 events. Beyond it a sum stays at the greatest number.
    let mut sources: Vec<Source> = ["7d", "30d"]
        .into_iter()
        .flat_map(|window| OF_EVERY_WINDOW.map(|one| windowed(account(one, window))))
        .collect();
    sources.push(Source::Fact(EntityKind::Account, Fact::AmountToMeanEver));
    sources.push(Source::Fact(EntityKind::Account, Fact::MonthSum));
    sources.push(windowed(account(SUM, "24h")));
    let mut long = Long::of(set_of_sources(sources.into_iter()));
    for index in 0..65_536 {
        let event = Event::at(START + index * 10 * SECOND);
        let compare = !(10..=65_530).contains(&index);
        long.apply(&event.amount(i64::MAX / 65_536 - index % 2), compare);
    }
    let sum = windowed(account(SUM, "30d"));
    let mut engine = FeatureEngine::new(set_of_sources([sum].into_iter()));
    let mut row = [0.0];
    for index in 0..70_000 {
        let event = Event::at(START + index * 10 * SECOND).amount(i64::MAX / 65_536);
        engine.apply(&event.transaction(), event.amount, &mut row);
    }
    assert_eq!(row, [i64::MAX as f64]);
}
