//! Forgetting an entity is as if everything before had been somebody else's.

use sentinel_domain::{AccountId, CardToken, Instant, MerchantId, Text, Transaction};
use sentinel_features::{EntityKind, FeatureEngine, FeatureSet};
use sentinel_synth::{Options, Stream};

fn stream(seed: u64) -> Vec<Transaction> {
    let start = Instant::parse_rfc3339("2026-03-02T08:00:00Z").unwrap();
    let options = Options {
        late_share: 0.02,
        ..Options::new(seed, start)
    };
    Stream::new(options)
        .take(3_000)
        .map(|generated| generated.transaction)
        .collect()
}

/// The row of an event, bit for bit.
fn row(engine: &mut FeatureEngine, transaction: &Transaction) -> Vec<u64> {
    let mut row = vec![0.0; engine.set().width()];
    engine.apply(transaction, Some(transaction.amount_minor), &mut row);
    row.iter().map(|value| value.to_bits()).collect()
}

/// What an event calls an entity, and the same event by somebody else.
fn renamed(kind: EntityKind, one: &Transaction, from: &Text) -> Transaction {
    let mut other = one.clone();
    let nobody = Text::from("nobody-else-is-called-so");
    match kind {
        EntityKind::Account if one.account_id.0 == *from => other.account_id = AccountId(nobody),
        EntityKind::Card if one.card_token.as_ref().is_some_and(|it| it.0 == *from) => {
            other.card_token = Some(CardToken(nobody));
        }
        EntityKind::Merchant if one.merchant_id.as_ref().is_some_and(|it| it.0 == *from) => {
            other.merchant_id = Some(MerchantId(nobody));
        }
        _ => {}
    }
    other
}

fn name_of(kind: EntityKind, one: &Transaction) -> Option<Text> {
    match kind {
        EntityKind::Account => Some(one.account_id.0.clone()),
        EntityKind::Card => one.card_token.as_ref().map(|it| it.0.clone()),
        _ => one.merchant_id.as_ref().map(|it| it.0.clone()),
    }
}

#[test]
fn what_is_forgotten_is_as_if_it_had_been_somebody_elses() {
    let set = FeatureSet::shipped();
    for kind in [EntityKind::Account, EntityKind::Card, EntityKind::Merchant] {
        for seed in 1..4 {
            let events = stream(seed);
            let (before, behind) = events.split_at(700);
            // Somebody who comes again, and somebody nobody knows.
            let known = |name: &Text| {
                let again = behind
                    .iter()
                    .filter(|one| name_of(kind, one).as_ref() == Some(name));
                again.count() > 2
            };
            let subject = before
                .iter()
                .find_map(|one| name_of(kind, one).filter(known));
            let subject = subject.expect("somebody comes again");
            let mut forgetful = FeatureEngine::new(set.clone());
            let mut other = FeatureEngine::new(set.clone());
            let mut steady = FeatureEngine::new(set.clone());
            for one in before {
                row(&mut forgetful, one);
                row(&mut steady, one);
                row(&mut other, &renamed(kind, one, &subject));
            }
            let entities = forgetful.entities(kind);
            assert!(forgetful.forget(kind, &subject));
            assert!(
                forgetful.forget(kind, &subject),
                "once more changes nothing"
            );
            assert!(forgetful.forget(kind, &"never-seen".into()));
            assert_eq!(forgetful.entities(kind), entities, "its number stays taken");
            let mut different = 0;
            for (at, one) in behind.iter().enumerate() {
                // Written and read back in between: the number without a name is kept.
                if at == 100 {
                    let bytes = forgetful.encode();
                    forgetful = FeatureEngine::decode(set.clone(), &bytes).unwrap();
                }
                let found = row(&mut forgetful, one);
                assert!(
                    found == row(&mut other, one),
                    "{kind}, seed {seed}, event {at}"
                );
                different += usize::from(found != row(&mut steady, one));
            }
            assert!(different > 0, "{kind}, seed {seed}: it was forgotten");
        }
    }
}

#[test]
fn the_name_is_in_no_state_any_more() {
    let name = Text::from("a name that nobody else has");
    let mut one = stream(1).remove(0);
    one.account_id = AccountId(name.clone());
    let mut engine = FeatureEngine::new(FeatureSet::shipped());
    row(&mut engine, &one);
    let holds_it = |engine: &FeatureEngine| {
        let bytes = engine.encode();
        bytes.windows(name.len()).any(|it| it == name.as_bytes())
    };
    assert!(holds_it(&engine));
    engine.forget(EntityKind::Account, &name);
    assert!(!holds_it(&engine));
}

#[test]
fn what_is_no_name_cannot_be_forgotten() {
    let mut engine = FeatureEngine::new(FeatureSet::shipped());
    for kind in [
        EntityKind::Mcc,
        EntityKind::IpNetwork,
        EntityKind::AccountMerchant,
    ] {
        assert!(!engine.forget(kind, &"5411".into()));
    }
}
