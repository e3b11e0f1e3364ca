//! The writer: joins outcomes with the rows they came from, and writes decisions and dead letters.
//!
//! Both come in order: the ledger in the order of rows, outcomes in the order of the log, which is the
//! order of the rows that became entries. So dead letters stand in the order of rows too, whichever
//! thread refused them.

use std::collections::VecDeque;
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
use crate::diagnostics;

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

/// The ledger with a place in it. What stands first is a row that became an entry, or nothing is there.
struct Rows<'a> {
    ledgers: &'a Receiver<Ledger>,
    ended: bool,
    items: VecDeque<LedgerItem>,
    bytes: Vec<u8>,
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
    ///
    /// Ledgers are taken while no outcome is there, too: a long stretch of refused rows gives none, and
    /// the reader must not wait for a writer that waits for it.
    pub fn write(
        mut self,
        ledgers: &Receiver<Ledger>,
        outcomes: &Receiver<Published>,
    ) -> anyhow::Result<(PathBuf, u64)> {
        let never = crossbeam_channel::never();
        let mut rows = Rows {
            ledgers,
            ended: false,
            items: VecDeque::new(),
            bytes: Vec::new(),
        };
        loop {
            let idle = rows.items.is_empty() && !rows.ended;
            crossbeam_channel::select! {
                recv(outcomes) -> published => match published {
                    Ok(published) => self.settle_all(&published, &mut rows)?,
                    Err(_) => break,
                },
                recv(if idle { ledgers } else { &never }) -> ledger => {
                    self.take(ledger.ok(), &mut rows)?;
                }
            }
        }
        while !rows.ended {
            let ledger = rows.ledgers.recv().ok();
            self.take(ledger, &mut rows)?;
        }
        self.output.flush().context("write the output")?;
        self.dead_letters.flush().context("write dead letters")?;
        Ok((
            self.dead_letters.path().to_owned(),
            self.dead_letters.written(),
        ))
    }

    fn settle_all(&mut self, published: &Published, rows: &mut Rows<'_>) -> anyhow::Result<()> {
        for (one, latency_us) in published.settled.iter().zip(&published.latencies_us) {
            if one.offset >= self.first_entry {
                self.settle(one, *latency_us, rows)?;
            }
        }
        Ok(())
    }

    /// Puts the next ledger in place and keeps the refused rows it begins with.
    fn take(&mut self, ledger: Option<Ledger>, rows: &mut Rows<'_>) -> anyhow::Result<()> {
        match ledger {
            Some(ledger) => {
                rows.items = ledger.items.into();
                rows.bytes = ledger.bytes;
            }
            None => rows.ended = true,
        }
        self.keep_refused(rows)
    }

    /// Keeps refused rows until a row stands first that became an entry.
    fn keep_refused(&mut self, rows: &mut Rows<'_>) -> anyhow::Result<()> {
        while let Some(LedgerItem::Refused {
            row,
            rejection,
            raw,
        }) = rows.items.front()
        {
            let raw = rows.bytes.get(raw.clone()).unwrap_or_default();
            self.keep(*row, rejection, raw)?;
            rows.items.pop_front();
        }
        Ok(())
    }

    fn settle(
        &mut self,
        one: &Settled,
        latency_us: u32,
        rows: &mut Rows<'_>,
    ) -> anyhow::Result<()> {
        while rows.items.is_empty() && !rows.ended {
            let ledger = rows.ledgers.recv().ok();
            self.take(ledger, rows)?;
        }
        let Some(item) = rows.items.pop_front() else {
            anyhow::bail!(
                "the log holds entry {} that the input did not give",
                one.offset
            );
        };
        if let LedgerItem::Entry { row, raw } = item {
            let raw = rows.bytes.get(raw).unwrap_or_default();
            self.settle_row(one, latency_us, (row, raw))?;
        }
        self.keep_refused(rows)
    }

    fn settle_row(
        &mut self,
        one: &Settled,
        latency_us: u32,
        (row, raw): (u64, &[u8]),
    ) -> anyhow::Result<()> {
        match &one.outcome {
            Outcome::Decided(decision) => {
                let latency_us = self.with_latency.then_some(latency_us);
                let spelled = spell(&mut self.spelled, &decision.versions);
                let body = DecisionBody::of(decision, spelled, latency_us);
                serde_json::to_writer(&mut self.output, &body)
                    .map_err(std::io::Error::from)
                    .context("write the output")?;
                self.output.write_all(b"\n").context("write the output")
            }
            Outcome::Conflicted { first } => {
                let detail =
                    format!("the same event_id came before with another body, as entry {first}");
                let rejection = Rejection::new(RejectionCode::Conflict, "event_id", detail);
                self.keep(row, &rejection, raw)
            }
            Outcome::Refused(rejection) => self.keep(row, rejection, raw),
            _ => Ok(()),
        }
    }

    fn keep(&mut self, row: u64, rejection: &Rejection, raw: &[u8]) -> anyhow::Result<()> {
        // The first few are told at once; all of them are in the file.
        if self.dead_letters.written() < TOLD_MAX {
            diagnostics::tell(&format!("rejected {}:{row}: {rejection}", self.source_name));
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
