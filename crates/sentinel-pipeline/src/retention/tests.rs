//! Where logs are cut: tables of snapshots and segments, and the place that follows.

use super::*;

fn stone(next: u64, day: i64) -> Stone {
    Stone {
        next: Offset(next),
        last_log_time: Instant::from_micros(day * DAY_US),
    }
}

/// A log of ten segments of a hundred entries and a thousand bytes each.
fn ten_segments() -> Lengths {
    let segment = |at: u64| SegmentSize {
        base: Offset(at * 100),
        end: Offset(at * 100 + 100),
        bytes: 1_000,
    };
    Lengths((0..10).map(segment).collect())
}

fn cut(retention: Retention, stones: &[Stone]) -> Option<u64> {
    let newest = Some(Instant::from_micros(100 * DAY_US));
    let lengths = [ten_segments(), ten_segments()];
    place_to_cut(&retention, stones, newest, &lengths).map(|stone| stone.next.0)
}

#[test]
fn logs_are_cut_at_the_youngest_snapshot_that_is_old_enough_and_never_at_the_newest() {
    let stones = [
        stone(100, 10),
        stone(400, 60),
        stone(700, 80),
        stone(990, 100),
    ];
    let by_days = |days: i64| {
        let age_us = Some(days * DAY_US);
        let retention = Retention {
            age_us,
            bytes_max: None,
        };
        cut(retention, &stones)
    };
    assert_eq!(by_days(91), None);
    assert_eq!(by_days(90), Some(100));
    assert_eq!(by_days(41), Some(100));
    assert_eq!(by_days(40), Some(400));
    assert_eq!(by_days(20), Some(700));
    assert_eq!(by_days(0), Some(700), "two are left");
    assert_eq!(cut(Retention::default(), &stones), None);
    let age_us = Some(0);
    let at_once = Retention {
        age_us,
        bytes_max: None,
    };
    assert_eq!(cut(at_once, &stones[..1]), None);
    assert_eq!(cut(at_once, &[]), None);
}

#[test]
fn bytes_are_bounded_as_far_as_snapshots_allow() {
    let stones = [
        stone(100, 10),
        stone(401, 60),
        stone(700, 80),
        stone(990, 100),
    ];
    let by_bytes = |bytes_max: u64, age_us: Option<i64>| {
        let retention = Retention {
            age_us,
            bytes_max: Some(bytes_max),
        };
        cut(retention, &stones)
    };
    assert_eq!(by_bytes(20_000, None), None, "that is all there is");
    // The snapshot at 100 needs entry 99, so nothing goes with it; the one at 401 needs segment 4.
    assert_eq!(by_bytes(19_999, None), Some(401));
    assert_eq!(by_bytes(12_000, None), Some(401));
    assert_eq!(by_bytes(11_999, None), Some(700));
    assert_eq!(by_bytes(1, None), Some(700), "no further than that");
    // What both ask for goes: the age alone would keep it.
    assert_eq!(by_bytes(12_000, Some(95 * DAY_US)), Some(401));
    assert_eq!(by_bytes(19_999, Some(20 * DAY_US)), Some(700));
}

#[test]
fn the_age_covers_the_longest_window_and_what_is_remembered() {
    let day = Retention {
        age_us: Some(DAY_US),
        bytes_max: Some(7),
    };
    let shipped = FeatureSet::shipped();
    let kept = day.for_features(&shipped);
    assert_eq!((kept.age_us, kept.bytes_max), (Some(31 * DAY_US), Some(7)));
    let year = Retention {
        age_us: Some(365 * DAY_US),
        ..day
    };
    assert_eq!(year.for_features(&shipped), year);
    assert!(Retention::default().for_features(&shipped).is_everything());
    let no_windows = FeatureSet::of_features(Vec::new()).unwrap();
    assert_eq!(least_age_us(&no_windows), 4 * DAY_US);
}

#[test]
fn a_backfill_that_is_done_again_behind_a_snapshot_keeps_what_it_read() {
    let at = stone(500, 1);
    let filled = |from, to| {
        Some(Backfilled {
            from: Offset(from),
            to: Offset(to),
            transactions: 1,
            labels: 0,
        })
    };
    assert_eq!(kept_for(&at, None), Offset(499));
    assert_eq!(kept_for(&at, filled(0, 499)), Offset(499));
    assert_eq!(kept_for(&at, filled(7, 500)), Offset(7));
    assert_eq!(kept_for(&at, filled(499, 600)), Offset(499));
}

#[test]
fn steps_are_a_quarter_of_what_is_kept_apart() {
    let lengths = ten_segments();
    let forty_days = Retention {
        age_us: Some(40 * DAY_US),
        bytes_max: None,
    };
    let from = stone(100, 10);
    assert!(!forty_days.is_step(&from, &stone(200, 19), &lengths));
    assert!(forty_days.is_step(&from, &stone(200, 20), &lengths));
    assert!(!Retention::default().is_step(&from, &stone(900, 99), &lengths));
    assert_eq!(lengths.between(Offset(150), Offset(400)), 2_500);
}
