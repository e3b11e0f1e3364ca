//! When labels leave, and in which order.

use proptest::prelude::*;

use super::*;

const MAPPING: &str = r#"
[source]
name = "t"
[columns]
event_id = "id"
account_id = "id"
[constants]
event_type = "card_auth"
currency = "EUR"
card_token = "c"
[amount]
column = "cents"
unit = "minor"
[time]
column = "s"
unit = "seconds"
[label]
column = "fraud"
fraud = ["1"]
delay = "DELAY"
source = "chargeback"
"#;

fn options(delay: &str) -> SourceOptions {
    csv(Some(
        Mapping::parse(&MAPPING.replace("DELAY", delay)).unwrap(),
    ))
}

fn table(rows: &[(&str, i64, bool)]) -> String {
    let rows = rows
        .iter()
        .map(|(id, s, fraud)| format!("{id},{s},5,{}\n", u8::from(*fraud)));
    format!("id,s,cents,fraud\n{}", rows.collect::<String>())
}

/// Items as `id@log time` and `label id@log time`.
fn order(rows: &[(&str, i64, bool)], delay: &str, items_max: usize) -> Vec<String> {
    let items = all(Cursor::new(table(rows)), options(delay), items_max);
    let at = |instant: &Instant| instant.micros() / 1_000_000;
    let line = |(item, _): &(SourceItem, Vec<u8>)| match item {
        SourceItem::Transaction {
            log_time,
            transaction,
            ..
        } => {
            format!("{}@{}", transaction.event_id, at(log_time))
        }
        SourceItem::Label { log_time, label } => {
            format!("label {}@{}", label.event_id, at(log_time))
        }
        SourceItem::Rejected { rejection, .. } => format!("{rejection}"),
    };
    items.iter().map(line).collect()
}

#[test]
fn a_label_leaves_before_the_first_row_that_is_not_older_than_it_is_known() {
    let rows = [
        ("b", 10, true),
        ("a", 10, true),
        ("c", 12, true),
        ("d", 19, false),
        ("e", 20, false),
        ("f", 40, true),
    ];
    let expected = [
        "b@10",
        "a@10",
        "c@12",
        "d@19",
        "label a@19",
        "label b@19",
        "e@20",
        "label c@20",
        "f@40",
        "label f@40",
    ];
    for items_max in [1, 2, 3, 100] {
        assert_eq!(
            order(&rows, "10s", items_max),
            expected,
            "batches of {items_max}"
        );
    }
}

#[test]
fn a_label_without_delay_leaves_right_after_its_row() {
    let rows = [
        ("a", 10, true),
        ("b", 10, false),
        ("c", 5, true),
        ("d", 4, false),
        ("e", 5, false),
    ];
    let expected = [
        "a@10",
        "label a@10",
        "b@10",
        "c@10",
        "d@10",
        "label c@10",
        "e@10",
    ];
    assert_eq!(order(&rows, "0", 100), expected);
}

#[test]
fn a_label_carries_what_the_transaction_held() {
    let items = all(Cursor::new(table(&[("a", 10, true)])), options("7d"), 10);
    let (SourceItem::Label { label, .. }, _) = &items[1] else {
        panic!("{items:?}");
    };
    assert_eq!(label.label_id.as_str(), "chargeback:a");
    assert_eq!(
        label.known_at.micros_since(label.event_time),
        7 * 86_400_000_000
    );
    assert_eq!((label.amount_minor, label.currency.as_str()), (5, "EUR"));
    assert_eq!(label.account_id.as_str(), "a");
    assert_eq!(
        label.card_token.as_ref().map(|card| card.as_str()),
        Some("c")
    );
    assert_eq!(label.merchant_id, None);
}

#[test]
fn rejected_rows_make_no_label_and_do_not_move_log_time() {
    let text = "id,s,cents,fraud\na,10,5,0\nb,900,-5,1\nc,1000,5,1\nd,11,5,0\n";
    let now = Some(Instant::from_seconds(20));
    let items = all(
        Cursor::new(text),
        SourceOptions {
            now,
            ..options("0")
        },
        10,
    );
    let found = short(&items);
    assert_eq!(found[0], "2 a");
    assert!(found[1].starts_with("3! negative_amount"), "{found:?}");
    assert!(found[2].starts_with("4! future_event"), "{found:?}");
    assert_eq!(found[3..], ["5 d"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn labels_leave_in_order_each_once_and_never_early(
        rows in prop::collection::vec((0..100_i64, any::<bool>()), 0..40),
        items_max in 1..10_usize,
    ) {
        let ids: Vec<String> = (0..rows.len()).map(|n| format!("e{n:02}")).collect();
        let rows: Vec<(&str, i64, bool)> =
            ids.iter().zip(&rows).map(|(id, (s, fraud))| (id.as_str(), *s, *fraud)).collect();
        let items = all(Cursor::new(table(&rows)), options("30s"), items_max);
        let mut waiting: Vec<(i64, &str)> = Vec::new();
        let mut expected = Vec::new();
        for (id, s, fraud) in &rows {
            waiting.sort_unstable();
            let due = waiting.iter().take_while(|(known, _)| known <= s).count();
            expected.extend(waiting.drain(..due).map(|(_, id)| format!("label {id}")));
            expected.push(format!("{} {id}", expected.iter().filter(|e| !e.starts_with('l')).count() + 2));
            if *fraud {
                waiting.push((s + 30, id));
            }
        }
        waiting.sort_unstable();
        expected.extend(waiting.iter().map(|(_, id)| format!("label {id}")));
        prop_assert_eq!(short(&items), expected);
    }
}
