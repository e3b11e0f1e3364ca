//! Ticks: a log to which nothing comes is told the time, so that ids that are too old are forgotten all the same.
//!
//! Promises that an idle log does not grow for ever: nothing is appended where no id is remembered, nor behind a tick
//! by which nothing more would be forgotten. Must never change an outcome: what a tick forgets, the next transaction
//! of that time would have found forgotten.

use std::time::Duration;

use sentinel_domain::{Entry, Instant};
use sentinel_eventlog::{LogError, RecordBatch, decode_entry};
use tokio::sync::{oneshot, watch};

use super::{Handle, Question};
use crate::follow::{is_stopping, pause};
use crate::idempotency;

/// Who appends ticks, until it is told to stop.
pub(crate) struct Ticks {
    stop: watch::Sender<bool>,
    ticking: tokio::task::JoinHandle<()>,
}

impl Ticks {
    /// Looks every `idle` whether nothing has come since the last look, and a tick is due; `None` never looks.
    pub(crate) fn start(
        handle: &Handle,
        idle: Option<Duration>,
        now: fn() -> Instant,
    ) -> Option<Self> {
        let idle = idle?;
        let (stop, stopped) = watch::channel(false);
        Some(Self {
            stop,
            ticking: tokio::spawn(run(handle.clone(), (idle, now), stopped)),
        })
    }

    /// Returns when no tick comes any more.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(true);
        if self.ticking.await.is_err() {
            tracing::error!("what appends ticks had panicked: old ids were forgotten later");
        }
    }
}

async fn run(
    handle: Handle,
    (idle, now): (Duration, fn() -> Instant),
    mut stop: watch::Receiver<bool>,
) {
    let log = handle.logs().transactions.clone();
    let mut before = log.appended_end();
    loop {
        pause(idle, &mut stop).await;
        if is_stopping(&stop) {
            return;
        }
        if log.appended_end() == before {
            let due = tokio::select! {
                due = is_due(&handle, now()) => due,
                // A worker that fills features answers later than anybody wants to wait for a stop.
                _ = stop.changed() => return,
            };
            let ticked = due.map(|due| due.then(|| handle.submit_entry(&Entry::Tick, now())));
            // Nothing is lost by a tick that is missing: the next look tries again.
            match ticked {
                Ok(Some(Err(error))) => tracing::warn!(%error, "the log was not told the time"),
                Err(error) => tracing::warn!(%error, "the log's last entry cannot be read"),
                Ok(_) => {}
            }
        }
        before = log.appended_end();
    }
}

async fn is_due(handle: &Handle, now: Instant) -> Result<bool, LogError> {
    let (answer, answered) = oneshot::channel();
    let asked = handle.inner.questions.send(Question::OldestId(answer));
    // A worker that is gone wants no tick; one that has not taken in everything may have one before it.
    let (true, Ok((next, Some(oldest)))) = (asked.is_ok(), answered.await) else {
        return Ok(false);
    };
    if next < handle.logs().transactions.appended_end() {
        return Ok(false);
    }
    Ok(would_forget(oldest, now) || !ends_in_tick(handle).await?)
}

fn would_forget(oldest: Instant, now: Instant) -> bool {
    oldest <= idempotency::horizon(now)
}

/// Whether the newest entry is a tick.
async fn ends_in_tick(handle: &Handle) -> Result<bool, LogError> {
    let log = handle.logs().transactions.clone();
    let read = tokio::task::spawn_blocking(move || {
        let (mut batch, end) = (RecordBatch::default(), log.end());
        let Some(last) = end.0.checked_sub(1) else {
            return Ok(false);
        };
        log.read(sentinel_domain::Offset(last), 1, &mut batch)?;
        let newest = batch.iter().next();
        Ok(newest.is_some_and(|one| matches!(decode_entry(one.payload), Ok(Entry::Tick))))
    });
    // A read that panicked has told so; no tick is the careful answer.
    read.await.unwrap_or(Ok(true))
}
