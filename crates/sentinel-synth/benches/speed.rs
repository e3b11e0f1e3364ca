//! How fast payments are made: `cargo bench -p sentinel-synth --bench speed [-- COUNT CUSTOMERS]`.
//!
//! Prints payments a second of CPU time on one thread, then on two that spell out slices of one stream,
//! with the share of planning, which only one thread can do at a time. Linux only: it reads
//! `/proc/thread-self`. Judges nothing; tests never assert on time.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement for people: it asks the machine and starts the threads that the crate must not"
)]

use std::hint::black_box;
use std::sync::{Mutex, PoisonError};

use sentinel_synth::builder::FIXED_TIME;
use sentinel_synth::{Options, Stream};

const SLICE_PAYMENTS: u32 = 4_096;

fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|first| first.parse().ok());
    nanos.unwrap_or(0.0) / 1e9
}

/// CPU seconds of planning and of all, until the stream has no slice left to give.
fn work(stream: &Mutex<(Stream, u32)>) -> (f64, f64) {
    let begin = cpu_seconds();
    let mut planning = 0.0;
    loop {
        let slice = {
            let mut shared = stream.lock().unwrap_or_else(PoisonError::into_inner);
            if shared.1 == 0 {
                return (planning, cpu_seconds() - begin);
            }
            let before = cpu_seconds();
            shared.1 -= 1;
            let slice = shared.0.slice(SLICE_PAYMENTS as usize);
            planning += cpu_seconds() - before;
            slice
        };
        black_box(slice.generate());
    }
}

fn main() {
    let mut numbers = std::env::args().filter_map(|text| text.parse::<u32>().ok());
    let count = numbers.next().unwrap_or(1_000_000);
    let mut options = Options::for_rate(1, FIXED_TIME, 300.0);
    options.customers = numbers.next().unwrap_or(options.customers);
    println!("{count} payments of {} customers", options.customers);

    let before = cpu_seconds();
    let mut stream = Stream::new(options.clone());
    println!("beginning: {:.3} s", cpu_seconds() - before);
    let before = cpu_seconds();
    for _ in 0..count {
        black_box(stream.next());
    }
    let one = f64::from(count) / (cpu_seconds() - before);
    println!("one thread: {one:.0} payments a CPU second");

    let slices = count.div_ceil(SLICE_PAYMENTS);
    let shared = Mutex::new((Stream::new(options), slices));
    let (mine, other) = std::thread::scope(|scope| {
        let other = scope.spawn(|| work(&shared));
        (work(&shared), other.join().unwrap_or_default())
    });
    let made = f64::from(slices * SLICE_PAYMENTS);
    let planning = mine.0 + other.0;
    let busiest = f64::max(mine.1, other.1).max(planning);
    println!(
        "two threads: {:.0} payments a second of the busier thread's CPU; planning {:.0} % of all work",
        made / busiest,
        100.0 * planning / (mine.1 + other.1)
    );
}
