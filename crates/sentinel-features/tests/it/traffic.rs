//! Long random logs: hot and cold entities, ties, late and too late events, gaps of days and years,
//! labels in between.
//!
//! Promises the same log on every run and that it holds what it is meant to hold: the last assertions
//! count how often each hard case came up.

use std::collections::VecDeque;

use sentinel_domain::transaction::{Channel, CheckResult, EntryMode, EventType, ThreeDs};
use sentinel_domain::{Coordinates, Label, LabelKind, Scalar, Text};
use sentinel_features::fact::Fact;
use sentinel_features::feature::Source;
use sentinel_features::{EntityKind, FeatureSet};
use sentinel_synth::Random;

use crate::comparison::{Subject, set_of_sources};
use crate::event::{
    COUNTRIES, CURRENCIES, DAY, DOMAINS, Event, HOUR, MILLISECOND, MINUTE, SECOND, Words,
};

/// Events after which the pace changes and the hot entities of the time give way to others.
const EPOCH_EVENTS: u64 = 2_000;

/// Events between two leaps.
const LEAP_EVENTS: u64 = 1_100;

/// 2^32 milliseconds: a clock kept in 32 bits would stand where it stood.
const WRAP: i64 = (1 << 32) * MILLISECOND;

/// What the next entry of the log is.
pub enum Entry {
    Event(Event),
    Label(Label),
}

/// How many entities there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crowd {
    /// Three of each kind.
    Few,
    /// Hot ones, known ones and such as are seen once.
    Many,
}

/// Writes the log.
pub struct Traffic {
    random: Random,
    crowd: Crowd,
    index: u64,
    /// The greatest time so far.
    now_us: i64,
    place: Coordinates,
    /// Events that labels may speak of, with their numbers.
    recent: VecDeque<(u64, Event)>,
}

impl Traffic {
    pub fn new(seed: u64, crowd: Crowd) -> Self {
        Self {
            random: Random::new(seed),
            crowd,
            index: 0,
            // Some days before 1970: the windows cross the zero of the clock.
            now_us: -2 * DAY - 12_345_678,
            place: Coordinates::new(0, 0).unwrap(),
            recent: VecDeque::new(),
        }
    }

    fn below(&mut self, bound: i64) -> i64 {
        self.random.below(bound as u64) as i64
    }

    fn sometimes<T>(&mut self, share: f64, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.random.chance(share).then(|| make(self))
    }

    fn epoch(&self) -> u32 {
        (self.index / EPOCH_EVENTS) as u32
    }

    /// From ties to minutes between two events, one pace an epoch.
    fn step(&mut self) -> i64 {
        if self.random.chance(0.15) {
            return 0;
        }
        let longest = match self.epoch() % 8 {
            0 => 3 * SECOND,
            1 => 30,
            2 => 20 * SECOND,
            3 => 40 * MILLISECOND,
            4 => 8 * SECOND,
            5 => 5 * MINUTE,
            6 => SECOND,
            _ => 2 * MILLISECOND,
        };
        self.below(longest)
    }

    /// A leap over what windows and clocks can hold, now and then.
    fn leap(&mut self) -> i64 {
        if self.index.is_multiple_of(LEAP_EVENTS) {
            return match self.index / LEAP_EVENTS % 8 {
                0 => 25 * HOUR + self.below(2 * MINUTE),
                1 => 8 * DAY - self.below(3 * HOUR),
                2 => 31 * DAY + self.below(DAY),
                3 => 401 * DAY + self.below(DAY),
                4 => 40 * DAY + self.below(100 * DAY),
                5 => WRAP + self.below(2 * MINUTE) - MINUTE,
                6 => 400 * DAY - self.below(HOUR),
                _ => 3 * DAY,
            };
        }
        match self.below(10_000) {
            0..3 => HOUR + self.below(DAY),
            3 => DAY + self.below(12 * DAY),
            _ => 0,
        }
    }

    fn time(&mut self) -> i64 {
        let behind = match self.below(1_000) {
            0..900 => {
                let step = self.step();
                self.now_us += step + self.leap();
                return self.now_us;
            }
            900..940 => self.below(2 * SECOND),
            940..970 => self.below(10 * MINUTE),
            970..990 => self.below(HOUR + 1),
            // Around the lateness allowed, to the microsecond, then far behind it.
            990..995 => HOUR - 1_001 + self.below(2_003),
            995..998 => HOUR + self.below(HOUR),
            _ => self.below(40 * DAY),
        };
        self.now_us - behind
    }

    fn entity(&mut self, hot_share: i64) -> u32 {
        if self.crowd == Crowd::Few {
            return self.below(3) as u32;
        }
        let draw = self.below(100);
        if draw < hot_share / 8 {
            0
        } else if draw < hot_share {
            10 + self.epoch()
        } else if draw < 60 {
            1_000 + self.below(300) as u32
        } else if draw < 95 {
            10_000 + self.below(20_000) as u32
        } else {
            100_000 + self.index as u32
        }
    }

    fn party(&mut self, hot_share: i64) -> Option<u32> {
        self.sometimes(0.8, |traffic| traffic.entity(hot_share))
    }

