//! Answers: slots of the row from readings and facts.

use super::EntityTable;
use super::apply::{EventView, FACTS, Scratch, Seat};
use crate::calendar::Calendar;
use crate::fact::Fact;
use crate::fraud::{DAYS_KEPT, Frauds};
use crate::plan::{COLUMNS_MAX, Output, Statistic};
use crate::reading::{COUNT, Readings, line_of_category, line_of_mark};
use crate::tiles::{TileHeader, TileStore};
use crate::totals::{ABSENT, count_to_f64, deviation, to_f64};
use crate::window::{DAY_MS, EXACT_COUNT, HOUR_MS, LONGEST_EXACT_MS, WINDOWS, Window};

/// How long a fraud takes to become known, by and large: rates look at what is older.
const LABEL_DELAY_DAYS: i64 = 7;

/// Rates that end so long ago, and their days.
const DELAYED: [(Fact, i64); 3] = [
    (Fact::DelayedFraudRate1d, 1),
    (Fact::DelayedFraudRate7d, 7),
    (Fact::DelayedFraudRate30d, 30),
];

impl EntityTable {
    /// What the entity knows after the event.
    pub(super) fn describe_present(
        &self,
        at: Option<usize>,
        event: &EventView<'_>,
        seat: &Seat<'_>,
        scratch: &mut Scratch,
    ) {
        if self.plan.wants(Fact::DormantSeconds) {
            let seconds = at.map_or(f64::NAN, |at| self.dormant_seconds(at, seat, scratch));
            scratch.set(Fact::DormantSeconds, seconds);
        }
        if self.keeps.fraud {
            self.describe_fraud(at, event, seat, scratch);
        }
    }

    /// Forgets frauds that are too old to count, where an event was taken in.
    pub(super) fn forget_frauds(&mut self, at: usize, newest_ms: i64) {
        let slot = self.records[at].windows.frauds;
        if let Some(frauds) = self.fraud_slab.get_mut(slot) {
            frauds.forget(newest_ms.div_euclid(DAY_MS));
        }
    }

    fn dormant_seconds(&self, at: usize, seat: &Seat<'_>, scratch: &Scratch) -> f64 {
        if scratch.facts[usize::from(Fact::IsNew.code())] == 1.0 {
            return f64::NAN;
        }
        let windows = &self.records[at].windows;
        let ended_ms = windows.silence_ended_ms;
        if ended_ms != i64::MIN && seat.newest_ms - ended_ms < LONGEST_EXACT_MS {
            to_f64(windows.silence_ms) / 1000.0
        } else {
            0.0
        }
    }

    fn describe_fraud(
        &self,
        at: Option<usize>,
        event: &EventView<'_>,
        seat: &Seat<'_>,
        scratch: &mut Scratch,
    ) {
        // An entity without events that a label named: as of this event.
        let newest_ms = if seat.newest_ms == i64::MIN {
            event.time_ms
        } else {
            seat.newest_ms
        };
        let today = newest_ms.div_euclid(DAY_MS);
        let frauds = at.and_then(|at| self.fraud_slab.get(self.records[at].windows.frauds));
        let known = |from, to| frauds.map_or(0, |frauds| frauds.between(from, to));
        scratch.set(
            Fact::FraudCountEver,
            count_to_f64(frauds.map_or(0, |frauds| frauds.ever)),
        );
        let since = frauds.filter(|frauds| frauds.ever > 0);
        let since = since.map_or(f64::NAN, |frauds| {
            let micros = event.transaction.event_time.micros() - frauds.known_at_micros;
            to_f64(micros.max(0)) / 1e6
        });
        scratch.set(Fact::SecondsSinceFraud, since);
        let recent = known(today - 29, i64::MAX);
        scratch.set(Fact::FraudCount30d, count_to_f64(recent));
        let Some(days) = &self.days else {
            return;
        };
        let header = at.filter(|at| self.has_days(*at, event));
        let header = header.map(|at| &self.records[at].windows.days);
        if self.plan.has_fraud_run() {
            let run = header
                .zip(frauds)
                .and_then(|(header, frauds)| fraud_run(frauds, days, header, newest_ms));
            let (count, first_hour) = run.map_or((0, None), |(count, hour)| (count, Some(hour)));
            scratch.set(Fact::FraudRunCount, count_to_f64(count));
            let seconds = first_hour.map_or(f64::NAN, |hour| {
                to_f64((newest_ms - hour * HOUR_MS).max(0)) / 1000.0
            });
            scratch.set(Fact::FraudRunSeconds, seconds);
        }
        let of_window = header.map_or(0, |header| days.count(header));
        scratch.set(Fact::FraudRate30d, share(recent, of_window));
        if !DELAYED.iter().any(|(fact, _)| self.plan.wants(*fact)) {
            return;
        }
        let to = today - LABEL_DELAY_DAYS;
        let stretches = DELAYED.map(|(_, length)| (to - length + 1, to));
        let events = header.map_or([0; DELAYED.len()], |header| {
            days.counts_between(header, stretches)
        });
        for ((fact, _), ((from, to), events)) in
            DELAYED.iter().zip(stretches.into_iter().zip(events))
        {
            scratch.set(*fact, share(known(from, to), events));
        }
    }

