//! What is known of an entity without a window.

use sentinel_features::EntityKind;
use sentinel_features::fact::Fact;
use sentinel_features::feature::Source;

use super::Case;
use crate::event::{DAY, Event, HOUR, MILLISECOND, MINUTE, SECOND, START};

fn facts<const N: usize>(facts: [Fact; N]) -> Case {
    let sources = facts.map(|fact| Source::Fact(EntityKind::Account, fact));
    Case::of_sources(&sources)
}

const NONE: f64 = f64::NAN;

#[test]
fn earlier_events_and_their_amounts() {
    let mut case = facts([
        Fact::CountEver,
        Fact::IsNew,
        Fact::SecondsSinceLast,
        Fact::SecondsSinceFirst,
        Fact::AmountToMeanEver,
    ]);
    case.apply(Event::at(START));
    case.reads([0.0, 1.0, NONE, NONE, NONE]);
    case.apply(Event::at(START + 1_500_000).amount(0));
    case.reads([1.0, 0.0, 1.5, 1.5, NONE]);
    // The mean of earlier amounts is 0, then 300 / 2.
    case.apply(Event::at(START + 90 * DAY).amount(300));
    case.reads([2.0, 0.0, 7_775_998.5, 7_776_000.0, NONE]);
    case.apply(Event::at(START + 90 * DAY - 2 * SECOND).amount(600));
    // Late: after the newest never, after the first yes.
    case.reads([3.0, 0.0, 0.0, 7_775_998.0, 4.0]);
    case.apply(Event::at(START + 90 * DAY + 1));
    case.reads([4.0, 0.0, 0.000_001, 7_776_000.000_001, NONE]);
}

#[test]
fn a_late_event_may_become_the_first() {
    let mut case = facts([Fact::SecondsSinceLast, Fact::SecondsSinceFirst]);
    case.apply(Event::at(START));
    case.apply(Event::at(START - 5 * SECOND));
    case.reads([0.0, 0.0]);
    case.apply(Event::at(START + 5 * SECOND));
    case.reads([5.0, 10.0]);
}

#[test]
fn the_last_place_is_the_newest_with_coordinates() {
    let mut case = facts([Fact::DistanceKm, Fact::SpeedKmh]);
    case.apply(Event::at(START).place(0, 0));
    case.reads([NONE, NONE]);
    case.apply(Event::at(START + HOUR));
    case.reads([NONE, NONE]);
    // Late, with coordinates, newer than the last place.
    case.apply(Event::at(START + 30 * MINUTE).place(0, 10_000_000));
    // Late and older than it: no new last place.
    case.apply(Event::at(START + 10 * MINUTE).place(500_000_000, 0));
    case.apply(Event::at(START + HOUR).place(0, 10_000_000));
    case.reads([0.0, 0.0]);
    // Of two places of one microsecond the later one in the log holds; a second is the least time.
    case.apply(Event::at(START + HOUR).place(0, 20_000_000));
    case.apply(Event::at(START + HOUR + 1).place(0, 20_000_000));
    case.reads([0.0, 0.0]);
    case.apply(Event::at(START + HOUR + 1).place(0, 30_000_000));
    let km = case.subject.row()[0];
    case.reads([km, km / (1.0 / 3_600.0)]);
    assert!((km - 6_371.008_8 * std::f64::consts::PI / 180.0).abs() < 1e-6);
}

#[test]
fn an_event_too_late_is_told_its_way_and_leaves_nothing_behind() {
    let mut case = facts([
        Fact::DistanceKm,
        Fact::SpeedKmh,
        Fact::CountEver,
        Fact::DayCount,
        Fact::DormantSeconds,
    ]);
    case.apply(Event::at(START).place(0, 0));
    let far = Event::at(START - 2 * DAY).place(10_000_000, 0);
    assert_eq!(case.apply(far), (false, true));
    // One degree of a meridian, over the whole two days.
    let km = case.subject.row()[0];
    case.reads([km, km / 48.0, 1.0, 1.0, 0.0]);
    assert!((km - 6_371.008_8 * std::f64::consts::PI / 180.0).abs() < 1e-9);
    case.apply(Event::at(START + SECOND).place(0, 0));
    case.reads([0.0, 0.0, 1.0, 2.0, 0.0]);
}

#[test]
fn silence_of_a_day_is_told_for_a_day_after_it_ended() {
    let mut case = facts([Fact::DormantSeconds]);
    case.apply(Event::at(START));
    case.reads([NONE]);
    case.apply(Event::at(START + DAY - MILLISECOND));
    case.reads([0.0]);
    let woken = START + 3 * DAY - MILLISECOND;
    case.apply(Event::at(woken));
    case.reads([172_800.0]);
    case.apply(Event::at(woken + 12 * HOUR));
    case.reads([172_800.0]);
    // A late event is answered as of the newest.
    case.apply(Event::at(woken + 12 * HOUR - MINUTE));
    case.reads([172_800.0]);
    case.apply(Event::at(woken + DAY - MILLISECOND));
    case.reads([172_800.0]);
    case.apply(Event::at(woken + DAY));
    case.reads([0.0]);
}

