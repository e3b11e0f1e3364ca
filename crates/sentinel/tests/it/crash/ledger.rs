//! What clients were told, and whether it still holds: the oracle of all crashes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;

use sentinel_domain::{LogId, Offset, Outcome};
use sentinel_eventlog::{EmbeddedOptions, EventLog, RecordBatch};
use sentinel_pipeline::RecordedLogs;
use sentinel_synth::Random;
use serde_json::Value;

use super::client::Client;
use super::json_of;
use crate::process::lines_of;

/// A payment and the whole answer to it.
#[derive(Clone)]
pub struct Told {
    pub body: Value,
    pub answer: Value,
}

/// Everything that was sent and told so far.
#[derive(Default)]
pub struct Ledger {
    told: Mutex<Vec<Told>>,
    /// Sent, and not answered with a decision: the log may hold them or not.
    open: Mutex<Vec<Value>>,
}

/// What a finished campaign counts.
#[derive(Debug)]
pub struct Settled {
    pub decided: usize,
    pub alerts: u64,
    pub conflicts: usize,
}

impl Ledger {
    /// How many decisions were told.
    pub fn len(&self) -> usize {
        self.told.lock().unwrap().len()
    }

    /// One that was told, drawn.
    pub fn any(&self, random: &mut Random) -> Option<Told> {
        let told = self.told.lock().unwrap();
        let at = draw(random, told.len());
        told.get(at).cloned()
    }

    /// One that got no answer, to be sent again.
    pub fn take_open(&self) -> Option<Value> {
        self.open.lock().unwrap().pop()
    }

    /// Sends a payment that was never told a decision; whether the server lived to answer. It may have been decided
    /// all the same, by a server that died before it could say so.
    pub fn send(&self, client: &mut Client, body: Value) -> bool {
        match client.decide(&body) {
            Ok((200, answer)) => {
                assert_eq!(answer["event_id"], body["event_id"], "{answer}");
                self.told.lock().unwrap().push(Told { body, answer });
                true
            }
            // In the log, but not decided in time, or too much at once: the caller sends it again.
            Ok((202 | 429, _)) => {
                self.open.lock().unwrap().push(body);
                true
            }
            Ok((status, answer)) => panic!("{status} {answer} to {body}"),
            Err(_) => {
                self.open.lock().unwrap().push(body);
                false
            }
        }
    }

    /// Sends what was told once more: the decision of then. Whether the server lived to answer.
    pub fn repeat(client: &mut Client, told: &Told) -> bool {
        match client.decide(&told.body) {
            Ok((200, again)) => {
                assert_eq!(again["replayed"], true, "decided twice: {again}");
                assert_same(&told.answer, &again);
                true
            }
            Ok((202 | 429, _)) => true,
            Ok((status, answer)) => panic!("{status} {answer} to the repeat of {}", told.body),
            Err(_) => false,
        }
    }

    /// Sends the id of what was told with another body: a conflict. Whether the server lived to answer.
    pub fn contradict(client: &mut Client, told: &Told) -> bool {
        let mut body = told.body.clone();
        body["amount_minor"] = (body["amount_minor"].as_i64().unwrap() + 1).into();
        match client.decide(&body) {
            Ok((409, answer)) => {
                assert_eq!(answer["code"], "conflict", "{answer}");
                true
            }
            Ok((202 | 429, _)) => true,
            Ok((status, answer)) => panic!("{status} {answer} to another body of {}", told.body),
            Err(_) => false,
        }
    }

    /// Looks decisions up in a server that was started again: those told last, and a draw of the older ones. Some
    /// of both are sent again.
    pub fn hold_against(&self, address: &str, most: usize, random: &mut Random) {
        let told = self.told.lock().unwrap();
        let mut client = Client::connect(address).unwrap();
        let newest = told.len().saturating_sub(most);
        let drawn = (0..most.min(newest)).map(|_| draw(random, newest));
        let chosen: BTreeSet<usize> = (newest..told.len()).chain(drawn).collect();
        for (n, at) in chosen.into_iter().rev().enumerate() {
            let one = &told[at];
            let id = one.answer["decision_id"].as_str().unwrap();
            let (status, found) = client
                .ask("GET", &format!("/api/v1/decisions/{id}"), "")
                .unwrap();
            assert_eq!(status, 200, "lost: {id} was told, now: {found}");
            assert_same(&one.answer, &found);
            if n % 32 == 0 {
                assert!(Self::repeat(&mut client, one), "the server is gone");
            }
        }
    }

