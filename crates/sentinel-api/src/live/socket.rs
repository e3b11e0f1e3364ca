//! One socket: its topics in, its messages out, its end.
//!
//! Promises that a socket ends when the server stops (code 1001), when the client is silent for two
//! pings, or when it does not take a message in time.

use std::future::Future;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use sentinel_domain::Alert;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::watch;
use tokio::time::{Instant as Deadline, Interval, MissedTickBehavior, interval_at, timeout};

use crate::live::Frame;
use crate::wire::alias::RecentAlert;
use crate::wire::live::{ClientMessage, ServerMessage, Topic};

/// How often a client is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(20);

/// How long a client may take to accept one message.
const SEND_MAX: Duration = Duration::from_secs(10);

/// Why a socket ends.
enum End {
    /// The client went away or does not answer.
    Gone,
    /// The server stops.
    Stopping,
}

/// Serves the topics a client asks for.
pub async fn serve_topics(
    mut socket: WebSocket,
    frames: broadcast::Receiver<Frame>,
    stop: watch::Receiver<bool>,
) {
    let served = until_stopped(topics(&mut socket, frames), stop).await;
    finish(socket, served).await;
}

/// Serves alerts, one a message.
pub async fn serve_alerts(
    mut socket: WebSocket,
    alerts: broadcast::Receiver<Alert>,
    stop: watch::Receiver<bool>,
) {
    let served = until_stopped(each_alert(&mut socket, alerts), stop).await;
    finish(socket, served).await;
}

async fn until_stopped(served: impl Future<Output = End>, mut stop: watch::Receiver<bool>) -> End {
    tokio::select! {
        end = served => end,
        _ = stop.wait_for(|stop| *stop) => End::Stopping,
    }
}

async fn finish(mut socket: WebSocket, end: End) {
    if let End::Stopping = end {
        let close = CloseFrame {
            code: close_code::AWAY,
            reason: "the server stops".into(),
        };
        let _ = timeout(SEND_MAX, socket.send(Message::Close(Some(close)))).await;
    }
}

async fn topics(socket: &mut WebSocket, mut frames: broadcast::Receiver<Frame>) -> End {
    let mut subscriptions = Subscriptions::default();
    let mut liveness = Liveness::default();
    loop {
        let texts = tokio::select! {
            message = socket.recv() => match message {
                Some(Ok(message)) => {
                    liveness.heard();
                    let Some(answer) = subscriptions.take(&message) else { continue };
                    vec![answer]
                }
                _ => return End::Gone,
            },
            frame = frames.recv() => match frame {
                Ok(frame) => subscriptions.pass(&frame),
                // The numbers of the next frames tell what was missed.
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return End::Stopping,
            },
            () = liveness.due() => {
                if !liveness.ping(socket).await {
                    return End::Gone;
                }
                continue;
            }
        };
        for text in texts {
            if !send(socket, text).await {
                return End::Gone;
            }
        }
    }
}

async fn each_alert(socket: &mut WebSocket, mut alerts: broadcast::Receiver<Alert>) -> End {
    let mut liveness = Liveness::default();
    loop {
        tokio::select! {
            message = socket.recv() => match message {
                Some(Ok(_)) => liveness.heard(),
                _ => return End::Gone,
            },
            alert = alerts.recv() => match alert {
                Ok(alert) => {
                    let Ok(text) = serde_json::to_string(&RecentAlert::of(&alert)) else { continue };
                    if !send(socket, Message::text(text)).await {
                        return End::Gone;
                    }
                }
                // This protocol has no word for a gap; `/alerts/recent` has what was missed.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return End::Stopping,
            },
            () = liveness.due() => {
                if !liveness.ping(socket).await {
                    return End::Gone;
                }
            }
        }
    }
}

/// Sends a message; false where the client does not take it.
async fn send(socket: &mut WebSocket, message: Message) -> bool {
    matches!(timeout(SEND_MAX, socket.send(message)).await, Ok(Ok(())))
}

/// Whether the client is there.
struct Liveness {
    ticks: Interval,
    /// Pings since it was last heard.
    unanswered: u8,
}

impl Default for Liveness {
    fn default() -> Self {
        let mut ticks = interval_at(Deadline::now() + PING_EVERY, PING_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            ticks,
            unanswered: 0,
        }
    }
}

impl Liveness {
    fn heard(&mut self) {
        self.unanswered = 0;
    }

    async fn due(&mut self) {
        self.ticks.tick().await;
    }

    /// Asks once more; false where two pings went unanswered.
    async fn ping(&mut self, socket: &mut WebSocket) -> bool {
        self.unanswered += 1;
        self.unanswered <= 2 && send(socket, Message::Ping(Vec::new().into())).await
    }
}

