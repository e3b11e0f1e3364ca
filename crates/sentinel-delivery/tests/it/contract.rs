//! What every sink promises. Each function here runs on each sink; see the end of the file.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use sentinel_delivery::{DeliveryError, Inbox, Message, Sink, deliver};

pub fn message(n: usize) -> Message {
    Message {
        id: format!("alr_{n}/file/alert.raised"),
        payload: format!("{{\"type\":\"alert.raised\",\"n\":{n}}}"),
    }
}

pub fn line(n: usize) -> String {
    format!(
        "{{\"id\":\"alr_{n}/file/alert.raised\",\"payload\":{{\"type\":\"alert.raised\",\"n\":{n}}}}}"
    )
}

pub fn lines(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(line).collect()
}

/// A writer whose bytes can be read back.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Few bytes at a time, as a slow terminal may.
        let count = bytes.len().min(7);
        self.0.lock().unwrap().extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where the lines of a sink under test arrive.
enum FarEnd {
    File(tempfile::TempDir),
    Screen(Screen),
    Memory(Inbox),
}

impl FarEnd {
    fn lines(&self) -> Vec<String> {
        let text = match self {
            Self::File(folder) => std::fs::read_to_string(path_in(folder)).unwrap(),
            Self::Screen(screen) => String::from_utf8(screen.0.lock().unwrap().clone()).unwrap(),
            Self::Memory(inbox) => return inbox.lines(),
        };
        assert!(text.is_empty() || text.ends_with('\n'), "whole lines only");
        text.lines().map(str::to_owned).collect()
    }
}

async fn messages_arrive_in_order_under_their_ids((sink, far): (Sink, FarEnd)) {
    let batch: Vec<Message> = (0..300).map(message).collect();
    for part in batch.chunks(128) {
        let results = deliver(&sink, part).await;
        assert_eq!(results.len(), part.len());
        assert!(results.iter().all(Result::is_ok));
    }
    assert_eq!(far.lines(), lines(0..300));
}

async fn a_message_sent_again_arrives_again_under_the_same_id((sink, far): (Sink, FarEnd)) {
    for _ in 0..2 {
        deliver(&sink, &[message(1)]).await.remove(0).unwrap();
    }
    assert_eq!(far.lines(), lines([1, 1]));
}

async fn an_empty_batch_sends_nothing((sink, far): (Sink, FarEnd)) {
    assert!(deliver(&sink, &[]).await.is_empty());
    assert_eq!(far.lines(), lines([]));
}

async fn a_payload_of_many_lines_stays_on_one((sink, far): (Sink, FarEnd)) {
    let pretty = Message {
        id: "with \"quotes\" and \n a break".to_owned(),
        payload: "{\r\n  \"text\": \"a\\nb\",\n  \"amount\": 12345678901234567890.10\n}\n"
            .to_owned(),
    };
    deliver(&sink, std::slice::from_ref(&pretty))
        .await
        .remove(0)
        .unwrap();
    let arrived = far.lines();
    assert_eq!(arrived.len(), 1);
    let read: serde_json::Value = serde_json::from_str(&arrived[0]).unwrap();
    assert_eq!(read["id"], pretty.id);
    assert_eq!(read["payload"]["text"], "a\nb");
    assert!(arrived[0].contains("12345678901234567890.10"), "untouched");
}

async fn one_bad_payload_harms_no_other((sink, far): (Sink, FarEnd)) {
    for bad in ["", "{", "{} {}", "not json", "{\"a\":\"line\nbreak\"}"] {
        let bad = Message {
            payload: bad.to_owned(),
            ..message(1)
        };
        let results = deliver(&sink, &[message(0), bad.clone(), message(2)]).await;
        let [first, second, third] = &results[..] else {
            panic!("{results:?}");
        };
        assert!(first.is_ok() && third.is_ok());
        let error = second.as_ref().unwrap_err();
        assert!(error.is_final());
        assert!(error.to_string().contains(&bad.id), "{error}");
        assert!(deliver(&sink, &[bad]).await[0].is_err(), "also alone");
    }
    assert_eq!(far.lines(), lines([0, 2].repeat(5)));
}

