//! The handle: the one door of a running pipeline.
//!
//! `decide` appends a transaction and waits for its decision; `submit` appends without waiting; `lookup`,
//! `replay` and `subscribe` read; `add_features` activates definitions. An answer is given only when its transaction is durable in the log and
//! its outcome is recorded; a refusal is told when the refused body is kept. Must never decide anything
//! itself.

pub mod features;
pub mod models;
pub mod orders;
pub(crate) mod ticks;

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sentinel_domain::{
    DecisionId, Entry, Instant, LogId, Offset, Outcome, Rejection, RejectionCode, Transaction,
};
use sentinel_eventlog::{LogError, Payloads, encode_entry};
use tokio::sync::{broadcast, oneshot, watch};

use self::features::{InForce, Unheard};
use crate::backfill::Backfilled;
use crate::dead_letter::{Letter, LetterBox, Receipt};
use crate::follow::Followed;
use crate::intake::json;
use crate::intake::source::refuse_future;
use crate::partition::{PartitionState, Settled};
use crate::recorded::{Decided, LookupError, RecordedLogs};
use crate::replay::{self, Replay, ReplayError};
use crate::snapshot::SnapshotFigures;
use crate::statistics::{Figures, Statistics};
use crate::trust::ModelTrust;
use crate::worker::Published;

/// Live items kept for a slow subscriber before it loses some.
const FEED_ITEMS_MAX: usize = 4_096;

/// The answer to `decide`.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Decided now.
    Decided(Arc<Decided>),
    /// The same event came before: its decision of then.
    Replayed(Arc<Decided>),
    /// The same event id came before with another body.
    Conflict {
        /// The decision on the first one.
        first: DecisionId,
    },
    /// In the log, not decided within the deadline; a retry gets the decision.
    Pending {
        /// The decision it will get.
        decision_id: DecisionId,
    },
}

/// Why a transaction did not get into the log.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// It is not a valid transaction.
    #[error("{0}")]
    Rejected(Rejection),
    /// The log has no room now.
    #[error("the log is full at the moment; try again")]
    Overloaded,
    /// The disk under the log is nearly full; it goes on by itself when there is room.
    #[error(
        "the server's disk is nearly full: {free_bytes} bytes are free, {needed_bytes} are needed; nothing \
         was taken in"
    )]
    DiskFull {
        /// What is free.
        free_bytes: u64,
        /// What has to be free.
        needed_bytes: u64,
    },
    /// It was decided on before, and the decision is kept no longer.
    #[error(
        "it was decided on before: {first}; the logs keep that decision no longer, and none is made in its place"
    )]
    NotKept {
        /// The decision of then.
        first: DecisionId,
    },
    /// The log cannot accept anything.
    #[error("the log cannot accept transactions: {0}")]
    Unavailable(String),
}

/// What the worker tells a waiter.
enum Told {
    Answer(Answer),
    /// The same event came before, at this offset.
    Before(Offset),
    /// An order, such as an activation: what became of it, and the newest backfill.
    Switched(Outcome, Option<Backfilled>),
    /// The same event id came before with another body; where there was no room for the letter, it is
    /// handed on.
    Conflict {
        first: DecisionId,
        kept: Result<Receipt, Box<Letter>>,
    },
}

/// A question about the state, answered between two batches.
pub(crate) enum Question {
    /// Where an event id was first seen.
    Event(String, oneshot::Sender<Option<Offset>>),
    /// How far the state is, and when the oldest id that it remembers was seen.
    OldestId(oneshot::Sender<(Offset, Option<Instant>)>),
}

/// The one door of a running pipeline; a clone is the same door.
#[derive(Clone)]
pub struct Handle {
    inner: Arc<Inner>,
}

