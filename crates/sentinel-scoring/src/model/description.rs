//! A model in figures: what a person looks at before trusting it.
//!
//! Promises figures of what stands in the file, nothing estimated.

use super::Model;
use crate::models::neural_network::NeuralNetwork;
use crate::models::tree::{Node, Test, Tree};
use crate::network::Step;

/// A model in figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// Its members, in the order of the file.
    pub members: Vec<MemberDescription>,
    /// The slopes of the calibration below and above its knots.
    pub calibration_slopes: (f64, f64),
    /// From log-odds to the log-odds of the probability, straight between.
    pub calibration_knots: Vec<(f64, f64)>,
    /// The log-odds at which risk is 0.50, 0.55, 0.70 and 0.85.
    pub anchors: [f64; 4],
    /// The validation rows on which confidence rests; 0 where there are none.
    pub support_rows: u64,
}

/// A member in figures.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberDescription {
    /// Its kind, in the words of the file.
    pub kind: &'static str,
    /// Its share in the weighted sum of log-odds.
    pub weight: f64,
    /// From its margin to log-odds: slope and intercept.
    pub map: (f64, f64),
    /// The margin before any tree.
    pub base: f64,
    /// How many trees.
    pub trees: usize,
    /// How many leaves all of them have.
    pub leaves: usize,
    /// The most leaves of one tree.
    pub leaves_max: usize,
    /// How many splits go by category.
    pub splits_by_category: usize,
    /// Of a neural network, which has no trees.
    pub network: Option<NetworkDescription>,
}

/// A neural network in figures.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkDescription {
    /// How many features it reads.
    pub inputs: usize,
    /// Its operators in order, in the words of ONNX.
    pub operators: Vec<&'static str>,
    /// How many numbers it has learned.
    pub numbers: usize,
    /// For each feature that it reads: its name, what stands in for a missing value, and where
    /// explanations start.
    pub fillings: Vec<(String, f32, f32)>,
}

impl Model {
    /// The model in figures.
    pub fn description(&self) -> Description {
        let contents = &self.contents;
        let calibration = &contents.calibration;
        let members = contents.members.iter().map(|member| {
            let trees = member.kind.trees();
            let splits = trees.iter().flat_map(Tree::splits);
            let by_category = splits.filter(|split| matches!(split.test, Test::OneOf { .. }));
            MemberDescription {
                kind: member.kind.word(),
                weight: member.weight,
                map: (member.map.slope, member.map.intercept),
                base: member.kind.base(),
                trees: trees.len(),
                leaves: trees.iter().map(leaves).sum(),
                leaves_max: trees.iter().map(leaves).max().unwrap_or(0),
                splits_by_category: by_category.count(),
                network: member.kind.network().map(|network| self.network(network)),
            }
        });
        Description {
            members: members.collect(),
            calibration_slopes: (calibration.slope_below, calibration.slope_above),
            calibration_knots: calibration.knots.clone(),
            anchors: contents.anchors.map(sentinel_domain::LogOdds::to_f64),
            support_rows: contents.support.steps.last().map_or(0, |step| step.rows),
        }
    }
}

impl Model {
    fn network(&self, network: &NeuralNetwork) -> NetworkDescription {
        let fillings = network.inputs().iter().map(|input| {
            let name = self.features().get(usize::from(input.feature));
            let name = name.cloned().unwrap_or_default();
            (name, input.missing, input.background)
        });
        let steps = network.network().steps().iter();
        NetworkDescription {
            inputs: network.inputs().len(),
            operators: steps.map(Step::word).collect(),
            numbers: network.network().weights(),
            fillings: fillings.collect(),
        }
    }
}

fn leaves(tree: &Tree) -> usize {
    let nodes = tree.nodes().iter();
    nodes
        .filter(|node| matches!(node, Node::Leaf { .. }))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::Dice;

    #[test]
    fn figures_are_those_of_the_contents() {
        let contents = Dice(3).contents(4, 6, 5);
        let model = Model::from_contents(&contents).unwrap();
        let told = model.description();
        assert_eq!(told.members.len(), contents.members.len());
        for (told, member) in told.members.iter().zip(&contents.members) {
            assert_eq!((told.trees, told.weight), (6, member.weight));
            let nodes: usize = member
                .kind
                .trees()
                .iter()
                .map(|tree| tree.nodes().len())
                .sum();
            // A tree has one leaf more than it has splits.
            assert_eq!(2 * told.leaves, nodes + told.trees);
            assert!(told.leaves_max <= 6 && told.leaves_max > 0);
        }
        assert_eq!(
            told.anchors,
            contents.anchors.map(sentinel_domain::LogOdds::to_f64)
        );
    }
}
