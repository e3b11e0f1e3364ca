//! A feed-forward neural network: the closed list of steps that we understand, and its one spelling.
//!
//! ```text
//! foreign ONNX -> import -> Network -> onnx::write (f32, in the model file)
//!                              \-----> onnx::write (f64) -> plan (tract) -> one number a row
//! ```
//!
//! Every value of a network is a matrix of rows by a known width, so what it takes in memory is known before
//! anything is evaluated. Promises that a [`Network`] that exists keeps the laws of [`Network::new`]: its
//! steps read what stands before them, widths fit, numbers are finite, all within bounds. The plan is
//! made from our own spelling of it, so that no byte of a foreign file reaches the evaluator. Must never hold
//! a loop, a branch, a random number or a reference to another file: there is no step for them.

pub(crate) mod onnx;
#[cfg(feature = "neural")]
#[path = "network/enabled.rs"]
pub(crate) mod plan;
#[cfg(not(feature = "neural"))]
#[path = "network/disabled.rs"]
pub(crate) mod plan;
#[cfg(test)]
pub(crate) mod tests;

/// The most steps of a network.
pub(crate) const STEPS_MAX: usize = 256;

/// The most numbers in all steps together: 4 MiB of f32.
pub(crate) const WEIGHTS_MAX: usize = 1 << 20;

/// The widest value.
pub(crate) const WIDTH_MAX: usize = 4096;

/// What to say where a network is met by a binary that cannot evaluate it.
#[cfg(not(feature = "neural"))]
pub(crate) const ABSENT: &str = "this is a neural network, and this binary was built without them: build one with \
                                 `cargo build --release -p sentinel --features neural`";

/// A checked network. Value 0 is the input; value *n* is made by step *n*, counted from 1; the last is the
/// margin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Network {
    /// The width of every value, the input first.
    widths: Vec<usize>,
    steps: Vec<Step>,
}

/// One operation on values of one width or more.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// A value times a matrix of its width by another, row after row.
    MatMul {
        value: usize,
        width: usize,
        weights: Vec<f32>,
    },
    /// Number by number.
    Arithmetic {
        kind: Arithmetic,
        left: Operand,
        right: Operand,
    },
    /// Number by number, with nothing else.
    Activation { kind: Activation, value: usize },
    /// Side by side.
    Concat(Vec<usize>),
    /// `(value - mean) / sqrt(variance + epsilon) * scale + bias`, a number of each for every column.
    BatchNormalization {
        value: usize,
        /// Scale, bias, mean and variance.
        columns: [Vec<f32>; 4],
        epsilon: f32,
    },
}

/// What arithmetic reads.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    /// A value.
    Value(usize),
    /// One number for all columns, or one for each.
    Constant(Vec<f32>),
}

/// Kinds of arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Sub,
    Mul,
    Div,
}

/// Kinds of activation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Activation {
    Relu,
    LeakyRelu { alpha: f32 },
    Sigmoid,
    Tanh,
    Clip { min: f32, max: f32 },
}

impl Arithmetic {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Add, Self::Sub, Self::Mul, Self::Div];

    /// The operator's name in ONNX.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Add => "Add",
            Self::Sub => "Sub",
            Self::Mul => "Mul",
            Self::Div => "Div",
        }
    }
}

impl Activation {
    /// The operator's name in ONNX.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Relu => "Relu",
            Self::LeakyRelu { .. } => "LeakyRelu",
            Self::Sigmoid => "Sigmoid",
            Self::Tanh => "Tanh",
            Self::Clip { .. } => "Clip",
        }
    }

    /// What becomes of a number; not-a-number stays what it is.
    #[cfg(feature = "neural")]
    pub(crate) fn at(self, number: f64) -> f64 {
        match self {
            Self::Relu if number < 0.0 => 0.0,
            Self::LeakyRelu { alpha } if number < 0.0 => f64::from(alpha) * number,
            Self::Sigmoid => 1.0 / (1.0 + libm::exp(-number)),
            Self::Tanh => libm::tanh(number),
            Self::Clip { min, .. } if number < f64::from(min) => f64::from(min),
            Self::Clip { max, .. } if number > f64::from(max) => f64::from(max),
            Self::Relu | Self::LeakyRelu { .. } | Self::Clip { .. } => number,
        }
    }
}

