//! The writer: takes chunks in order and hands their rows to the sink when they are due.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant as Clock};

use super::chunk::{Chunk, Chunks, Row};
use super::live::{Live, Tally};
use super::pace::Schedule;
use super::sink::{Lines, Sink};

/// The longest wait before the writer looks whether it is to stop.
const WAIT_MAX: Duration = Duration::from_millis(50);

/// Writes the stream.
pub struct Delivery<'a> {
    /// Where payments go.
    pub sink: &'a mut Sink,
    /// Where labels go.
    pub labels: Option<&'a mut Lines>,
    /// When.
    pub schedule: Schedule,
    /// Turns true when the person wants to stop.
    pub interrupted: &'a AtomicBool,
    /// What the person sees.
    pub live: Live,
}

impl Delivery<'_> {
    /// Writes all of it, or until the person wants to stop.
    pub fn run(mut self, mut chunks: Chunks) -> anyhow::Result<Tally> {
        let mut tally = Tally::default();
        let began = Clock::now();
        while !self.interrupted.load(Relaxed)
            && let Some(chunk) = chunks.next()
        {
            if self.schedule.is_unpaced() {
                self.write(&chunk, 0, chunk.rows.len())?;
                tally.count(&chunk.rows, Duration::ZERO);
                self.live.show(&tally);
            } else {
                self.write_paced(&chunk, began, &mut tally)?;
            }
            chunks.give_back(chunk);
        }
        self.sink.flush()?;
        self.live.end();
        Ok(tally)
    }

    /// Writes each row once it is due, with all others that are due by then.
    fn write_paced(
        &mut self,
        chunk: &Chunk,
        began: Clock,
        tally: &mut Tally,
    ) -> anyhow::Result<()> {
        let rows = &chunk.rows;
        let mut from = 0;
        let mut due = rows.first().map(|row| self.due(row));
        while let Some(first) = due {
            if !self.wait_until(first, began, tally)? {
                return Ok(());
            }
            let now = began.elapsed();
            let mut to = from;
            while due.is_some_and(|due| due <= now) {
                to += 1;
                due = rows.get(to).map(|row| self.due(row));
            }
            self.write(chunk, from, to)?;
            let lag = began.elapsed().saturating_sub(first);
            tally.count(rows.get(from..to).unwrap_or_default(), lag);
            self.live.show(tally);
            from = to;
        }
        Ok(())
    }

    fn write(&mut self, chunk: &Chunk, from: usize, to: usize) -> anyhow::Result<()> {
        self.sink.write(chunk, from, to)?;
        match &mut self.labels {
            Some(labels) => labels.write(chunk.labels_of(from, to)),
            None => Ok(()),
        }
    }

    fn due(&mut self, row: &Row) -> Duration {
        self.schedule.next_due(row.event_time)
    }

    /// False where the person wants to stop before.
    fn wait_until(&mut self, due: Duration, began: Clock, tally: &Tally) -> anyhow::Result<bool> {
        let mut flushed = false;
        loop {
            if self.interrupted.load(Relaxed) {
                return Ok(false);
            }
            let left = due.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Ok(true);
            }
            if !flushed {
                self.sink.flush()?;
                flushed = true;
            }
            std::thread::sleep(left.min(WAIT_MAX));
            self.live.show(tally);
        }
    }
}
