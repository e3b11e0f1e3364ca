//! The writer: joins outcomes with the rows they came from, and writes decisions and dead letters.
//!
//! Both come in order: the ledger in the order of rows, outcomes in the order of the log, which is the
//! order of the rows that became entries. So dead letters stand in the order of rows too, whichever
//! thread refused them.

use std::fs::File;
use std::io::{BufWriter, Write, stdout};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use crossbeam_channel::Receiver;
use sentinel_api::wire::decision::{DecisionBody, SpelledVersions};
use sentinel_domain::{Offset, Outcome, Rejection, RejectionCode, Versions};
use sentinel_pipeline::Settled;
use sentinel_pipeline::dead_letter::DeadLetterFile;
use sentinel_pipeline::worker::Published;

use super::ledger::{Ledger, LedgerItem};
use crate::commands::usage;

const BUFFER_BYTES: usize = 256 * 1024;

/// Where things go.
pub struct WriterOptions<'a> {
    /// Decisions.
    pub output: &'a Path,
    /// Refused rows.
    pub dead_letters: &'a Path,
    /// How dead letters name the input.
    pub source_name: &'a str,
    /// Whether decisions carry their latency.
    pub with_latency: bool,
    /// The offset of the input's first entry: what comes before it are activations.
    pub first_entry: Offset,
}

/// Writes decisions and dead letters.
pub struct Writer {
    output: BufWriter<Box<dyn Write + Send>>,
    dead_letters: DeadLetterFile,
    source_name: String,
    with_latency: bool,
    first_entry: Offset,
    spelled: Option<(Arc<Versions>, SpelledVersions)>,
}

/// The ledger with a place in it.
struct Rows<'a> {
    ledgers: &'a Receiver<Ledger>,
    current: Option<(std::vec::IntoIter<LedgerItem>, Vec<u8>)>,
}

impl Writer {
    /// Opens the output; a file is written anew, since every decision comes again.
    pub fn open(options: WriterOptions<'_>) -> anyhow::Result<Self> {
        let output: Box<dyn Write + Send> = if options.output.as_os_str() == "-" {
            Box::new(stdout())
        } else {
            let file = File::create(options.output).map_err(|error| {
                usage(format!(
                    "write --output {}: {error}",
                    options.output.display()
                ))
            })?;
            Box::new(file)
        };
        let dead_letters = DeadLetterFile::anew(options.dead_letters).map_err(|error| {
            usage(format!(
                "write --dead-letters {}: {error}",
                options.dead_letters.display()
            ))
        })?;
        Ok(Self {
            output: BufWriter::with_capacity(BUFFER_BYTES, output),
            dead_letters,
            source_name: options.source_name.to_owned(),
            with_latency: options.with_latency,
            first_entry: options.first_entry,
            spelled: None,
        })
    }

    /// Writes until both channels end. Returns where dead letters are and how many.
    pub fn write(
        mut self,
        ledgers: &Receiver<Ledger>,
        outcomes: &Receiver<Published>,
    ) -> anyhow::Result<(PathBuf, u64)> {
        let mut rows = Rows {
            ledgers,
            current: None,
        };
        for published in outcomes {
            for (one, latency_us) in published.settled.iter().zip(published.latencies_us) {
                self.settle(one, latency_us, &mut rows)?;
            }
        }
        while let Some((item, bytes)) = rows.next() {
            self.refuse(&item, bytes)?;
        }
        self.output.flush().context("write the output")?;
        self.dead_letters.flush().context("write dead letters")?;
        Ok((
            self.dead_letters.path().to_owned(),
            self.dead_letters.written(),
        ))
    }

    fn settle(
        &mut self,
        one: &Settled,
        latency_us: u32,
        rows: &mut Rows<'_>,
    ) -> anyhow::Result<()> {
        if one.offset < self.first_entry {
            return Ok(());
        }
        let (item, bytes) = loop {
            let Some((item, bytes)) = rows.next() else {
                anyhow::bail!(
                    "the log holds entry {} that the input did not give",
                    one.offset
                );
            };
            if !self.refuse(&item, bytes)? {
                break (item, bytes);
            }
        };
        let LedgerItem::Entry { row, raw } = item else {
            return Ok(());
        };
        let raw = bytes.get(raw).unwrap_or_default();
        match &one.outcome {
            Outcome::Decided(decision) => {
                let latency_us = self.with_latency.then_some(latency_us);
                let spelled = spell(&mut self.spelled, &decision.versions);
                let body = DecisionBody::of(decision, spelled, latency_us);
                serde_json::to_writer(&mut self.output, &body)
                    .map_err(std::io::Error::from)
                    .context("write the output")?;
                self.output.write_all(b"\n").context("write the output")?;
            }
            Outcome::Conflicted { first } => {
                let detail =
                    format!("the same event_id came before with another body, as entry {first}");
                let rejection = Rejection::new(RejectionCode::Conflict, "event_id", detail);
                self.keep(row, &rejection, raw)?;
            }
            Outcome::Refused(rejection) => self.keep(row, rejection, raw)?,
            _ => {}
        }
        Ok(())
    }

    /// Keeps a refused row; false where the row became an entry.
    fn refuse(&mut self, item: &LedgerItem, bytes: &[u8]) -> anyhow::Result<bool> {
        let LedgerItem::Refused {
            row,
            rejection,
            raw,
        } = item
        else {
            return Ok(false);
        };
        self.keep(*row, rejection, bytes.get(raw.clone()).unwrap_or_default())?;
        Ok(true)
    }

    #[allow(
        clippy::print_stderr,
        reason = "the person at the terminal wants to see what is refused"
    )]
    fn keep(&mut self, row: u64, rejection: &Rejection, raw: &[u8]) -> anyhow::Result<()> {
        // The first few are told at once; all of them are in the file.
        if self.dead_letters.written() < TOLD_MAX {
            eprintln!("rejected {}:{row}: {rejection}", self.source_name);
        }
        self.dead_letters
            .keep_parts(&self.source_name, row, rejection, raw)
            .context("write dead letters")
    }
}

/// Rejections told on standard error while the run goes on.
const TOLD_MAX: u64 = 20;

fn spell<'a>(
    kept: &'a mut Option<(Arc<Versions>, SpelledVersions)>,
    versions: &Arc<Versions>,
) -> &'a SpelledVersions {
    if kept
        .as_ref()
        .is_none_or(|(have, _)| !Arc::ptr_eq(have, versions))
    {
        *kept = None;
    }
    &kept
        .get_or_insert_with(|| (Arc::clone(versions), SpelledVersions::of(versions)))
        .1
}

impl Rows<'_> {
    /// The next row with the bytes its range points into.
    fn next(&mut self) -> Option<(LedgerItem, &[u8])> {
        loop {
            let ended = match &mut self.current {
                Some((items, _)) => items.len() == 0,
                None => true,
            };
            if !ended {
                let (items, bytes) = self.current.as_mut()?;
                return items.next().map(|item| (item, bytes.as_slice()));
            }
            let ledger = self.ledgers.recv().ok()?;
            self.current = Some((ledger.items.into_iter(), ledger.bytes));
        }
    }
}
