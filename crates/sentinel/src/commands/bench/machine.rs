//! The machine under the figures, and its clocks.

use std::path::Path;

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

/// What a figure must name to be one.
#[derive(Debug, Serialize)]
pub struct Machine {
    processor: String,
    cores: usize,
    memory_mib: u64,
    system: String,
    /// Others at work when the measurement began: the mean of the last minute.
    load: f64,
    version: &'static str,
    build: &'static str,
}

impl Machine {
    /// This one, now.
    pub fn here() -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let memory = field(&read("/proc/meminfo"), "MemTotal").unwrap_or_default();
        let memory_kib: u64 = first_word(&memory).parse().unwrap_or(0);
        Self {
            processor: field(&read("/proc/cpuinfo"), "model name").unwrap_or_default(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_mib: memory_kib / 1_024,
            system: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load: first_word(&read("/proc/loadavg")).parse().unwrap_or(0.0),
            version: env!("CARGO_PKG_VERSION"),
            build: if cfg!(debug_assertions) {
                "debug"
            } else {
                "release"
            },
        }
    }
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

/// Nanoseconds of processor time that this thread has had.
pub fn thread_ns() -> u64 {
    clock_ns(ClockId::ThreadCPUTime)
}

/// Nanoseconds of processor time that all threads of this process have had.
pub fn process_ns() -> u64 {
    clock_ns(ClockId::ProcessCPUTime)
}

fn clock_ns(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds * 1_000_000_000 + nanoseconds
}

/// Bytes of this process that lie in memory; 0 where the system does not say.
pub fn resident_bytes() -> u64 {
    resident_bytes_of(Path::new("/proc/self"))
}

/// Bytes of the process with this folder of the system that lie in memory.
pub fn resident_bytes_of(process: &Path) -> u64 {
    let status = std::fs::read_to_string(process.join("status")).unwrap_or_default();
    let resident = field(&status, "VmRSS").unwrap_or_default();
    first_word(&resident).parse::<u64>().unwrap_or(0) * 1_024
}

/// The value of a line `name: value`.
fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    let (_, value) = line.split_once(':')?;
    Some(value.trim().to_owned())
}
