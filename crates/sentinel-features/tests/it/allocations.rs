//! In steady state an event costs no allocation.
//!
//! Promises to count every allocation of the thread that applies events, whatever library makes it. Steady
//! state means that every name is known and every ring as large as it gets: what is left is the work of
//! an event. Must never count what other tests do at the same time: the count is the thread's own.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use sentinel_domain::Transaction;
use sentinel_features::{FeatureEngine, FeatureSet};
use sentinel_synth::Random;

use crate::event::{Event, SECOND, START};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counting.
struct Counting;

#[allow(
    unsafe_code,
    reason = "an allocator is unsafe by its nature; this one only counts"
)]
// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that is being torn down has no count any more.
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.realloc(pointer, layout, bytes) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations() -> u64 {
    ALLOCATIONS.with(Cell::get)
}

/// Payments of 40 accounts, one every 20 seconds: after two days every ring has been as full as it gets.
fn payments(random: &mut Random, from: i64, count: i64) -> Vec<Transaction> {
    (from..from + count)
        .map(|index| {
            let mut one = |below: u64| u32::try_from(random.below(below)).unwrap();
            let account = one(40);
            let mut event = Event::at(START + index * 20 * SECOND).amount(i64::from(one(90_000)));
            event.account = account;
            event.card = Some(account);
            event.device = Some(one(40));
            event.merchant = Some(one(10));
            event.ip = Some(one(40));
            event.transaction()
        })
        .collect()
}

fn apply(engine: &mut FeatureEngine, events: &[Transaction], rows: &mut [f64]) -> u64 {
    let width = engine.set().width();
    let events: Vec<(&Transaction, Option<i64>)> = events
        .iter()
        .map(|one| (one, Some(one.amount_minor)))
        .collect();
    let mut applied = Vec::with_capacity(64);
    let before = allocations();
    for batch in events.chunks(64) {
        applied.clear();
        engine.apply_batch(batch, &mut rows[..batch.len() * width], &mut applied);
    }
    allocations() - before
}

#[test]
fn events_of_known_entities_cost_no_allocation() {
    let mut random = Random::new(11);
    let mut engine = FeatureEngine::new(FeatureSet::shipped());
    let mut rows = vec![0.0; 64 * engine.set().width()];
    let warm = payments(&mut random, 0, 60_000);
    assert!(apply(&mut engine, &warm, &mut rows) > 0, "the count counts");
    let steady = payments(&mut random, 60_000, 4_000);
    let made = apply(&mut engine, &steady, &mut rows);
    // Two are this test's own lists. Beyond them an index of a merchant may be made anew, once in
    // thousands of events: never one an event, nor one a batch.
    assert!(made <= 12, "{made} allocations for {} events", steady.len());
}
