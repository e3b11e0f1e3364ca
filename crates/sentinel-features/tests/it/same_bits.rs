//! The same log prefix gives the same bits, whatever the size of a batch.

use sentinel_domain::Transaction;
use sentinel_features::{Applied, FeatureEngine, FeatureSet};
use sentinel_synth::Random;

use crate::comparison::{Subject, set_of};
use crate::event::{DAY, Event, HOUR, SECOND, START};
use crate::traffic::{Crowd, Traffic};

const EVENTS: usize = 6_000;

fn log(seed: u64) -> Vec<Event> {
    let mut traffic = Traffic::new(seed, Crowd::Many);
    (0..EVENTS).map(|_| traffic.event()).collect()
}

/// The rows and flags of a log in batches of these sizes, again and again, and the state at the end.
fn in_batches(log: &[Event], sizes: &[usize]) -> (Vec<u64>, Vec<Applied>, Vec<u8>) {
    let mut engine = FeatureEngine::new(FeatureSet::shipped());
    let width = engine.set().width();
    let (mut bits, mut applied) = (Vec::new(), Vec::new());
    let mut rest = log;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (batch, later) = rest.split_at(rest.len().min(*size));
        rest = later;
        let made: Vec<Transaction> = batch.iter().map(Event::transaction).collect();
        let amounts = batch.iter().map(|event| event.amount);
        let pairs: Vec<(&Transaction, Option<i64>)> = made.iter().zip(amounts).collect();
        let mut rows = vec![0.5; width * batch.len()];
        engine.apply_batch(&pairs, &mut rows, &mut applied);
        bits.extend(rows.iter().map(|value| value.to_bits()));
    }
    (bits, applied, engine.encode())
}

#[test]
fn batches_of_any_size_give_the_same_bits_and_the_same_state() {
    let log = log(77);
    let one_by_one = in_batches(&log, &[1]);
    for sizes in [&[2][..], &[7], &[64], &[1_000], &[1, 64, 0, 3, 256]] {
        let batched = in_batches(&log, sizes);
        assert_eq!(batched.1, one_by_one.1, "flags, sizes {sizes:?}");
        let first = batched
            .0
            .iter()
            .zip(&one_by_one.0)
            .position(|(a, b)| a != b);
        assert_eq!(first, None, "rows, sizes {sizes:?}");
        assert!(batched.2 == one_by_one.2, "state, sizes {sizes:?}");
    }
}

#[test]
fn a_batch_forgets_nobody_before_the_time() {
    // Each batch goes from before a leap to after it.
    for leap in [2 * HOUR, 25 * HOUR, 8 * DAY, 33 * DAY, 41 * DAY, 401 * DAY] {
        let mut subject = Subject::shipped();
        let whole = |time_us| Event {
            card: Some(3),
            device: Some(4),
            ..Event::at(time_us).merchant(2).amount(100)
        };
        let batches = [
            vec![whole(START)],
            vec![
                whole(START + SECOND),
                Event::at(START + leap).account(9),
                whole(START + 2 * SECOND),
                whole(START + leap),
            ],
            vec![whole(START + leap + SECOND)],
        ];
        for batch in batches {
            subject
                .check_batch(&batch)
                .unwrap_or_else(|difference| panic!("leap {leap}: {difference}"));
        }
    }
}

#[test]
fn batches_of_any_size_give_what_plain_loops_give() {
    let mut random = Random::new(3);
    let log = log(78);
    for _ in 0..3 {
        let mut subject = Subject::shipped();
        let mut rest = &log[..2_000];
        while !rest.is_empty() {
            let size = *random.pick(&[1, 2, 7, 64, 100]);
            let (batch, later) = rest.split_at(rest.len().min(size));
            rest = later;
            subject
                .check_batch(batch)
                .unwrap_or_else(|difference| panic!("{difference}"));
        }
    }
}

#[test]
fn what_comes_later_changes_nothing_that_was_said() {
    let log = log(79);
    let rows = |events: &[Event]| {
        let mut subject = Subject::shipped();
        let of = |event| {
            let flags = subject.apply(event);
            (flags, subject.bits())
        };
        events.iter().map(of).collect::<Vec<_>>()
    };
    let whole = rows(&log);
    for prefix in [1, 100, 3_333] {
        assert!(rows(&log[..prefix]) == whole[..prefix], "prefix {prefix}");
    }
}

#[test]
fn a_row_depends_on_its_own_entities_alone() {
    let log = log(80);
    let (mut alone, mut among_strangers) = (Subject::shipped(), Subject::shipped());
    for (index, event) in log.iter().enumerate() {
        let strange = |entity: u32| entity + 2_000_000 + index as u32 % 50;
        let stranger = Event {
            account: strange(event.account),
            customer: event.customer.map(strange),
            card: event.card.map(strange),
            device: event.device.map(strange),
            merchant: event.merchant.map(strange),
            terminal: event.terminal.map(strange),
            counterparty: event.counterparty.map(strange),
            email: event.email.map(strange),
            bin: event.bin.map(strange),
            mcc: event.mcc.map(|mcc| mcc + 1_000),
            ip: event.ip.map(|ip| strange(ip) + 1_000_000),
            ..event.clone()
        };
        let flags = alone.apply(event);
        assert_eq!(among_strangers.apply(event), flags, "event {index}");
        assert_eq!(among_strangers.bits(), alone.bits(), "event {index}");
        // At a time that was seen already, so that nothing becomes too late by it.
        among_strangers.apply(&stranger);
    }
}

#[test]
fn a_definition_gives_the_same_in_any_company() {
    let mut random = Random::new(4);
    let log = log(81);
    for _ in 0..8 {
        let several = crate::any_definition::definitions(&mut random);
        let mut all = Subject::of(set_of(&several));
        let mut each: Vec<Subject> = several
            .iter()
            .map(|one| Subject::of(set_of(std::slice::from_ref(one))))
            .collect();
        for event in &log[..1_500] {
            all.apply(event);
            for (slot, one) in each.iter_mut().enumerate() {
                one.apply(event);
                let (alone, together) = (one.row()[0], all.row()[slot]);
                assert_eq!(
                    alone.to_bits(),
                    together.to_bits(),
                    "{:?}: alone {alone}, with others {together}",
                    several[slot]
                );
            }
        }
    }
}
