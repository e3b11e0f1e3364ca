//! The order of arrival decides nothing where it may not.
//!
//! Promises that events within the lateness allowed leave the same windows behind, in whatever order they
//! came.

use proptest::prelude::*;

use sentinel_features::EntityKind;
use sentinel_features::FeatureSet;
use sentinel_features::fact::Fact;
use sentinel_features::feature::Source;

use crate::ask::{everything, windowed};
use crate::comparison::{Subject, set_of_sources};
use crate::event::{DAY, Event, HOUR, MILLISECOND, MINUTE, START};

/// Facts that no order changes. Distances and silences are told to each event as it comes.
const FACTS: [Fact; 8] = [
    Fact::CountEver,
    Fact::SecondsSinceLast,
    Fact::SecondsSinceFirst,
    Fact::AmountToMeanEver,
    Fact::HourShare,
    Fact::WeekdayShare,
    Fact::DayCount,
    Fact::MonthCount,
];

/// Everything that no order changes.
fn set() -> FeatureSet {
    let facts = FACTS.map(|fact| Source::Fact(EntityKind::Account, fact));
    set_of_sources(everything().into_iter().map(windowed).chain(facts))
}

/// An event of the last hour. Its amount follows from its time: of two events of one millisecond it
/// is a matter of order which of them is the first.
fn events_of_the_hour() -> impl Strategy<Value = Event> {
    let offsets = prop_oneof![
        3 => 0..=HOUR,
        2 => (0..=60_i64).prop_map(|minute| minute * MINUTE),
        2 => (HOUR - 5 * MILLISECOND)..=HOUR,
    ];
    (offsets, 0..3_u32, 0..9_u32).prop_map(|(offset_us, account, merchant)| Event {
        merchant: (merchant < 8).then_some(merchant),
        amount: (offset_us % 7_000 > 900).then_some(offset_us / MILLISECOND * 3_000),
        ..Event::at(START + offset_us).account(account)
    })
}

/// The rows of the probes after the events of the days before and those of the hour.
fn rows_after(before: &[Event], hour: &[Event]) -> Result<Vec<Vec<u64>>, TestCaseError> {
    let mut subject = Subject::of(set());
    for event in before.iter().chain(hour) {
        let told = subject.check(event).map_err(TestCaseError::fail)?;
        if told.flags.too_late {
            return Err(TestCaseError::fail(format!("{event:?} is too late")));
        }
    }
    let mut rows = Vec::new();
    for account in 0..3 {
        let probe = Event::at(START + HOUR).account(account).amount(777);
        subject.check(&probe).map_err(TestCaseError::fail)?;
        rows.push(subject.bits());
    }
    Ok(rows)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(80) })]

    #[test]
    fn any_order_within_the_lateness_allowed_leaves_the_same_windows(
        before in prop::collection::vec((0..2 * DAY, events_of_the_hour()), 0..40),
        (hour, shuffled) in prop::collection::vec(events_of_the_hour(), 1..90)
            .prop_flat_map(|hour| (Just(hour.clone()), Just(hour).prop_shuffle())),
    ) {
        let mut before: Vec<Event> = before
            .into_iter()
            .map(|(ago_us, event)| Event { time_us: START - ago_us, ..event })
            .collect();
        before.sort_by_key(|event| event.time_us);
        let mut in_order = hour;
        in_order.sort_by_key(|event| event.time_us);
        let reversed: Vec<Event> = in_order.iter().rev().cloned().collect();
        let rows = rows_after(&before, &in_order)?;
        prop_assert_eq!(&rows, &rows_after(&before, &shuffled)?);
        prop_assert_eq!(&rows, &rows_after(&before, &reversed)?);
    }
}
