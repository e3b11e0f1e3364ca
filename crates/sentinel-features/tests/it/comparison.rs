//! Row against oracle, slot by slot and by name.
//!
//! Promises that no windowed or historical feature goes unread: a name that it cannot place must stand in
//! the list of features that read the transaction alone. Equal means equal bits; the one missing value is
//! the canonical not-a-number and equals only itself.

use sentinel_features::{Applied, FeatureEngine, FeatureSet};

use crate::event::Event;
use crate::oracle::{Answer, Flags, Kind, Oracle};

/// Features that no window and no history has a part in.
const OF_THE_TRANSACTION_ALONE: [&str; 5] = [
    "local_hour",
    "card_country_differs_from_merchant",
    "billing_country_differs_from_shipping",
    "card_country_differs_from_billing",
    "account_age_seconds",
];

/// What no feature ever is: a slot that still holds it was not written.
const UNWRITTEN: f64 = -777.25;

const KIND_NAMES: [(&str, Kind); 5] = [
    ("account_", Kind::Account),
    ("card_", Kind::Card),
    ("device_", Kind::Device),
    ("merchant_", Kind::Merchant),
    ("ip_", Kind::Ip),
];

const WINDOW_NAMES: [&str; 4] = ["1m", "5m", "1h", "24h"];

/// Which of an entity's answers a slot holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    Count(usize),
    Sum(usize),
    Mean(usize),
    Max(usize),
    Distinct(usize),
    AmountToMean(usize),
    AmountToMeanEver,
    CountEver,
    SecondsSinceLast,
    SecondsSinceFirst,
    DistanceKm,
    SpeedKmh,
}

impl Number {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "amount_to_mean_ever" => Self::AmountToMeanEver,
            "count_ever" => Self::CountEver,
            "seconds_since_last" => Self::SecondsSinceLast,
            "seconds_since_first" => Self::SecondsSinceFirst,
            "distance_km" => Self::DistanceKm,
            "speed_kmh" => Self::SpeedKmh,
            _ => {
                let (what, window) = text.rsplit_once('_')?;
                let window = WINDOW_NAMES.iter().position(|name| *name == window)?;
                match what {
                    "count" => Self::Count(window),
                    "sum" => Self::Sum(window),
                    "mean" => Self::Mean(window),
                    "max" => Self::Max(window),
                    "distinct_merchants" | "distinct_accounts" => Self::Distinct(window),
                    "amount_to_mean" => Self::AmountToMean(window),
                    _ => return None,
                }
            }
        })
    }
}

/// What a slot of the row holds.
#[derive(Debug, Clone, Copy)]
enum Slot {
    Entity(Kind, Number),
    ReferenceAmount,
    Unread,
}

impl Slot {
    fn parse(name: &str) -> Self {
        if name == "reference_amount_minor" {
            return Self::ReferenceAmount;
        }
        if OF_THE_TRANSACTION_ALONE.contains(&name) {
            return Self::Unread;
        }
        for (prefix, kind) in KIND_NAMES {
            if let Some(number) = name.strip_prefix(prefix).and_then(Number::parse) {
                return Self::Entity(kind, number);
            }
        }
        panic!("the oracle has no answer for {name}");
    }
}

/// What the oracle says of one number.
pub fn expected(answer: &Answer, kind: Kind, number: Number) -> f64 {
    let Some(entity) = answer.entities.get(&kind) else {
        return f64::NAN;
    };
    match number {
        Number::Count(window) => entity.windows[window].count,
        Number::Sum(window) => entity.windows[window].sum,
        Number::Mean(window) => entity.windows[window].mean,
        Number::Max(window) => entity.windows[window].max,
        Number::Distinct(window) => entity.windows[window].distinct,
        Number::AmountToMean(window) => entity.windows[window].amount_to_mean,
        Number::AmountToMeanEver => entity.amount_to_mean_ever,
        Number::CountEver => entity.count_ever,
        Number::SecondsSinceLast => entity.seconds_since_last,
        Number::SecondsSinceFirst => entity.seconds_since_first,
        Number::DistanceKm => entity.distance_km,
        Number::SpeedKmh => entity.speed_kmh,
    }
}

