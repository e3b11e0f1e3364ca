//! The result of an analysis in plain numbers: what is printed, drawn, and made into a profile.
//!
//! Rates and shares are fractions of 1. Everything that was bounded, estimated or left out says so in
//! `notes`.

mod notes;

use serde::Serialize;

use super::mixture::{self, Bin};
use super::statistics::amounts::{BANDS_MINOR, QUANTILE_ERROR};
use super::statistics::calendar::date;
use super::statistics::words::{LevelCounts, WordCounts};
use super::statistics::{Statistics, Tally, share};

/// Levels of a column that are told one by one.
pub const LEVELS_TOLD: usize = 200;

/// Quantiles that are told.
const QUANTILES: [f64; 9] = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99];

/// The whole result.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// The file.
    pub input: String,
    /// What kind of table it was taken for.
    pub layout: &'static str,
    /// Transactions counted.
    pub rows: u64,
    /// Whether anything said which of them are fraud.
    pub labelled: bool,
    /// Frauds.
    pub fraud: u64,
    /// Their share.
    pub fraud_rate: f64,
    /// Transactions in which nothing speaks of a card, such as transfers.
    pub cardless_rows: u64,
    /// Frauds among them.
    pub cardless_fraud: u64,
    /// Rows that are no transaction.
    pub refused_rows: u64,
    /// Why, by code.
    pub refused: Vec<RefusedRows>,
    /// The first event.
    pub first_event: String,
    /// The last event.
    pub last_event: String,
    /// By hour of the day, from 0.
    pub hours: Vec<Slot>,
    /// By weekday, from Monday.
    pub weekdays: Vec<Slot>,
    /// By day, from the first; days without a row included.
    pub days: Vec<Slot>,
    /// How much.
    pub amounts: Amounts,
    /// How many rows a client has.
    pub clients: Clients,
    /// How many names there are of other kinds.
    pub entities: Vec<Entity>,
    /// Columns of words.
    pub words: Vec<Words>,
    /// Columns of numbers.
    pub numbers: Vec<Numbers>,
    /// How often each column or optional field is missing.
    pub missing: Vec<Missing>,
    /// What was bounded, estimated or left out.
    pub notes: Vec<String>,
}

/// Rows that were refused for one reason.
#[derive(Debug, Serialize)]
pub struct RefusedRows {
    /// The code of the rejection.
    pub code: &'static str,
    /// How many.
    pub rows: u64,
    /// The line of the first.
    pub first_line: u64,
    /// What was wrong there.
    pub detail: String,
}

/// A stretch of time.
#[derive(Debug, Serialize)]
pub struct Slot {
    /// Hour, weekday or date.
    pub name: String,
    /// Rows.
    pub rows: u64,
    /// Their share of all.
    pub share: f64,
    /// The share of fraud among them.
    pub fraud_rate: f64,
}

/// Amounts in the reference currency.
#[derive(Debug, Serialize)]
pub struct Amounts {
    /// The currency.
    pub currency: String,
    /// Rows with an amount in it.
    pub rows: u64,
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub deviation: f64,
    /// The least.
    pub minimum: f64,
    /// The greatest.
    pub maximum: f64,
    /// Quantiles of all, and of fraud where there is some.
    pub quantiles: Vec<Quantile>,
    /// The largest relative error of a quantile.
    pub quantile_relative_error: f64,
    /// A log-normal mixture fitted to all amounts above zero.
    pub mixture: Vec<Part>,
    /// Rows and fraud by size.
    pub bands: Vec<Band>,
    /// The share of fraud among amounts below 10.
    pub small_fraud_rate: f64,
    /// Their share of all rows.
    pub small_share: f64,
    /// Bins of the logarithm, for the drawing: all, and fraud.
    #[serde(skip)]
    pub log_bins: (Vec<Bin>, Vec<Bin>),
}

/// A quantile.
#[derive(Debug, Serialize)]
pub struct Quantile {
    /// Which, from 0 to 1.
    pub share: f64,
    /// Of all amounts.
    pub amount: f64,
    /// Of amounts of fraud.
    pub fraud_amount: Option<f64>,
}