impl Step {
    /// The operator's name in ONNX.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::MatMul { .. } => "MatMul",
            Self::Arithmetic { kind, .. } => kind.word(),
            Self::Activation { kind, .. } => kind.word(),
            Self::Concat(_) => "Concat",
            Self::BatchNormalization { .. } => "BatchNormalization",
        }
    }

    /// The numbers that it holds, list by list.
    pub(crate) fn constants(&self) -> Vec<&[f32]> {
        match self {
            Self::MatMul { weights, .. } => vec![weights],
            Self::Arithmetic { left, right, .. } => [left, right]
                .into_iter()
                .filter_map(|operand| match operand {
                    Operand::Constant(numbers) => Some(numbers.as_slice()),
                    Operand::Value(_) => None,
                })
                .collect(),
            Self::Activation { .. } | Self::Concat(_) => Vec::new(),
            Self::BatchNormalization { columns, .. } => columns.iter().map(Vec::as_slice).collect(),
        }
    }

    /// The width of what it makes of values of these widths. The error says which law it breaks.
    pub(crate) fn width(&self, widths: &[usize]) -> Result<usize, String> {
        let of = |value: &usize| {
            let width = widths.get(*value).copied();
            width.ok_or_else(|| format!("it reads value {value}, which does not stand before it"))
        };
        match self {
            Self::MatMul {
                value,
                width,
                weights,
            } => {
                let rows = of(value)?;
                if rows.checked_mul(*width) != Some(weights.len()) {
                    let count = weights.len();
                    return Err(format!(
                        "{count} weights do not lead from {rows} columns to {width}"
                    ));
                }
                Ok(*width)
            }
            Self::Arithmetic { left, right, .. } => match (left, right) {
                (Operand::Value(left), Operand::Value(right)) => {
                    let (left, right) = (of(left)?, of(right)?);
                    let fits = left == right || left == 1 || right == 1;
                    let unfit = || format!("{left} columns do not fit {right}");
                    fits.then_some(left.max(right)).ok_or_else(unfit)
                }
                (Operand::Value(value), Operand::Constant(numbers))
                | (Operand::Constant(numbers), Operand::Value(value)) => {
                    let (width, count) = (of(value)?, numbers.len());
                    let fits = count == width || count == 1;
                    fits.then_some(width)
                        .ok_or_else(|| format!("{count} numbers do not fit {width} columns"))
                }
                _ => Err("it reads no value".to_owned()),
            },
            Self::Activation { value, kind } => match kind {
                Activation::LeakyRelu { alpha } if !alpha.is_finite() => {
                    Err(format!("its slope is {alpha}"))
                }
                Activation::Clip { min, max } if min.is_nan() || max.is_nan() || min > max => {
                    Err(format!("its bounds are {min} and {max}"))
                }
                _ => of(value),
            },
            Self::Concat(values) => {
                let widths: Result<Vec<usize>, String> = values.iter().map(of).collect();
                Ok(widths?
                    .iter()
                    .fold(0, |sum, width| sum.saturating_add(*width)))
            }
            Self::BatchNormalization {
                value,
                columns,
                epsilon,
            } => {
                let width = of(value)?;
                if columns.iter().any(|numbers| numbers.len() != width) {
                    return Err(format!(
                        "its numbers are not one for each of {width} columns"
                    ));
                }
                let [_, _, _, variance] = columns;
                if !variance.iter().all(|variance| variance + epsilon > 0.0) {
                    return Err("a variance is not above zero".to_owned());
                }
                Ok(width)
            }
        }
    }
}

impl Network {
    /// Checks the steps of a network that reads so many columns. The error names the step, as ONNX calls
    /// it, and the law that it breaks.
    pub(crate) fn new(columns: usize, steps: Vec<Step>) -> Result<Self, String> {
        if columns == 0 || columns > WIDTH_MAX {
            return Err(format!(
                "a network reads 1 to {WIDTH_MAX} columns, not {columns}"
            ));
        }
        if steps.is_empty() || steps.len() > STEPS_MAX {
            let count = steps.len();
            return Err(format!("a network has 1 to {STEPS_MAX} steps, not {count}"));
        }
        let mut widths = vec![columns];
        let mut weights = 0_usize;
        for step in &steps {
            let fault = |problem: String| format!("{}: {problem}", step.word());
            let width = step.width(&widths).map_err(fault)?;
            if width == 0 || width > WIDTH_MAX {
                return Err(fault(format!("{width} columns are not 1 to {WIDTH_MAX}")));
            }
            for numbers in step.constants() {
                weights += numbers.len();
                if !numbers.iter().all(|number| number.is_finite()) {
                    return Err(fault("a number is not finite".to_owned()));
                }
            }
            if weights > WEIGHTS_MAX {
                return Err(fault(format!(
                    "a network has at most {WEIGHTS_MAX} numbers"
                )));
            }
            widths.push(width);
        }
        match widths.last() {
            Some(1) => Ok(Self { widths, steps }),
            last => Err(format!(
                "a network ends in one number a row, not {}",
                last.copied().unwrap_or_default()
            )),
        }
    }

    /// How many columns it reads.
    pub(crate) fn columns(&self) -> usize {
        self.widths.first().copied().unwrap_or_default()
    }

    /// Its steps, each reading what stands before it.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The width of a value.
    pub(crate) fn width(&self, value: usize) -> usize {
        self.widths.get(value).copied().unwrap_or_default()
    }

    /// How many numbers all steps hold.
    pub(crate) fn weights(&self) -> usize {
        let constants = self.steps.iter().flat_map(Step::constants);
        constants.map(<[f32]>::len).sum()
    }
}