struct Inner {
    logs: RecordedLogs,
    statistics: Arc<Statistics>,
    /// Who waits for the outcome of which entry, in the order of the log.
    waiting: Mutex<VecDeque<(Offset, oneshot::Sender<Told>)>>,
    feed: broadcast::Sender<Arc<Decided>>,
    questions: crossbeam_channel::Sender<Question>,
    letters: LetterBox,
    followed: watch::Sender<Followed>,
    in_force: watch::Sender<InForce>,
    /// How snapshots are doing, where any are made.
    snapshots: watch::Sender<SnapshotFigures>,
    trust: Arc<ModelTrust>,
    activating: tokio::sync::Mutex<Unheard>,
    failed: AtomicBool,
    stopping: AtomicBool,
    deadline: Duration,
}

impl Handle {
    /// A handle over open logs, with the receiver of its questions for the worker.
    pub(crate) fn new(
        logs: RecordedLogs,
        statistics: Arc<Statistics>,
        letters: LetterBox,
        trust: ModelTrust,
        deadline: Duration,
    ) -> (Self, crossbeam_channel::Receiver<Question>) {
        let (questions, asked) = crossbeam_channel::unbounded();
        let inner = Inner {
            logs,
            statistics,
            waiting: Mutex::default(),
            feed: broadcast::channel(FEED_ITEMS_MAX).0,
            questions,
            letters,
            followed: watch::channel(Followed::default()).0,
            in_force: watch::channel(InForce::default()).0,
            snapshots: watch::channel(SnapshotFigures::default()).0,
            trust: Arc::new(trust),
            activating: tokio::sync::Mutex::default(),
            failed: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            deadline,
        };
        (
            Self {
                inner: Arc::new(inner),
            },
            asked,
        )
    }

    /// The generation of the log.
    pub fn log_id(&self) -> LogId {
        self.inner.logs.transactions.log_id()
    }

    /// The offset after the last durable entry.
    pub fn log_end(&self) -> Offset {
        self.inner.logs.transactions.end()
    }

    /// Whether the pipeline can decide.
    pub fn is_running(&self) -> bool {
        !self.inner.failed.load(Relaxed)
    }

    /// Whether alerts follow decisions: false after the follower or the deliverer met an error that trying
    /// again does not mend.
    pub fn is_following(&self) -> bool {
        !self.inner.followed.borrow().failed
    }

    /// How far alerts have followed decisions, and every change of it.
    pub fn followed(&self) -> watch::Receiver<Followed> {
        self.inner.followed.subscribe()
    }

    /// Ends running replays; later ones end at once.
    pub fn stop_replays(&self) {
        self.inner.stopping.store(true, Relaxed);
    }

    /// Reads a transaction as JSON, appends it and waits for its decision.
    pub async fn decide(&self, body: &[u8], now: Instant) -> Result<Answer, SubmitError> {
        let parsed = json::parse_transaction(body)
            .and_then(|transaction| refuse_future(&transaction, now).map(|()| transaction));
        let transaction = match parsed {
            Ok(transaction) => transaction,
            Err(rejection) => return Err(self.refuse(rejection, body).await),
        };
        let entry = Entry::Transaction(Box::new(transaction));
        let (offset, answer) = self.append(&entry, now)?;
        match tokio::time::timeout(self.inner.deadline, answer).await {
            Ok(Ok(Told::Answer(answer))) => Ok(answer),
            Ok(Ok(Told::Before(first))) => self.repeated(first).await,
            Ok(Ok(Told::Conflict { first, kept })) => {
                self.settle_conflict(kept).await;
                Ok(Answer::Conflict { first })
            }
            // A transaction is never told as a switch; a worker that is gone drops the waiter.
            Ok(Ok(Told::Switched(..)) | Err(_)) => {
                Err(SubmitError::Unavailable("the worker has stopped".into()))
            }
            Err(_) => Ok(Answer::Pending {
                decision_id: DecisionId::at(self.inner.logs.position(offset)),
            }),
        }
    }

    /// Appends a transaction without waiting for its decision.
    pub fn submit(&self, transaction: &Transaction, now: Instant) -> Result<Offset, SubmitError> {
        self.submit_entry(&Entry::Transaction(Box::new(transaction.clone())), now)
    }

