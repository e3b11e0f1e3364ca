//! The same log prefix gives the same bits.

use crate::comparison::Subject;
use crate::event::Event;
use crate::traffic::Traffic;

const EVENTS: usize = 20_000;

fn log() -> Vec<Event> {
    let mut traffic = Traffic::new(77);
    (0..EVENTS).map(|_| traffic.event()).collect()
}

#[test]
fn two_engines_give_the_same_bits_for_the_same_prefix() {
    let log = log();
    let (mut one, mut other) = (Subject::new(), Subject::new());
    for (index, event) in log.iter().enumerate() {
        assert_eq!(one.apply(event), other.apply(event), "event {index}");
        assert_eq!(one.bits(), other.bits(), "event {index}");
    }
}

#[test]
fn what_comes_later_changes_nothing_that_was_said() {
    let log = log();
    let rows = |events: &[Event]| {
        let mut subject = Subject::new();
        let of = |event| {
            let flags = subject.apply(event);
            (flags, subject.bits())
        };
        events.iter().map(of).collect::<Vec<_>>()
    };
    let whole = rows(&log);
    for prefix in [1, 100, 3_333] {
        assert_eq!(rows(&log[..prefix]), whole[..prefix], "prefix {prefix}");
    }
}

#[test]
fn a_row_depends_on_its_own_entities_alone() {
    let log = log();
    let (mut alone, mut among_strangers) = (Subject::new(), Subject::new());
    for (index, event) in log.iter().enumerate() {
        let strange = |entity: u32| entity + 1_000_000 + index as u32 % 50;
        let stranger = Event {
            account: strange(event.account),
            card: event.card.map(strange),
            device: event.device.map(strange),
            merchant: event.merchant.map(strange),
            ip: event.ip.map(strange),
            ..event.clone()
        };
        let flags = alone.apply(event);
        assert_eq!(among_strangers.apply(event), flags, "event {index}");
        assert_eq!(among_strangers.bits(), alone.bits(), "event {index}");
        // At a time that was seen already, so that nothing becomes too late by it.
        among_strangers.apply(&stranger);
    }
}
