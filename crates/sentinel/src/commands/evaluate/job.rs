//! An evaluation from the open stream to its report.

use sentinel_domain::{EventId, Instant};
use sentinel_pipeline::active::{self, Decider};
use sentinel_pipeline::mapping::Mapping;
use sentinel_scoring::Model;
use sentinel_scoring::train::TrainingSet;

use super::EvaluateArguments;
use super::arguments::{Protocol, StartDay, TrainOn};
use super::decisions::{Decisions, Judge};
use super::figures::{Asked, Figures};
use super::gather;
use super::report::{FoldReport, ModelReport, Report, RowsReport};
use super::split::{self, FOLDS, Fold, day_of};
use crate::commands::run::{feature_set, labels};
use crate::commands::{generate, usage};
use crate::content::{Contents, rate_table, with_definitions};
use crate::labelled::facts::Facts;
use crate::labelled::{LabelledStream, mapping_with_delay};
use crate::learn::{learn, progress_bar};

/// The handbook's own first training day: 2018-07-25.
const HANDBOOK_START_DAY: i64 = 17_737;

/// An evaluation with everything open.
pub struct Job<'a> {
    arguments: &'a EvaluateArguments,
    mapping: Option<Mapping>,
    stream: LabelledStream,
    facts: Facts,
    delay_micros: i64,
}

/// What came of it.
pub struct Done {
    folds: Vec<FoldReport>,
    /// A score for each row that was asked.
    pub scores: Vec<(EventId, f64)>,
    features: usize,
    decisions: Option<Decisions>,
}

/// What one walk with a model gives: scores of all, and by fold, with what was decided.
struct Walked {
    scores: Vec<(EventId, f64)>,
    risks: Vec<Vec<f64>>,
    decisions: Decisions,
}

impl<'a> Job<'a> {
    /// Opens what the arguments name, and walks the stream once.
    pub fn open(arguments: &'a EvaluateArguments) -> anyhow::Result<Self> {
        let (mapping, delay_micros) =
            mapping_with_delay(arguments.mapping.as_deref(), arguments.label_delay)?;
        let stream = match &arguments.input {
            None => LabelledStream::World {
                options: Box::new(generate::world_of(arguments.seed)?),
                count: arguments.count,
            },
            Some(input) => {
                let lines = arguments
                    .labels
                    .as_deref()
                    .map(labels::read_lines)
                    .transpose()?;
                LabelledStream::of_table(input, mapping.clone(), lines.unwrap_or_default())?
            }
        };
        let bar = progress_bar("{percent}% of the labels", None);
        let facts = Facts::of(&stream, &mut |read, total| {
            bar.set_length(total);
            bar.set_position(read);
        });
        bar.finish_and_clear();
        let facts = facts?;
        if facts.rows.is_empty() {
            let (name, rejected) = (stream.name(), facts.rejected);
            return Err(usage(format!(
                "{name} holds no transaction; {rejected} rows were refused"
            )));
        }
        if facts.rejected > 0 {
            let told = format!(
                "{} rows are no transaction and were left out",
                facts.rejected
            );
            crate::diagnostics::tell(&told);
        }
        Ok(Self {
            arguments,
            mapping,
            stream,
            facts,
            delay_micros,
        })
    }

    /// Whether models are trained here.
    pub fn trains(&self) -> bool {
        self.arguments.protocol.is_some() && self.arguments.content.model.is_none()
    }

    fn train_on(&self) -> TrainOn {
        self.arguments.train.unwrap_or(TrainOn::Week)
    }

    /// The folds of the protocol, each with something to measure.
    pub fn folds(&self) -> anyhow::Result<Vec<Fold>> {
        let facts = &self.facts;
        let first_day = facts
            .rows
            .iter()
            .map(|row| day_of(row.event_time))
            .min()
            .unwrap_or(0);
        let start = match self.arguments.start {
            None => HANDBOOK_START_DAY,
            Some(StartDay::Date(day)) => day,
            Some(StartDay::Number(number)) => first_day + number,
        };
        let handbook =
            |folds| split::handbook(facts, (start, folds), self.train_on(), self.delay_micros);
        let folds = match (self.arguments.protocol, self.arguments.split_at) {
            (Some(Protocol::HandbookA), _) => handbook(1)?,
            (Some(Protocol::HandbookB), _) => handbook(FOLDS)?,
            (_, Some(at)) => vec![split::at_one_time(facts, at, self.delay_micros)?],
            (_, None) => vec![split::everything(facts, self.delay_micros)?],
        };
        folds.iter().try_for_each(|fold| self.check_fold(fold))?;
        Ok(folds)
    }