    /// Appends any entry without waiting.
    pub fn submit_entry(&self, entry: &Entry, now: Instant) -> Result<Offset, SubmitError> {
        self.submit_payloads(&encoded(entry), now)
    }

    fn submit_payloads(&self, payloads: &Payloads, now: Instant) -> Result<Offset, SubmitError> {
        self.check_running()?;
        self.inner
            .logs
            .transactions
            .try_append(now, None, payloads)
            .map_err(submit_error)
            .inspect_err(|error| {
                if matches!(error, SubmitError::DiskFull { .. }) {
                    self.inner.statistics.count_disk_full();
                }
            })
    }

    /// The decision of that name with its transaction; `None` where the log has none.
    pub async fn lookup(&self, id: DecisionId) -> Result<Option<Arc<Decided>>, LookupError> {
        match id.position_in(self.log_id()) {
            Some(position) if position.partition == self.inner.logs.transactions.partition() => {
                self.read_back(position.offset).await
            }
            _ => Ok(None),
        }
    }

    /// The decision on an event by the caller's id, while the id is remembered.
    pub async fn lookup_event(&self, event_id: &str) -> Result<Option<Arc<Decided>>, LookupError> {
        let (answer, answered) = oneshot::channel();
        self.inner
            .questions
            .send(Question::Event(event_id.to_owned(), answer))
            .map_err(|_| LookupError::Stopped)?;
        match answered.await.map_err(|_| LookupError::Stopped)? {
            Some(offset) => self.read_back(offset).await,
            None => Ok(None),
        }
    }

