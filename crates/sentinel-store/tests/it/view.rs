//! The name that existing users already query.

use sentinel_domain::{Alert, AlertStatus, Currency, Instant, Tier, Verdict};
use sentinel_store::Store;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Row as _};

use crate::rows::{FOLLOWER, LOG, PARTITION, alert, empty};

#[tokio::test]
async fn fraud_alerts_shows_alerts_in_the_words_of_the_domain() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = Store::open(&path).await.unwrap();
    store.take_over(FOLLOWER, LOG, PARTITION).await.unwrap();
    let money = [
        ("USD", 12.34),
        ("JPY", 1234.0),
        ("KWD", 1.234),
        ("CLF", 0.1234),
    ];
    // An instant, and how it is spelled with all its digits; the second lies before 1970.
    let instants = [
        (1_800_000_000_000_001, "2027-01-15T08:00:00.000001Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (1_800_000_000_999_999, "2027-01-15T08:00:00.999999Z"),
        (-2_000_000, "1969-12-31T23:59:58.000000Z"),
    ];
    let alerts: Vec<Alert> = (0..20_u64)
        .map(|offset| {
            let n = usize::try_from(offset).unwrap();
            Alert {
                amount_minor: 1_234,
                currency: Currency::parse(money[n % 4].0).unwrap(),
                event_time: Instant::from_micros(instants[n / 4 % 4].0),
                tier: Tier::ALL[n % Tier::ALL.len()],
                verdict: Verdict::ALL[n % Verdict::ALL.len()],
                status: AlertStatus::ALL[n % AlertStatus::ALL.len()],
                ..alert(offset)
            }
        })
        .collect();
    let mut commit = empty(0, 20);
    commit.alerts.clone_from(&alerts);
    store.commit(&commit).await.unwrap();

    let options = SqliteConnectOptions::new().filename(&path);
    let mut client = options.connect().await.unwrap();
    let rows = sqlx::query(
        "SELECT transaction_id, user_id, amount, timestamp, currency, score, severity, decision, \
         status FROM fraud_alerts ORDER BY alert_id",
    );
    let rows = rows.fetch_all(&mut client).await.unwrap();
    assert_eq!(rows.len(), 20);
    for ((row, alert), n) in rows.iter().zip(&alerts).zip(0..) {
        let text = |column: &str| row.get::<String, _>(column);
        assert_eq!(text("transaction_id"), alert.event_id.as_str());
        assert_eq!(text("user_id"), alert.account_id.as_str());
        let (code, amount): (&str, f64) = money[n % 4];
        assert_eq!(text("currency"), code);
        let shown: f64 = row.get("amount");
        assert!((shown - amount).abs() < 1e-9, "{shown} {code}");
        let (_, spelled) = instants[n / 4 % 4];
        assert_eq!(text("timestamp"), spelled);
        assert_eq!(Instant::parse_rfc3339(spelled), Some(alert.event_time));
        assert_eq!(row.get::<i64, _>("score"), 740);
        assert_eq!(text("severity"), alert.tier.as_str());
        assert_eq!(text("decision"), alert.verdict.as_str());
        assert_eq!(text("status"), alert.status.as_str());
    }
}