async fn clones_share_one_end((sink, far): (Sink, FarEnd)) {
    let clone = sink.clone();
    let senders: Vec<_> = [sink, clone]
        .into_iter()
        .map(|sink| {
            tokio::spawn(async move {
                for n in 0..20 {
                    deliver(&sink, &[message(n), message(n)])
                        .await
                        .remove(0)
                        .unwrap();
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    let mut arrived = far.lines();
    arrived.sort();
    let mut expected = lines((0..20).flat_map(|n| [n; 4]));
    expected.sort();
    assert_eq!(arrived, expected, "no line is mixed with another");
}

fn path_in(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("alerts.jsonl")
}

fn file() -> (Sink, FarEnd) {
    let folder = tempfile::tempdir().unwrap();
    (Sink::file(&path_in(&folder)).unwrap(), FarEnd::File(folder))
}

fn writer() -> (Sink, FarEnd) {
    let screen = Screen::default();
    (Sink::stdout(screen.clone()), FarEnd::Screen(screen))
}

fn memory() -> (Sink, FarEnd) {
    let (sink, inbox) = Sink::memory();
    (sink, FarEnd::Memory(inbox))
}

/// Runs every check of the contract on every sink.
macro_rules! on_every_sink {
    ($($check:ident,)+) => {
        on_every_sink! { @ file $($check)+ }
        on_every_sink! { @ writer $($check)+ }
        on_every_sink! { @ memory $($check)+ }
    };
    (@ $sink:ident $($check:ident)+) => {
        mod $sink {
            $(#[tokio::test]
            async fn $check() {
                super::$check(super::$sink()).await;
            })+
        }
    };
}

on_every_sink! {
    messages_arrive_in_order_under_their_ids,
    a_message_sent_again_arrives_again_under_the_same_id,
    an_empty_batch_sends_nothing,
    a_payload_of_many_lines_stays_on_one,
    one_bad_payload_harms_no_other,
    clones_share_one_end,
}

#[tokio::test]
async fn a_refused_batch_fails_as_a_whole_and_can_be_sent_again() {
    let (sink, inbox) = Sink::memory();
    inbox.refuse(2);
    let batch = [message(0), message(1)];
    for _ in 0..2 {
        for result in deliver(&sink, &batch).await {
            let error = result.unwrap_err();
            assert!(matches!(error, DeliveryError::Write { .. }), "{error}");
            assert!(!error.is_final());
        }
        assert_eq!(inbox.lines(), lines([]));
    }
    assert!(deliver(&sink, &batch).await.iter().all(Result::is_ok));
    assert_eq!(inbox.lines(), lines([0, 1]));
}

/// A writer that breaks once, in the middle of a line.
struct Breaking {
    screen: Screen,
    bytes_until_it_breaks: usize,
}

impl Write for Breaking {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes_until_it_breaks == 0 {
            self.bytes_until_it_breaks = usize::MAX;
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let count = self
            .screen
            .write(&bytes[..bytes.len().min(self.bytes_until_it_breaks)])?;
        self.bytes_until_it_breaks -= count;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_writer_that_breaks_never_glues_two_lines() {
    for bytes_until_it_breaks in 0..=line(0).len() + 1 {
        let screen = Screen::default();
        let sink = Sink::stdout(Breaking {
            screen: screen.clone(),
            bytes_until_it_breaks,
        });
        let batch = [message(0), message(1)];
        assert!(deliver(&sink, &batch).await.iter().all(Result::is_err));
        assert!(deliver(&sink, &batch).await.iter().all(Result::is_ok));
        let arrived = FarEnd::Screen(screen).lines();
        let whole: Vec<&String> = arrived
            .iter()
            .filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok())
            .collect();
        // What arrived before it broke may be there twice; the second try is there whole and last.
        let (before, last) = whole.split_at(whole.len() - 2);
        assert_eq!(
            last,
            [&line(0), &line(1)],
            "broke at {bytes_until_it_breaks}"
        );
        assert!(
            before.iter().all(|earlier| **earlier == line(0)),
            "{before:?}"
        );
    }
}
