//! Training rows: transactions through the stages that serve, with what was learnt about them later.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet, VecDeque};

use anyhow::Context;
use sentinel_domain::{EventId, Instant, Label, RateTable, Transaction};
use sentinel_features::FeatureSet;
use sentinel_scoring::train::TrainingSet;
use sentinel_synth::{Generated, LookAlike, Options, Story, Stream};

use crate::commands::usage;
use crate::labelled::LabelledStream;
use crate::labelled::facts::{Fact, Facts};
use crate::learn::{empty_set, progress_bar};
use crate::matrix::{MatrixRow, Stages};

/// A row of the slice that judges the model, beside its features.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// The amount in minor units of the reference currency, where there is a rate for it.
    pub amount_minor: Option<i64>,
    /// What it tells, as a place in [`Prepared::tales`].
    pub tale: u16,
}

/// Rows to learn from and to judge by.
pub struct Prepared {
    /// As training wants them.
    pub set: TrainingSet,
    /// One for each row of the validation slice.
    pub judged: Vec<Judged>,
    /// The time that the validation slice spans, in days.
    pub days: f64,
    /// Names of what rows tell; the first is empty.
    pub tales: Vec<String>,
    /// Rows between both whose label was not known when the validation slice began.
    pub gap: usize,
    /// Rows at the end whose label is not known by then.
    pub unsettled: usize,
    /// How long after the event a label is known; none where all are known at once.
    pub delay_micros: Option<i64>,
    /// The first event that is learned from, the first and the last that judge.
    pub times: [Instant; 3],
}

/// Rows of a synthetic world, in the order of the log.
#[derive(Default)]
pub struct Rows {
    /// Row after row.
    pub values: Vec<f32>,
    /// Whether each turned out to be fraud.
    pub fraud: Vec<bool>,
    /// When each happened.
    pub times: Vec<Instant>,
    /// What is known beside its features.
    pub judged: Vec<Judged>,
    /// Whether the late ones judge the model instead of being learned from.
    pub judges: bool,
}

impl Rows {
    /// The first row that judges.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count of rows"
    )]
    fn cut(&self, validation_share: f64) -> usize {
        let rows = self.fraud.len();
        if self.judges {
            (rows as f64 * (1.0 - validation_share)) as usize
        } else {
            rows
        }
    }

    fn push(&mut self, row: &MatrixRow<'_>, tale: u16) {
        push(&mut self.values, row);
        self.fraud.push(row.fraud);
        self.times.push(row.event_time);
        self.judged.push(judged(row, tale));
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "models see slots rounded to f32"
)]
fn push(values: &mut Vec<f32>, row: &MatrixRow<'_>) {
    values.extend(row.values.iter().map(|value| *value as f32));
}

fn judged(row: &MatrixRow<'_>, tale: u16) -> Judged {
    let (run, place) = row.run;
    Judged {
        amount_minor: run.amounts.get(place).copied().flatten(),
        tale,
    }
}

/// How the rows of a stream are parted by time.
#[derive(Debug, Clone, PartialEq)]
struct Parted {
    /// For each row whether it learns, judges, or neither.
    roles: Vec<Role>,
    /// When training is taken to happen: at the first row that judges.
    moment: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Learns,
    Waits,
    Judges,
    Unsettled,
}

/// The rows of a labelled stream: those that learn, then those that judge. Between them lie the rows whose
/// labels were not known when the first that judges happened; the last ones, whose labels are not known by
/// the end, are left out.
pub fn of_stream(
    stream: &LabelledStream,
    (set, rates): (FeatureSet, RateTable),
    (validation_share, delay_micros): (f64, i64),
) -> anyhow::Result<Prepared> {
    let bar = progress_bar("{percent}% of the labels", None);
    let hear = &mut |read, total| {
        bar.set_length(total);
        bar.set_position(read);
    };
    let facts = Facts::of(stream, hear)?;
    bar.finish_and_clear();
    let parted = part(&facts, validation_share, delay_micros)?;
    let mut prepared = Prepared {
        set: empty_set(&set),
        judged: Vec::new(),
        days: 0.0,
        tales: facts.tales.clone(),
        gap: parted
            .roles
            .iter()
            .filter(|role| **role == Role::Waits)
            .count(),
        unsettled: parted
            .roles
            .iter()
            .filter(|role| **role == Role::Unsettled)
            .count(),
        delay_micros: Some(delay_micros),
        times: times(&facts, &parted),
    };
    let [_, from, to] = prepared.times;
    prepared.days = to.micros_since(from) as f64 / DAY_MICROS;
    let bar = progress_bar("{percent}% of the rows", None);
    let hear = &mut |read, total| {
        bar.set_length(total);
        bar.set_position(read);
    };
    let mut rows = facts.rows.iter().zip(&parted.roles);
    stream.replay((set, rates), hear, &mut |row| {
        let (fact, role) = rows.next().context("the input changed while it was read")?;
        match role {
            Role::Waits | Role::Unsettled => return Ok(()),
            // Rows of one role follow each other, so the first that judges ends those that learn.
            Role::Learns => {
                prepared.set.fraud.push(fact.known_fraud(parted.moment));
                prepared.set.validation_from += 1;
            }
            Role::Judges => {
                prepared.set.fraud.push(fact.fraud);
                prepared.judged.push(judged(row, fact.tale));
            }
        }
        push(&mut prepared.set.rows, row);
        Ok(())
    })?;
    bar.finish_and_clear();
    Ok(prepared)
}

