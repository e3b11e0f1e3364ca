//! The rules of the windows in cases small enough to work out by hand.
//!
//! Promises expected values as literals: here the oracle is on trial as much as the engine is. Must never
//! compute what it expects.

use crate::comparison::Subject;
use crate::event::{DAY, Event, HOUR, MILLISECOND, MINUTE, SECOND};
use crate::oracle::Oracle;

/// Monday, the first second of 2024.
const START: i64 = 1_704_067_200_000_000;

/// Applies events to the engine and the oracle, which must agree; leaves the row of the last one.
struct Case {
    subject: Subject,
    oracle: Oracle,
}

impl Case {
    fn new() -> Self {
        Self {
            subject: Subject::new(),
            oracle: Oracle::new(),
        }
    }

    /// The flags (late, too late).
    fn apply(&mut self, event: Event) -> (bool, bool) {
        let answer = self.subject.check(&mut self.oracle, &event);
        let flags = answer.unwrap_or_else(|message| panic!("{message}")).flags;
        assert!(!flags.estimated);
        (flags.late, flags.too_late)
    }

    #[track_caller]
    fn reads<const N: usize>(&self, expected: [(&str, f64); N]) {
        for (name, value) in expected {
            let have = self.subject.value(name);
            assert_eq!(
                have.to_bits(),
                value.to_bits(),
                "{name}: {have}, not {value}"
            );
        }
    }
}

#[test]
fn an_event_counts_itself_and_has_nothing_to_compare_with() {
    let mut case = Case::new();
    let flags = case.apply(Event::at(START).amount(700).merchant(5));
    assert_eq!(flags, (false, false));
    case.reads([
        ("account_count_1m", 1.0),
        ("account_count_24h", 1.0),
        ("account_sum_1m", 700.0),
        ("account_mean_1h", 700.0),
        ("account_max_5m", 700.0),
        ("account_distinct_merchants_24h", 1.0),
        ("account_amount_to_mean_1m", f64::NAN),
        ("account_amount_to_mean_ever", f64::NAN),
        ("account_count_ever", 0.0),
        ("account_seconds_since_last", f64::NAN),
        ("account_seconds_since_first", f64::NAN),
        ("account_distance_km", f64::NAN),
        ("account_speed_kmh", f64::NAN),
        ("merchant_count_1m", 1.0),
        ("merchant_distinct_accounts_1m", 1.0),
        ("merchant_count_ever", 0.0),
        ("card_count_1m", f64::NAN),
        ("card_sum_24h", f64::NAN),
        ("card_count_ever", f64::NAN),
        ("device_count_24h", f64::NAN),
        ("ip_distinct_accounts_1m", f64::NAN),
    ]);
}

#[test]
fn a_window_is_open_at_its_start_and_closed_at_its_end() {
    for (length, name) in [
        (MINUTE, "account_count_1m"),
        (5 * MINUTE, "account_count_5m"),
        (HOUR, "account_count_1h"),
        (DAY, "account_count_24h"),
    ] {
        for (distance, expected) in [
            (length - MILLISECOND, 2.0),
            (length, 1.0),
            (length + MILLISECOND, 1.0),
            // Whole milliseconds, rounded down: 999 microseconds do not move the end.
            (length - 1, 2.0),
            (length + 999, 1.0),
        ] {
            let mut case = Case::new();
            case.apply(Event::at(START));
            case.apply(Event::at(START + distance));
            case.reads([(name, expected), ("account_count_ever", 1.0)]);
        }
    }
}

#[test]
fn milliseconds_are_rounded_down_before_1970_too() {
    // -1 us lies in millisecond -1, and 59.999 s in millisecond 59,999: exactly a minute apart.
    let mut case = Case::new();
    case.apply(Event::at(-1));
    case.apply(Event::at(MINUTE - MILLISECOND));
    case.reads([
        ("account_count_1m", 1.0),
        ("account_seconds_since_last", 59.999_001),
    ]);
    let mut case = Case::new();
    case.apply(Event::at(0));
    case.apply(Event::at(MINUTE - MILLISECOND));
    case.reads([("account_count_1m", 2.0)]);
}

