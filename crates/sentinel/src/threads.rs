//! The threads that training runs on: the heart names the pieces, this file brings the hands.
//!
//! Threads are started for each call and joined at its end, by the standard library alone: training asks
//! for them only where a piece takes far longer than a start (some 30 us), so a pool that outlives the
//! call would gain little and be a dependency. Must never let a piece outlive the call.

use std::num::NonZero;
use std::sync::{Mutex, PoisonError};

use sentinel_scoring::train::{Executor, Task};

/// So many threads, the caller's own among them.
#[derive(Debug, Clone, Copy)]
pub struct Threads(usize);

impl Threads {
    /// As many as the machine can run at once.
    pub fn available() -> Self {
        Self(std::thread::available_parallelism().map_or(1, NonZero::get))
    }

    /// This many, at least one.
    #[cfg(test)]
    pub fn new(threads: usize) -> Self {
        Self(threads.max(1))
    }
}

impl Executor for Threads {
    fn threads(&self) -> usize {
        self.0
    }

    fn run<'a>(&self, tasks: Vec<Task<'a>>) {
        let others = self.0.min(tasks.len()).saturating_sub(1);
        if others == 0 {
            tasks.into_iter().for_each(|task| task());
            return;
        }
        let tasks = Mutex::new(tasks.into_iter());
        let work = || {
            loop {
                // The lock is let go before the piece is begun.
                let task = tasks.lock().unwrap_or_else(PoisonError::into_inner).next();
                match task {
                    Some(task) => task(),
                    None => break,
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..others {
                scope.spawn(work);
            }
            work();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_done_once() {
        for threads in [1, 2, 5] {
            let mut done = vec![0; 100];
            let tasks = done
                .iter_mut()
                .map(|done| -> Task<'_> { Box::new(move || *done += 1) });
            Threads::new(threads).run(tasks.collect());
            assert_eq!(done, vec![1; 100]);
        }
        Threads::available().run(Vec::new());
    }
}