/// Microseconds of a day.
const DAY_MICROS: f64 = 86_400e6;

/// Seconds of a day.
const DAY_SECONDS: f64 = 86_400.0;

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a count of rows"
)]
fn part(facts: &Facts, validation_share: f64, delay_micros: i64) -> anyhow::Result<Parted> {
    let settled = |row: &Fact| row.settled(facts.end, delay_micros);
    let known = facts.rows.iter().filter(|row| settled(row)).count();
    let learn_most = (known as f64 * (1.0 - validation_share)) as usize;
    let mut settled_rows = facts.rows.iter().filter(|row| settled(row));
    let moment = settled_rows.nth(learn_most).map(|row| row.event_time);
    let moment = moment.unwrap_or(facts.end);
    let mut before = 0;
    let roles = facts.rows.iter().map(|row| {
        if !settled(row) {
            return Role::Unsettled;
        }
        before += 1;
        match before <= learn_most {
            true if row.settled(moment, delay_micros) => Role::Learns,
            true => Role::Waits,
            false => Role::Judges,
        }
    });
    let parted = Parted {
        roles: roles.collect(),
        moment,
    };
    let of = |role: Role| {
        facts
            .rows
            .iter()
            .zip(&parted.roles)
            .filter(move |row| *row.1 == role)
    };
    let learned = of(Role::Learns)
        .filter(|(row, _)| row.known_fraud(moment))
        .count();
    let judged = of(Role::Judges).filter(|(row, _)| row.fraud).count();
    for (what, role, fraud) in [
        ("learned from", Role::Learns, learned),
        ("held back to judge the model", Role::Judges, judged),
    ] {
        let rows = of(role).count();
        if fraud == 0 || fraud == rows {
            let days = delay_micros as f64 / DAY_MICROS;
            return Err(usage(format!(
                "of {} rows {rows} could be {what}, {fraud} of them known fraud; both kinds are needed. Labels \
                 come {days} days after the event (--label-delay), {} % of the rows are held back \
                 (--validation-share)",
                facts.rows.len(),
                validation_share * 100.0
            )));
        }
    }
    Ok(parted)
}

fn times(facts: &Facts, parted: &Parted) -> [Instant; 3] {
    let of = |role: Role| {
        let rows = facts.rows.iter().zip(&parted.roles);
        rows.filter(move |row| *row.1 == role)
            .map(|row| row.0.event_time)
    };
    let first = of(Role::Learns).min();
    let (from, to) = (of(Role::Judges).min(), of(Role::Judges).max());
    [first, from, to].map(|at| at.unwrap_or(facts.end))
}

/// The rows of synthetic worlds: what learns of every part, then the late rows of those parts that judge. Every
/// label counts, however late it came.
pub fn joined(features: &FeatureSet, parts: &[Rows], validation_share: f64) -> Prepared {
    let mut set = empty_set(features);
    let width = set.features.len();
    let cut = |part: &Rows| part.cut(validation_share);
    for part in parts {
        let (values, fraud) = (
            part.values.get(..cut(part) * width),
            part.fraud.get(..cut(part)),
        );
        set.rows.extend_from_slice(values.unwrap_or_default());
        set.fraud.extend_from_slice(fraud.unwrap_or_default());
    }
    set.validation_from = set.fraud.len();
    let (mut judged, mut days) = (Vec::new(), 0.0);
    for part in parts {
        let (values, fraud) = (
            part.values.get(cut(part) * width..),
            part.fraud.get(cut(part)..),
        );
        set.rows.extend_from_slice(values.unwrap_or_default());
        set.fraud.extend_from_slice(fraud.unwrap_or_default());
        judged.extend_from_slice(part.judged.get(cut(part)..).unwrap_or_default());
        let times = part.times.get(cut(part)..).unwrap_or_default();
        if let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) {
            days += last.micros_since(*first) as f64 / DAY_MICROS;
        }
    }
    let late = parts
        .iter()
        .flat_map(|part| part.times.get(cut(part)..).unwrap_or_default());
    let first = parts.iter().flat_map(|part| &part.times).min();
    let times = [first, late.clone().min(), late.max()];
    Prepared {
        set,
        judged,
        days,
        tales: tales(),
        gap: 0,
        unsettled: 0,
        delay_micros: None,
        times: times.map(|at| at.copied().unwrap_or_default()),
    }
}