/// The engine with the names of its row.
pub struct Subject {
    engine: FeatureEngine,
    names: Vec<String>,
    slots: Vec<Slot>,
    row: Vec<f64>,
}

impl Subject {
    pub fn new() -> Self {
        let set = FeatureSet::shipped();
        let names: Vec<String> = set.names().iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(names.len(), set.width(), "one name for each slot");
        Self {
            row: vec![UNWRITTEN; set.width()],
            slots: names.iter().map(|name| Slot::parse(name)).collect(),
            engine: FeatureEngine::new(set),
            names,
        }
    }

    /// Applies an event; the row stands until the next one.
    pub fn apply(&mut self, event: &Event) -> Flags {
        self.row.fill(UNWRITTEN);
        let transaction = event.transaction();
        let applied: Applied = self.engine.apply(&transaction, event.amount, &mut self.row);
        Flags {
            late: applied.late,
            too_late: applied.too_late,
            estimated: applied.estimated,
        }
    }

    /// The value of a feature in the row of the last event.
    pub fn value(&self, name: &str) -> f64 {
        let index = self.names.iter().position(|have| have == name);
        self.row[index.unwrap_or_else(|| panic!("no feature {name}"))]
    }

    /// The bits of the row of the last event.
    pub fn bits(&self) -> Vec<u64> {
        self.row.iter().map(|value| value.to_bits()).collect()
    }

    /// Every difference between the row of the last event and the oracle's answer.
    pub fn differences(&self, event: &Event, answer: &Answer) -> Vec<String> {
        let mut found = Vec::new();
        for (index, slot) in self.slots.iter().enumerate() {
            let have = self.row[index];
            let want = match *slot {
                Slot::Entity(kind, number) => expected(answer, kind, number),
                Slot::ReferenceAmount => event.amount.map_or(f64::NAN, |amount| amount as f64),
                Slot::Unread => {
                    assert!(have != UNWRITTEN, "{} was not written", self.names[index]);
                    continue;
                }
            };
            if have.to_bits() != want.to_bits() {
                found.push(format!(
                    "{}: engine {have:?}, oracle {want:?}",
                    self.names[index]
                ));
            }
        }
        found
    }

    /// Applies an event to both and stops at any difference.
    pub fn check(&mut self, oracle: &mut Oracle, event: &Event) -> Result<Answer, String> {
        let flags = self.apply(event);
        let answer = oracle.apply(event);
        self.verdict(event, flags, &answer)?;
        Ok(answer)
    }

    /// Whether the engine said of the last event what the oracle says.
    pub fn verdict(&self, event: &Event, flags: Flags, answer: &Answer) -> Result<(), String> {
        let mut found = self.differences(event, answer);
        if flags != answer.flags {
            found.push(format!(
                "flags: engine {flags:?}, oracle {:?}",
                answer.flags
            ));
        }
        if found.is_empty() {
            Ok(())
        } else {
            Err(format!("{event:?}\n  {}", found.join("\n  ")))
        }
    }
}

/// Applies events to a new engine and a new oracle; the first difference, with the place in the list.
pub fn check_all(events: &[Event]) -> Result<(), String> {
    let (mut subject, mut oracle) = (Subject::new(), Oracle::new());
    for (index, event) in events.iter().enumerate() {
        subject
            .check(&mut oracle, event)
            .map_err(|difference| format!("event {index} of {}: {difference}", events.len()))?;
    }
    Ok(())
}

#[test]
fn every_slot_of_the_row_is_read_or_named_as_unread() {
    let subject = Subject::new();
    let unread = subject
        .slots
        .iter()
        .filter(|slot| matches!(slot, Slot::Unread));
    assert_eq!(unread.count(), OF_THE_TRANSACTION_ALONE.len());
    let lengths = sentinel_features::WINDOWS.map(|window| window.length_ms);
    assert_eq!(lengths, crate::oracle::WINDOW_LENGTHS_MS);
    let names = sentinel_features::WINDOWS.map(|window| window.name);
    assert_eq!(names, WINDOW_NAMES);
    assert_eq!(sentinel_features::LATENESS_ALLOWED_MS, 3_600_000);
    assert_eq!(sentinel_features::EVENTS_PER_ENTITY_MAX, 65_536);
}