    /// Sends what is open until each has its decision.
    pub fn close_open(&self, address: &str) {
        let mut client = Client::connect(address).unwrap();
        while let Some(body) = self.take_open() {
            assert!(self.send(&mut client, body), "the server is gone");
        }
    }

    /// Holds a stopped data directory against all that was told: every one is recorded, once, as it was told; nothing
    /// else is decided than what was sent; the whole directory follows from its log.
    pub fn settle(&self, data: &Path) -> Settled {
        let verified = json_of(&["verify"], data);
        assert_eq!(verified["holds"], true, "{verified}");
        assert_eq!(verified["decided"], verified["entries"], "{verified}");
        assert_eq!(verified["followed"], verified["entries"], "{verified}");
        let replayed = json_of(&["replay", "--from", "0"], data);
        assert_eq!(replayed["different"], 0, "{replayed}");
        assert_eq!(replayed["hash"], verified["outcomes_hash"]);

        let recorded = recorded(data);
        let told = self.told.lock().unwrap();
        for one in told.iter() {
            let event_id = one.answer["event_id"].as_str().unwrap();
            let [decision] = recorded.get(event_id).map_or(&[][..], Vec::as_slice) else {
                panic!(
                    "{event_id} was told, and is recorded so: {:?}",
                    recorded.get(event_id)
                );
            };
            let fields = ["decision_id", "decision", "score"].map(|key| plain(&one.answer[key]));
            assert_eq!(&fields, decision, "{event_id}");
        }
        let decided: usize = recorded.values().map(Vec::len).sum();
        let ids: BTreeSet<_> = told
            .iter()
            .map(|one| plain(&one.answer["event_id"]))
            .collect();
        assert_eq!((ids.len(), decided), (told.len(), told.len()), "one each");

        let letters = lines_of(&data.join("dead-letters.jsonl"));
        for letter in &letters {
            assert_eq!(letter["code"], "conflict", "an innocent entry: {letter}");
        }
        let alerts = verified["alerts"].as_u64().unwrap();
        let messages = lines_of(&data.join("alerts.jsonl"));
        let messages: BTreeSet<_> = messages.iter().map(|one| plain(&one["id"])).collect();
        assert_eq!(messages.len() as u64, alerts, "a message an alert");
        Settled {
            decided,
            alerts,
            conflicts: letters.len(),
        }
    }
}

/// Everything that was told, but for the mark of a repeat and how long the first took.
fn assert_same(told: &Value, again: &Value) {
    for (key, value) in told.as_object().unwrap() {
        if !["replayed", "latency_us"].contains(&key.as_str()) {
            assert_eq!(&again[key], value, "{key} contradicts {told}");
        }
    }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Name, verdict and score of every recorded decision by event id, read from both logs without a server.
fn recorded(data: &Path) -> BTreeMap<String, Vec<[String; 3]>> {
    let open = |name: &str| {
        let options = EmbeddedOptions::new(LogId::default());
        EventLog::open(&data.join(name), options).unwrap().0
    };
    let logs = RecordedLogs::new(open("log"), open("decisions"));
    let mut recorded: BTreeMap<String, Vec<[String; 3]>> = BTreeMap::new();
    let mut batch = RecordBatch::default();
    for offset in (0..logs.decisions.end().0).map(Offset) {
        logs.decisions.read(offset, 1, &mut batch).unwrap();
        let (outcome, _) = logs.decode(&batch.get(0).unwrap()).unwrap();
        // Versions are told by activations, so every outcome is read in its place.
        logs.learn(&outcome);
        if let Outcome::Decided(decision) = outcome {
            let fields = [
                decision.decision_id().to_string(),
                decision.verdict.as_str().to_owned(),
                decision.score.points().to_string(),
            ];
            let event_id = decision.event_id.to_string();
            recorded.entry(event_id).or_default().push(fields);
        }
    }
    recorded
}

/// A place among so many.
fn draw(random: &mut Random, of: usize) -> usize {
    usize::try_from(random.below(of as u64)).unwrap()
}
