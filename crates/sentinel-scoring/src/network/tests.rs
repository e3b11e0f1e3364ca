//! Networks against a plain evaluation of their steps, and the laws that keep others out.

#![allow(clippy::cast_possible_truncation, reason = "small numbers of tests")]

use super::onnx::{self, Precision};
use super::*;
use crate::import;
use crate::model::tests::Dice;

#[cfg(feature = "neural")]
impl Network {
    /// The last value of a row, step by step.
    pub(crate) fn plain(&self, row: &[f64]) -> f64 {
        let mut values = vec![row.to_vec()];
        for step in self.steps() {
            values.push(plain_step(step, &values));
        }
        values.last().unwrap()[0]
    }
}

#[cfg(feature = "neural")]
fn plain_step(step: &Step, values: &[Vec<f64>]) -> Vec<f64> {
    let wide = |numbers: &[f32]| -> Vec<f64> { numbers.iter().copied().map(f64::from).collect() };
    match step {
        Step::MatMul {
            value,
            width,
            weights,
        } => (0..*width)
            .map(|column| {
                let pairs = values[*value].iter().enumerate();
                pairs.fold(0.0, |sum, (row, number)| {
                    sum + number * f64::from(weights[row * width + column])
                })
            })
            .collect(),
        Step::Arithmetic { kind, left, right } => {
            let operand = |operand: &Operand| match operand {
                Operand::Value(value) => values[*value].clone(),
                Operand::Constant(numbers) => wide(numbers),
            };
            let (left, right) = (operand(left), operand(right));
            let at = |numbers: &[f64], column: usize| numbers[column.min(numbers.len() - 1)];
            (0..left.len().max(right.len()))
                .map(|column| {
                    let (left, right) = (at(&left, column), at(&right, column));
                    match kind {
                        Arithmetic::Add => left + right,
                        Arithmetic::Sub => left - right,
                        Arithmetic::Mul => left * right,
                        Arithmetic::Div => left / right,
                    }
                })
                .collect()
        }
        Step::Activation { kind, value } => values[*value]
            .iter()
            .map(|number| kind.at(*number))
            .collect(),
        Step::Concat(read) => read
            .iter()
            .flat_map(|value| values[*value].clone())
            .collect(),
        Step::BatchNormalization {
            value,
            columns,
            epsilon,
        } => {
            let [scale, bias, mean, variance] = columns.each_ref().map(|numbers| wide(numbers));
            let numbers = values[*value].iter().enumerate();
            numbers
                .map(|(column, number)| {
                    let deviation = libm::sqrt(variance[column] + f64::from(*epsilon));
                    (number - mean[column]) / deviation * scale[column] + bias[column]
                })
                .collect()
        }
    }
}

impl Dice {
    pub(crate) fn numbers(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.real() as f32).collect()
    }

    /// A network of any steps.
    pub(crate) fn network(&mut self, columns: usize) -> Network {
        let mut widths = vec![columns];
        let mut steps = Vec::new();
        for _ in 0..=self.below(9) {
            let step = self.step(&widths);
            widths.push(step.width(&widths).unwrap());
            steps.push(step);
        }
        let value = steps.len();
        steps.push(Step::MatMul {
            value,
            width: 1,
            weights: self.numbers(widths[value]),
        });
        Network::new(columns, steps).unwrap()
    }

    fn pick(&mut self, count: usize) -> usize {
        usize::try_from(self.below(count as u64)).unwrap()
    }

    fn step(&mut self, widths: &[usize]) -> Step {
        // Mostly the last value, so that networks are deep.
        let last = widths.len() - 1;
        let value = if self.below(4) == 0 {
            self.pick(widths.len())
        } else {
            last
        };
        let width = widths[value];
        match self.below(6) {
            0 | 1 => {
                let to = 1 + self.pick(7);
                Step::MatMul {
                    value,
                    width: to,
                    weights: self.numbers(width * to),
                }
            }
            2 => {
                let kind = Arithmetic::ALL[self.pick(3)];
                let count = if self.below(2) == 0 { 1 } else { width };
                let numbers = Operand::Constant(self.numbers(count));
                let fits = |other: &usize| widths[*other] == width;
                let other = (0..widths.len()).find(fits).unwrap();
                let (left, right) = match self.below(3) {
                    0 => (Operand::Value(value), numbers),
                    1 => (numbers, Operand::Value(value)),
                    _ => (Operand::Value(value), Operand::Value(other)),
                };
                Step::Arithmetic { kind, left, right }
            }
            3 => {
                let kind = match self.below(5) {
                    0 => Activation::Relu,
                    1 => Activation::Sigmoid,
                    2 => Activation::Tanh,
                    3 => Activation::Clip {
                        min: -0.5,
                        max: f32::INFINITY,
                    },
                    _ => Activation::LeakyRelu { alpha: 0.1 },
                };
                Step::Activation { kind, value }
            }
            4 => Step::Concat(vec![value, self.pick(widths.len())]),
            _ => {
                let mut columns = [(); 4].map(|()| self.numbers(width));
                columns[3].iter_mut().for_each(|one| *one = one.abs());
                Step::BatchNormalization {
                    value,
                    columns,
                    epsilon: 1e-3,
                }
            }
        }
    }
}

