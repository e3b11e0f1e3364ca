//! What an entity knows of an event without a window.

use sentinel_features::fact::Fact;

use super::bucket;
use super::entity::{DAY_MS, Entity, FRAUD_DAYS_GO_AFTER_MS, HOUR_MS, Journey, Record, total};

/// What had to be asked before the event was taken in.
#[derive(Debug, Clone, Copy)]
pub struct Earlier {
    pub count: u64,
    /// The newest and the oldest event, microseconds.
    pub ends_us: Option<(i64, i64)>,
    /// Mean of all amounts.
    pub amount_mean: Option<f64>,
    pub journey: Journey,
    pub hour_share: Option<f64>,
    pub weekday_share: Option<f64>,
    pub amount_share: Option<f64>,
}

fn share(part: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(part) / f64::from(whole))
}

impl Earlier {
    /// Asks an entity that has not taken the event in.
    pub fn of(entity: &Entity, record: &Record) -> Self {
        let life = &entity.lifetime;
        let habit = &entity.habit;
        let hour = record.local.hour;
        let around = [(hour + 23) % 24, hour, (hour + 1) % 24];
        let around = around.iter().map(|&hour| u32::from(habit.hours[hour]));
        let up_to_own = record
            .amount
            .map(|amount| total(&habit.amounts[..=bucket::of(amount) / 2]));
        Self {
            count: life.count,
            ends_us: (life.count > 0).then_some((life.newest_us, life.oldest_us)),
            amount_mean: (life.amounts > 0).then(|| life.amounts_sum as f64 / life.amounts as f64),
            journey: entity.journey(record),
            hour_share: share(around.sum(), total(&habit.hours)),
            weekday_share: share(
                u32::from(habit.weekdays[record.local.weekday]),
                total(&habit.weekdays),
            ),
            amount_share: up_to_own.and_then(|part| share(part, total(&habit.amounts))),
        }
    }
}

/// The answer to an event that has been taken in, unless it is too late.
pub fn answer(fact: Fact, entity: &Entity, record: &Record, earlier: &Earlier) -> Option<f64> {
    let since = |then_us: i64| (record.time_us - then_us).max(0) as f64 / 1e6;
    match fact {
        Fact::CountEver => Some(earlier.count as f64),
        Fact::IsNew => Some(if earlier.count == 0 { 1.0 } else { 0.0 }),
        Fact::SecondsSinceLast => earlier.ends_us.map(|(newest, _)| since(newest)),
        Fact::SecondsSinceFirst => earlier.ends_us.map(|(_, oldest)| since(oldest)),
        Fact::AmountToMeanEver => {
            let mean = earlier.amount_mean?;
            (mean > 0.0).then_some(record.amount? as f64 / mean)
        }
        Fact::DormantSeconds => {
            let newest_ms = entity.newest_ms.filter(|_| earlier.count > 0)?;
            let woken = entity
                .dormancy
                .filter(|&(_, ended)| newest_ms - ended < DAY_MS);
            Some(woken.map_or(0.0, |(gap_ms, _)| gap_ms as f64 / 1_000.0))
        }
        Fact::DistanceKm => earlier.journey.metres.map(|metres| metres / 1_000.0),
        Fact::SpeedKmh => {
            let hours = earlier.journey.seconds / 3_600.0;
            earlier
                .journey
                .metres
                .map(|metres| metres / 1_000.0 / hours)
        }
        Fact::HourShare => earlier.hour_share,
        Fact::WeekdayShare => earlier.weekday_share,
        Fact::AmountShare => earlier.amount_share,
        Fact::DayCount => Some(entity.day.count as f64),
        Fact::DaySum => Some(entity.day.sum as f64),
        Fact::MonthCount => Some(entity.month.count as f64),
        Fact::MonthSum => Some(entity.month.sum as f64),
        Fact::FraudCountEver => Some(entity.frauds.len() as f64),
        Fact::FraudCount30d => Some(frauds_of_30_days(entity, record) as f64),
        Fact::FraudRate30d => {
            let today = today(entity, record);
            let events = events(entity, today - 30, i64::MAX);
            (events > 0).then(|| frauds_of_30_days(entity, record) as f64 / events as f64)
        }
        Fact::DelayedFraudRate1d => delayed_rate(entity, record, 1),
        Fact::DelayedFraudRate7d => delayed_rate(entity, record, 7),
        Fact::DelayedFraudRate30d => delayed_rate(entity, record, 30),
        Fact::SecondsSinceFraud => {
            let any = !entity.frauds.is_empty();
            entity.fraud_known_us.filter(|_| any).map(since)
        }
        Fact::FraudRunCount => Some(fraud_run(entity, record).len() as f64),
        Fact::FraudRunSeconds => {
            let first = fraud_run(entity, record).into_iter().min()?;
            let now_ms = entity.newest_ms.unwrap_or(record.time_ms);
            Some((now_ms - first * HOUR_MS).max(0) as f64 / 1_000.0)
        }
    }
}

/// The UTC day of the entity's newest event.
fn today(entity: &Entity, record: &Record) -> i64 {
    // An entity that only labels have named is asked as of the event that asks.
    entity
        .newest_ms
        .unwrap_or(record.time_ms)
        .div_euclid(DAY_MS)
}

/// Events after one day and up to another.
fn events(entity: &Entity, after: i64, until: i64) -> usize {
    if entity.idle_ms >= FRAUD_DAYS_GO_AFTER_MS {
        return 0;
    }
    entity
        .list
        .iter()
        .map(|stored| stored.record.time_ms.div_euclid(DAY_MS))
        .filter(|&day| after < day && day <= until)
        .count()
}

/// Known frauds after one day and up to another.
fn frauds(entity: &Entity, after: i64, until: i64) -> usize {
    entity
        .frauds
        .iter()
        .map(|&(_, hour)| hour.div_euclid(24))
        .filter(|&day| after < day && day <= until)
        .count()
}

fn frauds_of_30_days(entity: &Entity, record: &Record) -> usize {
    frauds(entity, today(entity, record) - 30, i64::MAX)
}

/// The hours of known frauds behind the newest hour that must have been labelled by now and was clean.
fn fraud_run(entity: &Entity, record: &Record) -> Vec<i64> {
    if entity.idle_ms >= FRAUD_DAYS_GO_AFTER_MS || entity.newest_ms.is_none() {
        return Vec::new();
    }
    let now_ms = entity.newest_ms.unwrap_or(record.time_ms);
    let kept = |hour: &i64| hour.div_euclid(24) > now_ms.div_euclid(DAY_MS) - 38;
    let frauds: Vec<i64> = entity.frauds.iter().map(|(_, hour)| *hour).collect();
    let clean = entity
        .list
        .iter()
        .map(|stored| stored.record.time_ms.div_euclid(HOUR_MS))
        .filter(kept)
        .filter(|hour| *hour < (now_ms - 7 * DAY_MS).div_euclid(HOUR_MS))
        .filter(|hour| !frauds.contains(hour))
        .max();
    let behind = |hour: &i64| clean.is_none_or(|clean| *hour > clean);
    frauds.into_iter().filter(kept).filter(behind).collect()
}

/// Frauds over events in the days that ended seven days ago.
fn delayed_rate(entity: &Entity, record: &Record, days: i64) -> Option<f64> {
    let until = today(entity, record) - 7;
    let events = events(entity, until - days, until);
    (events > 0).then(|| frauds(entity, until - days, until) as f64 / events as f64)
}