    /// The calendar day and month, this event included.
    pub(super) fn describe_calendar(&self, at: Option<usize>, scratch: &mut Scratch) {
        if !self.keeps.calendar {
            return;
        }
        let calendar = at.map_or(&Calendar::EMPTY, |at| &self.persons[at].calendar);
        scratch.set(Fact::DayCount, count_to_f64(calendar.day.count));
        scratch.set(Fact::DaySum, to_f64(calendar.day.sum));
        scratch.set(Fact::MonthCount, count_to_f64(calendar.month.count));
        scratch.set(Fact::MonthSum, to_f64(calendar.month.sum));
    }

    /// Fills the entity's slots of the row; without a seat there are facts alone.
    pub(super) fn fill(
        &self,
        seat: Option<&Seat<'_>>,
        event: &EventView<'_>,
        scratch: &Scratch,
        row: &mut [f64],
    ) {
        let shapes = &self.plan.shapes;
        for (at, fact) in &shapes.facts {
            row[usize::from(*at)] = scratch.facts[usize::from(*fact) % FACTS];
        }
        let Some(seat) = seat else {
            return;
        };
        let readings = &scratch.readings;
        for (at, place, window) in &shapes.counts {
            row[usize::from(*at)] = count_to_f64(readings.count_at(*place, *window));
        }
        for (at, column, window) in &shapes.sums {
            row[usize::from(*at)] = readings.number(*column, *window).sum();
        }
        for (at, column, window) in &shapes.means {
            row[usize::from(*at)] = readings.number(*column, *window).mean();
        }
        for (at, column, window) in &shapes.maxima {
            row[usize::from(*at)] = readings.number(*column, *window).max();
        }
        let within = if shapes.to_means.is_empty() && shapes.others.is_empty() {
            0
        } else {
            windows_with(seat, event)
        };
        for (at, column, window) in &shapes.to_means {
            let own = own(scratch, *column);
            let is_within = own.is_some() && within >> window & 1 == 1;
            row[usize::from(*at)] = readings.number(*column, *window).to_mean(own, is_within);
        }
        for slot in &shapes.others {
            let mut value = self.value(slot.output, (seat, within), scratch);
            if let Some(over) = slot.over {
                let divisor = self.value(over, (seat, within), scratch);
                value = if divisor == 0.0 {
                    f64::NAN
                } else {
                    value / divisor
                };
            }
            // One canonical not-a-number, whatever made it.
            row[usize::from(slot.at)] = if value.is_nan() { f64::NAN } else { value };
        }
    }

