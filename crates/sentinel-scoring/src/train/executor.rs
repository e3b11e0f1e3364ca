//! Who does the work: training names the pieces, the caller brings the threads.
//!
//! Promises that the pieces of one call touch nothing of each other, so that their order and their threads
//! cannot show in the result. Must never start a thread: that is for the program which trains.

/// A piece of work.
pub type Task<'a> = Box<dyn FnOnce() + Send + 'a>;

/// Runs pieces of work. [`run`](Executor::run) returns when all of them are done.
pub trait Executor {
    /// How many pieces make progress at once: into so many parts work is cut.
    fn threads(&self) -> usize;

    /// Runs every task to its end, in any order, on any thread.
    fn run<'a>(&self, tasks: Vec<Task<'a>>);
}

/// One piece after the other, on the thread that asks.
#[derive(Debug, Clone, Copy, Default)]
pub struct InTurn;

impl Executor for InTurn {
    fn threads(&self) -> usize {
        1
    }

    fn run<'a>(&self, tasks: Vec<Task<'a>>) {
        for task in tasks {
            task();
        }
    }
}
