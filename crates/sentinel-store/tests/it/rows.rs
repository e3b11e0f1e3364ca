//! Rows for tests: everything follows from the offset, so equal calls make equal rows.

use sentinel_domain::{
    AccountId, Alert, AlertId, AlertStatus, CardToken, Case, CaseId, CaseStatus, Currency,
    DecisionId, EventId, Instant, LogId, LogOdds, LogPosition, MerchantId, Offset, Override,
    Partition, Reason, Text, Tier, Verdict,
};
use sentinel_store::{FollowerCommit, OutboxRow, Overridden};

pub const LOG: LogId = LogId([7; 16]);
pub const OTHER_LOG: LogId = LogId([8; 16]);
pub const PARTITION: Partition = Partition(3);
pub const FOLLOWER: &str = "alert";

pub fn position(offset: u64) -> LogPosition {
    LogPosition {
        log: LOG,
        partition: PARTITION,
        offset: Offset(offset),
    }
}

/// An alert whose tier goes round low, medium, high, critical, on one of five accounts, a second apart.
pub fn alert(offset: u64) -> Alert {
    let position = position(offset);
    let seconds = 1_800_000_000 + i64::try_from(offset).unwrap();
    let tier = Tier::ALL[1 + usize::try_from(offset % 4).unwrap()];
    Alert {
        alert_id: AlertId::at(position),
        decision_id: DecisionId::at(position),
        event_id: EventId::new(format!("event-{offset}")),
        event_time: Instant::from_seconds(seconds - 1),
        raised_at: Instant::from_seconds(seconds),
        tier,
        verdict: Verdict::Review,
        score_points: 740,
        account_id: AccountId::new(format!("account-{}", offset % 5)),
        card_token: Some(CardToken::new("token-1")),
        merchant_id: Some(MerchantId::new("merchant-1")),
        amount_minor: 12_345,
        currency: Currency::USD,
        reasons: vec![
            reason(
                "amount_zscore_30d",
                "5 times the usual amount",
                7_301_444_403,
            ),
            reason("rule:night_cash", "cash at 3 o'clock", 0),
        ],
        status: AlertStatus::Open,
    }
}

pub fn reason(code: &str, text: &str, units: i64) -> Reason {
    Reason {
        code: Text::from(code),
        text: text.to_owned(),
        contribution: LogOdds::from_units(units),
    }
}

pub fn case(offset: u64) -> Case {
    let alert = alert(offset);
    Case {
        case_id: CaseId::at(position(offset)),
        alert_id: alert.alert_id,
        account_id: alert.account_id,
        opened_at: alert.raised_at,
        tier: Tier::Critical,
        status: CaseStatus::Open,
    }
}

pub fn message(offset: u64) -> OutboxRow {
    let alert = alert(offset);
    OutboxRow {
        outbox_id: format!("{}/file/alert.raised", alert.alert_id),
        channel: "file".to_owned(),
        kind: "alert.raised".to_owned(),
        payload: format!("{{\"id\":\"{}\"}}", alert.alert_id),
        attempts: 0,
        due_at: alert.raised_at,
    }
}

/// An override at a place of the decision at another.
pub fn override_of(at: u64, decision: u64) -> Overridden {
    Overridden {
        position: position(at),
        given_at: Instant::from_seconds(1_800_000_000),
        says: Override {
            override_id: Text::from(format!("o-{at}")),
            event_id: EventId::new("'; DROP TABLE overrides; -- é"),
            decision: Offset(decision),
            verdict: Verdict::Approve,
            by: Text::from("j.doe"),
            reason: Text::from("\u{0}\u{2028}"),
        },
    }
}

/// A commit of a first owner without rows.
pub fn empty(from: u64, to: u64) -> FollowerCommit {
    FollowerCommit {
        follower: FOLLOWER.to_owned(),
        log: LOG,
        partition: PARTITION,
        epoch: 1,
        from: Offset(from),
        to: Offset(to),
        alerts: Vec::new(),
        cases: Vec::new(),
        overrides: Vec::new(),
        outbox: Vec::new(),
    }
}

/// A commit of a first owner with an alert and a message for every offset, and a case for the critical.
pub fn full(from: u64, to: u64) -> FollowerCommit {
    let alerts: Vec<Alert> = (from..to).map(alert).collect();
    let cases = (from..to).filter(|offset| alert(*offset).tier == Tier::Critical);
    FollowerCommit {
        cases: cases.map(case).collect(),
        outbox: (from..to).map(message).collect(),
        alerts,
        ..empty(from, to)
    }
}
