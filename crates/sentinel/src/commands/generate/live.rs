//! What the person at the terminal sees: made, rate, event time, fraud so far, lag behind the schedule.
//!
//! Drawn on standard error, and only where that is a terminal. Must never hold the writer up: a drawing
//! that is not due is left out.

use std::io::IsTerminal;
use std::time::{Duration, Instant as Clock};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sentinel_domain::Instant;

use super::chunk::Row;

const DRAWN_EVERY: Duration = Duration::from_millis(200);

/// What was written so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    /// Payments, repeats included.
    pub made: u64,
    /// Those that are fraud.
    pub fraud: u64,
    /// The least and the greatest event time.
    pub event_times: Option<(Instant, Instant)>,
    /// How late the last ones were sent, against the schedule.
    pub lag: Duration,
    /// How late the latest ones were.
    pub lag_max: Duration,
}

impl Tally {
    /// Counts rows that were written.
    pub fn count(&mut self, rows: &[Row], lag: Duration) {
        for row in rows {
            self.made += 1;
            self.fraud += u64::from(row.fraud);
            let at = row.event_time;
            let (first, last) = self.event_times.unwrap_or((at, at));
            self.event_times = Some((first.min(at), last.max(at)));
        }
        self.lag = lag;
        self.lag_max = self.lag_max.max(lag);
    }

    fn fraud_percent(&self) -> f64 {
        100.0 * self.fraud as f64 / self.made.max(1) as f64
    }

    /// One line for the end.
    pub fn summary(&self, seconds: f64, paced: bool) -> String {
        let times = match self.event_times {
            Some((first, last)) => format!(", from {first} to {last}"),
            None => String::new(),
        };
        let lag = match paced {
            true => format!(
                ", at most {:.3} s behind the schedule",
                self.lag_max.as_secs_f64()
            ),
            false => String::new(),
        };
        format!(
            "{} payments, {} of them fraud ({:.2} %){times}; {seconds:.1} s, {:.0} a second{lag}",
            self.made,
            self.fraud,
            self.fraud_percent(),
            self.made as f64 / seconds.max(1e-9)
        )
    }
}

/// The live line.
pub struct Live {
    bar: ProgressBar,
    drawn: Clock,
    drawn_made: u64,
    /// A running mean of the last seconds.
    rate: f64,
    paced: bool,
}

impl Live {
    /// A line on the terminal, nothing elsewhere.
    pub fn new(count: Option<u64>, paced: bool) -> Self {
        let bar = if std::io::stderr().is_terminal() {
            let target = ProgressDrawTarget::stderr_with_hz(10);
            let template = match count {
                Some(_) => "{bar:10} {percent}%  {wide_msg}",
                None => "{spinner} {wide_msg}",
            };
            let style = ProgressStyle::with_template(template);
            ProgressBar::with_draw_target(count, target)
                .with_style(style.unwrap_or(ProgressStyle::default_bar()))
        } else {
            ProgressBar::hidden()
        };
        Self {
            bar,
            drawn: Clock::now(),
            drawn_made: 0,
            rate: 0.0,
            paced,
        }
    }

    /// Draws the line, where it is due.
    pub fn show(&mut self, tally: &Tally) {
        let since = self.drawn.elapsed();
        if self.bar.is_hidden() || since < DRAWN_EVERY {
            return;
        }
        let rate = (tally.made - self.drawn_made) as f64 / since.as_secs_f64();
        self.rate = match self.drawn_made {
            0 => rate,
            _ => 0.7 * self.rate + 0.3 * rate,
        };
        (self.drawn, self.drawn_made) = (Clock::now(), tally.made);
        let event_time = tally.event_times.map_or_else(String::new, |(_, last)| {
            let second = Instant::from_seconds(last.micros().div_euclid(1_000_000));
            format!("  event time {second}")
        });
        let lag = match self.paced {
            true => format!("  lag {:.3} s", tally.lag.as_secs_f64()),
            false => String::new(),
        };
        self.bar.set_position(tally.made);
        // A narrow terminal cuts the end off: what can be spared stands there.
        self.bar.set_message(format!(
            "{} made  {:.0}/s  fraud {:.2} %{lag}{event_time}",
            tally.made,
            self.rate,
            tally.fraud_percent()
        ));
    }

    /// Takes the line away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_tells_what_was_made() {
        let row = |seconds, fraud| Row {
            end: 0,
            label_end: 0,
            event_time: Instant::from_seconds(seconds),
            fraud,
        };
        let mut tally = Tally::default();
        tally.count(&[row(60, false), row(0, true)], Duration::from_millis(5));
        tally.count(&[row(30, false), row(90, false)], Duration::ZERO);
        assert_eq!(
            tally.summary(2.0, true),
            "4 payments, 1 of them fraud (25.00 %), from 1970-01-01T00:00:00Z to 1970-01-01T00:01:30Z; \
             2.0 s, 2 a second, at most 0.005 s behind the schedule"
        );
        assert_eq!(
            Tally::default().summary(1.0, false),
            "0 payments, 0 of them fraud (0.00 %); 1.0 s, 0 a second"
        );
    }
}
