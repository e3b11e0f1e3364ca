//! What the stream promises: repeatability, shares, and that each story and look-alike is what its
//! name says.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::sync::OnceLock;

use sentinel_domain::transaction::{CheckResult, EntryMode, EventType, ThreeDs};
use sentinel_domain::{ContentHash, Currency, MICROS_PER_SECOND, RateTable};

use super::*;
use crate::builder::FIXED_TIME;
use crate::city::reference_rates;
use crate::law::rebuild;

/// A demo's world: 300 payments a second.
fn demo(seed: u64) -> Stream {
    Stream::new(Options::for_rate(seed, FIXED_TIME, 300.0))
}

/// Eight hours of a small world: whole episodes, few enough to keep.
fn sample() -> &'static [Generated] {
    static SAMPLE: OnceLock<Vec<Generated>> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        Stream::new(Options::new(11, FIXED_TIME))
            .take(120_000)
            .collect()
    })
}

fn first_times() -> impl Iterator<Item = &'static Generated> {
    sample().iter().filter(|one| !one.repeated)
}

/// The payments of a story in the sample, by what `key` says.
fn told_by<K: Ord>(
    story: Story,
    key: impl Fn(&Transaction) -> Option<K>,
) -> BTreeMap<K, Vec<&'static Generated>> {
    let mut groups: BTreeMap<K, Vec<&Generated>> = BTreeMap::new();
    for one in first_times().filter(|one| one.story == Some(story)) {
        if let Some(key) = key(&one.transaction) {
            groups.entry(key).or_default().push(one);
        }
    }
    groups
}

fn account(transaction: &Transaction) -> Option<String> {
    Some(transaction.account_id.to_string())
}

fn seconds_between(earlier: &Generated, later: &Generated) -> i64 {
    let micros = later
        .transaction
        .event_time
        .micros_since(earlier.transaction.event_time);
    micros / MICROS_PER_SECOND
}

/// The share of groups for which something holds.
fn share<T>(groups: impl IntoIterator<Item = T>, holds: impl Fn(&T) -> bool) -> f64 {
    let mut all = 0;
    let mut held = 0;
    for group in groups {
        all += 1;
        held += u32::from(holds(&group));
    }
    assert!(all >= 12, "only {all} groups");
    f64::from(held) / f64::from(all)
}

