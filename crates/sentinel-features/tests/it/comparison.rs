//! Row against oracle, slot by slot.
//!
//! Promises that every slot is compared by where the set says its number comes from; of what the
//! transaction alone gives, only that it was written. Equal means equal bits; the one missing value is
//! the canonical not-a-number and equals only itself.

use sentinel_domain::{Label, Transaction};
use sentinel_features::definition::Definition;
use sentinel_features::feature::{Feature, Source};
use sentinel_features::{Applied, EntityKind, Family, FeatureEngine, FeatureSet, Missing, Unit};

use crate::event::Event;
use crate::oracle::{Answer, Flags, Oracle, Told};

/// What no feature ever is: a slot that still holds it was not written.
const UNWRITTEN: f64 = -777.25;

/// A feature of a definition or a fact; what people read of it does not matter here.
pub fn feature(name: String, source: Source) -> Feature {
    Feature {
        name,
        family: Family::Behaviour,
        unit: Unit::Raw,
        missing: Missing::NoEntity,
        doc: "made for a test".to_owned(),
        example: 1.0,
        phrase: "it is {value}".to_owned(),
        source,
    }
}

/// A set of these definitions alone.
pub fn set_of(definitions: &[Definition]) -> FeatureSet {
    let sources = definitions.iter().cloned().map(Source::Windowed);
    set_of_sources(sources)
}

/// A set of these sources alone.
pub fn set_of_sources(sources: impl Iterator<Item = Source>) -> FeatureSet {
    let named = sources.enumerate();
    let features = named.map(|(at, source)| feature(format!("slot_{at}"), source));
    FeatureSet::of_features(features.collect())
        .unwrap_or_else(|error| panic!("a set that should be possible: {error}"))
}

/// Engine and oracle over the same log.
pub struct Subject {
    engine: FeatureEngine,
    oracle: Oracle,
    row: Vec<f64>,
    /// Slots compared with the oracle, and how many of them had a value.
    pub compared: u64,
    pub present: u64,
}

impl Subject {
    /// The shipped set.
    pub fn shipped() -> Self {
        Self::of(FeatureSet::shipped())
    }

    /// A set that leaves no kind of entity out.
    pub fn of(set: FeatureSet) -> Self {
        Self::without(set, &[])
    }

    /// A set that leaves these kinds of entity out.
    pub fn without(set: FeatureSet, kinds: &[EntityKind]) -> Self {
        assert_eq!(set.names().len(), set.width(), "one name for each slot");
        Self {
            oracle: Oracle::new(set.features(), kinds),
            row: vec![UNWRITTEN; set.width()],
            engine: FeatureEngine::new(set),
            compared: 0,
            present: 0,
        }
    }

    /// The engine as it stands.
    pub fn engine(&self) -> &FeatureEngine {
        &self.engine
    }

    /// Writes the engine's state and reads it back.
    pub fn restart(&mut self) {
        let bytes = self.engine.encode();
        let read = FeatureEngine::decode(self.engine.set().clone(), &bytes);
        self.engine = read.unwrap_or_else(|error| panic!("what was written is refused: {error}"));
    }

    /// The bits of the row of the last event.
    pub fn bits(&self) -> Vec<u64> {
        self.row.iter().map(|value| value.to_bits()).collect()
    }

    /// The row of the last event.
    pub fn row(&self) -> &[f64] {
        &self.row
    }

    /// What the oracle says of a slot, where it says it to the bit.
    pub fn oracle_says(&self, told: &Told, slot: usize) -> f64 {
        match self.oracle.answer(told, slot) {
            Answer::Exactly(value) => value,
            other => panic!("the oracle says {other:?} of slot {slot}"),
        }
    }

    /// Applies an event to the engine alone; the row stands until the next one.
    pub fn apply(&mut self, event: &Event) -> Flags {
        self.row.fill(UNWRITTEN);
        let transaction = event.transaction();
        let applied = self.engine.apply(&transaction, event.amount, &mut self.row);
        flags(applied)
    }

    /// Takes an event into the engine alone, which says nothing of it.
    pub fn absorb(&mut self, event: &Event) {
        self.engine.absorb(&[(&event.transaction(), event.amount)]);
    }

