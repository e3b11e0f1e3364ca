//! The live feed: decisions, alerts and figures as they come, for browsers.
//!
//! ```text
//!   Handle::subscribe ─┐                      ┌─▶ socket (its topics, gaps told)
//!   alerts ────────────┼─▶ broadcast, 4 Hz ───┼─▶ socket
//!   figures ───────────┘   encoded once       └─▶ …
//! ```
//!
//! Promises that each message is encoded once however many listen, that a client which cannot keep up is
//! told what it missed, and that nothing runs for nobody. Must never hold up a decision: the feed drops
//! rather than waits.

mod socket;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Utf8Bytes, WebSocketUpgrade};
use axum::http::Response;
use sentinel_domain::Alert;
use sentinel_pipeline::Decided;
use sentinel_store::Counts;
use serde::Serialize;
use tokio::sync::broadcast::{self, error::TryRecvError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::api::Api;
use crate::error::{Kind, Problem};
use crate::rest::OwnOrigin;
use crate::wire::alert::AlertBody;
use crate::wire::live::{AlertsNews, DecisionsNews, FeedDecision, ServerMessage, Topic};
use crate::wire::problem::ProblemBody;

/// How often news is sent.
const TICK: Duration = Duration::from_millis(250);

/// How often open alerts and cases are counted: a walk through an index of the store.
const COUNT_EVERY_TICKS: u32 = 4;

/// The most decisions in one message: what a person can take in.
const DECISIONS_MAX: usize = 20;

/// The most alerts in one message; further ones follow in the next.
const ALERTS_MAX: usize = 100;

/// Messages kept for a slow socket before it misses some.
const FRAMES_MAX: usize = 64;

/// Sockets at once.
const SOCKETS_MAX: usize = 1_000;

/// The largest message a client may send.
const CLIENT_MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// The subprotocol.
const SUBPROTOCOL: &str = "sentinel.v1";

/// A message, encoded once.
#[derive(Debug, Clone)]
pub struct Frame {
    topic: Topic,
    seq: u64,
    text: Utf8Bytes,
}

/// Who listens, and to what.
pub struct Live {
    frames: broadcast::Sender<Frame>,
    /// What the pipeline says; nothing while nobody listens.
    sources: Mutex<Option<Sources>>,
    room: Arc<Semaphore>,
}

/// What the pipeline says since the last tick.
struct Sources {
    decisions: broadcast::Receiver<Arc<Decided>>,
    alerts: broadcast::Receiver<Alert>,
}

/// What came within one tick.
#[derive(Default)]
struct News {
    decisions: Vec<Arc<Decided>>,
    decisions_missed: u64,
    alerts: Vec<Alert>,
    alerts_missed: u64,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            frames: broadcast::channel(FRAMES_MAX).0,
            sources: Mutex::default(),
            room: Arc::new(Semaphore::new(SOCKETS_MAX)),
        }
    }
}

impl Live {
    /// Sockets that listen.
    pub fn sockets(&self) -> usize {
        SOCKETS_MAX - self.room.available_permits()
    }

    /// From now on, what the pipeline says is heard.
    fn join(&self, api: &Api) -> broadcast::Receiver<Frame> {
        let frames = self.frames.subscribe();
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources.get_or_insert_with(|| Sources {
            decisions: api.handle.subscribe(),
            alerts: api.alerts.subscribe(),
        });
        frames
    }

    /// What came since the last tick; `None` while nobody listens.
    fn news(&self) -> Option<News> {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        if self.frames.receiver_count() == 0 {
            *sources = None;
            return None;
        }
        let sources = sources.as_mut()?;
        let mut news = News::default();
        news.decisions_missed = drain(&mut sources.decisions, &mut news.decisions);
        news.alerts_missed = drain(&mut sources.alerts, &mut news.alerts);
        Some(news)
    }

    fn room(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let full = |_| {
            Problem::new(
                Kind::Overloaded,
                format!("{SOCKETS_MAX} live feeds are open"),
            )
        };
        Arc::clone(&self.room).try_acquire_owned().map_err(full)
    }
}

/// Takes what a channel holds; gives how much it had lost.
fn drain<T: Clone>(receiver: &mut broadcast::Receiver<T>, into: &mut Vec<T>) -> u64 {
    let mut missed = 0;
    loop {
        match receiver.try_recv() {
            Ok(one) => into.push(one),
            Err(TryRecvError::Lagged(count)) => missed += count,
            Err(TryRecvError::Empty | TryRecvError::Closed) => return missed,
        }
    }
}

/// Sends news four times a second until the server stops.
pub async fn broadcast(api: Arc<Api>) {
    let mut stop = api.stop.clone();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut encoder = Encoder::default();
    let mut counts = Counts::default();
    let mut ticks_to_count = 0_u32;
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            _ = tick.tick() => {}
        }
        let Some(news) = api.live.news() else {
            ticks_to_count = 0;
            continue;
        };
        if ticks_to_count == 0 {
            // Figures a moment old are better than none where the store is slow.
            counts = api.store.counts().await.unwrap_or(counts);
            ticks_to_count = COUNT_EVERY_TICKS;
        }
        ticks_to_count -= 1;
        let frames = encoder.frames(&news, &api.statistics(counts));
        for frame in frames {
            // The last listener may have left a moment ago.
            let _ = api.live.frames.send(frame);
        }
    }
}