    fn amount(&mut self) -> Option<i64> {
        Some(match self.below(100) {
            0..8 => return None,
            8..14 => 0,
            14..24 => self.below(500),
            24..66 => self.below(100_000),
            66..74 => 4_990,
            74..80 => 10_000 * (1 + self.below(40)),
            80..88 => i64::from(u32::MAX) - 2 + self.below(5),
            88..96 => self.below(1 << 40),
            96..98 => i64::MAX / 65_536 - self.below(3),
            _ => 100_000_000_000_000 - self.below(3),
        })
    }

    fn place(&mut self) -> Option<Coordinates> {
        match self.below(10) {
            0..4 => return None,
            4..7 => {}
            7 => self.place = Coordinates::new(-900_000_000, 1_800_000_000).unwrap(),
            _ => {
                let lat_e7 = self.below(1_800_000_001) - 900_000_000;
                let lon_e7 = self.below(3_600_000_001) - 1_800_000_000;
                self.place = Coordinates::new(lat_e7 as i32, lon_e7 as i32).unwrap();
            }
        }
        Some(self.place)
    }

    fn country(&mut self) -> Option<usize> {
        // Mostly the first few: a payer is mostly at home.
        let draw = self.below(20) as usize;
        self.sometimes(0.8, |_| match draw {
            0..12 => 0,
            12..16 => 1,
            _ => draw % COUNTRIES.len(),
        })
    }

    fn pick<T: Copy>(&mut self, share: f64, list: &[T]) -> Option<T> {
        self.sometimes(share, |traffic| *traffic.random.pick(list))
    }

    fn words(&mut self) -> Words {
        Words {
            card_country: self.country(),
            merchant_country: self.country(),
            billing_country: self.country(),
            shipping_country: self.country(),
            counterparty_country: self.country(),
            email_domain: self
                .sometimes(0.5, |traffic| traffic.below(DOMAINS.len() as i64) as usize),
            currency: self.below(CURRENCIES.len() as i64) as usize,
            event_type: self.pick(0.5, EventType::ALL),
            channel: self.pick(0.8, Channel::ALL),
            entry_mode: self.pick(0.5, EntryMode::ALL),
            cvv: self.pick(0.3, CheckResult::ALL),
            three_ds: self.pick(0.3, ThreeDs::ALL),
            session: self.sometimes(0.5, |traffic| traffic.below(400) as u32),
        }
    }

    fn attributes(&mut self) -> Vec<(&'static str, Scalar)> {
        let mut made = Vec::new();
        if self.random.chance(0.4) {
            let score = match self.below(8) {
                0 => Scalar::Integer(self.below(200) - 100),
                1 => Scalar::Integer(i64::MAX - self.below(5)),
                2 => Scalar::Integer(140_737_488_355),
                3 => Scalar::Number(f64::MAX),
                4 => Scalar::Boolean(true),
                5 => Scalar::Text(Text::new("17")),
                _ => Scalar::Number(self.random.normal() * 100.0),
            };
            made.push(("score", score));
        }
        if self.random.chance(0.4) {
            let word = ["a", "b", "a-grade-that-is-longer-than-twenty-four-bytes"];
            let grade = match self.below(5) {
                0 => Scalar::Integer(self.below(3)),
                1 => Scalar::Number(self.below(3) as f64),
                _ => Scalar::Text(Text::new(*self.random.pick(&word))),
            };
            made.push(("grade", grade));
        }
        if self.random.chance(0.2) {
            let answer = *self.random.pick(&["00", "05", "Approved", "51"]);
            made.push(("auth_response", Scalar::Text(Text::new(answer))));
        }
        made
    }

    /// The next event; labels are left out.
    pub fn event(&mut self) -> Event {
        self.index += 1;
        let event = Event {
            time_us: self.time(),
            account: self.entity(12),
            customer: self.party(9),
            card: self.party(12),
            device: self.party(9),
            ip: self.party(16),
            merchant: self.party(20),
            terminal: self.party(10),
            counterparty: self.party(8),
            email: self.party(8),
            bin: self.party(25),
            mcc: self.sometimes(0.8, |traffic| 5_400 + traffic.below(60) as u16),
            amount: self.amount(),
            place: self.place(),
            utc_offset_minutes: self.sometimes(0.3, |traffic| traffic.below(1_681) as i16 - 840),
            words: self.words(),
            attributes: self.attributes(),
        };
        self.recent.push_back((self.index, event.clone()));
        // Nobody labels what was a year ago: by then an entity may have been forgotten in between.
        let oldest_us = self.now_us - 300 * DAY;
        let gone = |(_, event): &(u64, Event)| event.time_us < oldest_us;
        while self.recent.len() > 3_000 || self.recent.front().is_some_and(gone) {
            self.recent.pop_front();
        }
        event
    }