/// A part of the mixture.
#[derive(Debug, Serialize)]
pub struct Part {
    /// The share of rows.
    pub weight: f64,
    /// The mean of the natural logarithm.
    pub log_mean: f64,
    /// The standard deviation of the natural logarithm.
    pub log_deviation: f64,
}

/// Amounts within bounds.
#[derive(Debug, Serialize)]
pub struct Band {
    /// From this on.
    pub from: f64,
    /// Up to but without this; none for the last.
    pub below: Option<f64>,
    /// Rows.
    pub rows: u64,
    /// Their share.
    pub share: f64,
    /// The share of fraud among them.
    pub fraud_rate: f64,
}

/// Rows by client (account).
#[derive(Debug, Serialize)]
pub struct Clients {
    /// How many there are.
    pub count: u64,
    /// Whether all were counted; else it is an estimate.
    pub exact: bool,
    /// The relative standard error of the estimate.
    pub relative_error: f64,
    /// Rows of one on average.
    pub mean: f64,
    /// Median rows.
    pub median: u64,
    /// 90 % have at most so many.
    pub p90: u64,
    /// 99 % have at most so many.
    pub p99: u64,
    /// The most, among those counted.
    pub max: u64,
    /// The share of clients with a single row.
    pub single_share: f64,
    /// The share of rows of the busiest hundredth of clients.
    pub top_hundredth_share: f64,
    /// How many clients have about how many rows, rising.
    pub sizes: Vec<Size>,
}

/// Clients of about one size.
#[derive(Debug, Serialize)]
pub struct Size {
    /// Rows of one, on average.
    pub payments: f64,
    /// How many clients.
    pub clients: u64,
}

/// Names of one kind.
#[derive(Debug, Serialize)]
pub struct Entity {
    /// The field.
    pub name: &'static str,
    /// How many there are.
    pub count: u64,
    /// The relative standard error; 0 where all were counted.
    pub relative_error: f64,
    /// Rows that name one.
    pub rows: u64,
}

/// A column of words.
#[derive(Debug, Serialize)]
pub struct Words {
    /// The column or field.
    pub name: String,
    /// Levels told apart.
    pub count: usize,
    /// The most frequent ones, and the missing ones.
    pub levels: Vec<Level>,
    /// All others in one, where there are any.
    pub others: Option<Level>,
}

/// One level.
#[derive(Debug, Clone, Serialize)]
pub struct Level {
    /// The word; none where it is missing.
    pub level: Option<String>,
    /// Rows.
    pub rows: u64,
    /// Their share of all.
    pub share: f64,
    /// The share of fraud among them.
    pub fraud_rate: f64,
    /// The mean amount.
    pub mean_amount: f64,
}

/// A column of numbers.
#[derive(Debug, Serialize)]
pub struct Numbers {
    /// The column or attribute.
    pub name: String,
    /// How often it is missing.
    pub missing_rate: f64,
    /// The least.
    pub minimum: f64,
    /// The greatest.
    pub maximum: f64,
    /// The share above zero among those that are there.
    pub positive_share: f64,
    /// Of those the mean of the natural logarithm.
    pub log_mean: f64,
    /// Of those the standard deviation of the natural logarithm.
    pub log_deviation: f64,
}

/// A column or optional field.
#[derive(Debug, Serialize)]
pub struct Missing {
    /// Its name.
    pub name: String,
    /// The share of rows without it.
    pub missing_rate: f64,
}

impl Summary {
    /// The numbers of a walk. `labelled` says whether anything told fraud.
    pub fn of(
        statistics: &Statistics,
        input: String,
        layout: &'static str,
        labelled: bool,
    ) -> Self {
        let all = statistics.all;
        let calendar = &statistics.calendar;
        let weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let slot = |name: String, tally: &Tally| slot(name, *tally, all.rows);
        let hours = calendar.hours.iter().enumerate();
        let days = calendar.weekdays.iter().zip(weekdays);
        let span = calendar
            .span
            .map(|(first, last)| (first.to_string(), last.to_string()));
        let (first_event, last_event) = span.unwrap_or_default();
        Self {
            input,
            layout,
            rows: all.rows,
            labelled,
            fraud: all.fraud,
            fraud_rate: all.fraud_rate(),
            cardless_rows: statistics.cardless.rows,
            cardless_fraud: statistics.cardless.fraud,
            refused_rows: statistics.refused_rows(),
            refused: refused(statistics),
            first_event,
            last_event,
            hours: hours
                .map(|(hour, tally)| slot(format!("{hour:02}"), tally))
                .collect(),
            weekdays: days
                .map(|(tally, name)| slot(name.to_owned(), tally))
                .collect(),
            days: every_day(statistics),
            amounts: amounts(statistics),
            clients: clients(statistics),
            entities: entities(statistics),
            words: words(statistics),
            numbers: numbers(statistics),
            missing: missing(statistics),
            notes: notes::of(statistics, labelled),
        }
    }

