//! Payments a second of CPU time: `cargo bench -p sentinel-synth --bench speed [-- COUNT CUSTOMERS]`.
use std::hint::black_box;

use sentinel_synth::builder::FIXED_TIME;
use sentinel_synth::{Options, Stream};

fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanos: f64 = text
        .split(' ')
        .next()
        .and_then(|first| first.parse().ok())
        .unwrap_or(0.0);
    nanos / 1e9
}

fn main() {
    let mut numbers = std::env::args().filter_map(|text| text.parse::<u32>().ok());
    let count = numbers.next().unwrap_or(1_000_000);
    let mut options = Options::for_rate(1, FIXED_TIME, 300.0);
    if let Some(customers) = numbers.next() {
        options.customers = customers;
    }
    let before = cpu_seconds();
    let mut stream = Stream::new(options);
    println!("start {:.3}", cpu_seconds() - before);
    let before = cpu_seconds();
    for _ in 0..count {
        black_box(stream.next());
    }
    println!("{:.0}/s", f64::from(count) / (cpu_seconds() - before));
}
