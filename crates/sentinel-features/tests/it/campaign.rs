//! As many random events as one asks for, over every aggregate and window.
//!
//! `SENTINEL_ORACLE_EVENTS=2000000 cargo test --release …` builds a long run; without it, a short one
//! shows that the way is open. Batches of random sizes, labels in between, and states written and read
//! back on the way.

use sentinel_features::FeatureSet;
use sentinel_synth::Random;

use crate::any_definition::definitions;
use crate::comparison::{Subject, set_of};
use crate::traffic::{Crowd, Entry, Traffic};

/// Events over one set.
const LEG_EVENTS: u64 = 20_000;

/// Compares so many events, in legs over the shipped set and over random ones.
#[allow(
    clippy::print_stderr,
    reason = "whoever asks for millions waits for minutes"
)]
fn campaign(events: u64, seed: u64) {
    let mut random = Random::new(seed);
    let mut done = 0;
    let mut compared = 0;
    while done < events {
        let shipped = random.chance(0.5);
        let set = if shipped {
            FeatureSet::shipped()
        } else {
            set_of(&definitions(&mut random))
        };
        let crowd = if random.chance(0.85) {
            Crowd::Many
        } else {
            Crowd::Few
        };
        // Lists of few entities are long, and plain loops over them slow.
        let most = if crowd == Crowd::Few {
            LEG_EVENTS / 10
        } else {
            LEG_EVENTS
        };
        let leg = Leg {
            seed: random.next_u64(),
            events: most.min(events - done),
        };
        compared += leg.compare(set, crowd, &mut random);
        done += leg.events;
        if events > 100_000 {
            eprintln!("{done} of {events} events, {compared} numbers compared");
        }
    }
}

/// A log over one set.
struct Leg {
    seed: u64,
    events: u64,
}

impl Leg {
    /// Gives the count of numbers compared.
    fn compare(&self, set: FeatureSet, crowd: Crowd, random: &mut Random) -> u64 {
        let mut subject = Subject::of(set);
        let mut traffic = Traffic::new(self.seed, crowd);
        let (mut done, mut batch) = (0, Vec::new());
        let mut wanted = 1;
        while done < self.events {
            let entry = traffic.entry();
            let label = match entry {
                Entry::Event(event) => {
                    batch.push(event);
                    None
                }
                Entry::Label(label) => Some(label),
            };
            let full = batch.len() >= wanted || done + batch.len() as u64 >= self.events;
            if full || label.is_some() {
                subject
                    .check_batch(&batch)
                    .and_then(|()| label.map_or(Ok(true), |label| subject.label(&label)))
                    .unwrap_or_else(|difference| {
                        panic!("seed {}, after {done} events: {difference}", self.seed)
                    });
                done += batch.len() as u64;
                batch.clear();
                wanted = *random.pick(&[1, 2, 7, 64, 256]);
            }
            if random.chance(0.000_3) && batch.is_empty() {
                subject.restart();
            }
        }
        subject.compared
    }
}

#[test]
fn as_many_events_as_one_asks_for_give_what_plain_loops_give() {
    let asked = option_env!("SENTINEL_ORACLE_EVENTS").and_then(|text| text.parse().ok());
    campaign(asked.unwrap_or(10_000), 20_261_121);
}
