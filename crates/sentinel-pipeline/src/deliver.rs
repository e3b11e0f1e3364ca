//! Slow lane, last step: messages from the outbox to their sink.
//!
//! At least once with a stable id: a message is marked as delivered after the sink has it, so a crash in
//! between sends it again under the same id. A store that does not answer is asked again.

use std::time::Duration;

use sentinel_delivery::{Message, Sink, backoff, is_exhausted};
use sentinel_domain::Instant;
use sentinel_store::{Store, StoreError};
use tokio::sync::watch;

use crate::follow::{FailUnlessDone, Followed, Retry, is_stopping, pause};

/// Messages taken at once.
const BATCH_MESSAGES: u32 = 256;

/// How often the outbox is looked at.
const PAUSE: Duration = Duration::from_millis(200);

/// Delivers until `stop` turns true, then takes what is due. `now` is the clock of retries.
pub async fn run(
    store: Store,
    sink: Sink,
    now: fn() -> Instant,
    followed: watch::Sender<Followed>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), StoreError> {
    let guard = FailUnlessDone::new(followed.clone());
    let mut retry = Retry::default();
    loop {
        let stopping = is_stopping(&stop);
        match batch(&store, &sink, now()).await {
            Ok(taken) => {
                retry = Retry::default();
                if let Some(delivered) = taken {
                    followed.send_modify(|followed| followed.delivered += delivered);
                    continue;
                }
                if stopping {
                    guard.done();
                    return Ok(());
                }
                pause(PAUSE, &mut stop).await;
            }
            Err(error @ StoreError::Backend { .. }) if !stopping => {
                tracing::error!(error = ?error, "messages are not delivered; trying again");
                followed.send_modify(|followed| followed.retries += 1);
                retry.wait(&mut stop).await;
            }
            Err(error) => {
                tracing::error!(error = ?error, "messages are delivered no longer");
                return Err(error);
            }
        }
    }
}

/// Delivers one batch; false where nothing was due.
pub async fn step(store: &Store, sink: &Sink, now: Instant) -> Result<bool, StoreError> {
    Ok(batch(store, sink, now).await?.is_some())
}

/// Delivers one batch and says how many of it arrived; `None` where nothing was due.
async fn batch(store: &Store, sink: &Sink, now: Instant) -> Result<Option<u64>, StoreError> {
    let due = store.outbox_due(now, BATCH_MESSAGES).await?;
    if due.is_empty() {
        return Ok(None);
    }
    let messages: Vec<Message> = due
        .iter()
        .map(|row| Message {
            id: row.outbox_id.clone(),
            payload: row.payload.clone(),
        })
        .collect();
    let results = sentinel_delivery::deliver(sink, &messages).await;
    let mut delivered = Vec::new();
    for (row, result) in due.iter().zip(results) {
        match result {
            Ok(()) => delivered.push(row.outbox_id.clone()),
            Err(error) if error.is_final() || is_exhausted(row.attempts + 1) => {
                tracing::error!(id = %row.outbox_id, %error, "a message is given up");
                let attempts = row.attempts + 1;
                store
                    .outbox_abandoned(&row.outbox_id, attempts, now, &told(&error))
                    .await?;
            }
            Err(error) => {
                let attempts = row.attempts + 1;
                let next = now
                    .plus_micros(i64::try_from(backoff(attempts).as_micros()).unwrap_or(i64::MAX));
                store
                    .outbox_failed(&row.outbox_id, attempts, next, &error.to_string())
                    .await?;
            }
        }
    }
    store.outbox_delivered(&delivered, now).await?;
    Ok(Some(delivered.len() as u64))
}

/// An error with its causes in one line.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}