#[test]
fn what_is_written_reads_as_the_same_network() {
    for seed in 0..300 {
        let mut dice = Dice(seed);
        let columns = 1 + dice.pick(5);
        let network = dice.network(columns);
        let bytes = onnx::write(&network, Precision::Single);
        match import::own_network(&bytes) {
            // Steps that nothing reads are not read either; then there are fewer.
            Ok(read) if read.steps().len() == network.steps().len() => {
                assert_eq!(read, network, "seed {seed}");
                assert_eq!(onnx::write(&read, Precision::Single), bytes);
            }
            Ok(read) => assert!(read.steps().len() < network.steps().len(), "seed {seed}"),
            Err(error) => assert!(
                error.to_string().contains("reads no input"),
                "{seed}: {error}"
            ),
        }
    }
}

#[test]
fn steps_that_break_a_law_are_refused_by_name() {
    let mat_mul = |value, width, count| Step::MatMul {
        value,
        width,
        weights: vec![0.5; count],
    };
    let constant = |numbers: &[f32]| Operand::Constant(numbers.to_vec());
    let add = |left, right| Step::Arithmetic {
        kind: Arithmetic::Add,
        left,
        right,
    };
    for (steps, part) in [
        (vec![], "1 to 256 steps, not 0"),
        (vec![mat_mul(0, 1, 3); 257], "not 257"),
        (vec![mat_mul(1, 1, 3)], "MatMul: it reads value 1"),
        (
            vec![mat_mul(0, 2, 5)],
            "5 weights do not lead from 3 columns to 2",
        ),
        (vec![mat_mul(0, 4097, 12291)], "4097 columns"),
        (vec![mat_mul(0, 2, 6)], "ends in one number a row, not 2"),
        (
            vec![add(Operand::Value(0), constant(&[1.0, 2.0]))],
            "2 numbers do not fit 3",
        ),
        (
            vec![add(constant(&[1.0]), constant(&[2.0]))],
            "it reads no value",
        ),
        (
            vec![add(Operand::Value(0), constant(&[f32::NAN]))],
            "not finite",
        ),
        (vec![Step::Concat(vec![0; 2000])], "Concat: 6000 columns"),
        (
            vec![Step::Activation {
                kind: Activation::Clip { min: 1.0, max: 0.0 },
                value: 0,
            }],
            "bounds are 1 and 0",
        ),
        (
            vec![Step::BatchNormalization {
                value: 0,
                columns: [(); 4].map(|()| vec![-1.0; 3]),
                epsilon: 0.5,
            }],
            "a variance is not above zero",
        ),
    ] {
        let error = Network::new(3, steps).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
    let wide: Vec<Step> = (0..2).map(|value| mat_mul(value, 1024, 1 << 20)).collect();
    let error = Network::new(1024, wide).unwrap_err();
    assert!(error.contains("at most 1048576 numbers"), "{error}");
    assert!(Network::new(0, vec![mat_mul(0, 1, 0)]).is_err());
}

#[cfg(feature = "neural")]
#[test]
fn the_plan_says_what_the_steps_say_alone_and_in_company() {
    use super::plan::Plan;
    for seed in 0..120 {
        let mut dice = Dice(seed);
        let columns = 1 + dice.pick(6);
        let network = dice.network(columns);
        let plan = Plan::new(&network).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let rows: Vec<f64> = (0..75 * columns).map(|_| dice.real() * 4.0).collect();
        let together = plan.outputs(&rows);
        assert_eq!(together.len(), 75);
        for (row, found) in rows.chunks_exact(columns).zip(together) {
            let [alone] = plan.outputs(row)[..] else {
                panic!("one row has one number");
            };
            assert_eq!(alone.to_bits(), found.to_bits(), "seed {seed}");
            let wanted = network.plain(row);
            let near = (alone - wanted).abs() <= 1e-9 * wanted.abs().max(1.0);
            assert!(
                near,
                "seed {seed}: {alone} instead of {wanted}\n{network:?}"
            );
        }
    }
}
