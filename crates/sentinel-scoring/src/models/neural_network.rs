//! A neural network: one number a row, which is no sum of trees.
//!
//! A network cannot take a missing value, so each of its columns has a number that stands in for one, and
//! another one from which explanations start. Both are in the file. Promises a margin on a grid of
//! [`STEP`], within [`MARGIN_MAX`]: evaluated in f64 it is off by some 10⁻¹⁵, so where two machines should
//! ever differ, both come to the same point of the grid but for a chance of one in many millions.
//! Must never give not-a-number: a network that does says nothing, which is 0.

use crate::import;
use crate::network::Network;
use crate::network::onnx::{self, Precision};
use crate::network::plan::Plan;

/// The word for this kind in the model file.
pub(crate) const WORD: &str = "neural-network";

/// The grid of margins.
pub(crate) const STEP: f64 = 1.0 / 1_048_576.0;

/// The largest magnitude of a margin; log-odds of 40 are already a probability of 1 in an f64.
pub(crate) const MARGIN_MAX: f64 = 1000.0;

/// A network with what its columns are.
#[derive(Debug)]
pub(crate) struct NeuralNetwork {
    inputs: Vec<Input>,
    network: Network,
    /// Our spelling of it.
    onnx: Vec<u8>,
    plan: Plan,
}

/// A column that a network reads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Input {
    /// The feature of the model.
    pub(crate) feature: u16,
    /// What stands in for a missing value.
    pub(crate) missing: f32,
    /// Where explanations start.
    pub(crate) background: f32,
}

/// The plan follows from the network.
impl PartialEq for NeuralNetwork {
    fn eq(&self, other: &Self) -> bool {
        self.inputs == other.inputs && self.network == other.network
    }
}

impl NeuralNetwork {
    /// A network whose columns are these. The error says which law is broken.
    pub(crate) fn new(inputs: Vec<Input>, network: Network) -> Result<Self, String> {
        if inputs.len() != network.columns() {
            let (given, wanted) = (inputs.len(), network.columns());
            return Err(format!("the network reads {wanted} columns, not {given}"));
        }
        let mut features: Vec<u16> = inputs.iter().map(|input| input.feature).collect();
        features.sort_unstable();
        if !features.is_sorted_by(|a, b| a < b) {
            return Err("two columns are one feature".to_owned());
        }
        let finite = |input: &Input| input.missing.is_finite() && input.background.is_finite();
        if !inputs.iter().all(finite) {
            return Err("what stands in for a missing value is not finite".to_owned());
        }
        Ok(Self {
            plan: Plan::new(&network)?,
            onnx: onnx::write(&network, Precision::Single),
            inputs,
            network,
        })
    }

    /// A network from our own spelling of it.
    pub(crate) fn read(inputs: Vec<Input>, bytes: &[u8]) -> Result<Self, String> {
        let network = import::own_network(bytes).map_err(|error| error.to_string())?;
        let read = Self::new(inputs, network)?;
        if read.onnx != bytes {
            return Err("this ONNX is not spelt as `sentinel models import` does".to_owned());
        }
        Ok(read)
    }

    /// Its columns.
    pub(crate) fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// Its steps.
    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    /// Our spelling of it.
    pub(crate) fn onnx(&self) -> &[u8] {
        &self.onnx
    }

    /// The margins of rows of columns that lie one after another.
    pub(crate) fn margins(&self, rows: &[f64]) -> Vec<f64> {
        let mut margins = self.plan.outputs(rows);
        margins
            .iter_mut()
            .for_each(|margin| *margin = on_grid(*margin));
        margins
    }

    /// The margin of a row in the model's own feature order.
    pub(crate) fn margin(&self, row: &[f32]) -> f64 {
        let columns = self.inputs.iter().map(|input| {
            let value = row.get(usize::from(input.feature));
            input.column(value.copied().unwrap_or(f32::NAN))
        });
        let columns: Vec<f64> = columns.collect();
        self.margins(&columns).first().copied().unwrap_or_default()
    }
}

impl Input {
    /// What the network reads where the row has this value.
    pub(crate) fn column(&self, value: f32) -> f64 {
        let value = if value.is_nan() { self.missing } else { value };
        f64::from(value.clamp(f32::MIN, f32::MAX))
    }
}

/// The nearest margin that a member can have.
fn on_grid(margin: f64) -> f64 {
    if margin.is_nan() {
        return 0.0;
    }
    libm::round(margin.clamp(-MARGIN_MAX, MARGIN_MAX) / STEP) * STEP
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_lie_on_the_grid_and_within_bounds() {
        assert_eq!(on_grid(f64::NAN), 0.0);
        assert_eq!(on_grid(f64::INFINITY), MARGIN_MAX);
        assert_eq!(on_grid(-1e9), -MARGIN_MAX);
        assert_eq!(on_grid(1.5 + 0.4 * STEP), 1.5);
        assert_eq!(on_grid(-1.5 - 0.6 * STEP), -1.5 - STEP);
    }
}
