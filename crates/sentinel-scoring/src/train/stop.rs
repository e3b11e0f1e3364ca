//! The validation slice: how good the trees are on rows they never saw, and when to stop.
//!
//! Promises that it decides only how many trees are kept. Must never be asked by a tree that is being
//! grown.

#![allow(
    clippy::indexing_slicing,
    reason = "the slice begins within the rows: they were checked"
)]

use super::TrainingSet;
use super::executor::{Executor, Task};
use super::options::StopBy;
use crate::maps::logistic;
use crate::metrics;
use crate::models::tree::Tree;

/// Rows that one task adds a tree to.
const ROWS_AT_ONCE: usize = 1 << 14;

/// The rows that decide when to stop.
pub(super) struct Validation<'a> {
    rows: &'a [f32],
    fraud: &'a [bool],
    by: StopBy,
    margins: Vec<f64>,
    probabilities: Vec<f64>,
    /// The least regret so far, and after how many trees.
    best: f64,
    pub(super) trees_best: usize,
}

impl<'a> Validation<'a> {
    /// The validation slice, if it holds both kinds of rows.
    pub(super) fn new(set: &'a TrainingSet, base: f64, by: StopBy) -> Option<Self> {
        let fraud = &set.fraud[set.validation_from..];
        if !fraud.contains(&true) || !fraud.contains(&false) {
            return None;
        }
        let mut validation = Self {
            rows: &set.rows[set.validation_from * set.features.len()..],
            fraud,
            by,
            margins: vec![base; fraud.len()],
            probabilities: vec![0.0; fraud.len()],
            best: f64::INFINITY,
            trees_best: 0,
        };
        let loss = validation.loss();
        validation.best = validation.regret(loss);
        Some(validation)
    }

    /// The loss with one more tree, the last of so many.
    pub(super) fn add(&mut self, tree: &Tree, trees: usize, executor: &dyn Executor) -> f64 {
        let width = self.rows.len() / self.fraud.len();
        let parts = self.margins.chunks_mut(ROWS_AT_ONCE);
        let parts = parts.zip(self.rows.chunks(ROWS_AT_ONCE * width));
        let tasks = parts.map(|(margins, rows)| -> Task<'_> {
            Box::new(move || {
                for (margin, row) in margins.iter_mut().zip(rows.chunks_exact(width)) {
                    *margin += tree.value(row);
                }
            })
        });
        executor.run(tasks.collect());
        let loss = self.loss();
        let regret = self.regret(loss);
        if regret < self.best {
            (self.best, self.trees_best) = (regret, trees);
        }
        loss
    }

    fn loss(&mut self) -> f64 {
        for (probability, margin) in self.probabilities.iter_mut().zip(&self.margins) {
            *probability = logistic(*margin);
        }
        metrics::log_loss(&self.probabilities, self.fraud)
    }

    /// What is to become small.
    fn regret(&self, loss: f64) -> f64 {
        match self.by {
            StopBy::LogLoss => loss,
            StopBy::AveragePrecision => -metrics::average_precision(&self.margins, self.fraud),
        }
    }
}