#[test]
fn shares_of_hours_and_weekdays_around_midnight() {
    let mut case = facts([Fact::HourShare, Fact::WeekdayShare]);
    // Monday 00:30, in UTC.
    case.apply(Event::at(START + 30 * MINUTE));
    case.reads([NONE, NONE]);
    // Monday 23:30 is within an hour of midnight.
    case.apply(Event::at(START + 23 * HOUR + 30 * MINUTE));
    case.reads([1.0, 1.0]);
    // Tuesday 01:10: hour 0 is, hour 23 is not; no earlier Tuesday.
    case.apply(Event::at(START + 25 * HOUR + 10 * MINUTE));
    case.reads([0.5, 0.0]);
    // Ten minutes past one in UTC is ten past eleven in the evening, still Monday, two hours west.
    case.apply(Event {
        utc_offset_minutes: Some(-120),
        ..Event::at(START + 25 * HOUR + 10 * MINUTE)
    });
    // Hours 0 and 23 of 0, 23, 1; two Mondays of three.
    case.reads([2.0 / 3.0, 2.0 / 3.0]);
    // By longitude: 30 degrees east are two hours. 22:10 in UTC is 00:10, on Wednesday.
    case.apply(Event::at(START + 46 * HOUR + 10 * MINUTE).place(0, 300_000_000));
    // Hours 23 (twice), 0, 1: all four; no Wednesday.
    case.reads([1.0, 0.0]);
}

#[test]
fn the_share_of_amounts_not_above_this_ones_bucket() {
    let mut case = facts([Fact::AmountShare]);
    case.apply(Event::at(START).amount(50));
    case.reads([NONE]);
    // Buckets of 32: 64 to 80 share one with everything below; 80 to 112 the next.
    case.apply(Event::at(START).amount(79));
    case.reads([1.0]);
    case.apply(Event::at(START).amount(100));
    case.reads([1.0]);
    case.apply(Event::at(START).amount(64));
    case.reads([2.0 / 3.0]);
    case.apply(Event::at(START));
    case.reads([NONE]);
    case.apply(Event::at(START).amount(1_000_000_000));
    case.reads([1.0]);
}

#[test]
fn habits_are_halved_at_255() {
    let mut case = facts([Fact::HourShare, Fact::WeekdayShare, Fact::AmountShare]);
    // 3 at Monday noon of little, 250 on Tuesday noon of much: 253.
    for _ in 0..3 {
        case.apply(Event::at(START + 12 * HOUR).amount(10));
    }
    for _ in 0..250 {
        case.apply(Event::at(START + 36 * HOUR).amount(100_000));
    }
    case.apply(Event::at(START + 42 * HOUR).amount(10));
    case.reads([0.0, 250.0 / 253.0, 3.0 / 253.0]);
    // 254 by now; this is the 255th: noon 253 / 2 = 126, evening 2 / 2 = 1; Monday 3 / 2 = 1, Tuesday
    // 252 / 2 = 126; little 5 / 2 = 2, much 250 / 2 = 125.
    case.apply(Event::at(START + 42 * HOUR).amount(10));
    case.reads([1.0 / 254.0, 251.0 / 254.0, 4.0 / 254.0]);
    case.apply(Event::at(START + 42 * HOUR).amount(10));
    case.reads([1.0 / 127.0, 126.0 / 127.0, 2.0 / 127.0]);
    // Evening 2 of 128 now, Tuesday 127.
    case.apply(Event::at(START + 42 * HOUR));
    case.reads([2.0 / 128.0, 127.0 / 128.0, NONE]);
}

#[test]
fn the_calendar_day_and_month_are_the_payers() {
    let mut case = facts([
        Fact::DayCount,
        Fact::DaySum,
        Fact::MonthCount,
        Fact::MonthSum,
    ]);
    // 2024-01-31, half past ten in the evening, UTC.
    let evening = START + 30 * DAY + 22 * HOUR + 30 * MINUTE;
    case.apply(Event::at(evening).amount(100));
    case.reads([1.0, 100.0, 1.0, 100.0]);
    case.apply(Event::at(evening + MINUTE));
    case.reads([2.0, 100.0, 2.0, 100.0]);
    // Two hours east it is 2024-02-01 already: day and month begin.
    let east = |time_us| Event {
        utc_offset_minutes: Some(120),
        ..Event::at(time_us)
    };
    case.apply(east(evening + 2 * MINUTE).amount(7));
    case.reads([1.0, 7.0, 1.0, 7.0]);
    // An earlier day and month change nothing.
    case.apply(Event::at(evening + 3 * MINUTE).amount(5));
    case.reads([1.0, 7.0, 1.0, 7.0]);
    case.apply(Event::at(evening + 2 * HOUR).amount(30));
    case.reads([2.0, 37.0, 2.0, 37.0]);
    // The next day of the month, and a day before it, which is in the month.
    case.apply(Event::at(evening + 26 * HOUR).amount(1));
    case.reads([1.0, 1.0, 3.0, 38.0]);
    case.apply(Event::at(evening + 25 * HOUR + 10 * MINUTE).amount(2));
    case.reads([1.0, 1.0, 4.0, 40.0]);
}

#[test]
fn an_entity_that_was_never_seen_is_told_to_an_event_too_late() {
    let all = Fact::ALL.iter();
    let sources: Vec<Source> = all
        .map(|fact| Source::Fact(EntityKind::Account, *fact))
        .collect();
    let mut case = Case::of_sources(&sources);
    case.apply(Event::at(START).account(2));
    let flags = case.apply(Event::at(START - DAY).amount(1).place(0, 0));
    assert_eq!(flags, (false, true));
    let expected = Fact::ALL.iter().map(|fact| match fact {
        Fact::IsNew => 1.0,
        Fact::CountEver
        | Fact::DayCount
        | Fact::DaySum
        | Fact::MonthCount
        | Fact::MonthSum
        | Fact::FraudCountEver
        | Fact::FraudCount30d
        | Fact::FraudRunCount => 0.0,
        _ => NONE,
    });
    let expected: Vec<f64> = expected.collect();
    case.reads::<24>(expected.try_into().unwrap());
}