    /// A label of an event that was, of one that is labelled already, or of nobody known.
    fn label(&mut self) -> Label {
        let kind = match self.below(10) {
            0..7 => LabelKind::Fraud,
            7..9 => LabelKind::Legitimate,
            _ => LabelKind::Suspect,
        };
        let known_us = self.now_us - self.below(3 * DAY) + self.below(DAY);
        if self.recent.is_empty() || self.random.chance(0.05) {
            let unknown = Event::at(self.now_us).account(5_000_000);
            let unknown = unknown.merchant(5_000_000 + self.below(9) as u32);
            return unknown.label(&format!("x{}", self.below(20)), kind, known_us);
        }
        // Some of them again and again.
        let among = if self.random.chance(0.3) {
            10
        } else {
            self.recent.len()
        };
        let at = self.below(among as i64) as usize % self.recent.len();
        let (number, event) = &self.recent[at];
        event.label(&format!("e{number}"), kind, known_us)
    }

    /// The next entry.
    pub fn entry(&mut self) -> Entry {
        if self.random.chance(0.05) {
            Entry::Label(self.label())
        } else {
            Entry::Event(self.event())
        }
    }
}

/// What came up in a log.
#[derive(Debug, Default)]
pub struct Seen {
    pub events: u64,
    pub late: u64,
    pub too_late: u64,
    pub estimated: u64,
    pub labels: u64,
    pub labels_that_count: u64,
}

impl Seen {
    /// Applies an entry to both sides and compares.
    pub fn apply(&mut self, subject: &mut Subject, entry: &Entry) -> Result<(), String> {
        match entry {
            Entry::Event(event) => {
                let flags = subject.check(event)?.flags;
                self.events += 1;
                self.late += u64::from(flags.late);
                self.too_late += u64::from(flags.too_late);
                self.estimated += u64::from(flags.estimated);
            }
            Entry::Label(label) => {
                self.labels += 1;
                self.labels_that_count += u64::from(subject.label(label)?);
            }
        }
        Ok(())
    }
}

/// Compares a log of so many entries.
fn compare(set: FeatureSet, seed: u64, crowd: Crowd, entries: u64) -> Seen {
    let mut subject = Subject::of(set);
    let mut traffic = Traffic::new(seed, crowd);
    let mut seen = Seen::default();
    for index in 0..entries {
        let entry = traffic.entry();
        seen.apply(&mut subject, &entry)
            .unwrap_or_else(|difference| panic!("seed {seed}, entry {index}: {difference}"));
    }
    let share = subject.present as f64 / subject.compared as f64;
    assert!(share > 0.4, "only {share} of the slots had a value");
    seen
}

#[test]
fn a_long_log_of_many_entities_gives_what_plain_loops_give() {
    let seen = compare(FeatureSet::shipped(), 20_260_105, Crowd::Many, 100_000);
    assert!(seen.late > 3_000 && seen.too_late > 500, "{seen:?}");
    assert!(seen.labels_that_count > 2_000, "{seen:?}");
}

#[test]
fn a_log_of_few_entities_gives_what_plain_loops_give() {
    let seen = compare(FeatureSet::shipped(), 7, Crowd::Few, 6_000);
    assert!(seen.late > 400 && seen.labels_that_count > 80, "{seen:?}");
}

#[test]
fn every_fact_of_every_kind_gives_what_plain_loops_give() {
    let facts = |kind: &'static EntityKind| Fact::ALL.iter().map(|fact| Source::Fact(*kind, *fact));
    for (seed, crowd, entries) in [(8, Crowd::Many, 30_000), (9, Crowd::Few, 5_000)] {
        let all = EntityKind::ALL.iter().flat_map(facts);
        let set = set_of_sources(all.filter(is_kept));
        let seen = compare(set, seed, crowd, entries);
        assert!(seen.labels_that_count > 60, "{seen:?}");
    }
}

/// Places are known of payers, frauds of those whom labels name.
fn is_kept(source: &Source) -> bool {
    let Source::Fact(kind, fact) = source else {
        return false;
    };
    match fact {
        Fact::DistanceKm | Fact::SpeedKmh => {
            matches!(kind, EntityKind::Account | EntityKind::Card)
        }
        Fact::FraudCountEver
        | Fact::FraudCount30d
        | Fact::FraudRate30d
        | Fact::DelayedFraudRate1d
        | Fact::DelayedFraudRate7d
        | Fact::DelayedFraudRate30d
        | Fact::SecondsSinceFraud
        | Fact::FraudRunCount
        | Fact::FraudRunSeconds => matches!(
            kind,
            EntityKind::Account
                | EntityKind::Card
                | EntityKind::Merchant
                | EntityKind::Terminal
                | EntityKind::Mcc
        ),
        _ => true,
    }
}

#[test]
fn kinds_that_a_set_leaves_out_have_no_numbers() {
    for without in [
        &[EntityKind::Merchant][..],
        &[EntityKind::Account],
        &[EntityKind::Card, EntityKind::Ip],
        &[EntityKind::AccountDevice, EntityKind::Bin],
    ] {
        let mut subject = Subject::without(FeatureSet::new(without, &[]), without);
        let mut traffic = Traffic::new(21, Crowd::Many);
        let mut seen = Seen::default();
        for index in 0..3_000 {
            let entry = traffic.entry();
            seen.apply(&mut subject, &entry)
                .unwrap_or_else(|difference| panic!("{without:?}, {index}: {difference}"));
        }
    }
}