    fn check_fold(&self, fold: &Fold) -> anyhow::Result<()> {
        let learns = self.rows_of(&fold.train, Some(fold.moment));
        if self.trains() && (learns.fraud == 0 || learns.fraud == learns.rows) {
            let kind = if learns.fraud == 0 {
                "no fraud"
            } else {
                "nothing but fraud"
            };
            return Err(usage(format!(
                "the {} training rows from {} to {} hold {kind} that is known at {}; both kinds are needed",
                learns.rows, learns.from, learns.to, fold.moment
            )));
        }
        let asked = self.asked(fold, &vec![0.0; fold.test.len()]);
        let fraud = asked.iter().filter(|row| row.fraud).count();
        if fraud == 0 || fraud == asked.len() {
            let kind = if fraud == 0 {
                "no fraud"
            } else {
                "nothing but fraud"
            };
            let test = self.rows_of(&fold.test, None);
            return Err(usage(format!(
                "the {} test rows from {} to {} hold {kind}: there is nothing to measure",
                asked.len(),
                test.from,
                test.to
            )));
        }
        Ok(())
    }

    /// The rows at these places; with a moment, fraud is what was known by then.
    fn rows_of(&self, places: &[usize], moment: Option<Instant>) -> RowsReport {
        let rows = || {
            places
                .iter()
                .filter_map(|place| self.facts.rows.get(*place))
        };
        let fraud = rows().filter(|row| moment.map_or(row.fraud, |moment| row.known_fraud(moment)));
        let text = |at: Option<Instant>| at.map(|at| at.to_string()).unwrap_or_default();
        RowsReport {
            rows: rows().count() as u64,
            fraud: fraud.count() as u64,
            dropped: None,
            from: text(rows().map(|row| row.event_time).min()),
            to: text(rows().map(|row| row.event_time).max()),
        }
    }

    /// The rows that count, with their scores.
    fn asked(&self, fold: &Fold, scores: &[f64]) -> Vec<Asked> {
        let rows = fold.test.iter().zip(&fold.dropped).zip(scores);
        rows.filter(|((_, dropped), _)| !**dropped)
            .filter_map(|((place, _), score)| {
                let row = self.facts.rows.get(*place)?;
                Some(Asked {
                    score: *score,
                    fraud: row.fraud,
                    card: row.card,
                    day: day_of(row.event_time),
                })
            })
            .collect()
    }

    fn fold_report(
        &self,
        fold: &Fold,
        scores: &[f64],
        (model, seconds): (&Model, Option<f64>),
    ) -> FoldReport {
        let asked = self.asked(fold, scores);
        let test = self.rows_of(&fold.test, None);
        FoldReport {
            figures: Figures::of(&asked),
            train: seconds.map(|_| self.rows_of(&fold.train, Some(fold.moment))),
            test: RowsReport {
                rows: asked.len() as u64,
                fraud: asked.iter().filter(|row| row.fraud).count() as u64,
                dropped: Some(fold.test.len() as u64 - asked.len() as u64),
                ..test
            },
            model: ModelReport {
                name: model.name().to_owned(),
                hash: model.content_hash().to_string(),
            },
            training_seconds: seconds,
        }
    }

    /// Trains a model for each fold and asks it.
    pub fn train_and_ask(&self, folds: &[Fold]) -> anyhow::Result<Done> {
        let content = &self.arguments.content;
        let set = with_definitions(
            feature_set(self.mapping.as_ref()),
            content.features.as_deref(),
        )?;
        let rates = rate_table(content.rates.as_deref())?;
        let mut gathered = gather::gather(&self.stream, &self.facts, folds, (set, rates))?;
        // Nothing of the file's name: a model is told apart by what it learned, and is not kept.
        let learning = &self.arguments.learning;
        let options = learning.options(self.arguments.seed, "evaluated", &[]);
        let mut models = Vec::new();
        gathered.for_each_training(folds, &mut |number, fold, set| {
            self.label(fold, set);
            let learnt = learn(set, &options, learning.threads())?;
            models.push((number, learnt.model, learnt.seconds));
            Ok(())
        })?;
        models.sort_by_key(|(number, ..)| *number);
        let (mut reports, mut scores) = (Vec::new(), Vec::new());
        for ((_, model, seconds), fold) in models.iter().zip(folds) {
            let risks = gathered.ask(fold, model)?;
            reports.push(self.fold_report(fold, &risks, (model, Some(*seconds))));
            scores.extend(gathered.names(fold).into_iter().zip(risks));
        }
        Ok(Done {
            folds: reports,
            scores,
            features: gathered.width(),
            decisions: None,
        })
    }

