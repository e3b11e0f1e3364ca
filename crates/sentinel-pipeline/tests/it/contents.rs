//! What ships, as activations, and logs made of a synthetic stream.

use sentinel_domain::{Activation, ActivationKind, Entry, Instant, LogId, Offset};
use sentinel_eventlog::{EventLog, MemoryOptions, Payloads, encode_entry};
use sentinel_features::FeatureSet;
use sentinel_synth::{Generated, Options, Stream};

pub const LOG: LogId = LogId([3; 16]);

/// One activation of each kind, in order.
pub fn shipped() -> Vec<Activation> {
    let model = include_bytes!("../../../../fixtures/models/default.model");
    let features = FeatureSet::shipped().to_text();
    [
        (ActivationKind::Features, features.as_bytes()),
        (
            ActivationKind::Rates,
            sentinel_pipeline::rates::SHIPPED_RATES.as_bytes(),
        ),
        (ActivationKind::Model, model),
        (
            ActivationKind::Rules,
            sentinel_rules::SHIPPED_RULES.as_bytes(),
        ),
        (
            ActivationKind::Policy,
            sentinel_rules::SHIPPED_POLICY.as_bytes(),
        ),
    ]
    .map(|(kind, content)| Activation {
        kind,
        name: "default".into(),
        version: 1,
        content: content.to_vec(),
    })
    .to_vec()
}

pub fn empty_log() -> EventLog {
    EventLog::memory(MemoryOptions {
        log_id: LOG,
        bytes_max: 1 << 30,
    })
}

/// Appends entries, each at its own log time.
pub fn append(log: &EventLog, entries: impl IntoIterator<Item = (Instant, Entry)>) {
    let mut payloads = Payloads::default();
    for (time, entry) in entries {
        payloads.push_at(time, |out| encode_entry(&entry, out));
    }
    log.append(Instant::default(), None, &payloads).unwrap();
}

/// Appends bytes that are no entry.
pub fn append_bytes(log: &EventLog, bytes: &[u8]) -> Offset {
    let mut payloads = Payloads::default();
    payloads.push(bytes);
    log.append(Instant::default(), None, &payloads).unwrap()
}

pub fn activations(contents: Vec<Activation>) -> impl Iterator<Item = (Instant, Entry)> {
    contents
        .into_iter()
        .map(|one| (Instant::default(), Entry::Activation(Box::new(one))))
}

/// A stream with late events, repeats and labels in it.
pub fn stream(seed: u64, count: usize) -> Vec<(Instant, Entry)> {
    let start = Instant::parse_rfc3339("2026-03-01T06:00:00Z").unwrap();
    let options = Options {
        late_share: 0.02,
        repeat_share: 0.01,
        ..Options::new(seed, start)
    };
    let mut entries = Vec::new();
    for Generated {
        transaction,
        label,
        repeated,
        ..
    } in Stream::new(options).take(count)
    {
        let time = transaction.event_time;
        entries.push((time, Entry::Transaction(Box::new(transaction))));
        if let Some(label) = label.filter(|_| !repeated) {
            entries.push((time, Entry::Label(Box::new(label))));
        }
    }
    entries
}

/// A log with everything that ships and a stream.
pub fn log_of(seed: u64, count: usize) -> EventLog {
    let log = empty_log();
    append(&log, activations(shipped()));
    append(&log, stream(seed, count));
    log
}
