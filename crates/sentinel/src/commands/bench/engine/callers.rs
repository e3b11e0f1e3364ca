//! Callers of a pipeline: one thread that hands requests in and takes answers, thousands at once.
//!
//! Does what the REST door does, by the same code: the handle reads the JSON and waits for the decision,
//! the response body is spelled from it. Must never look at a clock of its own for a transaction that is
//! due: its latency counts from when it was due.

use std::ops::Range;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant as Stopwatch};

use anyhow::Context;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use sentinel_api::wire::decision::{DecisionBody, SpelledVersions};
use sentinel_domain::Versions;
use sentinel_eventlog::{EventLog, LogError};
use sentinel_pipeline::follow::Followed;
use sentinel_pipeline::{Answer, Decided, Handle, SubmitError};
use serde::Serialize;
use tokio::sync::watch;

use super::super::latency::Latencies;
use super::super::pool::Pool;
use crate::clock;

/// When the next transaction is handed in.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// As soon as fewer than so many wait for their answer.
    Waiting(usize),
    /// So many a second, whether or not earlier ones are answered.
    Due(f64),
}

/// What the answers were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Answers {
    pub decided: u64,
    /// Anything else: each of these is a fault of the measurement.
    pub replayed: u64,
    pub conflicts: u64,
    pub pending: u64,
    pub refused: u64,
}

impl Answers {
    /// Those of two phases.
    pub fn plus(self, other: Self) -> Self {
        Self {
            decided: self.decided + other.decided,
            replayed: self.replayed + other.replayed,
            conflicts: self.conflicts + other.conflicts,
            pending: self.pending + other.pending,
            refused: self.refused + other.refused,
        }
    }
}

/// What a phase gave.
pub struct Phase {
    pub answers: Answers,
    pub explained: u64,
    pub request_bytes: u64,
    pub response_bytes: u64,
    pub wall: Duration,
    pub latencies: Latencies,
}

impl Phase {
    /// Decisions a second.
    #[allow(clippy::cast_precision_loss, reason = "counts of a bench")]
    pub fn rate(&self) -> f64 {
        self.answers.decided as f64 / self.wall.as_secs_f64().max(1e-9)
    }
}

/// Makes room in memory logs: nobody reads again what alerts have followed.
pub struct Room {
    logs: [EventLog; 2],
    followed: watch::Receiver<Followed>,
    answers: usize,
}

/// Answers between two looks at what can be dropped: few, since dropping holds the log for a moment.
const ANSWERS_PER_LOOK: usize = 256;

impl Room {
    /// Room in these logs.
    pub fn new(logs: [EventLog; 2], followed: watch::Receiver<Followed>) -> Self {
        Self {
            logs,
            followed,
            answers: 0,
        }
    }

    fn make(&mut self) -> Result<(), LogError> {
        self.answers += 1;
        if self.answers.is_multiple_of(ANSWERS_PER_LOOK) {
            let followed = self.followed.borrow().next;
            for log in &self.logs {
                log.truncate_before(followed)?;
            }
        }
        Ok(())
    }
}

/// The callers.
pub struct Callers<'a> {
    handle: &'a Handle,
    pool: &'a Pool,
    spelled: Option<(Arc<Versions>, SpelledVersions)>,
    response: Vec<u8>,
    room: Option<Room>,
}

/// Wakes the thread that drives the callers.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

impl<'a> Callers<'a> {
    /// Callers who have not called yet.
    pub fn new(handle: &'a Handle, pool: &'a Pool, room: Option<Room>) -> Self {
        Self {
            handle,
            pool,
            spelled: None,
            response: Vec::new(),
            room,
        }
    }

    /// Hands in a range of the pool and waits for every answer.
    pub fn run(&mut self, range: Range<usize>, pace: Pace) -> anyhow::Result<Phase> {
        let (handle, pool) = (self.handle, self.pool);
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut context = TaskContext::from_waker(&waker);
        let ask = |index: usize, since: Duration| async move {
            let body = pool.body(index);
            (index, since, handle.decide(body, clock::now()).await)
        };
        let mut waiting = FuturesUnordered::new();
        let mut phase = Phase {
            answers: Answers::default(),
            explained: 0,
            request_bytes: 0,
            response_bytes: 0,
            wall: Duration::ZERO,
            latencies: Latencies::new(),
        };
        let mut next = range.start;
        let started = Stopwatch::now();
        loop {
            let mut due_in = None;
            while next < range.end {
                let now = started.elapsed();
                let since = match pace {
                    Pace::Waiting(most) if waiting.len() >= most => break,
                    Pace::Waiting(_) => now,
                    Pace::Due(rate) => due_at(next - range.start, rate),
                };
                if since > now {
                    due_in = Some(since - now);
                    break;
                }
                waiting.push(ask(next, since));
                next += 1;
            }
            match waiting.poll_next_unpin(&mut context) {
                Poll::Ready(Some((index, since, answer))) => {
                    phase.request_bytes += pool.body(index).len() as u64;
                    self.take(answer, &mut phase)?;
                    if let Some(room) = &mut self.room {
                        room.make().context("drop what is followed")?;
                    }
                    phase
                        .latencies
                        .take(started.elapsed().saturating_sub(since));
                }
                Poll::Ready(None) if next >= range.end => break,
                Poll::Ready(None) | Poll::Pending => match due_in {
                    Some(due_in) => std::thread::park_timeout(due_in),
                    None => std::thread::park(),
                },
            }
        }
        phase.wall = started.elapsed();
        Ok(phase)
    }

    fn take(
        &mut self,
        answer: Result<Answer, SubmitError>,
        phase: &mut Phase,
    ) -> anyhow::Result<()> {
        let answers = &mut phase.answers;
        let decided = match answer {
            Ok(Answer::Decided(decided)) => decided,
            Ok(Answer::Replayed(_)) => {
                answers.replayed += 1;
                return Ok(());
            }
            Ok(Answer::Conflict { .. }) => {
                answers.conflicts += 1;
                return Ok(());
            }
            Ok(Answer::Pending { .. }) => {
                answers.pending += 1;
                return Ok(());
            }
            Err(SubmitError::Overloaded) => {
                answers.refused += 1;
                return Ok(());
            }
            Err(error) => return Err(error).context("decide on a transaction of the pool"),
        };
        answers.decided += 1;
        phase.explained += u64::from(!decided.decision.contributions.is_empty());
        self.spell(&decided).context("spell a response")?;
        phase.response_bytes += self.response.len() as u64;
        Ok(())
    }

    /// The response body, as the door spells it.
    fn spell(&mut self, decided: &Decided) -> serde_json::Result<()> {
        let versions = &decided.decision.versions;
        let kept = self.spelled.take();
        let kept = kept.filter(|(of, _)| Arc::ptr_eq(of, versions));
        let (_, spelled) = self
            .spelled
            .insert(kept.unwrap_or_else(|| (Arc::clone(versions), SpelledVersions::of(versions))));
        let body = DecisionBody::of(&decided.decision, spelled, Some(decided.latency_us));
        self.response.clear();
        serde_json::to_writer(&mut self.response, &body)
    }
}

/// When the request of this number is due.
#[allow(clippy::cast_precision_loss, reason = "the length of a bench")]
pub fn due_at(index: usize, rate: f64) -> Duration {
    Duration::from_secs_f64(index as f64 / rate)
}
