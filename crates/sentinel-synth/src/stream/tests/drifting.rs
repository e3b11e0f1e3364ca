//! What changes over event time, by a schedule of a program and by that of a profile.

use super::*;
use crate::drift::DriftStep;

#[test]
fn drift_changes_stories_prices_and_the_way_of_payment_but_not_the_share_of_fraud() {
    let later = DriftStep {
        story_factors: vec![(Story::StolenCardSpree, 0.0), (Story::VelocityBurst, 4.0)],
        web_shift: 0.5,
        amount_factor: 2.0,
        ..DriftStep::usual(0.15)
    };
    let options = Options {
        drift: Drift {
            steps: vec![DriftStep::usual(0.14), later],
        },
        ..Options::new(14, FIXED_TIME)
    };
    let turn = FIXED_TIME.plus_micros(15 * 864 * MICROS_PER_SECOND);
    let (before, after): (Vec<Generated>, Vec<Generated>) = Stream::new(options)
        .take(160_000)
        .filter(|one| !one.repeated)
        .partition(|one| one.transaction.event_time < turn);
    let share = |of: &[Generated], holds: &dyn Fn(&Generated) -> bool| {
        of.iter().filter(|one| holds(one)).count() as f64 / of.len() as f64
    };
    let fraud = |one: &Generated| one.label.is_some();
    let told = |story| move |one: &Generated| fraud(one) && one.story == Some(story);
    for part in [&before, &after] {
        let rate = share(part, &fraud);
        assert!((rate / 0.0271 - 1.0).abs() < 0.2, "{rate}");
    }
    let spree = told(Story::StolenCardSpree);
    assert!(share(&after, &spree) < share(&before, &spree) / 10.0);
    let burst = told(Story::VelocityBurst);
    assert!(share(&after, &burst) > share(&before, &burst) * 2.5);
    let at_terminal = |one: &Generated| one.transaction.terminal_id.is_some();
    let ratio = share(&after, &at_terminal) / share(&before, &at_terminal);
    assert!((0.45..0.65).contains(&ratio), "{ratio}");
    let median = |of: &[Generated]| {
        let everyday = of
            .iter()
            .filter(|one| one.story.is_none() && one.look_alike.is_none());
        let groceries = everyday.filter(|one| one.transaction.mcc == Some(5411));
        let mut cents: Vec<i64> = groceries.map(|one| us_cents(&one.transaction)).collect();
        cents.sort_unstable();
        cents[cents.len() / 2] as f64
    };
    let dearer = median(&after) / median(&before);
    assert!((1.8..2.2).contains(&dearer), "{dearer}");
}

#[test]
fn the_schedule_of_a_profile_changes_fraud_and_habits_on_its_days() {
    let profile = crate::Profile::shipped("drifting").unwrap();
    let stream = |seed| {
        let mut options = Options::of_profile(seed, FIXED_TIME, profile.clone());
        options.payments_per_second = 0.05;
        Stream::new(options)
    };
    let digest = |seed| {
        let each = stream(seed).take(3_000).map(|one| format!("{one:?}"));
        ContentHash::of(each.collect::<String>().as_bytes())
    };
    assert_eq!(digest(1), digest(1));
    // As usual, the wave of card tests, and the end of the schedule.
    let stretches = [0..14, 16..28, 60..74];
    let mut counts = [[0.0_f64; 5]; 3];
    for one in stream(3) {
        let micros = one.transaction.event_time.micros_since(FIXED_TIME);
        let day = micros / (86_400 * MICROS_PER_SECOND);
        if day >= 74 {
            break;
        }
        let Some(place) = stretches.iter().position(|days| days.contains(&day)) else {
            continue;
        };
        let fraud = one.label.is_some();
        let told = |story| fraud && one.story == Some(story);
        let signs = [
            true,
            fraud,
            told(Story::CardTesting),
            told(Story::AccountTakeover) || told(Story::MuleNetwork),
            one.transaction.terminal_id.is_some(),
        ];
        for (count, sign) in counts[place].iter_mut().zip(signs) {
            *count += f64::from(u8::from(sign));
        }
    }
    let share = |place: usize, of: usize, among: usize| counts[place][of] / counts[place][among];
    for place in 0..3 {
        let rate = share(place, 1, 0);
        assert!((rate / 0.0271 - 1.0).abs() < 0.2, "stretch {place}: {rate}");
    }
    // By the shares of stories 14 %, 0.84 / 1.82 = 46 % and 14 % / 1.43.
    let testing = [0, 1, 2].map(|place| share(place, 2, 1));
    assert!((0.08..0.21).contains(&testing[0]), "{testing:?}");
    assert!((0.36..0.57).contains(&testing[1]), "{testing:?}");
    assert!(testing[2] < 0.17, "{testing:?}");
    // 19 %, and 0.76 / 1.43 = 53 %.
    let taken = [0, 2].map(|place| share(place, 3, 1));
    assert!(taken[0] < 0.28 && taken[1] > 0.42, "{taken:?}");
    // A third of what was paid at tills has moved to the net.
    let tills = share(2, 4, 0) / share(0, 4, 0);
    assert!((0.6..0.8).contains(&tills), "{tills}");
}
