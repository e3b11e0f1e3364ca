//! The log of a data directory, as `sentinel serve` opens it: payments, and labels when they become known.
//!
//! A log that is begun here begins with the shipped contents, as every log does, so that a server over it
//! decides on every payment. Log time is the running maximum of the event times, as with every source that
//! is a file. A label is appended before the first payment that is not older than its `known_at`, the rest
//! at the end. Must never append an event that a door would refuse: one from the future.

use std::path::Path;

use anyhow::Context;
use sentinel_domain::{Entry, Instant, Label, Offset};
use sentinel_eventlog::{EventLog, Payloads, encode_entry};
use sentinel_features::FeatureSet;
use sentinel_pipeline::intake::labels::PendingLabels;
use sentinel_pipeline::intake::source::AHEAD_MICROS_MAX;

use super::Told;
use crate::clock;
use crate::commands::generate::chunk::Chunk;
use crate::commands::usage;
use crate::compose::{self, DataDirectory};
use crate::content::{ContentArguments, Contents};

/// Payload bytes of one frame of the log.
const FRAME_BYTES: usize = 256 * 1024;

/// A log that is being appended to.
pub struct Log {
    log: EventLog,
    directory: DataDirectory,
    labels: PendingLabels,
    payloads: Payloads,
    /// The running maximum of the event times.
    log_time: Option<Instant>,
    labelled: u64,
}

impl Log {
    /// Opens the log of a data directory, or begins one.
    pub fn open(directory: &Path) -> anyhow::Result<Self> {
        let directory = DataDirectory::open(directory)?;
        directory.refuse_run()?;
        let log = directory.transactions(compose::random_log_id())?;
        let mut log = Self {
            log,
            directory,
            labels: PendingLabels::given(),
            payloads: Payloads::default(),
            log_time: None,
            labelled: 0,
        };
        if log.log.end() == Offset(0) {
            log.begin()?;
        }
        Ok(log)
    }

    /// The shipped contents, where time starts: log time follows the events.
    fn begin(&mut self) -> anyhow::Result<()> {
        let contents = Contents::load(&ContentArguments::default(), &FeatureSet::shipped())?;
        for activation in contents.activations {
            let entry = Entry::Activation(Box::new(activation));
            self.payloads.push_with(|out| encode_entry(&entry, out));
        }
        let start = Instant::from_micros(Instant::RANGE_MICROS.start);
        self.log
            .append(start, None, &self.payloads)
            .context("append to the log")?;
        self.payloads.clear();
        Ok(())
    }

    /// Appends rows of a chunk.
    pub fn write(&mut self, chunk: &Chunk, from: usize, to: usize) -> anyhow::Result<()> {
        let latest = clock::now().plus_micros(AHEAD_MICROS_MAX);
        for index in from..to {
            let (Some(row), Some(generated)) = (chunk.rows.get(index), chunk.made.get(index))
            else {
                break;
            };
            if row.event_time > latest {
                self.append()?;
                return Err(usage(format!(
                    "the payments have reached {}, which lies ahead of the clock, and no log takes events \
                     from the future; name an earlier --start-time, or --speed 1 to go with the clock",
                    row.event_time
                )));
            }
            while let Some(label) = self.labels.take_due(row.event_time) {
                self.append_label(label);
            }
            let log_time = self
                .log_time
                .map_or(row.event_time, |at| at.max(row.event_time));
            self.log_time = Some(log_time);
            let spelled = chunk.spelled(index, index + 1);
            self.payloads
                .push_at(log_time, |out| out.extend_from_slice(spelled));
            if let Some(label) = generated.label.as_ref().filter(|_| !generated.repeated) {
                self.labels.push(Box::new(label.clone()));
            }
            if self.payloads.bytes_len() >= FRAME_BYTES {
                self.append()?;
            }
        }
        Ok(())
    }

    fn append_label(&mut self, label: Box<Label>) {
        let log_time = self.log_time.unwrap_or(label.event_time);
        let entry = Entry::Label(label);
        self.payloads
            .push_at(log_time, |out| encode_entry(&entry, out));
        self.labelled += 1;
    }

    fn append(&mut self) -> anyhow::Result<()> {
        if self.payloads.is_empty() {
            return Ok(());
        }
        let log_time = self.log_time.unwrap_or_default();
        self.log
            .append(log_time, None, &self.payloads)
            .context("append to the log")?;
        self.payloads.clear();
        Ok(())
    }

    /// Hands on what is held.
    pub fn flush(&mut self) -> anyhow::Result<()> {
        self.append()
    }

    /// Appends the labels that are left, and closes the log.
    pub fn finish(mut self) -> anyhow::Result<Told> {
        while let Some(label) = self.labels.take_any() {
            self.append_label(label);
        }
        self.append()?;
        self.log.close().context("close the log")?;
        Ok(Some(format!(
            "the log in {} ends at entry {}, {} labels among those appended",
            self.directory.path(compose::LOG).display(),
            self.log.end(),
            self.labelled
        )))
    }
}