fn us_cents(transaction: &Transaction) -> i64 {
    static TABLE: OnceLock<RateTable> = OnceLock::new();
    let table = TABLE.get_or_init(|| RateTable::new(Currency::USD, reference_rates()).unwrap());
    table.convert(transaction.judged_amount()).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_stream_and_another_seed_another() {
    let digest = |seed| {
        let each = demo(seed).take(20_000).map(|one| format!("{one:?}"));
        let hashes: Vec<u8> = each
            .flat_map(|text| ContentHash::of(text.as_bytes()).0)
            .collect();
        ContentHash::of(&hashes)
    };
    assert_eq!(digest(1), digest(1));
    assert_ne!(digest(1), digest(2));
}

#[test]
fn a_seed_means_the_same_stream_on_every_machine_and_in_every_version() {
    let mut text = String::new();
    for one in demo(1).take(20_000) {
        let t = one.transaction;
        let place = t.coordinates.map_or(0, |place| place.lat_e7 ^ place.lon_e7);
        let (id, at, account) = (t.event_id, t.event_time.micros(), t.account_id);
        let (amount, fraud) = (t.amount_minor, one.label.is_some());
        writeln!(
            text,
            "{id} {at} {account} {amount} {place} {:?} {fraud}",
            t.ip
        )
        .unwrap();
    }
    // Changes where a draw is added or moved: then the shipped model wants training anew.
    assert_eq!(
        ContentHash::of(text.as_bytes()).abbreviated(),
        "761d3b2cd5e9"
    );
}

#[test]
fn slices_spelt_out_on_two_threads_give_the_same_stream() {
    let whole: Vec<Generated> = demo(12).take(40_000).collect();
    let mut stream = demo(12);
    let slices: Vec<Slice> = (0..16).map(|_| stream.slice(2_500)).collect();
    assert!(slices.iter().all(|slice| slice.len() == 2_500));
    let half = |from: usize| -> Vec<Vec<Generated>> {
        let mine = slices.iter().skip(from).step_by(2);
        mine.map(Slice::generate).collect()
    };
    #[allow(clippy::disallowed_methods, reason = "the test plays the caller")]
    let (even, odd) = std::thread::scope(|scope| {
        let other = scope.spawn(|| half(1));
        (half(0), other.join().unwrap())
    });
    let joined = even.into_iter().zip(odd).flat_map(|(a, b)| [a, b]);
    assert!(whole == joined.flatten().collect::<Vec<_>>());
    // What follows is the same, too.
    assert_eq!(stream.next(), demo(12).nth(40_000));
}

#[test]
fn the_share_of_fraud_is_what_was_asked_for() {
    let share_of = |options: Options, wanted: f64, count: u32| {
        let frauds = Stream::new(options)
            .take(count as usize)
            .filter(|one| one.label.is_some())
            .count();
        let share = frauds as f64 / f64::from(count);
        assert!((share / wanted - 1.0).abs() < 0.15, "{share} for {wanted}");
    };
    let demo = Options::for_rate(3, FIXED_TIME, 300.0);
    share_of(demo.clone(), 0.0271, 500_000);
    let fraud_rate = 0.2;
    share_of(
        Options {
            fraud_rate,
            ..demo.clone()
        },
        fraud_rate,
        200_000,
    );
    let fraud_rate = 0.0;
    let honest = Stream::new(Options { fraud_rate, ..demo });
    assert!(
        honest
            .take(20_000)
            .all(|one| one.label.is_none() && one.story.is_none())
    );
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
fn few_honest_accounts_pay_three_times_in_a_minute_and_bursts_do() {
    let mut recent: BTreeMap<String, VecDeque<i64>> = BTreeMap::new();
    let (mut honest, mut honest_quick) = (0, 0);
    let (mut burst, mut burst_quick) = (0, 0);
    for one in demo(5).take(250_000).filter(|one| !one.repeated) {
        let at = one.transaction.event_time.micros();
        let times = recent
            .entry(one.transaction.account_id.to_string())
            .or_default();
        times.push_back(at);
        while times
            .front()
            .is_some_and(|first| *first <= at - 60 * MICROS_PER_SECOND)
        {
            times.pop_front();
        }
        let quick = u32::from(times.len() >= 3);
        if one.label.is_none() {
            (honest, honest_quick) = (honest + 1, honest_quick + quick);
        } else if matches!(one.story, Some(Story::VelocityBurst | Story::CardTesting)) {
            (burst, burst_quick) = (burst + 1, burst_quick + quick);
        }
    }
    let honest_share = f64::from(honest_quick) / f64::from(honest);
    assert!(honest_share < 0.015, "{honest_share}");
    let burst_share = f64::from(burst_quick) / f64::from(burst);
    assert!(burst_share > 0.6, "{burst_share}");
}

#[test]
fn labels_speak_of_their_transaction_and_are_known_after_the_delay() {
    let mut seen = 0;
    for one in sample() {
        let Some(label) = &one.label else { continue };
        let transaction = &one.transaction;
        assert_eq!(label.event_id, transaction.event_id);
        assert_eq!(label.account_id, transaction.account_id);
        assert_eq!(label.card_token, transaction.card_token);
        assert_eq!(label.merchant_id, transaction.merchant_id);
        assert_eq!(label.terminal_id, transaction.terminal_id);
        assert_eq!(label.amount_minor, transaction.amount_minor);
        assert_eq!(label.event_time, transaction.event_time);
        let delay = label.known_at.micros_since(transaction.event_time);
        assert_eq!(delay, 3 * 86_400 * MICROS_PER_SECOND);
        assert!(one.story.is_some() && one.look_alike.is_none());
        seen += 1;
    }
    assert!(seen > 2_000);
}

#[test]
fn event_ids_are_unique_but_for_exact_repeats() {
    let mut first: BTreeMap<&str, &Generated> = BTreeMap::new();
    let mut repeats = 0;
    for one in sample() {
        assert!(one.transaction.event_id.as_str().starts_with("syn-"));
        match first.insert(one.transaction.event_id.as_str(), one) {
            None => assert!(!one.repeated),
            Some(before) => {
                assert!(one.repeated);
                assert_eq!(
                    (&before.transaction, &before.label),
                    (&one.transaction, &one.label)
                );
                repeats += 1;
            }
        }
    }
    assert!((30..100).contains(&repeats), "{repeats}");
}

#[test]
fn event_times_fall_only_for_the_late_share_and_never_far() {
    let mut latest = FIXED_TIME;
    let mut late = 0;
    for one in demo(6).take(120_000).filter(|one| !one.repeated) {
        let at = one.transaction.event_time;
        assert!(latest.micros_since(at) <= 20 * MICROS_PER_SECOND);
        late += u32::from(at < latest);
        latest = latest.max(at);
    }
    assert!((180..300).contains(&late), "{late}");
}

#[test]
fn every_transaction_passes_the_law_of_the_domain() {
    for one in sample()
        .iter()
        .step_by(7)
        .chain(demo(7).take(5_000).collect::<Vec<_>>().iter())
    {
        assert_eq!(rebuild(&one.transaction).as_ref(), Ok(&one.transaction));
    }
}

#[test]
fn options_out_of_bounds_are_taken_as_the_nearest_bound() {
    let stream = Stream::new(Options {
        customers: 0,
        merchants: 0,
        payments_per_second: f64::NAN,
        fraud_rate: 7.0,
        id_prefix: "é".repeat(40),
        late_micros_max: -5,
        ..Options::new(8, FIXED_TIME)
    });
    assert_eq!(stream.options().fraud_rate, Options::FRAUD_RATE_MAX);
    assert_eq!(
        stream.options().id_prefix.len(),
        Options::ID_PREFIX_BYTES_MAX
    );
    for one in stream.take(500) {
        assert_eq!(rebuild(&one.transaction).as_ref(), Ok(&one.transaction));
        assert!(
            one.label
                .is_none_or(|label| label.label_id.as_str().len() <= 64)
        );
    }
}

#[test]
fn card_testing_is_many_tiny_payments_within_minutes_then_a_large_one() {
    let accounts = told_by(Story::CardTesting, account);
    let signature = share(accounts.values().filter(|told| told.len() > 8), |told| {
        let tiny = told
            .iter()
            .filter(|one| us_cents(&one.transaction) < 600)
            .count();
        let large = told.iter().any(|one| us_cents(&one.transaction) > 4_000);
        tiny >= 8 && large && seconds_between(told[0], told[tiny - 1]) < 600
    });
    assert!(signature > 0.9, "{signature}");
}

#[test]
fn a_stolen_card_goes_shopping_at_terminals_for_an_hour() {
    let accounts = told_by(Story::StolenCardSpree, account);
    let signature = share(accounts.values(), |told| {
        let terminals = told.iter().all(|one| one.transaction.terminal_id.is_some());
        terminals && told.len() >= 4 && seconds_between(told[0], told[told.len() - 1]) < 3_600
    });
    assert!(signature > 0.9, "{signature}");
}

#[test]
fn a_burst_is_ten_payments_of_one_account_inside_a_minute() {
    let accounts = told_by(Story::VelocityBurst, account);
    let signature = share(accounts.values(), |told| {
        told.windows(10)
            .any(|ten| (0..60).contains(&seconds_between(ten[0], ten[9])))
    });
    assert!(signature > 0.9, "{signature}");
}

#[test]
fn impossible_travel_is_two_payments_five_hundred_kilometres_apart_within_an_hour() {
    let accounts = told_by(Story::ImpossibleTravel, account);
    let whole = accounts.values().filter(|told| told.len() >= 2);
    let signature = share(whole, |told| {
        let jump = |one: &Generated, other: &Generated| {
            let here = one.transaction.coordinates?;
            let there = other.transaction.coordinates?;
            Some(here.distance_metres(there) > 500_000.0 && seconds_between(one, other) < 3_600)
        };
        told[1..]
            .iter()
            .any(|later| jump(told[0], later).unwrap_or(false))
    });
    // One payment in twenty does not tell its place.
    assert!(signature > 0.85, "{signature}");
}

#[test]
fn a_taken_account_shows_a_device_that_its_holder_never_used() {
    let mut own: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for one in first_times().filter(|one| one.label.is_none()) {
        if let Some(device) = &one.transaction.device_id {
            let account = one.transaction.account_id.as_str();
            own.entry(account).or_default().insert(device.as_str());
        }
    }
    let accounts = told_by(Story::AccountTakeover, account);
    let strange = share(&accounts, |(account, told)| {
        told.iter().all(|one| {
            let device = one.transaction.device_id.as_ref();
            let known = own.get(account.as_str());
            device.is_none_or(|id| known.is_none_or(|own| !own.contains(id.as_str())))
        })
    });
    assert_eq!(strange, 1.0);
    let large = share(accounts.values(), |told| {
        told.iter().any(|one| us_cents(&one.transaction) > 50_000)
    });
    assert!(large > 0.8, "{large}");
}

#[test]
fn a_compromised_terminal_sees_many_cards_that_are_then_used_far_away() {
    let terminals = told_by(Story::CompromisedTerminal, |transaction| {
        transaction.terminal_id.as_ref().map(ToString::to_string)
    });
    let cards_of = |told: &[&Generated]| -> BTreeSet<String> {
        let cards = told
            .iter()
            .filter_map(|one| one.transaction.card_token.as_ref());
        cards.map(ToString::to_string).collect()
    };
    let copied: Vec<_> = terminals
        .values()
        .filter(|told| told.iter().all(|one| one.label.is_none()) && told.len() >= 8)
        .collect();
    let abused: BTreeSet<String> = first_times()
        .filter(|one| one.story == Some(Story::CompromisedTerminal) && one.label.is_some())
        .filter_map(|one| Some(one.transaction.card_token.as_ref()?.to_string()))
        .collect();
    let signature = share(copied, |told| {
        let cards = cards_of(told);
        cards.len() >= 8 && cards.intersection(&abused).count() * 2 >= cards.len()
    });
    assert!(signature > 0.85, "{signature}");
}

#[test]
fn a_small_payment_is_followed_by_a_large_one() {
    let accounts = told_by(Story::SmallThenLarge, account);
    let whole = accounts.values().filter(|told| told.len() >= 2);
    let signature = share(whole, |told| {
        us_cents(&told[1].transaction) > 15 * us_cents(&told[0].transaction)
            && seconds_between(told[0], told[1]) < 1_300
    });
    assert!(signature > 0.85, "{signature}");
}

#[test]
fn no_single_field_gives_fraud_away() {
    type Sign = (&'static str, fn(&Transaction) -> bool);
    let signs: [Sign; 9] = [
        ("address mismatch", |t| {
            t.avs_result == Some(CheckResult::Mismatch)
        }),
        ("code mismatch", |t| {
            t.cvv_result == Some(CheckResult::Mismatch)
        }),
        ("3-D Secure failed", |t| t.three_ds == Some(ThreeDs::Failed)),
        ("swiped", |t| t.entry_mode == Some(EntryMode::Swipe)),
        ("foreign merchant", |t| {
            t.merchant_country
                .is_some_and(|country| t.billing_country != Some(country))
        }),
        ("transfer", |t| t.event_type == EventType::Transfer),
        ("below 2 dollars", |t| us_cents(t) < 200),
        ("above 1,000 dollars", |t| us_cents(t) > 100_000),
        ("above 5,000 dollars", |t| us_cents(t) > 500_000),
    ];
    for (name, sign) in signs {
        let shown: Vec<_> = first_times().filter(|one| sign(&one.transaction)).collect();
        let frauds = shown.iter().filter(|one| one.label.is_some()).count();
        let precision = frauds as f64 / shown.len() as f64;
        assert!(
            frauds > 0 && precision < 0.6,
            "{name}: {precision} of {}",
            shown.len()
        );
    }
}

#[test]
fn innocent_look_alikes_of_every_kind_exist() {
    let mut kinds: BTreeMap<LookAlike, u32> = BTreeMap::new();
    let mut by_device: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut by_card: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut by_address: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for one in first_times().filter(|one| one.label.is_none()) {
        let t = &one.transaction;
        let account = t.account_id.as_str();
        if let Some(kind) = one.look_alike {
            *kinds.entry(kind).or_default() += 1;
            if kind == LookAlike::LargePurchase && t.event_type != EventType::Cash {
                assert!(us_cents(t) > 499_000, "{}", us_cents(t));
            }
        }
        if let Some(device) = &t.device_id {
            by_device
                .entry(device.as_str())
                .or_default()
                .insert(account);
        }
        if let Some(card) = &t.card_token {
            by_card.entry(card.as_str()).or_default().insert(account);
        }
        if let Some(ip) = &t.ip {
            by_address.entry(ip.as_str()).or_default().insert(account);
        }
    }
    assert_eq!(kinds.len(), LookAlike::ALL.len(), "{kinds:?}");
    assert!(kinds.values().all(|count| *count >= 50), "{kinds:?}");
    let shared = |groups: &BTreeMap<&str, BTreeSet<&str>>, people: usize| {
        groups
            .values()
            .filter(|accounts| accounts.len() >= people)
            .count()
    };
    assert!(shared(&by_device, 2) > 100, "devices of families");
    assert!(shared(&by_card, 2) > 20, "cards of families");
    assert!(shared(&by_address, 10) > 10, "addresses of offices");
}
