//! How long a follower's commits take: 10,000 alerts with a message each, 256 a commit, into a file.
//!
//! Best of five runs, each on a new file; the alerts are made beforehand.
#![allow(clippy::print_stdout, reason = "a bench prints its figure")]
#![allow(clippy::unwrap_used, reason = "a bench may stop where it likes")]

use std::time::{Duration, Instant as Stopwatch};

use sentinel_domain::{
    AccountId, Alert, AlertId, AlertStatus, CardToken, Currency, DecisionId, EventId, Instant,
    LogId, LogOdds, LogPosition, MerchantId, Offset, Partition, Reason, Text, Tier, Verdict,
};
use sentinel_store::{AlertQuery, FollowerCommit, OutboxRow, Store};

const ALERTS: u64 = 10_000;
const BATCH: usize = 256;
const LOG: LogId = LogId([7; 16]);
const PARTITION: Partition = Partition(0);

fn alert(offset: u64) -> Alert {
    let position = LogPosition {
        log: LOG,
        partition: PARTITION,
        offset: Offset(offset),
    };
    let reason = |code: &str| Reason {
        code: Text::from(code),
        text: "amount is 5.3 times the account's usual amount".to_owned(),
        contribution: LogOdds::from_f64(1.7),
    };
    let at = Instant::from_seconds(1_800_000_000 + offset.cast_signed());
    Alert {
        alert_id: AlertId::at(position),
        decision_id: DecisionId::at(position),
        event_id: EventId::new(format!("event-{offset}")),
        event_time: at,
        raised_at: at,
        tier: Tier::High,
        verdict: Verdict::Review,
        score_points: 740,
        account_id: AccountId::new(format!("account-{}", offset % 997)),
        card_token: Some(CardToken::new("token-000000000000000001")),
        merchant_id: Some(MerchantId::new("merchant-1")),
        amount_minor: 12_345,
        currency: Currency::USD,
        reasons: vec![reason("amount_zscore_30d"), reason("rule:night_cash")],
        status: AlertStatus::Open,
    }
}

fn message(alert: &Alert) -> OutboxRow {
    OutboxRow {
        outbox_id: format!("{}/file/alert.raised", alert.alert_id),
        channel: "file".to_owned(),
        kind: "alert.raised".to_owned(),
        payload: format!("{{\"id\":\"{}\",\"pad\":\"{:400}\"}}", alert.alert_id, ""),
        attempts: 0,
        due_at: alert.raised_at,
    }
}

fn commits(with_messages: bool) -> Vec<FollowerCommit> {
    let alerts: Vec<Alert> = (0..ALERTS).map(alert).collect();
    let mut from = Offset(0);
    alerts
        .chunks(BATCH)
        .map(|chunk| {
            let to = from.plus(chunk.len() as u64);
            let messages = chunk.iter().filter(|_| with_messages).map(message);
            let commit = FollowerCommit {
                follower: "alert".to_owned(),
                log: LOG,
                partition: PARTITION,
                epoch: 1,
                from,
                to,
                alerts: chunk.to_vec(),
                cases: Vec::new(),
                overrides: Vec::new(),
                outbox: messages.collect(),
            };
            from = to;
            commit
        })
        .collect()
}

/// The time for all commits, and for one page of a hundred alerts after them.
async fn run(commits: &[FollowerCommit]) -> (Duration, Duration) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store.db")).await.unwrap();
    store.take_over("alert", LOG, PARTITION).await.unwrap();
    let begun = Stopwatch::now();
    for commit in commits {
        store.commit(commit).await.unwrap();
    }
    let committed = begun.elapsed();
    let begun = Stopwatch::now();
    store.alerts(&AlertQuery::default()).await.unwrap();
    let read = begun.elapsed();
    store.close().await;
    (committed, read)
}

#[tokio::main]
async fn main() {
    for (name, with_messages) in [("alerts", false), ("alerts and messages", true)] {
        let commits = commits(with_messages);
        let mut best = (Duration::MAX, Duration::MAX);
        for _ in 0..5 {
            let (committed, read) = run(&commits).await;
            best = (best.0.min(committed), best.1.min(read));
        }
        println!(
            "{ALERTS} {name}, {BATCH} a commit: {:.1} ms; a page of 100: {:.2} ms",
            best.0.as_secs_f64() * 1e3,
            best.1.as_secs_f64() * 1e3
        );
    }
}
