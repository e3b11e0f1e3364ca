//! What a profile asks for comes out of the stream: about a million payments each.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use sentinel_domain::{Currency, Instant, MICROS_PER_SECOND, RateTable, Scalar};

use crate::city::reference_rates;
use crate::drift::Drift;
use crate::options::Options;
use crate::profile::{Level, Profile};
use crate::stream::{Generated, Stream};

const ROWS: f64 = 1_000_000.0;

const START: Instant = Instant::from_seconds(1_767_571_200);

/// Counts of payments and of frauds among them.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    all: f64,
    frauds: f64,
}

impl Count {
    fn rate(self) -> f64 {
        self.frauds / self.all.max(1.0)
    }
}

/// What a million payments of a profile look like.
struct Figures {
    profile: Profile,
    whole: Count,
    hours: [Count; 24],
    days: Vec<Count>,
    words: BTreeMap<(&'static str, String), Count>,
    missing: BTreeMap<String, f64>,
    usd: Vec<f64>,
    small: Count,
    with_card: f64,
    clients: BTreeMap<u64, u32>,
}

fn figures_of(name: &str, days: f64, customers: u32) -> Figures {
    let profile = Profile::shipped(name).unwrap();
    let mut options = Options::of_profile(9, START, profile.clone());
    // Whole days, without repeats, so that every payment counts once.
    options.payments_per_second = ROWS / (days * 86_400.0);
    options.customers = customers;
    options.repeat_share = 0.0;
    // Drift moves people away from the table, as it should.
    options.drift = Drift::NONE;
    let mut figures = Figures {
        profile,
        whole: Count::default(),
        hours: [Count::default(); 24],
        days: vec![Count::default(); 200],
        words: BTreeMap::new(),
        missing: BTreeMap::new(),
        usd: Vec::new(),
        small: Count::default(),
        with_card: 0.0,
        clients: BTreeMap::new(),
    };
    let rates = RateTable::new(Currency::USD, reference_rates()).unwrap();
    #[allow(clippy::cast_possible_truncation, reason = "some months")]
    let end = START.plus_micros((days * 86_400.0) as i64 * MICROS_PER_SECOND);
    for one in Stream::new(options).take_while(|one| one.transaction.event_time < end) {
        figures.take(&one, &rates);
    }
    figures.usd.sort_by(f64::total_cmp);
    figures
}

impl Figures {
    fn take(&mut self, one: &Generated, rates: &RateTable) {
        let t = &one.transaction;
        let fraud = f64::from(u8::from(one.label.is_some()));
        let add = |count: &mut Count| {
            count.all += 1.0;
            count.frauds += fraud;
        };
        add(&mut self.whole);
        let hour = t.event_time.micros() / (3_600 * MICROS_PER_SECOND) % 24;
        add(&mut self.hours[usize::try_from(hour).unwrap()]);
        let day = t.event_time.micros_since(START) / (86_400 * MICROS_PER_SECOND);
        add(&mut self.days[usize::try_from(day).unwrap()]);
        let account = t.account_id.as_str().trim_start_matches("acc_");
        *self.clients.entry(account.parse().unwrap()).or_default() += 1;
        let usd = rates.convert(t.judged_amount()).unwrap() as f64 / 100.0;
        self.usd.push(usd);
        if usd < 10.0 {
            add(&mut self.small);
        }
        let attribute = |name: &str| match t.attributes.get(name) {
            Some(Scalar::Text(text)) => text.as_str(),
            _ => "",
        };
        let mut word = |field, word: &str| {
            let count = self.words.entry((field, word.to_owned())).or_default();
            add(count);
        };
        word("email_domain", t.email_domain.as_deref().unwrap_or(""));
        for name in ["product", "recipient_email_domain", "device_type", "M4"] {
            word(name, attribute(name));
        }
        if t.card_token.is_some() {
            self.with_card += 1.0;
            word("card_brand", t.card_brand.map_or("", |word| word.as_str()));
            let funding = t.card_funding.map_or("", |word| word.as_str());
            word("card_funding", funding);
        }
        let mut missing = |field: &str, is: bool| {
            *self.missing.entry(field.to_owned()).or_default() += f64::from(u8::from(is));
        };
        let no_bin = t.card_token.is_some() && t.card_bin.is_none();
        missing("card_bin", no_bin);
        missing("billing_country", t.billing_country.is_none());
        for name in self.profile.numbers.keys() {
            missing(name, t.attributes.get(name).is_none());
        }
    }