    /// A column of words by name.
    pub fn words_of(&self, name: &str) -> Option<&Words> {
        self.words.iter().find(|words| words.name == name)
    }

    /// How often a column is missing; `None` where there is no such column.
    pub fn missing_rate(&self, name: &str) -> Option<f64> {
        let found = self.missing.iter().find(|missing| missing.name == name);
        found.map(|missing| missing.missing_rate)
    }
}

fn slot(name: String, tally: Tally, rows: u64) -> Slot {
    Slot {
        name,
        rows: tally.rows,
        share: share(tally.rows, rows),
        fraud_rate: tally.fraud_rate(),
    }
}

fn refused(statistics: &Statistics) -> Vec<RefusedRows> {
    let told = statistics
        .refused
        .iter()
        .map(|(code, refused)| RefusedRows {
            code,
            rows: refused.rows,
            first_line: refused.first.0,
            detail: refused.first.1.clone(),
        });
    told.collect()
}

/// Days in a row, unless they lie so far apart that most of the row would be empty.
fn every_day(statistics: &Statistics) -> Vec<Slot> {
    let days = &statistics.calendar.days;
    let ends = days.first_key_value().zip(days.last_key_value());
    let Some(((first, _), (last, _))) = ends else {
        return Vec::new();
    };
    let rows = statistics.all.rows;
    if last - first >= 10_000 {
        let told = days
            .iter()
            .map(|(day, tally)| slot(date(*day), *tally, rows));
        return told.collect();
    }
    (*first..=*last)
        .map(|day| slot(date(day), days.get(&day).copied().unwrap_or_default(), rows))
        .collect()
}

fn amounts(statistics: &Statistics) -> Amounts {
    let counts = &statistics.amounts;
    let rows = statistics.all.rows;
    let log_bins = counts.log_bins();
    let quantiles = QUANTILES.iter().map(|&share| Quantile {
        share,
        amount: counts.quantile(share),
        fraud_amount: counts.fraud_quantile(share),
    });
    let ends = BANDS_MINOR.iter().map(|end| *end as f64 / 100.0);
    let from = std::iter::once(0.0).chain(ends.clone());
    let below = ends.map(Some).chain(std::iter::once(None));
    let bands = counts.bands.iter().zip(from.zip(below));
    let bands = bands.map(|(tally, (from, below))| Band {
        from,
        below,
        rows: tally.rows,
        share: share(tally.rows, rows),
        fraud_rate: tally.fraud_rate(),
    });
    let (minimum, maximum) = counts.range.unwrap_or_default();
    let parts = mixture::fit(&log_bins.0);
    Amounts {
        currency: statistics.reference().to_string(),
        rows: counts.rows(),
        mean: counts.mean(),
        deviation: counts.deviation(),
        minimum: minimum as f64 / 100.0,
        maximum: maximum as f64 / 100.0,
        quantiles: quantiles.collect(),
        quantile_relative_error: QUANTILE_ERROR,
        mixture: parts
            .iter()
            .map(|part| Part {
                weight: part.weight,
                log_mean: part.mean,
                log_deviation: part.deviation,
            })
            .collect(),
        bands: bands.collect(),
        small_fraud_rate: counts.small().fraud_rate(),
        small_share: share(counts.small().rows, rows),
        log_bins,
    }
}

