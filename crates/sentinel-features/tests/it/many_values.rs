//! More different values than are told apart one by one over tiles.
//!
//! Promises that up to 512 the count is exact and the row not flagged; beyond it the count is within a
//! quarter and the row is flagged, for as long as the entity is known.

use sentinel_features::EntityKind;
use sentinel_features::FeatureSet;

use crate::ask::{distinct, of, only};
use crate::comparison::{Subject, set_of};
use crate::event::{DAY, Event, HOUR, MINUTE, START};

fn set() -> FeatureSet {
    let accounts = |window| of(EntityKind::Merchant, distinct(EntityKind::Account), window);
    set_of(&[
        accounts("24h"),
        accounts("7d"),
        accounts("30d"),
        only("cash", accounts("30d")),
    ])
}

/// Account number `account` at merchant 1; whether the row is flagged as estimated.
fn check(subject: &mut Subject, time_us: i64, account: u32) -> bool {
    let event = Event::at(time_us).account(account).merchant(1);
    let told = subject.check(&event);
    told.unwrap_or_else(|difference| panic!("account {account}: {difference}"))
        .flags
        .estimated
}

#[test]
fn beyond_512_values_the_count_is_of_a_sample_and_flagged() {
    let mut subject = Subject::of(set());
    for account in 0..6_000 {
        let time_us = START + i64::from(account) * 6 * MINUTE;
        assert_eq!(
            check(&mut subject, time_us, account),
            account >= 512,
            "{account}"
        );
        // Known values come again.
        check(&mut subject, time_us, account / 2);
    }
    let counts = subject.row();
    assert!(counts[2] > 4_500.0 && counts[2] < 7_500.0, "{counts:?}");
    // Another merchant is not flagged for it, and a payment at none of both neither.
    let elsewhere = Event::at(START + 25 * DAY).merchant(2);
    assert!(!subject.check(&elsewhere).unwrap().flags.estimated);
    // While the newest are within 30 days it goes on; when all have left, the count is exact again.
    let last = START + 25 * DAY;
    assert!(check(&mut subject, last + 28 * DAY, 1));
    assert!(!check(&mut subject, last + 90 * DAY, 1));
    assert_eq!(subject.row()[2], 1.0);
    // A merchant that was forgotten is as new.
    assert!(!check(&mut subject, last + 500 * DAY, 1));
}

#[test]
fn a_count_after_a_long_silence_is_the_same_whether_the_sweep_came_by_or_not() {
    let mut rows = Vec::new();
    for strangers in [0, 4_000] {
        let mut subject = Subject::of(set());
        for account in 0..2_000 {
            check(&mut subject, START, account);
        }
        let later = START + 33 * DAY + 2 * HOUR;
        for stranger in 0..strangers {
            // Each is a step of the sweep, which has come by after that many.
            subject
                .check(&Event::at(later).account(10_000 + stranger).merchant(2))
                .unwrap();
        }
        assert!(!check(&mut subject, later, 1));
        rows.push(subject.row().to_vec());
    }
    assert_eq!(rows[0], rows[1]);
}

#[test]
fn values_that_left_30_days_make_room_for_others() {
    let mut subject = Subject::of(set());
    for account in 0..2_000 {
        // 500 in 30 days: 18 values on most days, 16 on some; never more than 512 at a time.
        let time_us = START + i64::from(account) * 90 * MINUTE;
        assert!(!check(&mut subject, time_us, account), "{account}");
        if account > 2 {
            // Late, an old value becomes a new one.
            assert!(
                !check(&mut subject, time_us - HOUR, account - 2),
                "{account}"
            );
        }
    }
}

#[test]
fn the_512th_value_is_told_apart_and_the_513th_is_not() {
    let mut subject = Subject::of(set());
    for account in 0..512 {
        assert!(!check(&mut subject, START, account));
    }
    assert_eq!(subject.row()[..3], [512.0; 3]);
    // On day 30 the values of day 0 have left.
    assert!(!check(&mut subject, START + 29 * DAY, 3));
    assert!(!check(&mut subject, START + 30 * DAY, 600));
    assert_eq!(subject.row()[..3], [1.0, 2.0, 2.0]);
    for account in 1_000..1_510 {
        assert!(!check(&mut subject, START + 30 * DAY, account));
    }
    assert_eq!(subject.row()[2], 512.0);
    assert!(check(&mut subject, START + 30 * DAY, 2_000));
}
