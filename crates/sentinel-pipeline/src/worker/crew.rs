//! The crew of a start: the owner and as many threads beside it as the machine can run.
//!
//! ```text
//!  owner:   next entries ─▶ repeats ─▶ tasks ─▶ … ─▶ sweep ─▶ next entries
//!  helpers: read and decode ahead where little is left, else a task, else more ahead, else let go
//! ```
//!
//! Nobody is bound to one kind of work: what is most wanted is done next, so neither reading nor windows can leave a
//! processor idle that the other could use. Tasks are taken from both ends, so that a kind mostly stays with one
//! processor and its cache.
//!
//! Promises entries in log order, and every task back. A helper that panics makes the owner panic. Must never let a
//! helper touch what belongs to the owner but through a task.

use std::collections::VecDeque;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::Scope;

use sentinel_features::{Event, Task};

use super::WorkerError;
use super::ahead::{Entries, Reader};
use crate::crew::Hands;
use crate::intake::ReadEntry;

/// Threads beside the owner, at most: more would wait for each other.
const HELPERS_MAX: usize = 3;

/// Entries read at once: a helper that reads keeps a task waiting for so long at most.
const SLICE_ENTRIES: usize = 64;

/// Entries that the owner takes at once.
pub(super) const BATCH_ENTRIES: usize = 1_024;

/// Where fewer slices wait, reading comes before tasks; where so many do, nothing is read.
const SLICES_LOW: usize = 8;
const SLICES_HIGH: usize = 48;

/// How often is looked before a thread goes to sleep: some hundred and fifty microseconds, longer than most tasks take.
/// A processor that nobody uses halts, and on a virtual machine it takes tens of microseconds to come back.
const LOOKS: usize = 6_000;

/// The crew, for its owner.
pub(super) struct Crew(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Something to do for helpers; something done for the owner.
    work: Condvar,
    done: Condvar,
    /// Changes with whatever one or the other may wait for: looking at it needs no lock.
    news: AtomicUsize,
    reader: Mutex<Reader>,
}

#[derive(Default)]
struct State {
    tasks: VecDeque<Task>,
    finished: Vec<Task>,
    slices: VecDeque<Entries>,
    is_read: bool,
    /// Events to be let go.
    spent: Vec<Vec<Event>>,
    /// Helpers that sleep, and whether the owner does.
    sleeping: usize,
    is_owner_asleep: bool,
    is_over: bool,
    has_panicked: bool,
}

/// What a helper does next.
enum Duty {
    Read,
    Run(Task),
    Drop(Vec<Event>),
    Wait,
    End,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Crew {
    /// Starts the helpers, who read by `reader`. They end with what is given back.
    pub fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        reader: Reader,
    ) -> Result<(Self, End), WorkerError> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            work: Condvar::new(),
            done: Condvar::new(),
            news: AtomicUsize::new(0),
            reader: Mutex::new(reader),
        });
        let end = End(Arc::clone(&shared));
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        for number in 0..processors.saturating_sub(1).clamp(1, HELPERS_MAX) {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name(format!("crew-{number}"))
                .spawn_scoped(scope, move || shared.help())
                .map_err(WorkerError::Thread)?;
        }
        Ok((Self(shared), end))
    }

    /// The hands, for a state.
    pub fn hands(&self) -> Box<dyn Hands> {
        Box::new(Self(Arc::clone(&self.0)))
    }

    /// The next entries in log order; none behind the last.
    pub fn next(&self) -> Result<Vec<ReadEntry>, WorkerError> {
        let shared = &*self.0;
        let mut entries = Vec::with_capacity(BATCH_ENTRIES);
        loop {
            let mut state = lock(&shared.state);
            while entries.len() + SLICE_ENTRIES <= BATCH_ENTRIES
                && let Some(slice) = state.slices.pop_front()
            {
                entries.append(&mut slice?);
            }
            if !entries.is_empty() || state.is_read {
                shared.tell_helpers(&state);
                return Ok(entries);
            }
            drop(state);
            if !shared.read() {
                shared.wait_for(|state| state.is_read || !state.slices.is_empty());
            }
        }
    }
}