    fn levels(&self) -> [(&'static str, &[Level], f64); 7] {
        let p = &self.profile;
        let (all, cards) = (self.whole.all, self.with_card);
        [
            ("product", &p.product, all),
            ("card_brand", &p.card_brand, cards),
            ("card_funding", &p.card_funding, cards),
            ("email_domain", &p.email_domain, all),
            ("recipient_email_domain", &p.recipient_email_domain, all),
            ("device_type", &p.device_type, all),
            ("M4", &p.attributes["M4"], all),
        ]
    }

    fn quantile(&self, share: f64) -> f64 {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index"
        )]
        let index = (share * self.usd.len() as f64) as usize;
        self.usd[index]
    }
}

fn default_figures() -> &'static Figures {
    static FIGURES: OnceLock<Figures> = OnceLock::new();
    FIGURES.get_or_init(|| figures_of("default", 4.0, 50_000))
}

/// The days of the published table, with as many payments a client.
fn ieee_figures() -> &'static Figures {
    static FIGURES: OnceLock<Figures> = OnceLock::new();
    FIGURES.get_or_init(|| figures_of("ieee-cis", 182.0, 67_000))
}

fn both(check: impl Fn(&Figures)) {
    check(default_figures());
    check(ieee_figures());
}

fn near(what: &str, value: f64, wanted: f64, tolerance: f64) {
    let off = (value - wanted).abs();
    assert!(off <= tolerance, "{what}: {value:.4}, not {wanted:.4}");
}

#[test]
fn fraud_has_its_rate() {
    both(|figures| {
        let wanted = figures.profile.fraud_rate;
        near("fraud", figures.whole.rate(), wanted, 0.03 * wanted);
    });
}

#[test]
fn volume_and_fraud_follow_the_hours() {
    both(|figures| {
        let hours = &figures.profile.hours;
        for (hour, count) in figures.hours.iter().enumerate() {
            let (volume, rate) = (hours.volume[hour], hours.fraud_rate[hour]);
            let share = count.all / figures.whole.all;
            near(&format!("volume at {hour}"), share, volume, 0.002);
            let chance = 3.0 * (rate / count.all).sqrt();
            near(
                &format!("fraud at {hour}"),
                count.rate(),
                rate,
                0.05 * rate + chance,
            );
        }
    });
    let rates = default_figures().hours.map(Count::rate);
    assert!(rates.iter().all(|rate| *rate <= rates[8]), "{rates:?}");
}

#[test]
fn amounts_have_the_quartiles_and_the_mean_of_the_table() {
    both(|figures| {
        let amounts = &figures.profile.amounts;
        for (share, wanted) in [0.25, 0.5, 0.75].into_iter().zip(amounts.quartiles) {
            let value = figures.quantile(share);
            near("quartile", value, wanted, 0.03 * wanted);
        }
        let mean = figures.usd.iter().sum::<f64>() / figures.whole.all;
        near("mean", mean, amounts.mean, 0.1 * amounts.mean);
        let most = figures.usd.last().copied().unwrap();
        assert!(most <= 1.05 * amounts.maximum, "{most}");
        // A quarter of a tail: thousands of honest payments, not a spike of tests.
        let small = amounts.small.as_ref().unwrap();
        near(
            "small",
            figures.small.rate(),
            small.fraud_rate,
            0.12 * small.fraud_rate,
        );
        assert!(figures.small.all > 0.02 * figures.whole.all);
    });
}