    /// Computes a decision again from the log; takes as long as the log up to it.
    pub async fn replay(&self, id: DecisionId) -> Result<Option<Replay>, ReplayError> {
        let Some(position) = id.position_in(self.log_id()) else {
            return Ok(None);
        };
        let inner = Arc::clone(&self.inner);
        let replayed = tokio::task::spawn_blocking(move || {
            replay::replay(&inner.logs, position.offset, &mut |_, _| {
                if inner.stopping.load(Relaxed) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
        });
        match replayed.await {
            Ok(result) => result.map(Some),
            Err(_) => Ok(None),
        }
    }

    /// The live feed of decided transactions; a slow subscriber loses the oldest.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Decided>> {
        self.inner.feed.subscribe()
    }

    /// The figures now.
    pub fn figures(&self) -> Figures {
        self.inner.statistics.figures()
    }

    /// The two logs, for whoever reads them.
    pub fn recorded_logs(&self) -> &RecordedLogs {
        &self.inner.logs
    }

    /// The two logs, for followers.
    pub(crate) fn logs(&self) -> &RecordedLogs {
        &self.inner.logs
    }

    /// How snapshots are doing.
    pub fn snapshots(&self) -> watch::Receiver<SnapshotFigures> {
        self.inner.snapshots.subscribe()
    }

    /// Where whoever makes snapshots says how they are doing.
    pub(crate) fn snapshots_sender(&self) -> &watch::Sender<SnapshotFigures> {
        &self.inner.snapshots
    }

    /// Goes on with a state that was read from a snapshot: what it has in force is told as if its
    /// activations had been replayed.
    pub(crate) fn go_on_from(&self, state: &PartitionState) {
        self.inner.in_force.send_replace(InForce {
            active: state.active().clone(),
            backfilled: state.backfilled(),
            models: models::remembered(
                &Arc::default(),
                state
                    .switches()
                    .iter()
                    .map(|one| (one.offset, one.log_time, &*one.versions)),
            ),
        });
    }

    /// Where follower and deliverer say how far they are.
    pub(crate) fn followed_sender(&self) -> &watch::Sender<Followed> {
        &self.inner.followed
    }

    /// Takes what the worker settled: answers waiters, feeds subscribers, keeps dead letters.
    pub(crate) fn publish(&self, state: &PartitionState, published: Published, replaying: bool) {
        let Published {
            settled,
            latencies_us,
        } = published;
        if settled
            .iter()
            .any(|one| matches!(one.outcome, Outcome::Activated(_)))
        {
            // Before anybody is answered: whoever hears that features are live finds them in force.
            let switches = settled.iter().filter_map(|one| match &one.outcome {
                Outcome::Activated(versions) => Some((one.offset, one.log_time, &**versions)),
                _ => None,
            });
            let known = Arc::clone(&self.inner.in_force.borrow().models);
            self.inner.in_force.send_replace(InForce {
                active: state.active().clone(),
                backfilled: state.backfilled(),
                models: models::remembered(&known, switches),
            });
        }
        if replaying {
            return;
        }
        let waiters = self.take_waiters(&settled);
        for ((one, latency_us), waiter) in settled.into_iter().zip(latencies_us).zip(waiters) {
            self.answer(one, latency_us, waiter);
        }
    }

    /// Who waits for each of these entries: callers queue in the order of the log, so one look does for a
    /// batch.
    fn take_waiters(&self, settled: &[Settled]) -> Vec<Option<oneshot::Sender<Told>>> {
        let mut waiting = self
            .inner
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut waiter_of = |one: &Settled| {
            while let Some((offset, waiter)) = waiting.pop_front_if(|(at, _)| *at <= one.offset) {
                if offset == one.offset {
                    return Some(waiter);
                }
            }
            None
        };
        settled.iter().map(&mut waiter_of).collect()
    }

    fn answer(&self, settled: Settled, latency_us: u32, waiter: Option<oneshot::Sender<Told>>) {
        let offset = settled.offset;
        let told = match (settled.outcome, settled.transaction) {
            (Outcome::Decided(decision), Some(transaction)) => {
                let decided = Arc::new(Decided {
                    decision: *decision,
                    transaction: *transaction,
                    latency_us,
                });
                // Nobody listening is fine.
                let _ = self.inner.feed.send(Arc::clone(&decided));
                Some(Told::Answer(Answer::Decided(decided)))
            }
            (Outcome::Repeated { first }, _) => Some(Told::Before(first)),
            (Outcome::Conflicted { first }, transaction) => {
                let first = DecisionId::at(self.inner.logs.position(first));
                let kept = transaction.map(|transaction| self.keep_conflict(&transaction, first));
                kept.map(|kept| Told::Conflict { first, kept })
            }
            (
                outcome @ (Outcome::Activated(_)
                | Outcome::Applied
                | Outcome::Ignored
                | Outcome::Refused(_)),
                None,
            ) => Some(Told::Switched(
                outcome,
                self.inner.in_force.borrow().backfilled,
            )),
            _ => None,
        };
        let unheard = match (waiter, told) {
            // The caller may have given up waiting.
            (Some(waiter), Some(told)) => waiter.send(told).err(),
            (None, told) => told,
            (Some(_), None) => None,
        };
        if let Some(Told::Conflict { kept: Err(_), .. }) = unheard {
            tracing::warn!(%offset, "too many dead letters wait; that of a conflict is lost");
        }
    }

    /// Answers the questions that have come.
    pub(crate) fn answer_questions(
        state: &PartitionState,
        asked: &crossbeam_channel::Receiver<Question>,
    ) {
        for question in asked.try_iter() {
            // Who asked may be gone.
            let _ = match question {
                Question::Event(event_id, answer) => {
                    answer.send(state.offset_of(&event_id)).is_ok()
                }
                Question::OldestId(answer) => {
                    answer.send((state.next(), state.oldest_id())).is_ok()
                }
            };
        }
    }

    /// The worker has stopped by itself: nobody gets an answer any more.
    pub(crate) fn fail(&self) {
        self.inner.failed.store(true, Relaxed);
        self.inner
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// The running figures.
    pub(crate) fn statistics(&self) -> &Arc<Statistics> {
        &self.inner.statistics
    }

    /// Ends the keeping of dead letters after those sent before.
    pub(crate) async fn close_letters(&self) {
        self.inner.letters.close().await;
    }

    /// Appends and registers the waiter under one lock, so that no outcome can come between and waiters
    /// stand in the order of the log. Everything that can be done before is: the worker wants that lock.
    fn append(
        &self,
        entry: &Entry,
        now: Instant,
    ) -> Result<(Offset, oneshot::Receiver<Told>), SubmitError> {
        let payloads = encoded(entry);
        let (answer, answered) = oneshot::channel();
        let mut waiting = self
            .inner
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let offset = self.submit_payloads(&payloads, now)?;
        waiting.push_back((offset, answer));
        Ok((offset, answered))
    }

    /// A repeat is answered with the decision of then.
    async fn repeated(&self, first: Offset) -> Result<Answer, SubmitError> {
        match self.read_back(first).await {
            Ok(Some(decided)) => Ok(Answer::Replayed(decided)),
            Ok(None) => Ok(Answer::Pending {
                decision_id: DecisionId::at(self.inner.logs.position(first)),
            }),
            Err(LookupError::NotKept { .. }) => Err(SubmitError::NotKept {
                first: DecisionId::at(self.inner.logs.position(first)),
            }),
            Err(error) => Err(SubmitError::Unavailable(error.to_string())),
        }
    }

    async fn read_back(&self, offset: Offset) -> Result<Option<Arc<Decided>>, LookupError> {
        let logs = self.inner.logs.clone();
        let read = tokio::task::spawn_blocking(move || logs.decided(offset));
        Ok(read
            .await
            .unwrap_or(Err(LookupError::Stopped))?
            .map(Arc::new))
    }

    fn check_running(&self) -> Result<(), SubmitError> {
        if self.is_running() {
            Ok(())
        } else {
            Err(SubmitError::Unavailable(
                "the worker has stopped; see the server's log".into(),
            ))
        }
    }

    /// Counts and keeps a refused body.
    async fn refuse(&self, rejection: Rejection, body: &[u8]) -> SubmitError {
        self.inner.statistics.count_rejected(rejection.code);
        let letter = self.inner.letters.letter(rejection.clone(), body.to_vec());
        self.inner.letters.keep(letter).await;
        SubmitError::Rejected(rejection)
    }

    /// Runs on the worker's thread: a queue without room gives the letter back.
    fn keep_conflict(
        &self,
        transaction: &Transaction,
        first: DecisionId,
    ) -> Result<Receipt, Box<Letter>> {
        let detail = format!(
            "{} came before with another body: {first}",
            transaction.event_id
        );
        let rejection = Rejection::new(RejectionCode::Conflict, "event_id", detail);
        let mut bytes = Vec::new();
        json::write_transaction(transaction, &mut bytes);
        let letter = self.inner.letters.letter(rejection, bytes);
        self.inner.letters.try_keep(letter).map_err(Box::new)
    }

    /// Runs on the caller's task: waits until the letter is kept.
    async fn settle_conflict(&self, kept: Result<Receipt, Box<Letter>>) {
        match kept {
            Ok(receipt) => {
                // An error was told by the writer already.
                let _ = receipt.await;
            }
            Err(letter) => self.inner.letters.keep(*letter).await,
        }
    }
}

fn encoded(entry: &Entry) -> Payloads {
    let mut payloads = Payloads::default();
    payloads.push_with(|out| encode_entry(entry, out));
    payloads
}

fn submit_error(error: LogError) -> SubmitError {
    match error {
        LogError::Full => SubmitError::Overloaded,
        LogError::DiskFull {
            free_bytes,
            needed_bytes,
        } => SubmitError::DiskFull {
            free_bytes,
            needed_bytes,
        },
        other => SubmitError::Unavailable(other.to_string()),
    }
}
