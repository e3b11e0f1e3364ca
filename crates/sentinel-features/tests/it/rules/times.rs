//! Which events are in a window, and how an event stands in time.

use sentinel_domain::LabelKind;
use sentinel_features::EntityKind;
use sentinel_features::definition::Aggregate;
use sentinel_features::fact::Fact;
use sentinel_features::feature::Source;
use sentinel_features::field::Number;

use super::Case;
use crate::ask::{EXACT, SUM, account, distinct, of, windowed};
use crate::event::{DAY, Event, HOUR, MILLISECOND, MINUTE, SECOND, START};

#[test]
fn an_exact_window_is_open_at_its_start_and_closed_at_its_end() {
    let lengths = [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, DAY];
    for (length, name) in lengths.into_iter().zip(EXACT) {
        for (distance, expected) in [
            (length - MILLISECOND, 2.0),
            (length, 1.0),
            (length + MILLISECOND, 1.0),
            // Whole milliseconds, rounded down: 999 microseconds do not move the end.
            (length - 1, 2.0),
            (length + 999, 1.0),
        ] {
            let mut case = Case::of([account(Aggregate::Count, name)]);
            case.apply(Event::at(START));
            case.apply(Event::at(START + distance));
            case.reads([expected]);
        }
    }
}

#[test]
fn a_tiled_window_holds_whole_hours_or_days_of_the_clock() {
    // START is a midnight. The last millisecond of an hour lies in its tile, the next one in the next.
    let last = HOUR - MILLISECOND;
    for (first, then, seven, thirty) in [
        // Hour 0 and hour 167 are the ends of 168 hours; hour 168 has left hour 0 behind.
        (0, 167 * HOUR + last, 2.0, 2.0),
        (last, 168 * HOUR, 1.0, 2.0),
        (HOUR, 168 * HOUR, 2.0, 2.0),
        // Day 0 and day 29 are the ends of 30 days.
        (0, 29 * DAY + 23 * HOUR + last, 1.0, 2.0),
        (23 * HOUR + last, 30 * DAY, 1.0, 1.0),
        (DAY, 30 * DAY, 1.0, 2.0),
    ] {
        let mut case = Case::of([
            account(Aggregate::Count, "7d"),
            account(Aggregate::Count, "30d"),
        ]);
        case.apply(Event::at(START + first));
        case.apply(Event::at(START + then));
        case.reads([seven, thirty]);
    }
}

#[test]
fn milliseconds_and_tiles_are_rounded_down_before_1970_too() {
    // -1 us lies in millisecond -1, and 59.999 s in millisecond 59,999: exactly a minute apart.
    let set = || Case::of([account(Aggregate::Count, "1m"), account(SUM, "7d")]);
    let mut case = set();
    case.apply(Event::at(-1).amount(5));
    case.apply(Event::at(MINUTE - MILLISECOND).amount(7));
    case.reads([1.0, 12.0]);
    let mut case = set();
    case.apply(Event::at(0).amount(5));
    case.apply(Event::at(MINUTE - MILLISECOND).amount(7));
    case.reads([2.0, 12.0]);
    // Hour -1 is 168 hours before hour 167.
    let mut case = set();
    case.apply(Event::at(-1).amount(5));
    case.apply(Event::at(167 * HOUR - 1).amount(6));
    case.reads([1.0, 11.0]);
    case.apply(Event::at(167 * HOUR).amount(7));
    case.reads([2.0, 13.0]);
}

#[test]
fn a_late_event_is_put_in_its_place_and_answered_as_of_the_newest() {
    let mut case = Case::of([
        account(Aggregate::Count, "1m"),
        account(SUM, "1m"),
        account(Aggregate::Mean(Number::Amount), "5m"),
        account(Aggregate::Count, "1h"),
        account(Aggregate::ToMean(Number::Amount), "1m"),
        account(Aggregate::ToMean(Number::Amount), "1h"),
        account(Aggregate::Previous(Number::Amount), "1h"),
    ]);
    case.apply(Event::at(START).amount(100));
    case.apply(Event::at(START + 10 * MINUTE).amount(900));
    let flags = case.apply(Event::at(START + 6 * MINUTE).amount(500));
    assert_eq!(flags, (true, false));
    // As of minute 10: in the window of 5 minutes, not in that of 1 minute.
    case.reads([1.0, 900.0, 700.0, 3.0, 500.0 / 900.0, 1.0, 900.0]);
    // A tie of the newest is not late; in microseconds it may even be older.
    let flags = case.apply(Event::at(START + 10 * MINUTE + 1).amount(1));
    assert_eq!(flags, (false, false));
    let flags = case.apply(Event::at(START + 10 * MINUTE).amount(1));
    assert_eq!(flags, (false, false), "the millisecond is the same");
}

