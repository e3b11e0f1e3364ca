//! Taking in by several hands leaves the state that one pair of hands leaves, whatever the order of the tasks.

use sentinel_domain::Label;
use sentinel_features::engine::Event as Owned;
use sentinel_features::{Executor, FeatureEngine, FeatureSet, Task};
use sentinel_synth::Random;

use crate::any_definition::definitions;
use crate::comparison::set_of;
use crate::event::Event;
use crate::traffic::{Crowd, Entry, Traffic};

/// Runs tasks in an order that nobody can foresee, and gives them back in another.
struct Unforeseen<'a> {
    random: &'a mut Random,
    tasks: &'a mut usize,
}

impl Executor for Unforeseen<'_> {
    fn run(&mut self, mut tasks: Vec<Task>) -> Vec<Task> {
        let mut done = Vec::new();
        while !tasks.is_empty() {
            let at = self.random.below(tasks.len() as u64) as usize;
            let mut task = tasks.swap_remove(at);
            task.run();
            *self.tasks += 1;
            done.insert(self.random.below(done.len() as u64 + 1) as usize, task);
        }
        done
    }
}

/// One engine takes events in by one pair of hands, another by many.
struct Both {
    one: FeatureEngine,
    many: FeatureEngine,
    random: Random,
    tasks: usize,
}

impl Both {
    fn of(set: FeatureSet, seed: u64) -> Self {
        Self {
            one: FeatureEngine::new(set.clone()),
            many: FeatureEngine::new(set),
            random: Random::new(seed),
            tasks: 0,
        }
    }

    fn absorb(&mut self, events: &[Event]) {
        let owned = |event: &Event| Owned {
            transaction: Box::new(event.transaction()),
            amount: event.amount,
        };
        let owned: Vec<Owned> = events.iter().map(owned).collect();
        let each: Vec<_> = owned
            .iter()
            .map(|one| (&*one.transaction, one.amount))
            .collect();
        for some in each.chunks(64) {
            self.one.absorb(some);
        }
        let mut executor = Unforeseen {
            random: &mut self.random,
            tasks: &mut self.tasks,
        };
        let back = self.many.absorb_by(owned, &mut executor);
        assert_eq!(back.len(), events.len());
    }

    fn label(&mut self, label: &Label) {
        let changed = self.one.apply_label(label);
        assert_eq!(self.many.apply_label(label), changed);
    }

    /// Both say the same of an event, and then write the same.
    fn compare(&mut self, event: &Event) {
        let width = self.one.set().width();
        let [mut a, mut b] = [vec![0.5; width], vec![0.5; width]];
        let transaction = event.transaction();
        let applied = self.one.apply(&transaction, event.amount, &mut a);
        assert_eq!(self.many.apply(&transaction, event.amount, &mut b), applied);
        let bits = |row: &[f64]| row.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert!(bits(&a) == bits(&b));
        assert!(self.one.encode() == self.many.encode());
    }
}

/// Runs of random length, labels between them, now and then a row and a look at all bytes.
fn compare(
    set: FeatureSet,
    (seed, crowd): (u64, Crowd),
    (entries, longest): (usize, u64),
) -> usize {
    let mut both = Both::of(set, seed);
    let mut traffic = Traffic::new(seed, crowd);
    let mut left = entries;
    while left > 0 {
        let length = 1 + both.random.below(longest) as usize;
        let (mut events, mut labels) = (Vec::new(), Vec::new());
        for _ in 0..length.min(left) {
            match traffic.entry() {
                Entry::Event(event) => events.push(event),
                Entry::Label(label) => labels.push(label),
            }
        }
        left -= length.min(left);
        both.absorb(&events);
        labels.iter().for_each(|label| both.label(label));
        if both.random.chance(0.2) {
            let event = traffic.event();
            both.compare(&event);
        }
    }
    both.compare(&traffic.event());
    both.tasks
}

#[test]
fn many_hands_leave_the_state_of_one() {
    for (seed, crowd) in [(31, Crowd::Many), (32, Crowd::Few)] {
        let tasks = compare(FeatureSet::shipped(), (seed, crowd), (12_000, 1_500));
        assert!(tasks > 500, "{tasks}");
    }
}

#[test]
fn many_hands_leave_the_state_of_one_for_any_definitions() {
    let mut random = Random::new(33);
    for seed in 0..30 {
        let set = set_of(&definitions(&mut random));
        let crowd = *random.pick(&[Crowd::Few, Crowd::Many]);
        compare(set, (seed, crowd), (1_500, 600));
    }
}
