//! The message of a raised alert, letter by letter.

use sentinel_delivery::alert_message;
use sentinel_domain::{
    AccountId, Alert, AlertId, AlertStatus, CardToken, Case, CaseId, CaseStatus, Currency,
    DecisionId, EventId, Instant, LogId, LogOdds, LogPosition, Offset, Partition, Reason, Text,
    Tier, Verdict,
};

const POSITION: LogPosition = LogPosition {
    log: LogId([7; 16]),
    partition: Partition(0),
    offset: Offset(42),
};

fn alert() -> Alert {
    let reason = |code: &str, text: &str, contribution| Reason {
        code: Text::from(code),
        text: text.to_owned(),
        contribution: LogOdds::from_f64(contribution),
    };
    Alert {
        alert_id: AlertId::at(POSITION),
        decision_id: DecisionId::at(POSITION),
        event_id: EventId::new("order-1001"),
        event_time: Instant::from_micros(1_800_000_000_250_000),
        raised_at: Instant::from_seconds(1_800_000_001),
        tier: Tier::Critical,
        verdict: Verdict::Decline,
        score_points: 912,
        account_id: AccountId::new("account-7"),
        card_token: Some(CardToken::new("token-1")),
        merchant_id: None,
        amount_minor: 123_456,
        currency: Currency::USD,
        reasons: vec![
            reason("amount_zscore_30d", "5.3 times the \"usual\" amount", 1.75),
            reason("rule:night_cash", "cash at night", 0.0),
        ],
        status: AlertStatus::Open,
    }
}

#[test]
fn an_alert_with_its_case_is_spelled_as_in_the_api() {
    let alert = alert();
    let case = Case {
        case_id: CaseId::at(POSITION),
        alert_id: alert.alert_id,
        account_id: alert.account_id.clone(),
        opened_at: alert.raised_at,
        tier: alert.tier,
        status: CaseStatus::Open,
    };
    let (alert_id, case_id) = (alert.alert_id, case.case_id);
    let expected = format!(
        "{{\"type\":\"alert.raised\",\"id\":\"{alert_id}\",\"alert_id\":\"{alert_id}\",\
         \"decision_id\":\"{}\",\"event_id\":\"order-1001\",\
         \"event_time\":\"2027-01-15T08:00:00.25Z\",\"raised_at\":\"2027-01-15T08:00:01Z\",\
         \"tier\":\"critical\",\"decision\":\"decline\",\"score\":912,\
         \"account_id\":\"account-7\",\"card_token\":\"token-1\",\"merchant_id\":null,\
         \"amount_minor\":123456,\"currency\":\"USD\",\"reasons\":[\
         {{\"code\":\"amount_zscore_30d\",\"text\":\"5.3 times the \\\"usual\\\" amount\",\
         \"contribution\":1.75}},\
         {{\"code\":\"rule:night_cash\",\"text\":\"cash at night\",\"contribution\":0.0}}],\
         \"status\":\"open\",\"case_id\":\"{case_id}\",\
         \"followed_by\":{{\"alert_id\":\"{alert_id}\",\"case_id\":\"{case_id}\"}}}}",
        alert.decision_id
    );
    assert_eq!(alert_message(&alert, Some(&case)), expected);
}

#[test]
fn an_alert_without_a_case_says_so() {
    let text = alert_message(&alert(), None);
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(read["case_id"].is_null());
    assert!(read["followed_by"]["case_id"].is_null());
    assert_eq!(read["followed_by"]["alert_id"], read["id"]);
}

#[test]
fn amounts_and_contributions_keep_their_value() {
    let mut alert = alert();
    alert.amount_minor = i64::MAX;
    alert.reasons[0].contribution = LogOdds::from_units(1);
    let text = alert_message(&alert, None);
    assert!(
        text.contains("\"amount_minor\":9223372036854775807,"),
        "{text}"
    );
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    let contribution = read["reasons"][0]["contribution"].as_f64().unwrap();
    assert_eq!(LogOdds::from_f64(contribution), LogOdds::from_units(1));
}