#[test]
fn events_of_one_millisecond_keep_the_order_of_the_log() {
    let mut case = Case::of([
        account(Aggregate::First(Number::Amount), "1h"),
        account(Aggregate::Previous(Number::Amount), "1h"),
    ]);
    case.apply(Event::at(START + SECOND).amount(1));
    case.apply(Event::at(START + SECOND + 999).amount(2));
    case.apply(Event::at(START + SECOND).amount(3));
    case.reads([1.0, 2.0]);
    // Late, before all of them; then a tie of it behind it.
    case.apply(Event::at(START).amount(4));
    case.reads([4.0, 3.0]);
    case.apply(Event::at(START).amount(5));
    case.reads([4.0, 3.0]);
}

#[test]
fn an_event_is_late_where_one_entity_was_newer_however_new_it_is_to_the_others() {
    let mut case = Case::of([
        account(Aggregate::Count, "1m"),
        of(EntityKind::Merchant, Aggregate::Count, "1m"),
    ]);
    case.apply(Event::at(START).merchant(1));
    let other = Event::at(START - SECOND).account(2);
    assert_eq!(case.apply(other.clone()), (false, false));
    case.reads([1.0, f64::NAN]);
    assert_eq!(case.apply(other.merchant(1)), (true, false));
    case.reads([2.0, 2.0]);
}

#[test]
fn an_hour_behind_the_partition_is_late_and_a_millisecond_more_is_too_late() {
    let mut case = Case::of_sources(&[
        windowed(account(Aggregate::Count, "1m")),
        windowed(account(SUM, "24h")),
        windowed(account(distinct(EntityKind::Merchant), "24h")),
        windowed(account(Aggregate::ToMean(Number::Amount), "1m")),
        windowed(account(Aggregate::Previous(Number::Amount), "1m")),
        Source::Fact(EntityKind::Account, Fact::CountEver),
        Source::Fact(EntityKind::Account, Fact::SecondsSinceLast),
        windowed(of(EntityKind::Merchant, Aggregate::Count, "24h")),
        Source::Fact(EntityKind::Merchant, Fact::SecondsSinceFirst),
        Source::Fact(EntityKind::Merchant, Fact::IsNew),
    ]);
    case.apply(Event::at(START).amount(100).merchant(1));
    case.apply(Event::at(START + HOUR).account(2));
    let flags = case.apply(Event::at(START - MILLISECOND).amount(300).merchant(2));
    assert_eq!(flags, (false, true));
    // Not counted, compared with all there is; its merchant was never seen.
    case.reads([1.0, 100.0, 1.0, 3.0, 100.0, 1.0, 0.0, 0.0, f64::NAN, 1.0]);
    let flags = case.apply(Event::at(START).amount(500).merchant(2));
    assert_eq!(flags, (false, false), "an hour is allowed");
    case.reads([2.0, 600.0, 2.0, 5.0, 100.0, 1.0, 0.0, 1.0, f64::NAN, 1.0]);
}

#[test]
fn after_400_days_of_silence_an_entity_is_as_new() {
    for (silence, known) in [(400 * DAY, true), (400 * DAY + MILLISECOND, false)] {
        let mut case = Case::of_sources(&[
            windowed(account(Aggregate::Count, "1m")),
            Source::Fact(EntityKind::Account, Fact::CountEver),
            Source::Fact(EntityKind::Account, Fact::AmountToMeanEver),
            Source::Fact(EntityKind::Account, Fact::SecondsSinceLast),
        ]);
        case.apply(Event::at(START).amount(200));
        case.apply(Event::at(START + silence).amount(100));
        if known {
            case.reads([1.0, 1.0, 0.5, 34_560_000.0]);
        } else {
            case.reads([1.0, 0.0, f64::NAN, f64::NAN]);
        }
        // The newest of the partition counts, not the event's own time.
        let ever = Source::Fact(EntityKind::Account, Fact::CountEver);
        let mut case = Case::of_sources(&[ever]);
        case.apply(Event::at(START));
        case.apply(Event::at(START + silence).account(2));
        case.apply(Event::at(START + silence - 2 * HOUR));
        case.reads([if known { 1.0 } else { 0.0 }]);
    }
}