    fn value(&self, output: Output, (seat, within): (&Seat<'_>, u32), scratch: &Scratch) -> f64 {
        let readings = &scratch.readings;
        match output {
            Output::Fact(fact) => scratch.facts[usize::from(fact.code()) % FACTS],
            Output::Count { window } => count_to_f64(readings.count(COUNT, window)),
            Output::Marked { mark, window } => {
                count_to_f64(readings.count(line_of_mark(mark), window))
            }
            Output::Distinct { column, window } => {
                count_to_f64(readings.count(line_of_category(column), window))
            }
            Output::GapMean { window } => {
                let held = self.held(seat, readings, window);
                if held < 2 {
                    return f64::NAN;
                }
                let span = readings.gap_span_ms[readings.row(window)];
                to_f64(span) / count_to_f64(held - 1) / 1000.0
            }
            Output::GapDeviation { window } => {
                let held = self.held(seat, readings, window);
                if held < 2 {
                    return f64::NAN;
                }
                let row = readings.row(window);
                let squares = readings.gap_squares[row].unsigned_abs();
                let span = readings.gap_span_ms[row];
                deviation(held - 1, span, u128::from(squares)) / 1000.0
            }
            Output::Number {
                column,
                window,
                statistic,
            } => self.number((column, window), statistic, (seat, within), scratch),
        }
    }

    /// Events of a window that are held one by one: gaps know no others.
    fn held(&self, seat: &Seat<'_>, readings: &Readings, window: u8) -> u64 {
        let ring = self.ring.as_ref();
        ring.map_or(0, |ring| ring.held(seat.ring, readings, window))
    }

    fn number(
        &self,
        (column, window): (u8, u8),
        statistic: Statistic,
        (seat, within): (&Seat<'_>, u32),
        scratch: &Scratch,
    ) -> f64 {
        let totals = scratch.readings.number(column, window);
        let own = own(scratch, column);
        let is_within = own.is_some() && within >> window & 1 == 1;
        let value = match statistic {
            Statistic::ToMean => return totals.to_mean(own, is_within),
            Statistic::ZScore => return totals.z_score(own, is_within),
            Statistic::Sum => totals.sum(),
            Statistic::Mean => totals.mean(),
            Statistic::StandardDeviation => totals.standard_deviation(),
            Statistic::Min => totals.min(),
            Statistic::Max => totals.max(),
            _ => {
                let Some(ring) = &self.ring else {
                    return f64::NAN;
                };
                let held = (seat.ring, &scratch.readings, column, window);
                let number = |number: Option<i64>| number.map_or(f64::NAN, to_f64);
                match statistic {
                    Statistic::Rank => {
                        return ring.rank(held, own, is_within && seat.position.is_some());
                    }
                    Statistic::Median => ring.quantile(held, 5),
                    Statistic::Quantile90 => ring.quantile(held, 9),
                    Statistic::First => number(ring.first(held)),
                    _ => number(ring.previous(held, seat.position)),
                }
            }
        };
        value / self.plan.numbers[usize::from(column)].divisor
    }
}

/// The event's own number.
#[inline]
fn own(scratch: &Scratch, column: u8) -> Option<i64> {
    let own = scratch.numbers[usize::from(column) % COLUMNS_MAX];
    (own != ABSENT).then_some(own)
}

/// One bit a window that holds the event itself: a late event is in the windows that reach back to it, and
/// in no other.
#[inline]
fn windows_with(seat: &Seat<'_>, event: &EventView<'_>) -> u32 {
    let age_ms = seat.newest_ms.saturating_sub(event.time_ms);
    if !seat.is_taken_in {
        0
    } else if age_ms <= 0 {
        u32::MAX
    } else {
        let holds = |(at, window): (usize, &Window)| at >= EXACT_COUNT || age_ms < window.length_ms;
        let windows = WINDOWS.iter().enumerate();
        windows.fold(0, |bits, window| {
            bits | u32::from(holds(window)) << window.0
        })
    }
}

/// Known frauds in a row, and the hour in which the row began. An hour with events but without a known
/// fraud ends it, once a week has passed: a younger one may only not be labelled yet.
fn fraud_run(
    frauds: &Frauds,
    days: &TileStore,
    header: &TileHeader,
    newest_ms: i64,
) -> Option<(u64, i64)> {
    let judged_before = (newest_ms - LABEL_DELAY_DAYS * DAY_MS).div_euclid(HOUR_MS);
    let kept_from = (newest_ms.div_euclid(DAY_MS) - DAYS_KEPT + 1) * (DAY_MS / HOUR_MS);
    let clean = days.newest_hour(header, |hour| {
        hour < judged_before && !frauds.has_hour(hour)
    });
    let from = clean.map_or(kept_from, |clean| kept_from.max(clean + 1));
    let mut run = frauds.since_hour(from);
    let (first, count) = run.next()?;
    Some((count + run.map(|(_, count)| count).sum::<u64>(), first))
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        f64::NAN
    } else {
        count_to_f64(part) / count_to_f64(whole)
    }
}