/// Numbers and spells messages.
#[derive(Default)]
struct Encoder {
    last_seq: [u64; Topic::ALL.len()],
}

impl Encoder {
    fn frames(&mut self, news: &News, statistics: &impl Serialize) -> Vec<Frame> {
        let mut frames = Vec::new();
        if !news.decisions.is_empty() || news.decisions_missed > 0 {
            let skipped = news.decisions.len().saturating_sub(DECISIONS_MAX);
            let items = news
                .decisions
                .iter()
                .skip(skipped)
                .map(|one| FeedDecision::of(one));
            let skipped = skipped as u64 + news.decisions_missed;
            let data = DecisionsNews {
                items: items.collect(),
                skipped,
            };
            frames.extend(self.frame(Topic::Decisions, &data));
        }
        // Alerts that were lost on the way leave a gap in the numbers.
        self.skip(Topic::Alerts, news.alerts_missed);
        for alerts in news.alerts.chunks(ALERTS_MAX) {
            let data = AlertsNews {
                items: alerts.iter().map(AlertBody::of).collect(),
            };
            frames.extend(self.frame(Topic::Alerts, &data));
        }
        frames.extend(self.frame(Topic::Statistics, statistics));
        frames
    }

    fn skip(&mut self, topic: Topic, count: u64) {
        if let Some(last) = self.last_seq.get_mut(topic.index()) {
            *last += count;
        }
    }

    fn frame<D: Serialize>(&mut self, topic: Topic, data: &D) -> Option<Frame> {
        self.skip(topic, 1);
        let seq = *self.last_seq.get(topic.index())?;
        let message = ServerMessage::Event { topic, seq, data };
        match serde_json::to_string(&message) {
            Ok(text) => Some(Frame {
                topic,
                seq,
                text: text.into(),
            }),
            Err(error) => {
                tracing::error!(%error, ?topic, "a live message could not be spelled");
                None
            }
        }
    }
}

/// The live feed, subprotocol `sentinel.v1`.
///
/// The client sends `{"type":"subscribe","topics":["decisions","alerts","statistics"]}` (or
/// `unsubscribe`) and gets `{"type":"subscribed","topics":[…]}`, then
/// `{"type":"event","topic":…,"seq":…,"data":…}` at most four times a second and topic, and
/// `{"type":"gap","topic":…,"from":…,"to":…}` where it could not keep up.
#[utoipa::path(
    get,
    path = "/api/v1/ws",
    operation_id = "subscribe",
    tag = "live",
    responses(
        (status = 101, description = "A WebSocket."),
        (status = 403, description = "A page of another site.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 426, description = "Not a WebSocket.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
pub async fn subscribe(
    State(api): State<Arc<Api>>,
    _: OwnOrigin,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response<axum::body::Body>, Problem> {
    let upgrade = upgrade?;
    let room = api.live.room()?;
    let upgrade = upgrade
        .protocols([SUBPROTOCOL])
        .max_message_size(CLIENT_MESSAGE_BYTES_MAX)
        .max_frame_size(CLIENT_MESSAGE_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let frames = api.live.join(&api);
        socket::serve_topics(socket, frames, api.stop.clone()).await;
        drop(room);
    }))
}

/// Alerts for existing clients: one JSON alert a message, the shape of `/alerts/recent`.
#[utoipa::path(
    get,
    path = "/ws/alerts",
    operation_id = "alert_stream",
    tag = "aliases",
    responses(
        (status = 101, description = "A WebSocket."),
        (status = 403, description = "A page of another site.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 426, description = "Not a WebSocket.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
pub async fn alert_stream(
    State(api): State<Arc<Api>>,
    _: OwnOrigin,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response<axum::body::Body>, Problem> {
    let upgrade = upgrade?;
    let room = api.live.room()?;
    // From before the answer, so that a client misses nothing after it.
    let alerts = api.alerts.subscribe();
    let upgrade = upgrade.max_message_size(CLIENT_MESSAGE_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| async move {
        socket::serve_alerts(socket, alerts, api.stop.clone()).await;
        drop(room);
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_alerts_leave_a_gap_in_the_numbers() {
        let mut encoder = Encoder::default();
        let seq = |frames: &[Frame], topic| {
            frames
                .iter()
                .filter(|frame| frame.topic == topic)
                .map(|frame| frame.seq)
                .collect::<Vec<_>>()
        };
        let quiet = encoder.frames(&News::default(), &1);
        assert_eq!(seq(&quiet, Topic::Statistics), [1]);
        assert!(seq(&quiet, Topic::Decisions).is_empty() && seq(&quiet, Topic::Alerts).is_empty());
        let lossy = News {
            alerts_missed: 3,
            decisions_missed: 7,
            ..News::default()
        };
        let frames = encoder.frames(&lossy, &1);
        assert_eq!(seq(&frames, Topic::Decisions), [1]);
        assert!(
            frames
                .iter()
                .any(|frame| frame.text.contains(r#""items":[],"skipped":7"#))
        );
        assert_eq!(encoder.last_seq[Topic::Alerts.index()], 3);
    }

    #[test]
    fn a_channel_tells_what_it_lost() {
        let (sender, mut receiver) = broadcast::channel(4);
        for n in 0..10 {
            sender.send(n).unwrap();
        }
        let mut taken = Vec::new();
        assert_eq!(drain(&mut receiver, &mut taken), 6);
        assert_eq!(taken, [6, 7, 8, 9]);
    }
}
