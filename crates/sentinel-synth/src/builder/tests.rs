//! What the builders promise to the tests of other rooms.

use std::collections::BTreeSet;

use super::*;
use crate::law::rebuild;
use crate::random::Random;

#[test]
fn a_built_transaction_has_what_was_said_and_lawful_defaults() {
    let built = transaction("e1")
        .card("c1")
        .merchant("m1")
        .currency("eur")
        .at_second(60)
        .build();
    assert_eq!(built.account_id.as_str(), "a1");
    assert_eq!(built.amount_minor, 1_250);
    assert_eq!(built.currency.as_str(), "EUR");
    assert_eq!(built.event_time.to_string(), "2026-01-05T12:01:00Z");
    assert_eq!(rebuild(&built), Ok(built));
}

#[test]
fn a_label_carries_the_entities_of_its_transaction() {
    let built = transaction("e1")
        .card("c1")
        .merchant("m1")
        .terminal("t1")
        .build();
    let label = label_for(&built);
    assert_eq!(label.event_id, built.event_id);
    assert_eq!(label.card_token, built.card_token);
    assert_eq!(label.terminal_id, built.terminal_id);
    assert_eq!(
        label.known_at.micros_since(built.event_time),
        LABEL_DELAY_MICROS
    );
}

#[test]
fn random_transactions_are_lawful_and_fill_every_field_sometimes() {
    let mut random = Random::new(5);
    let mut absent = BTreeSet::new();
    let mut debugged = BTreeSet::new();
    for _ in 0..2_000 {
        let made = random_transaction(&mut random);
        assert_eq!(rebuild(&made), Ok(made.clone()));
        let text = format!("{made:#?}");
        for line in text
            .lines()
            .filter(|line| line.starts_with("    ") && !line.starts_with("     "))
        {
            let Some((field, value)) = line.trim().split_once(": ") else {
                continue;
            };
            if value == "None," {
                absent.insert(field.to_string());
            } else {
                debugged.insert(field.to_string());
            }
        }
    }
    assert_eq!(debugged.len(), 37, "{debugged:?}");
    assert_eq!(absent.len(), 30, "{absent:?}");
}
