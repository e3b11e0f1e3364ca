//! What is known of frauds, from when, and for whom.

use sentinel_domain::LabelKind;
use sentinel_features::EntityKind;
use sentinel_features::fact::Fact;
use sentinel_features::feature::Source;

use super::Case;
use crate::event::{DAY, Event, HOUR, SECOND, START};

const NONE: f64 = f64::NAN;

fn of_account<const N: usize>(facts: [Fact; N]) -> Case {
    Case::of_sources(&facts.map(|fact| Source::Fact(EntityKind::Account, fact)))
}

#[test]
fn a_fraud_counts_from_its_label_on_for_everyone_it_names() {
    let kinds = [
        EntityKind::Account,
        EntityKind::Card,
        EntityKind::Merchant,
        EntityKind::Terminal,
        EntityKind::Mcc,
    ];
    let mut case = Case::of_sources(&kinds.map(|kind| Source::Fact(kind, Fact::FraudCountEver)));
    let event = Event {
        card: Some(5),
        terminal: Some(6),
        mcc: Some(5_411),
        ..Event::at(START).merchant(7)
    };
    case.apply(event.clone());
    case.reads([0.0; 5]);
    assert!(case.label(&event.label("e1", LabelKind::Fraud, START + DAY)));
    case.apply(event.clone());
    case.reads([1.0; 5]);
    // The category is the one that the merchant was seen with last: a label names none.
    let elsewhere = Event {
        mcc: Some(7_995),
        ..Event::at(START).merchant(7)
    };
    case.apply(elsewhere.clone());
    case.apply(Event::at(START).merchant(7));
    assert!(case.label(&elsewhere.label("e2", LabelKind::Fraud, START + DAY)));
    case.apply(event);
    case.reads([2.0, 1.0, 2.0, 1.0, 1.0]);
    case.apply(elsewhere);
    case.reads([2.0, NONE, 2.0, NONE, 1.0]);
}

#[test]
fn one_event_is_one_fraud_until_it_is_taken_back() {
    let mut case = of_account([Fact::FraudCountEver, Fact::FraudCount30d]);
    let event = Event::at(START);
    let fraud = |id| event.label(id, LabelKind::Fraud, START + DAY);
    let legitimate = |id| event.label(id, LabelKind::Legitimate, START + DAY);
    assert!(!case.label(&event.label("e1", LabelKind::Suspect, START + DAY)));
    assert!(!case.label(&legitimate("e1")), "nothing to take back");
    assert!(case.label(&fraud("e1")));
    assert!(!case.label(&fraud("e1")), "the same event");
    assert!(case.label(&fraud("e2")));
    case.apply(event.clone());
    case.reads([2.0, 2.0]);
    assert!(case.label(&legitimate("e1")));
    assert!(!case.label(&legitimate("e1")));
    case.apply(event.clone());
    case.reads([1.0, 1.0]);
    assert!(case.label(&fraud("e1")));
    case.apply(event.clone());
    case.reads([2.0, 2.0]);
}

#[test]
fn a_fraud_is_taken_back_where_it_was_counted() {
    let mut case = of_account([Fact::FraudCountEver]);
    let event = Event::at(START);
    let other = Event::at(START + 3 * DAY).account(2);
    case.label(&event.label("e1", LabelKind::Fraud, START + DAY));
    case.label(&other.label("e2", LabelKind::Fraud, START + 4 * DAY));
    // The label that takes back e1 names another account and another day.
    assert!(case.label(&other.label("e1", LabelKind::Legitimate, START + 5 * DAY)));
    case.apply(event);
    case.reads([0.0]);
    case.apply(other);
    case.reads([1.0]);
}

#[test]
fn the_share_of_frauds_among_the_events_of_30_days() {
    let mut case = of_account([
        Fact::FraudCountEver,
        Fact::FraudCount30d,
        Fact::FraudRate30d,
    ]);
    for day in 0..4 {
        case.apply(Event::at(START + day * DAY));
    }
    case.reads([0.0, 0.0, 0.0]);
    for day in [0, 1] {
        let event = Event::at(START + day * DAY + 23 * HOUR);
        let id = format!("e{day}");
        case.label(&event.label(&id, LabelKind::Fraud, START + 5 * DAY));
    }
    case.apply(Event::at(START + 29 * DAY));
    case.reads([2.0, 2.0, 0.4]);
    // Day 30 leaves day 0 behind, an event and a fraud; day 31 the next.
    case.apply(Event::at(START + 30 * DAY));
    case.reads([2.0, 1.0, 0.2]);
    case.apply(Event::at(START + 31 * DAY));
    case.reads([2.0, 0.0, 0.0]);
}

