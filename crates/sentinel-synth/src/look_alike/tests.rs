//! Innocent people never jump, and what is shared is shared by people.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::story::Tale;
use crate::told::{episode, slow_world};

#[test]
fn nothing_innocent_is_fraud_and_every_payment_bears_its_name() {
    let world = slow_world();
    for kind in LookAlike::ALL {
        for number in 1..=40 {
            for paid in episode(&world, Tale::Innocent(*kind), number) {
                assert!(!paid.plan.fraud && paid.plan.story.is_none());
                assert_eq!(paid.plan.look_alike, Some(*kind));
            }
        }
    }
}

#[test]
fn a_family_card_is_one_card_of_two_accounts() {
    let world = slow_world();
    let mut families = 0;
    for number in 1..=60 {
        let told = episode(&world, Tale::Innocent(LookAlike::FamilyCard), number);
        if told.is_empty() {
            continue;
        }
        let accounts: BTreeSet<_> = told
            .iter()
            .map(|paid| &paid.transaction.account_id)
            .collect();
        let cards: BTreeSet<_> = told
            .iter()
            .map(|paid| &paid.transaction.card_token)
            .collect();
        assert_eq!((accounts.len(), cards.len()), (2, 1));
        families += 1;
    }
    assert!(families >= 40, "{families}");
}

#[test]
fn an_office_is_one_address_of_many_accounts_with_a_device_each() {
    let world = slow_world();
    for number in 1..=40 {
        let told = episode(&world, Tale::Innocent(LookAlike::SharedOffice), number);
        let mut devices: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        let mut addresses = BTreeSet::new();
        for paid in &told {
            let t = &paid.transaction;
            addresses.extend(&t.ip);
            if let Some(device) = &t.device_id {
                let household = paid.plan.payer / 2;
                devices.entry(device).or_default().insert(household);
            }
        }
        assert!(addresses.len() <= 1 && told.len() >= 3, "{number}");
        assert!(
            devices.values().all(|households| households.len() == 1),
            "{number}"
        );
    }
}