/// What a client wants, and how far it has come.
#[derive(Default)]
struct Subscriptions {
    /// The last number seen of each subscribed topic; `Some(None)` before the first.
    seen: [Option<Option<u64>>; Topic::ALL.len()],
}

impl Subscriptions {
    /// Takes a client's message; gives the answer where it deserves one.
    fn take(&mut self, message: &Message) -> Option<Message> {
        let Message::Text(text) = message else {
            return None;
        };
        match serde_json::from_str(text) {
            Ok(ClientMessage::Subscribe { topics }) => self.set(&topics, true),
            Ok(ClientMessage::Unsubscribe { topics }) => self.set(&topics, false),
            Err(error) => {
                return spelled(&ServerMessage::Error {
                    detail: &error.to_string(),
                });
            }
        }
        let topics: Vec<Topic> = Topic::ALL
            .into_iter()
            .filter(|topic| self.seen_of(*topic).is_some())
            .collect();
        spelled(&ServerMessage::Subscribed { topics: &topics })
    }

    fn set(&mut self, topics: &[Topic], wanted: bool) {
        for topic in topics {
            if let Some(seen) = self.seen.get_mut(topic.index()) {
                *seen = match (*seen, wanted) {
                    (Some(seen), true) => Some(seen),
                    (None, true) => Some(None),
                    (_, false) => None,
                };
            }
        }
    }

    fn seen_of(&self, topic: Topic) -> Option<Option<u64>> {
        self.seen.get(topic.index()).copied().flatten()
    }

    /// What of a frame goes to the client: nothing, the frame, or a gap and the frame.
    fn pass(&mut self, frame: &Frame) -> Vec<Message> {
        let Some(seen) = self.seen.get_mut(frame.topic.index()) else {
            return Vec::new();
        };
        let Some(last) = seen else { return Vec::new() };
        let missed = last.filter(|last| last + 1 < frame.seq);
        *seen = Some(Some(frame.seq));
        let gap = missed.and_then(|last| {
            let (from, to) = (last + 1, frame.seq - 1);
            spelled(&ServerMessage::Gap {
                topic: frame.topic,
                from,
                to,
            })
        });
        gap.into_iter()
            .chain([Message::Text(frame.text.clone())])
            .collect()
    }
}

/// A message without data of its own.
fn spelled(message: &ServerMessage<'_, ()>) -> Option<Message> {
    serde_json::to_string(message).ok().map(Message::text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(topic: Topic, seq: u64) -> Frame {
        Frame {
            topic,
            seq,
            text: format!("{seq}").into(),
        }
    }

    fn texts(messages: Vec<Message>) -> Vec<String> {
        messages
            .into_iter()
            .map(|message| message.into_text().unwrap().to_string())
            .collect()
    }

    fn said(subscriptions: &mut Subscriptions, text: &str) -> String {
        subscriptions
            .take(&Message::text(text))
            .unwrap()
            .into_text()
            .unwrap()
            .to_string()
    }

    #[test]
    fn only_subscribed_topics_pass_and_gaps_are_told() {
        let mut subscriptions = Subscriptions::default();
        assert!(subscriptions.pass(&frame(Topic::Alerts, 1)).is_empty());
        let answer = said(
            &mut subscriptions,
            r#"{"type":"subscribe","topics":["alerts"]}"#,
        );
        assert_eq!(answer, r#"{"type":"subscribed","topics":["alerts"]}"#);
        assert_eq!(
            texts(subscriptions.pass(&frame(Topic::Alerts, 5))),
            ["5"],
            "no gap at first"
        );
        assert_eq!(texts(subscriptions.pass(&frame(Topic::Alerts, 6))), ["6"]);
        let gap = r#"{"type":"gap","topic":"alerts","from":7,"to":9}"#;
        assert_eq!(
            texts(subscriptions.pass(&frame(Topic::Alerts, 10))),
            [gap, "10"]
        );
        assert!(subscriptions.pass(&frame(Topic::Decisions, 1)).is_empty());
        let answer = said(
            &mut subscriptions,
            r#"{"type":"unsubscribe","topics":["alerts"]}"#,
        );
        assert_eq!(answer, r#"{"type":"subscribed","topics":[]}"#);
        assert!(subscriptions.pass(&frame(Topic::Alerts, 11)).is_empty());
    }

    #[test]
    fn what_is_not_understood_is_answered() {
        let mut subscriptions = Subscriptions::default();
        let odd = ["{}", "x", r#"{"type":"subscribe","topics":["nothing"]}"#];
        for text in odd {
            assert!(said(&mut subscriptions, text).starts_with(r#"{"type":"error","detail":"#));
        }
        assert!(
            subscriptions
                .take(&Message::Pong(Vec::new().into()))
                .is_none()
        );
    }
}