#[test]
fn a_missing_amount_counts_as_an_event_but_not_as_money() {
    let mut case = Case::new();
    case.apply(Event::at(START));
    case.reads([
        ("account_count_1m", 1.0),
        ("account_sum_1m", 0.0),
        ("account_mean_1m", f64::NAN),
        ("account_max_1m", f64::NAN),
    ]);
    case.apply(Event::at(START + SECOND).amount(0));
    case.reads([
        ("account_mean_1m", 0.0),
        ("account_max_1m", 0.0),
        ("account_amount_to_mean_1m", f64::NAN),
    ]);
    // A mean of zero is no habit to compare with.
    case.apply(Event::at(START + 2 * SECOND).amount(300));
    case.reads([
        ("account_count_1m", 3.0),
        ("account_mean_1m", 150.0),
        ("account_amount_to_mean_1m", f64::NAN),
        ("account_amount_to_mean_ever", f64::NAN),
    ]);
    case.apply(Event::at(START + 3 * SECOND).amount(600));
    case.reads([
        ("account_amount_to_mean_1m", 4.0),
        ("account_amount_to_mean_ever", 4.0),
    ]);
    case.apply(Event::at(START + 4 * SECOND));
    case.reads([
        ("account_sum_1m", 900.0),
        ("account_amount_to_mean_1m", f64::NAN),
        ("account_amount_to_mean_ever", f64::NAN),
    ]);
}

#[test]
fn the_same_counterpart_counts_once_for_each_window() {
    let mut case = Case::new();
    case.apply(Event::at(START).merchant(1));
    case.apply(Event::at(START + 2 * MINUTE).merchant(2));
    case.apply(Event::at(START + 2 * MINUTE).merchant(1));
    case.apply(Event::at(START + 2 * MINUTE));
    case.reads([
        ("account_distinct_merchants_1m", 2.0),
        ("account_distinct_merchants_5m", 2.0),
        ("account_count_5m", 4.0),
    ]);
    case.apply(Event::at(START + 4 * MINUTE).merchant(1));
    case.reads([
        ("account_distinct_merchants_1m", 1.0),
        ("account_distinct_merchants_5m", 2.0),
        // Merchant 1 saw one account three times.
        ("merchant_count_5m", 3.0),
        ("merchant_distinct_accounts_5m", 1.0),
    ]);
}

#[test]
fn a_late_event_is_put_in_its_place_and_answered_as_of_the_newest() {
    let mut case = Case::new();
    case.apply(Event::at(START).amount(100));
    case.apply(Event::at(START + 10 * MINUTE).amount(900));
    let flags = case.apply(Event::at(START + 6 * MINUTE).amount(500));
    assert_eq!(flags, (true, false));
    case.reads([
        // As of minute 10: the late one is in the window of 5 minutes, not in that of 1 minute.
        ("account_count_1m", 1.0),
        ("account_sum_1m", 900.0),
        ("account_count_5m", 2.0),
        ("account_mean_5m", 700.0),
        ("account_count_1h", 3.0),
        ("account_amount_to_mean_1h", 1.0),
        ("account_amount_to_mean_1m", 500.0 / 900.0),
        ("account_count_ever", 2.0),
        ("account_seconds_since_last", 0.0),
        ("account_seconds_since_first", 360.0),
    ]);
    // A tie of the newest is not late.
    let flags = case.apply(Event::at(START + 10 * MINUTE + 1).amount(1));
    assert_eq!(flags, (false, false));
    let flags = case.apply(Event::at(START + 10 * MINUTE).amount(1));
    assert_eq!(flags, (false, false), "the millisecond is the same");
}

#[test]
fn an_event_is_late_where_one_entity_was_newer_however_new_it_is_to_the_others() {
    let mut case = Case::new();
    case.apply(Event::at(START).merchant(1));
    let other = |time_us| Event {
        account: 2,
        ..Event::at(time_us)
    };
    assert_eq!(case.apply(other(START - SECOND)), (false, false));
    assert_eq!(
        case.apply(other(START - SECOND).merchant(1)),
        (true, false),
        "late at the merchant alone"
    );
    case.reads([("merchant_count_1m", 2.0), ("account_count_1m", 2.0)]);
}

