//! ONNX models that are feed-forward networks, as PyTorch, Keras and scikit-learn write them.
//!
//! Only what leads to the last output is read, and only operators of a closed list; operators that give the
//! same numbers another shape are left out. The logistic function or softmax at the end is left out as well,
//! so what is evaluated are log-odds, which no saturation has cut. Promises that whatever is not understood
//! is refused by its operator's name, and that memory is bounded before it is taken: numbers are counted
//! whenever they are read or copied. Must never read control flow, random numbers, texts or other files.

mod outline;

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::protobuf::Message;
use super::graph::{Graph, Operator, tensor_dimensions, tensor_numbers};
use crate::error::ImportError;
use crate::network::{Activation, Arithmetic, Network, Operand, STEPS_MAX, Step, WEIGHTS_MAX};
use outline::{Head, head, inputs, makers, needed};

/// The most numbers that are read and copied while a network is read.
const NUMBERS_MAX: usize = 4 * WEIGHTS_MAX;

/// Types to which a cast changes no number that we hold.
const FLOAT: i64 = 1;
const DOUBLE: i64 = 11;

/// A network as a file tells it.
#[derive(Debug)]
pub(super) struct Found {
    /// The names of its columns; `f0`, `f1` and so on where the file has none.
    pub(super) features: Vec<String>,
    /// Its steps.
    pub(super) network: Network,
    /// What a reader should know.
    pub(super) notes: Vec<String>,
}

/// What a name stands for.
#[derive(Debug, Clone)]
enum Bound {
    /// A value of the network.
    Value(usize),
    /// Numbers.
    Constant(Rc<Tensor>),
}

/// A constant.
#[derive(Debug)]
struct Tensor {
    dimensions: Vec<usize>,
    numbers: Vec<f32>,
}

/// A network being read.
struct Reading<'g, 'a> {
    graph: &'g Graph<'a>,
    bound: BTreeMap<&'a str, Bound>,
    widths: Vec<usize>,
    steps: Vec<Step>,
    /// Numbers read and copied so far.
    numbers: usize,
    rounded: bool,
}

/// The network of a graph.
pub(super) fn read(graph: &Graph<'_>) -> Result<Found, ImportError> {
    let makers = makers(graph);
    let (output, head) = head(graph, &makers)?;
    read_to(graph, &makers, output, head)
}

/// The network of a graph that we wrote: its output is its margin.
pub(super) fn read_own(graph: &Graph<'_>) -> Result<Found, ImportError> {
    let Some(output) = graph.outputs.last() else {
        return Err(whole("the graph has no output"));
    };
    read_to(graph, &makers(graph), output, Head::Plain)
}

/// The network that leads to a value.
fn read_to<'a>(
    graph: &Graph<'a>,
    makers: &BTreeMap<&str, usize>,
    output: &'a str,
    head: Head,
) -> Result<Found, ImportError> {
    let needed = needed(graph, makers, output)?;
    let operators: Vec<&Operator<'_>> = needed
        .iter()
        .filter_map(|place| graph.operators.get(*place))
        .collect();
    let inputs = inputs(graph, &operators, output)?;
    let mut reading = Reading {
        graph,
        bound: BTreeMap::new(),
        widths: vec![inputs.features.len()],
        steps: Vec::new(),
        numbers: 0,
        rounded: false,
    };
    reading.bound.insert(inputs.name, Bound::Value(0));
    for operator in operators {
        if operator.outputs.first() != Some(&inputs.name) {
            reading.take(operator)?;
        }
    }
    let mut notes = Vec::new();
    if head == Head::Softmax {
        reading.difference(output)?;
    }
    match head {
        Head::Logistic => {}
        Head::Softmax => notes.push(
            "the network ends in two columns: the second is taken for that of fraud".to_owned(),
        ),
        Head::Plain => notes.push(
            "the network ends in a plain number, which is taken for log-odds: where it is something else, \
             end the network in a sigmoid"
                .to_owned(),
        ),
    }
    if reading.rounded {
        notes.push("the file has numbers of f64; they are rounded to f32".to_owned());
    }
    let is_last = matches!(reading.bound.get(output), Some(Bound::Value(value)) if *value == reading.steps.len());
    if !is_last && head != Head::Softmax {
        return Err(whole("the output of the network is not its last value"));
    }
    let network = Network::new(inputs.features.len(), reading.steps);
    Ok(Found {
        features: inputs.features,
        network: network.map_err(whole)?,
        notes,
    })
}

fn whole(problem: impl Into<String>) -> ImportError {
    ImportError::Whole {
        problem: problem.into(),
    }
}