    /// Applies an event to both; every slot is compared where asked to.
    pub fn pass(&mut self, event: &Event, compare: bool) -> Result<Told, String> {
        let transaction = event.transaction();
        self.row.fill(UNWRITTEN);
        let applied = self.engine.apply(&transaction, event.amount, &mut self.row);
        let told = self.oracle.apply(&transaction, event.amount);
        let row = std::mem::take(&mut self.row);
        let verdict = if compare {
            self.verdict(&row, applied, &told, event)
        } else {
            Ok(())
        };
        self.row = row;
        verdict.map(|()| told)
    }

    /// Applies an event to both and compares.
    pub fn check(&mut self, event: &Event) -> Result<Told, String> {
        self.pass(event, true)
    }

    /// Applies events to the engine at once, to the oracle one by one.
    pub fn check_batch(&mut self, events: &[Event]) -> Result<(), String> {
        let made: Vec<Transaction> = events.iter().map(Event::transaction).collect();
        let amounts = events.iter().map(|event| event.amount);
        let pairs: Vec<(&Transaction, Option<i64>)> = made.iter().zip(amounts).collect();
        let width = self.row.len();
        let mut rows = vec![UNWRITTEN; width * events.len()];
        // What stands there already stays.
        let mut applied = vec![Applied::default()];
        self.engine.apply_batch(&pairs, &mut rows, &mut applied);
        if applied.len() != events.len() + 1 {
            return Err(format!("{} answers for {}", applied.len(), events.len()));
        }
        for (at, event) in events.iter().enumerate() {
            let told = self.oracle.apply(&made[at], event.amount);
            let row = &rows[at * width..][..width];
            self.verdict(row, applied[at + 1], &told, event)
                .map_err(|difference| format!("{at} of {}: {difference}", events.len()))?;
            self.row.copy_from_slice(row);
        }
        Ok(())
    }

    /// Applies a label to both; they must agree whether it changed a count.
    pub fn label(&mut self, label: &Label) -> Result<bool, String> {
        let engine = self.engine.apply_label(label);
        let oracle = self.oracle.apply_label(label);
        if engine == oracle {
            Ok(oracle)
        } else {
            Err(format!(
                "{label:?}\n  changed a count: engine {engine}, oracle {oracle}"
            ))
        }
    }

    fn verdict(
        &mut self,
        row: &[f64],
        applied: Applied,
        told: &Told,
        event: &Event,
    ) -> Result<(), String> {
        let mut found = Vec::new();
        for (slot, &have) in row.iter().enumerate() {
            let answer = self.oracle.answer(told, slot);
            let right = match answer {
                Answer::Exactly(want) => have.to_bits() == want.to_bits(),
                Answer::Roughly(want, by) => (have - want).abs() <= by,
                Answer::Sampled | Answer::Unread => have != UNWRITTEN,
            };
            self.compared += 1;
            self.present += u64::from(!have.is_nan());
            if !right {
                let feature = &self.engine.set().features()[slot];
                let (name, source) = (&feature.name, &feature.source);
                found.push(format!(
                    "{name}: engine {have:?}, oracle {answer:?} of {source:?}"
                ));
            }
        }
        if flags(applied) != told.flags {
            found.push(format!("engine {applied:?}, oracle {:?}", told.flags));
        }
        if found.is_empty() {
            return Ok(());
        }
        let count = found.len();
        found.truncate(12);
        Err(format!(
            "{event:?}\n  {:?}, {count} differences:\n  {}",
            told.flags,
            found.join("\n  ")
        ))
    }
}

fn flags(applied: Applied) -> Flags {
    Flags {
        late: applied.late,
        too_late: applied.too_late,
        estimated: applied.estimated,
    }
}

/// Applies events to a new engine and a new oracle; the first difference, with the place in the list.
pub fn check_all(set: FeatureSet, events: &[Event]) -> Result<(), String> {
    let mut subject = Subject::of(set);
    for (index, event) in events.iter().enumerate() {
        subject
            .check(event)
            .map_err(|difference| format!("event {index} of {}: {difference}", events.len()))?;
    }
    Ok(())
}

#[test]
fn the_oracle_and_the_engine_speak_of_the_same_windows_and_bounds() {
    let names = sentinel_features::WINDOWS.map(|window| window.name);
    assert_eq!(names, ["1m", "5m", "15m", "1h", "6h", "24h", "7d", "30d"]);
    assert_eq!(sentinel_features::LATENESS_ALLOWED_MS, 3_600_000);
    assert_eq!(sentinel_features::EVENTS_PER_ENTITY_MAX, 65_536);
}