    /// Labels as they were known when the fold was trained, and the rows that are held back.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count of rows"
    )]
    fn label(&self, fold: &Fold, set: &mut TrainingSet) {
        let rows = fold
            .train
            .iter()
            .filter_map(|place| self.facts.rows.get(*place));
        set.fraud = rows.map(|row| row.known_fraud(fold.moment)).collect();
        let held_back = fold.train.len() as f64 * self.arguments.validation_share;
        set.validation_from = fold.train.len() - held_back as usize;
    }

    /// Asks a model that is given, and decides with it.
    pub fn ask(&self, folds: &[Fold]) -> anyhow::Result<Done> {
        let features = feature_set(self.mapping.as_ref());
        let contents = Contents::load(&self.arguments.content, &features)?;
        let decider = active::check(&contents.activations).map_err(usage)?;
        let model = contents.model()?;
        let mut wanted = vec![None; self.facts.rows.len()];
        for (number, fold) in folds.iter().enumerate() {
            for (place, dropped) in fold.test.iter().zip(&fold.dropped) {
                if let Some(wanted) = wanted.get_mut(*place) {
                    *wanted = Some((number, *dropped));
                }
            }
        }
        let walked = self.decide(&decider, &wanted, folds.len())?;
        let reports = folds
            .iter()
            .zip(&walked.risks)
            .map(|(fold, risks)| self.fold_report(fold, risks, (&model, None)));
        Ok(Done {
            folds: reports.collect(),
            scores: walked.scores,
            features: decider.features.width(),
            decisions: Some(walked.decisions),
        })
    }

    /// One walk: a score for each row that is wanted, and a decision where it counts.
    fn decide(
        &self,
        decider: &Decider,
        wanted: &[Option<(usize, bool)>],
        folds: usize,
    ) -> anyhow::Result<Walked> {
        let mut judge = Judge::new(decider, &self.facts);
        let (mut scores, mut risks) = (Vec::new(), vec![Vec::new(); folds]);
        let bar = progress_bar("{percent}% of the rows", None);
        let mut place = 0;
        let counts = self.stream.replay(
            (decider.features.clone(), decider.rates.clone()),
            &mut |read, total| {
                bar.set_length(total);
                bar.set_position(read);
            },
            &mut |row| {
                let fact = self.facts.rows.get(place);
                let wanted = wanted.get(place).copied().flatten();
                place += 1;
                let (Some(fact), Some((fold, dropped))) = (fact, wanted) else {
                    return Ok(());
                };
                let score = decider.scorer.score(row.values);
                if !dropped {
                    judge.take(row, fact, score);
                }
                scores.push((row.event_id.clone(), score.risk));
                if let Some(risks) = risks.get_mut(fold) {
                    risks.push(score.risk);
                }
                Ok(())
            },
        );
        bar.finish_and_clear();
        counts?;
        anyhow::ensure!(
            place == self.facts.rows.len(),
            "the input changed while it was read: {} transactions, then {place}",
            self.facts.rows.len()
        );
        Ok(Walked {
            scores,
            risks,
            decisions: judge.finish(&self.facts),
        })
    }

    /// The report.
    pub fn report(&self, done: Done) -> Report {
        let all: Vec<Figures> = done.folds.iter().map(|fold| fold.figures).collect();
        let (mean, deviation) = Figures::mean_and_deviation(&all);
        let several = done.folds.len() > 1;
        let only = done.folds.first().filter(|_| !several);
        let seconds = done.folds.iter().map(|fold| fold.training_seconds).sum();
        let handbook = matches!(
            self.arguments.protocol,
            Some(Protocol::HandbookA | Protocol::HandbookB)
        );
        Report {
            protocol: self.arguments.protocol.map_or("all", Protocol::as_str),
            input: self.stream.name(),
            train_on: (handbook && self.trains()).then(|| self.train_on().as_str()),
            label_delay_secs: self.delay_micros as f64 / 1e6,
            seed: self.arguments.seed,
            features: done.features,
            figures: only.map_or(mean, |fold| fold.figures),
            sd: several.then_some(deviation),
            train: only.and_then(|fold| fold.train.clone()),
            test: only.map(|fold| fold.test.clone()),
            model: only.map(|fold| fold.model.clone()),
            training_seconds: seconds,
            folds: if several { done.folds } else { Vec::new() },
            decisions: done.decisions,
        }
    }
}
