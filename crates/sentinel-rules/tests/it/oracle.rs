//! The evaluator against the model: the same truth and the same evidence for any condition and any input.

use proptest::prelude::*;
use sentinel_domain::transaction::EventType;
use sentinel_domain::{
    AccountId, Country, Currency, DeviceId, EventId, Instant, Money, Transaction,
};
use sentinel_rules::{Inputs, NO_LISTS, RuleSet, Schema};

use crate::model::{self, FEATURES, World};

fn transaction(world: &World) -> Transaction {
    let amount = Money {
        minor: 0,
        currency: Currency::USD,
    };
    let account = AccountId::new(world.account.as_str());
    let event = EventId::new("e");
    let mut made = Transaction::required(
        event,
        EventType::CardAuth,
        Instant::default(),
        account,
        amount,
    );
    made.mcc = world.mcc;
    made.device_id = world.device.as_deref().map(DeviceId::new);
    made.card_country = world.country.as_deref().and_then(Country::parse);
    made
}

/// A file with one rule of this condition, which may use both kinds of quotes.
fn file(condition: &str) -> String {
    format!(
        "name = 'n'\nversion = 1\n[[rule]]\nid = 'r'\nversion = 1\ndescription = ''\n\
         when = '''{condition} '''\nverdict = 'review'\nreason = ''\n"
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn compiled_conditions_agree_with_the_model(
        condition in model::boolean(4),
        worlds in proptest::collection::vec(model::world(), 8),
    ) {
        let mut text = String::new();
        condition.write(&mut text, 0);
        let rules = match RuleSet::compile(&file(&text), &Schema::new(&FEATURES)) {
            Ok(rules) => rules,
            Err(faults) => {
                let message = &faults[0].message;
                prop_assert!(message.contains("more than 500 parts"), "{}", faults[0]);
                return Ok(());
            }
        };
        let mut mentioned = Vec::new();
        condition.names(&mut mentioned);
        let mut hits = Vec::new();
        for world in &worlds {
            let row: Vec<f64> = world.row.iter().map(|value| value.unwrap_or(f64::NAN)).collect();
            let transaction = transaction(world);
            let inputs = Inputs {
                row: &row,
                transaction: &transaction,
                amount_reference_minor: world.amount_minor,
                reference: Currency::USD,
                lists: &NO_LISTS,
                log_time: Instant::default(),
            };
            rules.evaluate(&inputs, &mut hits);
            prop_assert_eq!(hits.len() == 1, condition.value(world), "{} in {:?}", text, world);
            if let Some(hit) = hits.first() {
                let mut expected: Vec<(&str, f64)> = Vec::new();
                for name in &mentioned {
                    let known = expected.iter().any(|(have, _)| have == name);
                    if let (false, Some(value)) = (known, world.number(name)) {
                        expected.push((name, value));
                    }
                }
                let found: Vec<_> = hit.evidence.iter().map(|(n, v)| (n.as_str(), *v)).collect();
                prop_assert_eq!(found, expected, "{}", text);
            }
        }
    }
}