fn clients(statistics: &Statistics) -> Clients {
    let distinct = &statistics.clients;
    let sizes = distinct.sizes();
    let kept = sizes.len();
    let quantile = |share: f64| {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place below a length"
        )]
        let place = (share * kept as f64) as usize;
        sizes
            .get(place.min(kept.saturating_sub(1)))
            .copied()
            .unwrap_or(0)
    };
    let sampled: u64 = sizes.iter().sum();
    let busiest: u64 = sizes.iter().rev().take(kept.div_ceil(100)).sum();
    let single = sizes.partition_point(|size| *size <= 1) as u64;
    Clients {
        count: distinct.count(),
        exact: distinct.exact(),
        relative_error: distinct.relative_error(),
        mean: sampled as f64 / kept.max(1) as f64,
        median: quantile(0.5),
        p90: quantile(0.9),
        p99: quantile(0.99),
        max: sizes.last().copied().unwrap_or(0),
        single_share: share(single, kept as u64),
        top_hundredth_share: share(busiest, sampled),
        sizes: groups(&sizes, distinct.each_stands_for()),
    }
}

/// Sizes up to 9 one by one, larger ones in groups a quarter wide.
fn groups(sizes: &[u64], each_stands_for: u64) -> Vec<Size> {
    let mut groups = Vec::new();
    let mut rest = sizes;
    while let Some(first) = rest.first() {
        let end = if *first < 10 {
            *first
        } else {
            *first + *first / 4
        };
        let (group, further) = rest.split_at(rest.partition_point(|size| *size <= end));
        groups.push(Size {
            payments: group.iter().sum::<u64>() as f64 / group.len() as f64,
            clients: group.len() as u64 * each_stands_for,
        });
        rest = further;
    }
    groups
}

fn entities(statistics: &Statistics) -> Vec<Entity> {
    let named = statistics.entities.iter();
    named
        .filter(|(_, distinct)| distinct.rows() > 0)
        .map(|(name, distinct)| Entity {
            name,
            count: distinct.count(),
            relative_error: distinct.relative_error(),
            rows: distinct.rows(),
        })
        .collect()
}

fn words(statistics: &Statistics) -> Vec<Words> {
    let told = statistics.words.iter();
    told.map(|(name, counts)| words_of(name, counts, statistics))
        .collect()
}

fn words_of(name: &str, counts: &WordCounts, statistics: &Statistics) -> Words {
    let rows = statistics.all.rows;
    let level = |word: Option<&str>, counts: &LevelCounts| Level {
        level: word.map(str::to_owned),
        rows: counts.tally.rows,
        share: share(counts.tally.rows, rows),
        fraud_rate: counts.tally.fraud_rate(),
        mean_amount: counts.amount_minor_sum as f64 / counts.priced.max(1) as f64 / 100.0,
    };
    let ranked = counts.ranked();
    let mut levels: Vec<Level> = ranked
        .iter()
        .take(LEVELS_TOLD)
        .map(|(word, counts)| level(Some(word), counts))
        .collect();
    let mut others = counts.others;
    for (_, counts) in ranked.iter().skip(LEVELS_TOLD) {
        others.merge(counts);
    }
    let there = counts.all();
    let missing = LevelCounts {
        tally: Tally {
            rows: rows - there.tally.rows,
            fraud: statistics.all.fraud - there.tally.fraud,
        },
        amount_minor_sum: statistics.amounts.sum_minor() - there.amount_minor_sum,
        priced: statistics.amounts.rows() - there.priced,
    };
    if missing.tally.rows > 0 {
        let at = levels.partition_point(|level| level.rows >= missing.tally.rows);
        levels.insert(at, level(None, &missing));
    }
    let any = others.tally.rows > 0;
    Words {
        name: name.to_owned(),
        count: counts.count(),
        levels,
        others: any.then(|| level(Some("(others)"), &others)),
    }
}

fn numbers(statistics: &Statistics) -> Vec<Numbers> {
    let told = statistics.numbers.iter();
    told.map(|(name, counts)| {
        let (minimum, maximum) = counts.range.unwrap_or_default();
        Numbers {
            name: name.clone(),
            missing_rate: 1.0 - share(counts.rows, statistics.all.rows),
            minimum,
            maximum,
            positive_share: share(counts.positive, counts.rows),
            log_mean: counts.log_mean(),
            log_deviation: counts.log_deviation(),
        }
    })
    .collect()
}

fn missing(statistics: &Statistics) -> Vec<Missing> {
    let rows = statistics.all.rows;
    let told = statistics.present.iter().map(|(name, present)| Missing {
        name: name.clone(),
        missing_rate: share(rows - present, rows),
    });
    told.collect()
}