#[test]
fn words_have_their_shares_and_their_fraud() {
    both(|figures| {
        // In the published spread of clients six hundred of them make two payments of five.
        let few_clients = figures.days.iter().filter(|day| day.all > 0.0).count() > 10;
        let of_people_share = if few_clients { 0.03 } else { 0.012 };
        for (field, levels, all) in figures.levels() {
            // Cards and addresses belong to customers, of whom there are fewer than payments, and who
            // are robbed some ten times in a row; and some fraud has no card.
            let of_people = matches!(field, "card_brand" | "card_funding" | "email_domain");
            let (of_share, of_rate, in_a_row) = if of_people {
                (of_people_share, 0.3, 10.0)
            } else {
                (0.006, 0.1, 1.0)
            };
            for level in levels {
                let word = level.level.clone().unwrap_or_default();
                let what = format!("{field} `{word}`");
                let key = (field, word);
                let count = figures.words.get(&key).copied().unwrap_or_default();
                near(&what, count.all / all, level.share, of_share);
                if level.share > 0.01 && level.fraud_rate > 0.005 {
                    let rate = level.fraud_rate;
                    let noise = 3.0 * (in_a_row * rate / count.all).sqrt();
                    near(&what, count.rate(), rate, of_rate * rate + noise);
                }
            }
        }
    });
}

#[test]
fn fields_are_missing_as_often_as_the_profile_says() {
    both(|figures| {
        let rate = |field: &str| figures.missing[field] / figures.whole.all;
        for (field, wanted) in &figures.profile.missing_rates {
            let of_cards = if field == "card_bin" {
                figures.with_card / figures.whole.all
            } else {
                1.0
            };
            near(field, rate(field), *wanted * of_cards, 0.005);
        }
        for (name, number) in &figures.profile.numbers {
            near(name, rate(name), number.missing_rate, 0.005);
        }
    });
}

#[test]
fn days_have_their_own_fraud() {
    let figures = ieee_figures();
    let days = &figures.profile.days.fraud_rate;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    // The published table: little fraud in its third and fourth week, much in its ninth and tenth.
    for week in [2, 3, 8, 9, 16] {
        let wanted = mean(&days[week * 7..week * 7 + 7]) / mean(days);
        let counts = &figures.days[week * 7..week * 7 + 7];
        let rates: Vec<f64> = counts.iter().map(|count| count.rate()).collect();
        let found = mean(&rates) / figures.whole.rate();
        near(&format!("week {week}"), found, wanted, 0.12 * wanted);
    }
}

#[test]
fn few_clients_make_most_payments_in_a_world_as_quiet_as_the_table() {
    let figures = ieee_figures();
    let mut sizes: Vec<u32> = figures.clients.values().copied().collect();
    sizes.sort_unstable_by(|one, other| other.cmp(one));
    let top: u32 = sizes.iter().take(670).sum();
    let share = f64::from(top) / figures.whole.all;
    // Published: 43 %; a synthetic client pays at most thirty times a day and sleeps.
    near("top hundredth of clients", share, 0.43, 0.08);
    let once = sizes.iter().filter(|size| **size <= 2).count();
    assert!(once * 5 > sizes.len(), "{once} of {}", sizes.len());
}

#[test]
fn every_fiftieth_payment_is_the_naive_fraud_and_nothing_else_is() {
    let profile = Profile::shipped("every-50th").unwrap();
    let options = Options {
        repeat_share: 0.0,
        ..Options::of_profile(3, START, profile)
    };
    let naive: Vec<Generated> = Stream::new(options).take(20_000).collect();
    let mut sums = [0.0; 2];
    for (index, one) in naive.iter().enumerate() {
        let fraud = one.label.is_some();
        assert_eq!(fraud, index % 50 == 49, "{index}");
        assert_eq!(one.story, None);
        sums[usize::from(fraud)] += one.transaction.amount_minor as f64;
    }
    let times = sums[1] * 49.0 / sums[0];
    assert!((30.0..300.0).contains(&times), "{times}");
}
