//! A stream of transactions whose fraud is known, to be walked as often as needed: a table, or a synthetic
//! world.
//!
//! ```text
//!  walk 1 ─▶ facts: time, card, fraud, known when ─▶ which rows are wanted
//!  walk 2 ─▶ stages of the serving path (matrix)  ─▶ their features, or decisions on them
//! ```
//!
//! **Promises** that each walk gives the same items in the same order, labels between the transactions where
//! they become known, and that a world is the one which `sentinel generate` writes. **Must never** hold
//! the transactions.

pub mod facts;

use std::path::{Path, PathBuf};

use sentinel_domain::{Instant, Label, RateTable, Transaction};
use sentinel_features::FeatureSet;
use sentinel_pipeline::intake::json::LabelLine;
use sentinel_pipeline::intake::labels::PendingLabels;
use sentinel_pipeline::intake::source::SourceItem;
use sentinel_pipeline::mapping::Mapping;
use sentinel_synth::{LookAlike, Options, Story, Stream};

use crate::clock;
use crate::commands::run::load_mapping;
use crate::commands::usage;
use crate::matrix::{self, Counts, Stages, TakeRow};

/// A labelled stream.
pub enum LabelledStream {
    /// A file.
    Table(Box<Table>),
    /// The first payments of a synthetic world.
    World {
        /// Which world.
        options: Box<Options>,
        /// How many payments.
        count: u64,
    },
}

/// A file with what is known about its rows.
pub struct Table {
    path: PathBuf,
    mapping: Option<Mapping>,
    labels: Vec<LabelLine>,
    /// One clock for all walks, so that all refuse the same events from the future.
    now: Instant,
}

/// What comes out of a stream.
pub enum Item {
    /// A transaction.
    Transaction {
        /// The transaction.
        transaction: Box<Transaction>,
        /// When it counts as appended.
        log_time: Instant,
        /// What it tells, where it was made up here.
        tale: Option<Tale>,
    },
    /// A label that is known from here on.
    Label {
        /// The label.
        label: Box<Label>,
        /// When it counts as appended.
        log_time: Instant,
    },
    /// A row of the table that is no transaction.
    Rejected,
}

/// What a synthetic payment tells beside fraud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tale {
    /// It belongs to a story of fraud, as the crime or as an honest part of it.
    Story(Story),
    /// It is honest and looks like fraud.
    LookAlike(LookAlike),
}

/// Hears items, each with the bytes (or payments) read so far and in all.
pub type Hear<'a> = dyn FnMut(Item, (u64, u64)) -> anyhow::Result<()> + 'a;

/// The mapping of a file, with the delay of its labels replaced where one is given; and the delay that
/// holds. Where labels stand beside the input, each says itself when it was known, so that is none.
pub fn mapping_with_delay(
    file: Option<&Path>,
    label_delay: Option<i64>,
) -> anyhow::Result<(Option<Mapping>, i64)> {
    let mapping = file.map(load_mapping).transpose()?;
    let mapping = match (mapping, label_delay) {
        (Some(mapping), Some(delay)) => Some(mapping.with_label_delay(delay)),
        (mapping, _) => mapping,
    };
    let label = mapping.as_ref().and_then(Mapping::label);
    let by_mapping = label.map(|label| label.delay_micros);
    let delay_micros = label_delay.or(by_mapping).unwrap_or(0);
    Ok((mapping, delay_micros))
}

impl LabelledStream {
    /// A table. Standard input is refused: it cannot be read twice.
    pub fn of_table(
        path: &Path,
        mapping: Option<Mapping>,
        labels: Vec<LabelLine>,
    ) -> anyhow::Result<Self> {
        if path.as_os_str() == "-" {
            return Err(usage("--input: the table is read twice, so name a file"));
        }
        if mapping.as_ref().and_then(Mapping::label).is_none() && labels.is_empty() {
            return Err(usage(format!(
                "{}: nothing says which rows are fraud; the mapping needs a section [label], or name --labels",
                path.display()
            )));
        }
        Ok(Self::Table(Box::new(Table {
            path: path.to_owned(),
            mapping,
            labels,
            now: clock::now(),
        })))
    }

    /// Labels that stand beside a table.
    pub fn lines(&self) -> &[LabelLine] {
        match self {
            Self::Table(table) => &table.labels,
            Self::World { .. } => &[],
        }
    }

    /// The name of the stream, for people.
    pub fn name(&self) -> String {
        match self {
            Self::Table(table) => table.path.display().to_string(),
            Self::World { options, count } => {
                format!("{count} synthetic payments of seed {}", options.seed)
            }
        }
    }

    /// Hands out every item from the start to the end.
    pub fn walk(&self, hear: &mut Hear<'_>) -> anyhow::Result<()> {
        match self {
            Self::Table(table) => table.walk(hear),
            Self::World { options, count } => walk_world(options, *count, hear),
        }
    }

    /// The rows of the serving path, in the order of the log. `progress` hears how far it has come.
    pub fn replay(
        &self,
        (set, rates): (FeatureSet, RateTable),
        progress: &mut dyn FnMut(u64, u64),
        take: &mut TakeRow<'_>,
    ) -> anyhow::Result<Counts> {
        let mut stages = Stages::new(set, rates, std::collections::HashSet::new());
        self.walk(&mut |item, (read, total)| {
            progress(read, total);
            match item {
                Item::Transaction {
                    transaction,
                    log_time,
                    ..
                } => stages.transaction(transaction, log_time, take),
                Item::Label { label, log_time } => stages.label(&label, log_time, take),
                Item::Rejected => {
                    stages.reject();
                    Ok(())
                }
            }
        })?;
        stages.finish(take)?;
        Ok(stages.counts())
    }
}

impl Table {
    fn walk(&self, hear: &mut Hear<'_>) -> anyhow::Result<()> {
        let labels = self.labels.iter().map(|line| line.label.clone());
        let given = (self.mapping.as_ref(), labels);
        matrix::walk(&self.path, given, self.now, &mut |item, at| {
            let item = match item {
                SourceItem::Transaction {
                    transaction,
                    log_time,
                    ..
                } => Item::Transaction {
                    transaction,
                    log_time,
                    tale: None,
                },
                SourceItem::Label { label, log_time } => Item::Label { label, log_time },
                SourceItem::Rejected { .. } => Item::Rejected,
            };
            hear(item, at)
        })
    }
}

/// The payments of a world with their labels, in the order in which a file of them would be read.
fn walk_world(options: &Options, count: u64, hear: &mut Hear<'_>) -> anyhow::Result<()> {
    let mut waiting = PendingLabels::given();
    let mut log_time = options.start;
    for (read, generated) in (0..count).zip(Stream::new(options.clone())) {
        let at = (read, count);
        let event_time = generated.transaction.event_time;
        while let Some(label) = waiting.take_due(event_time) {
            hear(Item::Label { label, log_time }, at)?;
        }
        log_time = if read == 0 {
            event_time
        } else {
            log_time.max(event_time)
        };
        if let Some(label) = generated.label.filter(|_| !generated.repeated) {
            waiting.push(Box::new(label));
        }
        let tale = match (generated.story, generated.look_alike) {
            (Some(story), _) => Some(Tale::Story(story)),
            (None, look_alike) => look_alike.map(Tale::LookAlike),
        };
        let transaction = Box::new(generated.transaction);
        hear(
            Item::Transaction {
                transaction,
                log_time,
                tale,
            },
            at,
        )?;
    }
    while let Some(label) = waiting.take_any() {
        hear(Item::Label { label, log_time }, (count, count))?;
    }
    Ok(())
}