#[test]
fn the_delayed_share_ends_seven_days_ago() {
    let mut case = of_account([
        Fact::DelayedFraudRate1d,
        Fact::DelayedFraudRate7d,
        Fact::DelayedFraudRate30d,
    ]);
    // One event on day 1, two on day 2, four on day 8.
    for (day, count) in [(1, 1), (2, 2), (8, 4)] {
        for second in 0..count {
            case.apply(Event::at(START + day * DAY + second * SECOND));
        }
    }
    // On day 8 the delayed day is day 1.
    case.reads([0.0, 0.0, 0.0]);
    let fraud = Event::at(START + 2 * DAY + 5 * HOUR);
    case.label(&fraud.label("e1", LabelKind::Fraud, START + 8 * DAY));
    case.apply(Event::at(START + 8 * DAY + HOUR));
    case.reads([0.0, 0.0, 0.0]);
    // Day 9: day 2 alone, days -4 to 2, days -27 to 2.
    case.apply(Event::at(START + 9 * DAY));
    case.reads([0.5, 1.0 / 3.0, 1.0 / 3.0]);
    // Day 15: day 8, five events; days 2 to 8, seven; with day 1, eight.
    case.apply(Event::at(START + 15 * DAY));
    case.reads([0.0, 1.0 / 7.0, 1.0 / 8.0]);
    // Day 38: day 31, days 25 to 31, days 2 to 31: those of day 1 have left, 2 + 5 + 1 + 1 remain.
    case.apply(Event::at(START + 38 * DAY));
    case.reads([NONE, NONE, 1.0 / 9.0]);
    // Day 39 leaves day 2 behind.
    case.apply(Event::at(START + 39 * DAY));
    case.reads([NONE, NONE, 0.0]);
}

#[test]
fn frauds_in_a_row_go_back_to_the_newest_hour_that_proved_clean() {
    let mut case = of_account([Fact::FraudRunCount, Fact::FraudRunSeconds]);
    // A clean hour on day 0, then an event at noon of days 1 to 4; those of days 2 to 4 are frauds.
    case.apply(Event::at(START));
    for day in 1..5 {
        case.apply(Event::at(START + day * DAY + 12 * HOUR));
    }
    case.reads([0.0, NONE]);
    for day in 2..5 {
        let event = Event::at(START + day * DAY + 12 * HOUR);
        let id = format!("e{day}");
        case.label(&event.label(&id, LabelKind::Fraud, START + (day + 7) * DAY));
    }
    // On day 11 the clean noon of day 1 is older than a week: three frauds stand behind it.
    case.apply(Event::at(START + 11 * DAY + 13 * HOUR));
    case.reads([3.0, to_seconds(9 * DAY + HOUR)]);
    // The event of day 11 proves clean when it is a week old, to the hour, and ends the row.
    case.apply(Event::at(START + 18 * DAY + 13 * HOUR));
    case.reads([3.0, to_seconds(16 * DAY + HOUR)]);
    case.apply(Event::at(START + 18 * DAY + 14 * HOUR));
    case.reads([0.0, NONE]);
}

#[test]
fn a_row_of_frauds_forgets_what_is_older_than_thirty_eight_days() {
    let mut case = of_account([Fact::FraudRunCount, Fact::FraudRunSeconds]);
    case.apply(Event::at(START));
    case.label(&Event::at(START).label("e1", LabelKind::Fraud, START + 7 * DAY));
    case.apply(Event::at(START + 37 * DAY));
    case.reads([1.0, to_seconds(37 * DAY)]);
    case.apply(Event::at(START + 38 * DAY));
    case.reads([0.0, NONE]);
}

#[test]
fn seconds_since_a_fraud_became_known() {
    let mut case = of_account([Fact::SecondsSinceFraud]);
    case.apply(Event::at(START));
    case.reads([NONE]);
    for (id, known_us) in [("e1", START + 100 * SECOND), ("e2", START + 50 * SECOND)] {
        case.label(&Event::at(START).label(id, LabelKind::Fraud, known_us));
    }
    case.apply(Event::at(START + 101 * SECOND + 250_000));
    case.reads([1.25]);
    // Known of later than the event: no time has passed.
    case.apply(Event::at(START + 99 * SECOND));
    case.reads([0.0]);
}

#[test]
fn a_label_may_come_before_any_event() {
    let mut case = Case::of_sources(&[
        Source::Fact(EntityKind::Account, Fact::FraudCountEver),
        Source::Fact(EntityKind::Account, Fact::FraudRate30d),
        Source::Fact(EntityKind::Account, Fact::CountEver),
        Source::Fact(EntityKind::Account, Fact::IsNew),
        Source::Fact(EntityKind::Account, Fact::SecondsSinceLast),
        Source::Fact(EntityKind::Mcc, Fact::FraudCountEver),
        Source::Fact(EntityKind::Merchant, Fact::FraudCountEver),
    ]);
    let event = Event {
        mcc: Some(1),
        ..Event::at(START).merchant(3)
    };
    // The merchant is unknown, and so is its category.
    assert!(case.label(&event.label("e1", LabelKind::Fraud, START)));
    case.apply(event);
    case.reads([1.0, 1.0, 0.0, 1.0, NONE, 0.0, 1.0]);
}

#[test]
fn a_fraud_that_was_forgotten_is_not_taken_back_from_what_came_after() {
    let mut case = of_account([Fact::FraudCountEver]);
    let event = Event::at(START);
    case.apply(event.clone());
    case.label(&event.label("e1", LabelKind::Fraud, START + DAY));
    let later = Event::at(START + 401 * DAY);
    case.apply(later.clone());
    case.reads([0.0]);
    case.label(&later.label("e2", LabelKind::Fraud, START + 401 * DAY));
    case.label(&event.label("e1", LabelKind::Legitimate, START + 401 * DAY));
    case.apply(later);
    case.reads([1.0]);
}

fn to_seconds(micros: i64) -> f64 {
    (micros / SECOND) as f64
}