#[test]
fn an_entity_lets_its_events_go_when_none_that_may_come_can_see_them() {
    let hours_25 = 25 * HOUR;
    for (idle, day, month, fraud_share) in [
        (hours_25 - MILLISECOND, 2.0, 2.0, 0.5),
        (hours_25, 0.0, 2.0, 0.5),
        (32 * DAY - MILLISECOND, 0.0, 2.0, 0.5),
        (32 * DAY, 0.0, 0.0, 0.5),
        (40 * DAY - MILLISECOND, 0.0, 0.0, 0.5),
        (40 * DAY, 0.0, 0.0, f64::NAN),
    ] {
        let mut case = Case::of_sources(&[
            windowed(account(Aggregate::Count, "24h")),
            windowed(account(Aggregate::Count, "30d")),
            Source::Fact(EntityKind::Account, Fact::FraudRate30d),
        ]);
        case.apply(Event::at(START - SECOND));
        case.apply(Event::at(START));
        case.label(&Event::at(START).label("e", LabelKind::Fraud, START));
        case.apply(Event::at(START + idle).account(2));
        // Only an event too late can tell.
        let flags = case.apply(Event::at(START + idle - 2 * HOUR));
        assert_eq!(flags, (false, true));
        case.reads([day, month, fraud_share]);
    }
}

#[test]
fn entities_of_one_name_and_several_kinds_are_several() {
    let count = |kind| of(kind, Aggregate::Count, "1m");
    let mut case = Case::of([
        count(EntityKind::Account),
        count(EntityKind::Card),
        count(EntityKind::Device),
        count(EntityKind::Merchant),
        count(EntityKind::Ip),
        of(EntityKind::Ip, distinct(EntityKind::Account), "1m"),
        count(EntityKind::AccountMerchant),
        count(EntityKind::AccountDevice),
    ]);
    let everywhere = Event {
        card: Some(1),
        device: Some(1),
        ip: Some(1),
        ..Event::at(START).merchant(1)
    };
    case.apply(everywhere.clone());
    case.apply(Event::at(START));
    case.apply(everywhere.account(2));
    case.reads([1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.0]);
}

#[test]
fn a_network_is_three_bytes_of_version_4_or_six_of_version_6() {
    let mut case = Case::of([
        of(EntityKind::Ip, Aggregate::Count, "1m"),
        of(EntityKind::IpNetwork, Aggregate::Count, "1m"),
    ]);
    let mut counts = Vec::new();
    // 10.0.0.1, 10.0.0.5, 10.0.1.1; then 2001:db8:0:: and its neighbour, 2001:db8:1::; then no address.
    for ip in [1, 5, 257, 3, 7, 19, 2, 2] {
        case.apply(Event {
            ip: Some(ip),
            ..Event::at(START)
        });
        counts.push(case.subject.row()[1]);
        let own = if counts.len() == 8 { 2.0 } else { 1.0 };
        case.reads([own, *counts.last().unwrap()]);
    }
    assert_eq!(counts[..6], [1.0, 2.0, 1.0, 1.0, 2.0, 1.0]);
    assert!(counts[6].is_nan() && counts[7].is_nan());
}

#[test]
fn an_entity_that_is_not_named_has_no_numbers() {
    let mut case = Case::of_sources(&[
        windowed(of(EntityKind::Card, Aggregate::Count, "1m")),
        windowed(of(EntityKind::CardCountry, SUM, "7d")),
        Source::Fact(EntityKind::Merchant, Fact::IsNew),
    ]);
    case.apply(Event {
        card: Some(4),
        ..Event::at(START)
    });
    case.reads([1.0, f64::NAN, f64::NAN]);
}
