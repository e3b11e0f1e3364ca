//! `sentinel log copy`: a new data directory whose log holds what an old one keeps.
//!
//! For a release that decides otherwise (decision record 0022): the old directory stays as it is, with the release that
//! can prove it, and the next start over the new one decides every entry anew, windows, remembered ids and lists with it.
//! Promises every entry in its order and at its log time, in a log of another generation. Must never change the old one.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use sentinel_domain::{Entry, Instant, LogId, Offset};
use sentinel_eventlog::{
    EmbeddedOptions, EventLog, Payloads, Record, RecordBatch, decode_entry, encode_entry,
};
use sentinel_features::FeatureSet;

use crate::commands::restore::check_empty;
use crate::compose::{self, DataDirectory};
use crate::content::{ContentArguments, Contents};
use crate::whole_folder::{WholeFolder, sync_folder};

/// Arguments of `sentinel log copy`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    sentinel log copy old --data-dir new && sentinel serve --data-dir new\n\n\
    The server of the old directory must be stopped. The next start over the new one decides every entry anew, under this \
    release's semantics; it raises alerts and writes messages about them again. A log that has its beginning brings what it \
    was decided with; for one that has lost it, the files named here stand for that.")]
pub struct CopyArguments {
    /// The data directory of a server; nothing in it is changed.
    #[arg(value_name = "DIR")]
    from: PathBuf,
    /// The data directory to make; it must be absent or empty.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    #[command(flatten)]
    content: ContentArguments,
}

/// Payload bytes of one frame of the log.
const FRAME_BYTES: usize = 256 * 1024;

/// Entries read at once.
const BATCH_ENTRIES: usize = 4_096;

/// Runs the command.
pub fn copy(arguments: &CopyArguments) -> anyhow::Result<ExitCode> {
    crate::diagnostics::start("warn");
    let (from, to) = (&arguments.from, &arguments.data_dir);
    let directory = DataDirectory::open_existing(from)?;
    directory.refuse_run()?;
    check_empty(to)?;
    let old = directory.transactions(LogId::default())?;
    let contents = match old.start() {
        Offset(0) => Vec::new(),
        _ => Contents::load(&arguments.content, &FeatureSet::shipped())?.activations,
    };
    let (whole, part) = WholeFolder::create(to)?;
    let path = part.join(compose::LOG);
    let options = EmbeddedOptions::new(compose::random_log_id());
    let (new, _) = EventLog::open(&path, options)
        .with_context(|| format!("begin the log {}", path.display()))?;
    let mut copied = Copied::new(&old, &new, contents.len() as u64);
    // Before everything that is kept, whatever its log time.
    let start = Instant::from_micros(Instant::RANGE_MICROS.start);
    for activation in contents {
        let entry = Entry::Activation(Box::new(activation));
        copied.push(start, |out| encode_entry(&entry, out))?;
    }
    copied.entries()?;
    let gone = copied.gone;
    new.close().context("close the new log")?;
    drop(new);
    sync_folder(&part)?;
    whole.keep()?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "copied     {} entries of {}, from {} on; {gone} of them speak of entries that are gone, and will be refused\n\
         next       sentinel serve --data-dir {}: it decides all of them before its door opens",
        old.end().0 - old.start().0,
        from.display(),
        old.start(),
        to.display()
    )
    .context("write the result")?;
    Ok(ExitCode::SUCCESS)
}

/// A log on its way into another.
struct Copied<'l> {
    old: &'l EventLog,
    new: &'l EventLog,
    /// Entries of the new log that stand before the first of the old one.
    before: u64,
    payloads: Payloads,
    /// Entries that speak of others which the old log keeps no longer.
    gone: u64,
}

impl<'l> Copied<'l> {
    fn new(old: &'l EventLog, new: &'l EventLog, before: u64) -> Self {
        Self {
            old,
            new,
            before,
            payloads: Payloads::default(),
            gone: 0,
        }
    }

    fn entries(&mut self) -> anyhow::Result<()> {
        let mut batch = RecordBatch::default();
        let mut next = self.old.start();
        while next < self.old.end() {
            self.old
                .read(next, BATCH_ENTRIES, &mut batch)
                .with_context(|| format!("read entry {next}"))?;
            for record in batch.iter() {
                next = record.offset.plus(1);
                self.entry(&record)?;
            }
        }
        self.append()
    }

    /// An entry as it is; one that names another by its place names it by its new one.
    fn entry(&mut self, record: &Record<'_>) -> anyhow::Result<()> {
        let moved = match decode_entry(record.payload) {
            Ok(Entry::Override(mut order)) => {
                order.decision = self.moved(record.offset, order.decision);
                Entry::Override(order)
            }
            Ok(Entry::Skip { offset }) => Entry::Skip {
                offset: self.moved(record.offset, offset),
            },
            _ => {
                let bytes = |out: &mut Vec<u8>| out.extend_from_slice(record.payload);
                return self.push(record.log_time, bytes);
            }
        };
        self.push(record.log_time, |out| encode_entry(&moved, out))
    }

    /// Where an entry stands in the new log. One that is gone becomes the entry itself that speaks of it, which is none
    /// that it could mean: so no place behind it moves.
    fn moved(&mut self, own: Offset, named: Offset) -> Offset {
        let start = self.old.start();
        let is_gone = named < start;
        self.gone += u64::from(is_gone);
        let place = if is_gone { own } else { named };
        Offset(place.0 - start.0 + self.before)
    }

    fn push(&mut self, at: Instant, bytes: impl FnOnce(&mut Vec<u8>)) -> anyhow::Result<()> {
        self.payloads.push_at(at, bytes);
        match self.payloads.bytes_len() >= FRAME_BYTES {
            true => self.append(),
            false => Ok(()),
        }
    }

    fn append(&mut self) -> anyhow::Result<()> {
        if !self.payloads.is_empty() {
            self.new
                .append(Instant::default(), None, &self.payloads)
                .context("append to the new log")?;
            self.payloads.clear();
        }
        Ok(())
    }
}
