//! How a stream begins: with its share of fraud, whatever the size and the pace of the world.

use super::*;

#[test]
fn the_share_of_fraud_holds_from_the_first_hours_on_in_worlds_of_every_size() {
    for (customers, seeds, hours) in [
        (500, 80, 6),
        (5_000, 10, 6),
        (100_000, 2, 1),
        (1_000_000, 1, 1),
    ] {
        let midnight = FIXED_TIME.plus_micros(-12 * 3_600 * MICROS_PER_SECOND);
        let profile = crate::Profile::shipped("default").unwrap();
        let end = midnight.plus_micros(hours * 3_600 * MICROS_PER_SECOND);
        let (mut all, mut frauds, mut due) = (0.0, 0.0, 0.0);
        for seed in 1..=seeds {
            let mut options = Options::of_profile(seed, midnight, profile.clone());
            options.customers = customers;
            // People as they are: two payments a day.
            options.payments_per_second = f64::from(customers) / 43_200.0;
            let stream = Stream::new(options);
            for one in stream.take_while(|one| one.transaction.event_time < end) {
                let seconds = one.transaction.event_time.micros() / MICROS_PER_SECOND;
                let hour = usize::try_from(seconds / 3_600 % 24).unwrap();
                all += 1.0;
                due += profile.hours.fraud_rate[hour];
                frauds += f64::from(u8::from(one.label.is_some()));
            }
        }
        // Frauds come a dozen in a row; three standard deviations.
        let tolerance = 3.0 * libm::sqrt(12.0 / due);
        let off: f64 = frauds / due - 1.0;
        assert!(tolerance < 0.55, "{customers}: too few to tell");
        assert!(
            off.abs() < tolerance,
            "{customers}: {frauds} of {all}, {due} due"
        );
    }
}

#[test]
fn fraud_begins_with_the_first_minute_at_the_asked_pace() {
    let minute: Vec<Generated> = demo(4)
        .take_while(|one| {
            one.transaction.event_time < FIXED_TIME.plus_micros(60 * MICROS_PER_SECOND)
        })
        .collect();
    assert!((16_000..20_000).contains(&minute.len()), "{}", minute.len());
    let frauds = minute.iter().filter(|one| one.label.is_some()).count();
    assert!((300..750).contains(&frauds), "{frauds}");
    let stories: BTreeSet<_> = minute.iter().filter_map(|one| one.story).collect();
    assert_eq!(stories.len(), Story::ALL.len());
}

#[test]
fn the_queue_stays_small_with_stories_of_weeks_and_bounded_at_the_highest_rates() {
    // A real pace: a customer pays twice a day and a bust-out takes six weeks of real time.
    let mut slow = Stream::new(Options {
        customers: 20_000,
        payments_per_second: 0.5,
        ..Options::new(15, FIXED_TIME)
    });
    let first = slow.schedule.waiting_count();
    for _ in 0..60_000 {
        slow.next();
    }
    let last = slow.schedule.waiting_count();
    let expected = 500..2_000;
    assert!(
        expected.contains(&first) && expected.contains(&last),
        "{first} {last}"
    );
    let mut highest = Stream::new(Options {
        customers: 10_000_000,
        merchants: 40_000,
        payments_per_second: 400_000.0,
        ..Options::new(16, FIXED_TIME)
    });
    // One episode may go over the bound by its next minute.
    let most = crate::schedule::WAITING_MAX + 100;
    assert!(highest.schedule.waiting_count() < most);
    // Whose episodes find no room at the beginning, the shortest story stands in for.
    let frauds = highest
        .by_ref()
        .take(400_000)
        .filter(|one| one.label.is_some());
    let rate = frauds.count() as f64 / 400_000.0;
    assert!((rate / 0.0271 - 1.0).abs() < 0.06, "{rate}");
    let micros = highest.everyday_at.micros_since(FIXED_TIME) as f64;
    assert!((micros / 1e6 - 1.0).abs() < 0.05, "{micros}");
    assert!(size_of::<Plan>() <= 160, "{}", size_of::<Plan>());
}
