//! What only an outsider can show: that threads of the caller's do not change a model.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test, with the threads of a caller, which the crate itself must not start"
)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use sentinel_scoring::train::{Executor, Options, Task, TrainingSet, train_by};

/// So many threads, each taking the next piece; counts the calls that had work for several.
struct Threads {
    threads: usize,
    shared: AtomicUsize,
}

impl Executor for Threads {
    fn threads(&self) -> usize {
        self.threads
    }

    fn run<'a>(&self, tasks: Vec<Task<'a>>) {
        if tasks.len() > 1 {
            self.shared.fetch_add(1, Ordering::Relaxed);
        }
        // From the last to the first, so that nothing can lean on the order.
        let tasks = Mutex::new(tasks);
        std::thread::scope(|scope| {
            for _ in 0..self.threads {
                scope.spawn(|| {
                    loop {
                        let task = tasks.lock().unwrap().pop();
                        match task {
                            Some(task) => task(),
                            None => break,
                        }
                    }
                });
            }
        });
    }
}

fn set() -> TrainingSet {
    let mut state = 7_u64;
    let mut dice = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % 1000
    };
    let (mut rows, mut fraud) = (Vec::new(), Vec::new());
    for _ in 0..20_000 {
        let mut row: Vec<f32> = (0..70)
            .map(|_| match dice() {
                0..50 => f32::NAN,
                value => f32::from(u16::try_from(value).unwrap()),
            })
            .collect();
        row[3] = f32::from(u16::try_from(dice() % 30).unwrap());
        let chance = if row[0] > 700.0 && row[1] < 300.0 {
            500
        } else {
            10
        };
        fraud.push(dice() < chance + if row[3] % 3.0 == 0.0 { 60 } else { 0 });
        rows.extend(row);
    }
    TrainingSet {
        features: (0..70).map(|column| format!("f{column}")).collect(),
        rows,
        fraud,
        categorical: (0..70).map(|column| column == 3).collect(),
        validation_from: 16_000,
        ..TrainingSet::default()
    }
}

#[test]
fn a_model_has_the_same_bytes_at_any_number_of_threads() {
    let set = set();
    for options in [
        Options {
            trees_max: 12,
            ..Options::default()
        },
        Options {
            trees_max: 6,
            bagging_share: 0.7,
            features_per_split: 0.5,
            bins_max: 600,
            alpha: 0.1,
            ..Options::default()
        },
    ] {
        let trained = |threads: usize| {
            let executor = Threads {
                threads,
                shared: AtomicUsize::new(0),
            };
            let (model, report) = train_by(&set, &options, &executor, &mut |_| ()).unwrap();
            let shared = executor.shared.into_inner();
            assert!(
                threads == 1 || shared > report.trees,
                "threads had work: {shared}"
            );
            model.to_bytes()
        };
        let alone = trained(1);
        assert_eq!(trained(2), alone);
        assert_eq!(trained(5), alone);
    }
}