/// What synthetic payments may tell: nothing, the stories, what looks like them.
fn tales() -> Vec<String> {
    let stories = Story::ALL.iter().map(|story| story.as_str());
    let look_alikes = LookAlike::ALL.iter().map(|look_alike| look_alike.as_str());
    let all = std::iter::once("").chain(stories).chain(look_alikes);
    all.map(str::to_owned).collect()
}

/// The place of what a payment tells among [`tales`].
fn tale_of(generated: &Generated) -> u16 {
    let stories = u16::try_from(Story::ALL.len()).unwrap_or(u16::MAX);
    match (generated.story, generated.look_alike) {
        (Some(story), _) => u16::from(story.code()),
        (None, Some(look_alike)) => stories + u16::from(look_alike.code()),
        (None, None) => 0,
    }
}

/// How much of a payment a sender fills in. A model that saw only full ones would take a table without
/// devices for something strange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Everything the generator knows.
    Full,
    /// Card, merchant and place, as a terminal network sends.
    Placed,
    /// Card, merchant and amount, as a table for research has.
    Thin,
}

impl Detail {
    /// Each, from full to thin.
    pub const ALL: [Self; 3] = [Self::Full, Self::Placed, Self::Thin];

    fn reduce(self, transaction: &mut Transaction) {
        if self == Self::Full {
            return;
        }
        let t = transaction;
        (t.device_id, t.session_id, t.ip) = (None, None, None);
        (t.email_hash, t.email_domain) = (None, None);
        (t.card_country, t.merchant_country) = (None, None);
        (t.billing_country, t.shipping_country) = (None, None);
        (t.account_opened_at, t.customer_id) = (None, None);
        if self == Self::Thin {
            (t.coordinates, t.utc_offset_minutes) = (None, None);
        }
    }
}

/// The rows of a synthetic world. Repeats are left out, as a server would; labels become known at their
/// time.
pub fn of_world(
    (seed, rate, detail): (u64, f64, Detail),
    count: usize,
    (set, rates): (FeatureSet, RateTable),
) -> anyhow::Result<Rows> {
    // Any start will do; this one makes the model a function of the seed.
    let start = Instant::parse_rfc3339("2026-01-05T00:00:00Z").context("a constant instant")?;
    let mut options = Options {
        repeat_share: 0.0,
        ..Options::for_rate(seed, start, rate)
    };
    // A world that lasts has nights and Sundays; one of minutes would lie in a single hour of them.
    options.daily_curve = count as f64 / rate >= DAY_SECONDS;
    // Tiers stand where they keep their alert load for senders who say everything.
    let mut rows = Rows {
        judges: detail == Detail::Full,
        ..Rows::default()
    };
    // Rows come out in runs, so what they tell waits for them; repeats are off.
    let told = RefCell::new(VecDeque::new());
    let take = &mut |row: &MatrixRow<'_>| {
        rows.push(row, told.borrow_mut().pop_front().unwrap_or(0));
        Ok(())
    };
    let mut stages = Stages::new(set, rates, HashSet::new());
    let mut unknown: BTreeMap<(Instant, EventId), Label> = BTreeMap::new();
    let mut log_time = start;
    for mut generated in Stream::new(options).take(count) {
        told.borrow_mut().push_back(tale_of(&generated));
        detail.reduce(&mut generated.transaction);
        log_time = log_time.max(generated.transaction.event_time);
        while let Some(first) = unknown.first_entry()
            && first.get().known_at <= log_time
        {
            stages.label(&first.remove(), log_time, take)?;
        }
        if let Some(label) = generated.label {
            stages.turns_out_fraud(&generated.transaction.event_id);
            // Each story is found out in its own time, so labels do not queue up by themselves.
            unknown.insert((label.known_at, label.event_id.clone()), label);
        }
        stages.transaction(Box::new(generated.transaction), log_time, take)?;
    }
    stages.finish(take)?;
    Ok(rows)
}
