//! The rules in cases small enough to work out by hand.
//!
//! Promises expected values as literals: the oracle is on trial first, then the engine. Must never
//! compute what it expects beyond a fraction.

mod times;
mod aggregates;
mod facts;
mod labels;

use sentinel_domain::Label;
use sentinel_features::definition::Definition;
use sentinel_features::feature::Source;

use crate::ask::windowed;
use crate::comparison::{Subject, set_of_sources};
use crate::event::Event;
use crate::oracle::Told;

/// Applies events to both; leaves what both said of the last one.
struct Case {
    subject: Subject,
    told: Option<Told>,
}

impl Case {
    fn of_sources(sources: &[Source]) -> Self {
        Self {
            subject: Subject::of(set_of_sources(sources.iter().cloned())),
            told: None,
        }
    }

    fn of<const N: usize>(definitions: [Definition; N]) -> Self {
        Self::of_sources(&definitions.map(windowed))
    }

    /// The flags (late, too late).
    fn apply(&mut self, event: Event) -> (bool, bool) {
        let told = self.subject.pass(&event, false).unwrap();
        let flags = told.flags;
        assert!(!flags.estimated);
        self.told = Some(told);
        (flags.late, flags.too_late)
    }

    fn label(&mut self, label: &Label) -> bool {
        self.subject
            .label(label)
            .unwrap_or_else(|message| panic!("{message}"))
    }

    /// The values of the slots in their order.
    #[track_caller]
    fn reads<const N: usize>(&self, expected: [f64; N]) {
        assert_eq!(self.subject.row().len(), N, "one value for each slot");
        let told = self.told.as_ref().unwrap();
        for (slot, value) in expected.into_iter().enumerate() {
            let oracle = self.subject.oracle_says(told, slot);
            assert_eq!(
                oracle.to_bits(),
                value.to_bits(),
                "slot {slot}: the oracle says {oracle}, not {value}"
            );
            let engine = self.subject.row()[slot];
            assert_eq!(
                engine.to_bits(),
                value.to_bits(),
                "slot {slot}: the engine says {engine}, not {value}"
            );
        }
    }
}
