//! A foreign network as a member of ours: what stands in for missing values, and where explanations start.
//!
//! Promises that both come from rows that were shown or from a number that was named. Must never invent one:
//! a network that is given a number nobody chose for a missing value scores something else than its makers
//! meant.

use std::sync::Arc;

use sentinel_domain::LogOdds;

use super::{Foreign, Options, Sample};
use crate::error::ImportError;
use crate::model::FEATURES_MAX;
use crate::models::Kind;
use crate::models::neural_network::{Input, NeuralNetwork};
use crate::network::Network;

/// Where the anchors of risk stand until rows set them: probabilities of 10 %, 25 %, 50 % and 75 %.
const ANCHORS_GUESSED: [f64; 4] = [
    -2.197_224_577_336_219,
    -1.098_612_288_668_11,
    0.0,
    1.098_612_288_668_11,
];

/// Whether this binary can evaluate networks; the error says which one can.
pub(super) fn supported() -> Result<(), ImportError> {
    #[cfg(not(feature = "neural"))]
    return Err(ImportError::Whole {
        problem: crate::network::ABSENT.to_owned(),
    });
    #[cfg(feature = "neural")]
    Ok(())
}

/// Anchors where nothing but the network is known.
pub(super) fn guessed_anchors(notes: &mut Vec<String>) -> [LogOdds; 4] {
    notes.push(
        "the anchors of risk are guessed at probabilities of 10 %, 25 %, 50 % and 75 %; name a sample of rows \
         to set them: tiers mean little before"
            .to_owned(),
    );
    ANCHORS_GUESSED.map(LogOdds::from_f64)
}

impl Foreign {
    /// The features of a network, and the network with what its columns are.
    pub(super) fn neural(
        &self,
        network: &Network,
        options: &Options<'_>,
    ) -> Result<(Vec<String>, Kind), ImportError> {
        let features = self.features().to_vec();
        if features.len() > FEATURES_MAX {
            let count = features.len();
            let problem =
                format!("the network reads {count} features, at most {FEATURES_MAX} can be");
            return Err(ImportError::Whole { problem });
        }
        let means = means(options.sample, features.len());
        let mut inputs = Vec::new();
        for ((feature, name), mean) in (0..=u16::MAX).zip(&features).zip(means) {
            let Some(missing) = options.missing.or(mean) else {
                let problem = format!(
                    "a network cannot take a missing value, and no row shows the mean of {name:?}: name what \
                     stands in with --missing VALUE, or show rows with --sample"
                );
                return Err(ImportError::Whole { problem });
            };
            inputs.push(Input {
                feature,
                missing,
                background: mean.unwrap_or(missing),
            });
        }
        let network = NeuralNetwork::new(inputs, network.clone());
        let network = network.map_err(|problem| ImportError::Whole { problem })?;
        Ok((features, Kind::NeuralNetwork(Arc::new(network))))
    }

    /// Says what stands in for a missing value.
    pub(super) fn note_missing(&self, options: &Options<'_>, notes: &mut Vec<String>) {
        notes.push(match options.missing {
            Some(number) => format!("a missing value counts as {number}"),
            None => "a missing value counts as the mean of its feature over the sample".to_owned(),
        });
        notes.push(
            "explanations are estimates of Shapley values that add up exactly: features change from their mean \
             over the sample (or from what stands in for a missing value) to the row's value in two orders"
                .to_owned(),
        );
    }
}

/// The mean of every column of a sample over the values that are there; none where there are none.
fn means(sample: Option<Sample<'_>>, columns: usize) -> Vec<Option<f32>> {
    let mut sums = vec![(0.0_f64, 0.0_f64); columns];
    let rows = sample.map(|sample| sample.rows).unwrap_or_default();
    for row in rows.chunks_exact(columns.max(1)) {
        for ((sum, count), value) in sums.iter_mut().zip(row) {
            if value.is_finite() {
                *sum += value;
                *count += 1.0;
            }
        }
    }
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a value of the engine is an f32"
    )]
    let mean = |(sum, count): (f64, f64)| {
        let mean = (sum / count) as f32;
        mean.is_finite().then_some(mean)
    };
    sums.into_iter().map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_those_of_the_values_that_are_there() {
        let rows = [1.0, f64::NAN, 3.0, f64::NAN, f64::INFINITY, f64::NAN];
        let sample = Sample {
            rows: &rows,
            fraud: None,
        };
        assert_eq!(means(Some(sample), 2), [Some(2.0), None]);
        assert_eq!(means(None, 2), [None, None]);
    }
}