#[test]
fn an_hour_behind_the_partition_is_late_and_a_millisecond_more_is_too_late() {
    let mut case = Case::new();
    case.apply(Event::at(START).amount(100).merchant(1));
    let other = Event {
        account: 2,
        ..Event::at(START + HOUR)
    };
    case.apply(other);
    let flags = case.apply(Event::at(START - MILLISECOND).amount(300).merchant(2));
    assert_eq!(flags, (false, true));
    case.reads([
        ("account_count_1m", 1.0),
        ("account_sum_24h", 100.0),
        ("account_distinct_merchants_24h", 1.0),
        ("account_amount_to_mean_1m", 3.0),
        ("account_amount_to_mean_ever", 3.0),
        ("account_count_ever", 1.0),
        ("account_seconds_since_last", 0.0),
        // The merchant was never seen.
        ("merchant_count_24h", 0.0),
        ("merchant_distinct_accounts_24h", 0.0),
        ("merchant_count_ever", 0.0),
        ("merchant_seconds_since_first", f64::NAN),
    ]);
    let flags = case.apply(Event::at(START).amount(500));
    assert_eq!(
        flags,
        (false, false),
        "an hour is allowed, and 1 is no newer"
    );
    case.reads([("account_count_1m", 2.0), ("account_sum_1m", 600.0)]);
}

#[test]
fn an_event_too_late_leaves_nothing_behind() {
    let mut case = Case::new();
    case.apply(Event::at(START).amount(100).merchant(1).place(0, 0));
    let far = Event::at(START - 2 * DAY).amount(9_000).merchant(9);
    assert_eq!(case.apply(far.place(10_000_000, 0)), (false, true));
    // One degree of a meridian, over the whole two days.
    let km = 6_371.008_8 * std::f64::consts::PI / 180.0;
    assert!((case.subject.value("account_distance_km") - km).abs() < 1e-9);
    assert!((case.subject.value("account_speed_kmh") - km / 48.0).abs() < 1e-9);
    case.apply(Event::at(START + SECOND).amount(50).place(0, 0));
    case.reads([
        ("account_count_24h", 2.0),
        ("account_max_24h", 100.0),
        ("account_distinct_merchants_24h", 1.0),
        ("account_amount_to_mean_ever", 0.5),
        ("account_count_ever", 1.0),
        ("account_seconds_since_first", 1.0),
        ("account_distance_km", 0.0),
    ]);
}

#[test]
fn the_last_place_is_the_newest_with_coordinates() {
    let mut case = Case::new();
    case.apply(Event::at(START).place(0, 0));
    case.apply(Event::at(START + HOUR));
    // Late, with coordinates, newer than the last place.
    case.apply(Event::at(START + 30 * MINUTE).place(0, 10_000_000));
    // Late and older than it: no new last place.
    case.apply(Event::at(START + 10 * MINUTE).place(500_000_000, 0));
    case.apply(Event::at(START + HOUR).place(0, 10_000_000));
    case.reads([("account_distance_km", 0.0), ("account_speed_kmh", 0.0)]);
    // Of two places of one microsecond the later one in the log holds; a second is the least time.
    case.apply(Event::at(START + HOUR).place(0, 20_000_000));
    case.apply(Event::at(START + HOUR + 1).place(0, 20_000_000));
    case.reads([("account_distance_km", 0.0)]);
    case.apply(Event::at(START + HOUR + 1).place(0, 30_000_000));
    let km = case.subject.value("account_distance_km");
    assert!((km - 6_371.008_8 * std::f64::consts::PI / 180.0).abs() < 1e-6);
    case.reads([("account_speed_kmh", km / (1.0 / 3_600.0))]);
}

#[test]
fn history_is_kept_beyond_the_longest_window() {
    let mut case = Case::new();
    case.apply(Event::at(START).amount(200));
    case.apply(Event::at(START + 400 * DAY).amount(100));
    case.reads([
        ("account_count_24h", 1.0),
        ("account_amount_to_mean_24h", f64::NAN),
        ("account_amount_to_mean_ever", 0.5),
        ("account_count_ever", 1.0),
        ("account_seconds_since_last", 34_560_000.0),
        ("account_seconds_since_first", 34_560_000.0),
    ]);
}

#[test]
fn an_account_a_card_and_an_address_of_one_name_are_three() {
    let mut case = Case::new();
    let everywhere = Event {
        card: Some(1),
        device: Some(1),
        ip: Some(1),
        ..Event::at(START).amount(10).merchant(1)
    };
    case.apply(everywhere.clone());
    case.apply(Event::at(START).amount(10));
    case.apply(everywhere);
    case.reads([
        ("account_count_1m", 3.0),
        ("card_count_1m", 2.0),
        ("card_sum_1m", 20.0),
        ("device_count_1m", 2.0),
        ("merchant_count_1m", 2.0),
        ("ip_count_1m", 2.0),
        ("ip_distinct_accounts_1m", 1.0),
    ]);
}