fn shown(name: &str) -> String {
    name.chars().take(60).collect()
}

/// Whether a cast makes a number that holds every f32.
fn floating(operator: &Operator<'_>) -> Result<bool, ImportError> {
    Ok(matches!(operator.integer("to", 0)?, FLOAT | DOUBLE))
}

impl<'a> Reading<'_, 'a> {
    /// Takes in an operator whose inputs stand before it.
    fn take(&mut self, operator: &Operator<'a>) -> Result<(), ImportError> {
        if !matches!(operator.domain, "" | "ai.onnx") {
            let domain = shown(operator.domain);
            return Err(operator.fault(format!("it belongs to {domain:?}, not to a network")));
        }
        let Some(output) = operator.outputs.first().copied() else {
            return Err(operator.fault("it makes nothing"));
        };
        if self.steps.len() >= STEPS_MAX {
            return Err(operator.fault(format!("a network has at most {STEPS_MAX} steps")));
        }
        let bound = match operator.kind {
            "Constant" => self.constant_operator(operator)?,
            "Identity" | "Dropout" => self.input(operator, 0)?,
            "Cast" if floating(operator)? => self.input(operator, 0)?,
            "Cast" => return Err(operator.fault("it casts to something else than f32 or f64")),
            "Transpose" => self.transposed(operator)?,
            "Flatten" => self.flattened(operator)?,
            "Reshape" => self.reshaped(operator)?,
            "MatMul" => self.mat_mul(operator, false)?,
            "Gemm" => self.gemm(operator)?,
            "Concat" => self.concat(operator)?,
            "BatchNormalization" => self.batch_normalization(operator)?,
            "Relu" => self.activation(operator, Activation::Relu)?,
            "Sigmoid" => self.activation(operator, Activation::Sigmoid)?,
            "Tanh" => self.activation(operator, Activation::Tanh)?,
            "LeakyRelu" => {
                let alpha = operator.float("alpha", 0.01)?;
                self.activation(operator, Activation::LeakyRelu { alpha })?
            }
            "Clip" => self.clip(operator)?,
            word => match Arithmetic::ALL.iter().find(|kind| kind.word() == word) {
                Some(kind) => self.arithmetic(operator, *kind)?,
                None => return Err(operator.fault("no such operator of a network is understood")),
            },
        };
        self.bound.insert(output, bound);
        Ok(())
    }

    /// Adds a step and gives its value.
    fn push(&mut self, operator: &Operator<'a>, step: Step) -> Result<Bound, ImportError> {
        let width = step.width(&self.widths);
        let width = width.map_err(|problem| operator.fault(problem))?;
        self.widths.push(width);
        self.steps.push(step);
        Ok(Bound::Value(self.steps.len()))
    }

    /// What an input stands for.
    fn input(&mut self, operator: &Operator<'a>, place: usize) -> Result<Bound, ImportError> {
        let Some(name) = operator.inputs.get(place).copied() else {
            return Err(operator.fault(format!("it has no input {}", place + 1)));
        };
        if let Some(bound) = self.bound.get(name) {
            return Ok(bound.clone());
        }
        let Some(tensor) = self.graph.initializer(name) else {
            let name = shown(name);
            return Err(operator.fault(format!("nothing before it makes its input {name:?}")));
        };
        let bound = Bound::Constant(Rc::new(self.tensor(operator, tensor)?));
        self.bound.insert(name, bound.clone());
        Ok(bound)
    }

    fn value(&mut self, operator: &Operator<'a>, place: usize) -> Result<usize, ImportError> {
        match self.input(operator, place)? {
            Bound::Value(value) => Ok(value),
            Bound::Constant(_) => Err(operator.fault(format!("its input {} is fixed", place + 1))),
        }
    }

    fn constant(
        &mut self,
        operator: &Operator<'a>,
        place: usize,
    ) -> Result<Rc<Tensor>, ImportError> {
        match self.input(operator, place)? {
            Bound::Constant(tensor) => Ok(tensor),
            Bound::Value(_) => Err(operator.fault(format!("its input {} is not fixed", place + 1))),
        }
    }

    /// Counts numbers before they are read or copied.
    fn count(&mut self, operator: &Operator<'a>, numbers: usize) -> Result<(), ImportError> {
        self.numbers = self.numbers.saturating_add(numbers);
        if self.numbers > NUMBERS_MAX {
            return Err(operator.fault(format!("a network has at most {WEIGHTS_MAX} numbers")));
        }
        Ok(())
    }

    /// The numbers of a tensor.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "rounded to the nearest, and said"
    )]
    fn tensor(
        &mut self,
        operator: &Operator<'a>,
        message: Message<'a>,
    ) -> Result<Tensor, ImportError> {
        let dimensions = tensor_dimensions(message)?;
        let product = dimensions.iter().try_fold(1_usize, |product, dimension| {
            product.checked_mul(*dimension)
        });
        let Some(product) = product.filter(|product| *product <= WEIGHTS_MAX) else {
            return Err(operator.fault(format!("a network has at most {WEIGHTS_MAX} numbers")));
        };
        self.count(operator, product)?;
        // An integer has at most ten bytes; names and dimensions are short.
        if message.bytes().len() > 10 * product + 4096 {
            return Err(message.fault("a tensor has more numbers than its dimensions say"));
        }
        let numbers = tensor_numbers(message)?;
        if numbers.len() != product {
            let count = numbers.len();
            return Err(message.fault(format!("a tensor of {product} numbers has {count}")));
        }
        let single: Vec<f32> = numbers.iter().map(|number| *number as f32).collect();
        let mut pairs = single.iter().zip(&numbers);
        self.rounded |= pairs.any(|(single, number)| f64::from(*single) != *number);
        Ok(Tensor {
            dimensions,
            numbers: single,
        })
    }

    fn constant_operator(&mut self, operator: &Operator<'a>) -> Result<Bound, ImportError> {
        let tensor = match operator.tensor_message("value")? {
            Some(message) => self.tensor(operator, message)?,
            None if operator.has("value_float") => Tensor {
                dimensions: Vec::new(),
                numbers: vec![operator.float("value_float", 0.0)?],
            },
            None => return Err(operator.fault("it holds no tensor of numbers")),
        };
        Ok(Bound::Constant(Rc::new(tensor)))
    }

    fn transposed(&mut self, operator: &Operator<'a>) -> Result<Bound, ImportError> {
        let matrix = self.constant(operator, 0)?;
        let turned = self.turned(operator, &matrix)?;
        Ok(Bound::Constant(Rc::new(turned)))
    }

    /// A matrix with rows and columns exchanged.
    fn turned(&mut self, operator: &Operator<'a>, matrix: &Tensor) -> Result<Tensor, ImportError> {
        let [rows, columns] = *matrix.dimensions.as_slice() else {
            return Err(operator.fault("what it turns is no matrix"));
        };
        self.count(operator, matrix.numbers.len())?;
        let mut numbers = Vec::with_capacity(matrix.numbers.len());
        for column in 0..columns {
            numbers.extend(matrix.numbers.iter().skip(column).step_by(columns));
        }
        Ok(Tensor {
            dimensions: vec![columns, rows],
            numbers,
        })
    }

    fn flattened(&mut self, operator: &Operator<'a>) -> Result<Bound, ImportError> {
        if !matches!(operator.integer("axis", 1)?, 1 | -1) {
            return Err(operator.fault("it mixes rows"));
        }
        self.value(operator, 0).map(Bound::Value)
    }

    /// Only what leaves rows and columns as they are.
    fn reshaped(&mut self, operator: &Operator<'a>) -> Result<Bound, ImportError> {
        let value = self.value(operator, 0)?;
        let shape = self.constant(operator, 1)?;
        let width = self.widths.get(value).copied().unwrap_or_default();
        #[allow(clippy::cast_precision_loss, reason = "at most 4,096")]
        let width = width as f32;
        let same = match shape.numbers.as_slice() {
            [rows, columns] if *columns == width => matches!(*rows, -1.0 | 0.0 | 1.0),
            [rows, -1.0] => matches!(*rows, 0.0 | 1.0),
            _ => false,
        };
        if !same {
            return Err(operator.fault("it gives a value another shape than rows of its columns"));
        }
        Ok(Bound::Value(value))
    }

    fn mat_mul(&mut self, operator: &Operator<'a>, turn: bool) -> Result<Bound, ImportError> {
        let value = self.value(operator, 0)?;
        let mut matrix = self.constant(operator, 1)?;
        if turn {
            matrix = Rc::new(self.turned(operator, &matrix)?);
        }
        let [_, width] = *matrix.dimensions.as_slice() else {
            return Err(operator.fault("its weights are no matrix"));
        };
        self.count(operator, matrix.numbers.len())?;
        let weights = matrix.numbers.clone();
        let step = Step::MatMul {
            value,
            width,
            weights,
        };
        self.push(operator, step)
    }

    fn gemm(&mut self, operator: &Operator<'a>) -> Result<Bound, ImportError> {
        if operator.integer("transA", 0)? != 0 {
            return Err(operator.fault("it turns its rows (transA)"));
        }
        for name in ["alpha", "beta"] {
            let factor = operator.float(name, 1.0)?;
            if factor != 1.0 {
                return Err(
                    operator.fault(format!("its {name} is {factor}, and only 1 is understood"))
                );
            }
        }
        let turn = operator.integer("transB", 0)? != 0;
        let product = self.mat_mul(operator, turn)?;
        let (Bound::Value(value), Some(name)) = (&product, operator.inputs.get(2)) else {
            return Ok(product);
        };
        if name.is_empty() {
            return Ok(product);
        }
        let left = Operand::Value(*value);
        let right = self.operand(operator, 2)?;
        let kind = Arithmetic::Add;
        self.push(operator, Step::Arithmetic { kind, left, right })
    }

    /// A value, or numbers for its columns.
    fn operand(&mut self, operator: &Operator<'a>, place: usize) -> Result<Operand, ImportError> {
        match self.input(operator, place)? {
            Bound::Value(value) => Ok(Operand::Value(value)),
            Bound::Constant(tensor) => {
                if !matches!(tensor.dimensions.as_slice(), [] | [_] | [1, _]) {
                    return Err(operator.fault("its constant is no single row"));
                }
                self.count(operator, tensor.numbers.len())?;
                Ok(Operand::Constant(tensor.numbers.clone()))
            }
        }
    }

    fn arithmetic(
        &mut self,
        operator: &Operator<'a>,
        kind: Arithmetic,
    ) -> Result<Bound, ImportError> {
        let left = self.operand(operator, 0)?;
        let right = self.operand(operator, 1)?;
        self.push(operator, Step::Arithmetic { kind, left, right })
    }

    fn activation(
        &mut self,
        operator: &Operator<'a>,
        kind: Activation,
    ) -> Result<Bound, ImportError> {
        let value = self.value(operator, 0)?;
        self.push(operator, Step::Activation { kind, value })
    }

    /// Bounds are attributes before operator set 11, inputs since.
    fn clip(&mut self, operator: &Operator<'a>) -> Result<Bound, ImportError> {
        let mut bounds = [
            operator.float("min", f32::NEG_INFINITY)?,
            operator.float("max", f32::INFINITY)?,
        ];
        for (place, bound) in (1..).zip(&mut bounds) {
            if operator
                .inputs
                .get(place)
                .is_some_and(|name| !name.is_empty())
            {
                match self.constant(operator, place)?.numbers.as_slice() {
                    [number] => *bound = *number,
                    _ => return Err(operator.fault("a bound is one number")),
                }
            }
        }
        let [min, max] = bounds;
        self.activation(operator, Activation::Clip { min, max })
    }

    fn concat(&mut self, operator: &Operator<'a>) -> Result<Bound, ImportError> {
        if !matches!(operator.integer("axis", 1)?, 1 | -1) {
            return Err(operator.fault("it joins rows, not columns"));
        }
        self.count(operator, operator.inputs.len())?;
        let places = 0..operator.inputs.len();
        let values: Result<_, _> = places.map(|place| self.value(operator, place)).collect();
        self.push(operator, Step::Concat(values?))
    }

    fn batch_normalization(&mut self, operator: &Operator<'a>) -> Result<Bound, ImportError> {
        if operator.integer("training_mode", 0)? != 0 {
            return Err(operator.fault("it was exported for training, not for inference"));
        }
        let value = self.value(operator, 0)?;
        let mut columns: [Vec<f32>; 4] = Default::default();
        for (place, numbers) in (1..).zip(&mut columns) {
            let tensor = self.constant(operator, place)?;
            self.count(operator, tensor.numbers.len())?;
            numbers.clone_from(&tensor.numbers);
        }
        let epsilon = operator.float("epsilon", 1e-5)?;
        let step = Step::BatchNormalization {
            value,
            columns,
            epsilon,
        };
        self.push(operator, step)
    }

    /// Of two columns, the second less the first: the log-odds of their softmax.
    fn difference(&mut self, output: &str) -> Result<(), ImportError> {
        let Some(Bound::Value(value)) = self.bound.get(output) else {
            return Err(whole("the network ends in a constant"));
        };
        if self.widths.get(*value) != Some(&2) {
            return Err(whole(
                "the network ends in a softmax over other than two columns",
            ));
        }
        self.steps.push(Step::MatMul {
            value: *value,
            width: 1,
            weights: vec![-1.0, 1.0],
        });
        Ok(())
    }
}
