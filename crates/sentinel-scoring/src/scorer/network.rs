//! A neural network bound to the engine's row: its part of a score, and what each feature did to it.
//!
//! Shapley values of a network would need every order in which features can become known. Two are walked: the
//! features change from the background to the row's values one after another, first in the order of the
//! network's columns, then in the opposite one, and each feature gets the mean of what its change did.
//! Both walks lead from the base to the score, so the shares add up to what the score moved, in integers.
//! Where the features act apart from each other that is the Shapley value; where they act together, it
//! is an estimate, the same each time.
//!
//! Promises shares that add up to the unit: halves are rounded down, and what is left over goes to the
//! largest. Must never draw an order at random.

#![allow(
    clippy::indexing_slicing,
    reason = "columns, slots and inputs are one each, counted when the model is read"
)]

use std::sync::Arc;

use sentinel_domain::LogOdds;

use crate::models::Member;
use crate::models::neural_network::NeuralNetwork;

/// How many rows of a walk are evaluated in one call.
const WALK_ROWS: usize = 128;

/// A network member bound to a row.
#[derive(Debug, Clone)]
pub(super) struct BoundNetwork {
    member: Member,
    network: Arc<NeuralNetwork>,
    /// The slot of each of its columns.
    slots: Vec<u16>,
    /// The columns from which explanations start.
    background: Vec<f64>,
    /// What it adds to z there.
    base: LogOdds,
}

impl BoundNetwork {
    /// Binds a member, if it is a network; `slots` has one for each feature of the model.
    pub(super) fn of(member: &Member, slots: &[u16]) -> Option<Self> {
        let network = Arc::clone(member.kind.network()?);
        let inputs = network.inputs();
        let mut bound = Self {
            slots: inputs
                .iter()
                .map(|input| slots[usize::from(input.feature)])
                .collect(),
            background: inputs
                .iter()
                .map(|input| f64::from(input.background))
                .collect(),
            base: LogOdds::ZERO,
            member: member.clone(),
            network,
        };
        bound.base = bound.at(&bound.background);
        Some(bound)
    }

    /// What it adds to z on average, as far as anybody said.
    pub(super) fn base(&self) -> LogOdds {
        self.base
    }

    /// Its share in the weighted sum.
    pub(super) fn weight(&self) -> f64 {
        self.member.weight
    }

    /// What it adds to z.
    pub(super) fn log_odds(&self, row: &[f64]) -> LogOdds {
        self.at(&self.columns(row))
    }

    /// What each slot adds to its z, slots in the order of the columns.
    pub(super) fn shares(&self, row: &[f64]) -> Vec<(u16, LogOdds)> {
        let columns = self.columns(row);
        let end = self.at(&columns);
        // A feature at its background changes nothing.
        let changed: Vec<usize> = (0..columns.len())
            .filter(|column| columns[*column].to_bits() != self.background[*column].to_bits())
            .collect();
        let mut doubled = vec![0_i64; columns.len()];
        self.walk(changed.iter(), &columns, end, &mut doubled);
        self.walk(changed.iter().rev(), &columns, end, &mut doubled);
        let mut largest = 0;
        let mut over = 0;
        let mut shares = vec![0_i64; columns.len()];
        for (column, twice) in doubled.iter().enumerate() {
            shares[column] = twice.div_euclid(2);
            over += twice.rem_euclid(2);
            if twice.abs() > doubled[largest].abs() {
                largest = column;
            }
        }
        shares[largest] += over / 2;
        let shares = shares.into_iter().map(LogOdds::from_units);
        self.slots.iter().copied().zip(shares).collect()
    }

    /// Changes one column after another and adds what each change did.
    fn walk<'a>(
        &self,
        order: impl Iterator<Item = &'a usize>,
        columns: &[f64],
        end: LogOdds,
        doubled: &mut [i64],
    ) {
        let order: Vec<usize> = order.copied().collect();
        let mut at = self.background.clone();
        let mut before = self.base;
        for places in order.chunks(WALK_ROWS) {
            let mut rows = Vec::with_capacity(places.len() * columns.len());
            for place in places {
                at[*place] = columns[*place];
                rows.extend_from_slice(&at);
            }
            let margins = self.network.margins(&rows);
            for (place, margin) in places.iter().zip(margins) {
                // The last row is the row itself, which was evaluated alone.
                let is_last = order.last() == Some(place);
                let after = if is_last { end } else { self.of_margin(margin) };
                doubled[*place] += (after - before).units();
                before = after;
            }
        }
    }

    /// What it adds to z where its columns are these.
    fn at(&self, columns: &[f64]) -> LogOdds {
        let margins = self.network.margins(columns);
        self.of_margin(margins.first().copied().unwrap_or_default())
    }

    fn of_margin(&self, margin: f64) -> LogOdds {
        LogOdds::from_f64(self.member.weight * self.member.map.at(margin))
    }

    /// What its columns are in a row; values are rounded to f32 first, as for trees.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a value of the engine is an f32"
    )]
    fn columns(&self, row: &[f64]) -> Vec<f64> {
        let inputs = self.network.inputs().iter().zip(&self.slots);
        inputs
            .map(|(input, slot)| input.column(row[usize::from(*slot)] as f32))
            .collect()
    }
}