impl sentinel_features::Executor for Crew {
    fn run(&mut self, tasks: Vec<Task>) -> Vec<Task> {
        let shared = &*self.0;
        let count = tasks.len();
        let mut state = lock(&shared.state);
        state.tasks.extend(tasks);
        shared.tell_helpers(&state);
        let mut mine = Vec::with_capacity(count);
        while let Some(mut task) = state.tasks.pop_front() {
            drop(state);
            task.run();
            mine.push(task);
            state = lock(&shared.state);
        }
        drop(state);
        let others = count - mine.len();
        shared.wait_for(|state| state.finished.len() == others);
        mine.append(&mut lock(&shared.state).finished);
        mine
    }
}

impl Hands for Crew {
    fn let_go(&mut self, events: Vec<Event>) {
        lock(&self.0.state).spent.push(events);
    }
}

impl Shared {
    /// Says that there is something to do.
    fn tell_helpers(&self, state: &State) {
        self.news.fetch_add(1, Relaxed);
        if state.sleeping > 0 {
            self.work.notify_all();
        }
    }

    /// Waits until something is so; looks for a while before it sleeps.
    fn wait_for(&self, is_so: impl Fn(&State) -> bool) {
        loop {
            let news = self.news.load(Relaxed);
            let mut state = lock(&self.state);
            assert!(
                !state.has_panicked,
                "a thread that helped to take entries in panicked"
            );
            if is_so(&state) {
                return;
            }
            drop(state);
            if self.is_quiet_since(news) {
                state = lock(&self.state);
                state.is_owner_asleep = true;
                while !is_so(&state) && !state.has_panicked {
                    state = self
                        .done
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                }
                state.is_owner_asleep = false;
            }
        }
    }

    /// Whether nothing new was told for a while.
    fn is_quiet_since(&self, news: usize) -> bool {
        for _ in 0..LOOKS {
            if self.news.load(Relaxed) != news {
                return false;
            }
            std::hint::spin_loop();
        }
        true
    }

    /// Reads a slice, unless somebody else does or it has nothing more. Whether it did.
    fn read(&self) -> bool {
        let mut reader = match self.reader.try_lock() {
            Ok(reader) => reader,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        let slice = reader.read(SLICE_ENTRIES);
        // The reader is held until the slice is in its place: slices keep their order.
        let mut state = lock(&self.state);
        state.is_read |= slice.is_none();
        state.slices.extend(slice);
        self.tell_owner(&state);
        true
    }

    /// Says that something was done.
    fn tell_owner(&self, state: &State) {
        self.news.fetch_add(1, Relaxed);
        if state.is_owner_asleep {
            self.done.notify_one();
        }
    }

    /// What a helper does until the crew ends.
    fn help(&self) {
        let guard = Panicking(self);
        loop {
            let news = self.news.load(Relaxed);
            match self.duty() {
                Duty::End => break,
                Duty::Read => {
                    self.read();
                }
                Duty::Run(mut task) => {
                    task.run();
                    let mut state = lock(&self.state);
                    state.finished.push(task);
                    self.tell_owner(&state);
                }
                Duty::Drop(events) => drop(events),
                Duty::Wait if self.is_quiet_since(news) => {
                    let mut state = lock(&self.state);
                    if self.news.load(Relaxed) == news && !state.is_over {
                        state.sleeping += 1;
                        state = self
                            .work
                            .wait(state)
                            .unwrap_or_else(PoisonError::into_inner);
                        state.sleeping -= 1;
                    }
                }
                Duty::Wait => {}
            }
        }
        std::mem::forget(guard);
    }

    fn duty(&self) -> Duty {
        let mut state = lock(&self.state);
        let may_read = !state.is_read && self.may_read();
        if state.is_over {
            Duty::End
        } else if may_read && state.slices.len() < SLICES_LOW {
            Duty::Read
        } else if let Some(task) = state.tasks.pop_back() {
            Duty::Run(task)
        } else if may_read && state.slices.len() < SLICES_HIGH {
            Duty::Read
        } else if let Some(events) = state.spent.pop() {
            Duty::Drop(events)
        } else {
            Duty::Wait
        }
    }

    /// Whether nobody reads now.
    fn may_read(&self) -> bool {
        !matches!(self.reader.try_lock(), Err(TryLockError::WouldBlock))
    }
}

/// Ends the crew when it goes.
pub(super) struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        lock(&self.0.state).is_over = true;
        self.0.news.fetch_add(1, Relaxed);
        self.0.work.notify_all();
    }
}

/// Tells the owner of a panic.
struct Panicking<'a>(&'a Shared);

impl Drop for Panicking<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.has_panicked = true;
        self.0.tell_owner(&state);
    }
}
