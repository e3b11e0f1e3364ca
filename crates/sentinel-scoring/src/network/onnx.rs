//! A network as ONNX, in the one spelling that we write: operator set 13, names by number, no text beside.
//!
//! Promises that two networks that are the same are the same bytes, and that any program that reads ONNX can
//! evaluate them. Must never write what [`Network`] does not hold.

use super::{Activation, Network, Operand, Step};

/// What numbers are written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precision {
    /// f32, as they are: for files.
    Single,
    /// f64: for the evaluator.
    #[cfg_attr(
        not(feature = "neural"),
        allow(dead_code, reason = "only the evaluator wants it")
    )]
    Double,
}

/// Version of the file's format, and of its set of operators.
const FORMAT_VERSION: u64 = 8;
const OPERATORS_VERSION: u64 = 13;

/// Types of tensors and attributes, as ONNX numbers them.
const FLOAT: u64 = 1;
const DOUBLE: u64 = 11;
const ATTRIBUTE_FLOAT: u64 = 1;
const ATTRIBUTE_INTEGER: u64 = 2;

impl Precision {
    fn tensor_type(self) -> u64 {
        match self {
            Self::Single => FLOAT,
            Self::Double => DOUBLE,
        }
    }
}

/// The bytes of an ONNX file.
pub(crate) fn write(network: &Network, precision: Precision) -> Vec<u8> {
    let mut graph = Vec::new();
    let mut tensors = Vec::new();
    for (index, step) in network.steps().iter().enumerate() {
        let node = Node::of(network, index + 1, step);
        bytes(&mut graph, 1, &node.bytes());
        for (name, dimensions, numbers) in &node.tensors {
            bytes(
                &mut tensors,
                5,
                &tensor(name, dimensions, numbers, precision),
            );
        }
    }
    bytes(&mut graph, 2, b"network");
    graph.extend(tensors);
    let columns = u64::try_from(network.columns()).unwrap_or_default();
    bytes(&mut graph, 11, &value_info(&value(0), columns, precision));
    let last = value(network.steps().len());
    bytes(&mut graph, 12, &value_info(&last, 1, precision));
    let mut operators = Vec::new();
    integer(&mut operators, 2, OPERATORS_VERSION);
    let mut file = Vec::new();
    integer(&mut file, 1, FORMAT_VERSION);
    bytes(&mut file, 8, &operators);
    bytes(&mut file, 7, &graph);
    file
}

/// The name of a value.
fn value(number: usize) -> String {
    format!("v{number}")
}

/// An operator being written.
#[derive(Default)]
struct Node<'a> {
    word: &'static str,
    number: usize,
    inputs: Vec<String>,
    attributes: Vec<Vec<u8>>,
    /// Name, dimensions and numbers.
    tensors: Vec<(String, Vec<usize>, Vec<&'a f32>)>,
}

impl<'a> Node<'a> {
    fn of(network: &Network, number: usize, step: &'a Step) -> Self {
        let mut node = Self {
            word: step.word(),
            number,
            ..Self::default()
        };
        match step {
            Step::MatMul {
                value: read,
                width,
                weights,
            } => {
                node.inputs.push(value(*read));
                node.constant(vec![network.width(*read), *width], weights);
            }
            Step::Arithmetic { left, right, .. } => {
                for operand in [left, right] {
                    match operand {
                        Operand::Value(read) => node.inputs.push(value(*read)),
                        Operand::Constant(numbers) => {
                            node.constant(vec![1, numbers.len()], numbers);
                        }
                    }
                }
            }
            Step::Activation { kind, value: read } => {
                node.inputs.push(value(*read));
                match kind {
                    Activation::LeakyRelu { alpha } => node.float("alpha", *alpha),
                    Activation::Clip { min, max } => {
                        node.constant(Vec::new(), std::slice::from_ref(min));
                        node.constant(Vec::new(), std::slice::from_ref(max));
                    }
                    Activation::Relu | Activation::Sigmoid | Activation::Tanh => {}
                }
            }
            Step::Concat(values) => {
                node.inputs.extend(values.iter().map(|read| value(*read)));
                let mut attribute = Vec::new();
                bytes(&mut attribute, 1, b"axis");
                integer(&mut attribute, 3, 1);
                integer(&mut attribute, 20, ATTRIBUTE_INTEGER);
                node.attributes.push(attribute);
            }
            Step::BatchNormalization {
                value: read,
                columns,
                epsilon,
            } => {
                node.inputs.push(value(*read));
                for numbers in columns {
                    node.constant(vec![numbers.len()], numbers);
                }
                node.float("epsilon", *epsilon);
            }
        }
        node
    }

    fn constant(&mut self, dimensions: Vec<usize>, numbers: &'a [f32]) {
        let name = format!("c{}_{}", self.number, self.tensors.len());
        self.inputs.push(name.clone());
        self.tensors
            .push((name, dimensions, numbers.iter().collect()));
    }

    fn float(&mut self, name: &str, number: f32) {
        let mut attribute = Vec::new();
        bytes(&mut attribute, 1, name.as_bytes());
        key(&mut attribute, 2, 5);
        attribute.extend(number.to_le_bytes());
        integer(&mut attribute, 20, ATTRIBUTE_FLOAT);
        self.attributes.push(attribute);
    }

    fn bytes(&self) -> Vec<u8> {
        let mut node = Vec::new();
        for input in &self.inputs {
            bytes(&mut node, 1, input.as_bytes());
        }
        bytes(&mut node, 2, value(self.number).as_bytes());
        bytes(&mut node, 4, self.word.as_bytes());
        for attribute in &self.attributes {
            bytes(&mut node, 5, attribute);
        }
        node
    }
}

fn tensor(name: &str, dimensions: &[usize], numbers: &[&f32], precision: Precision) -> Vec<u8> {
    let mut tensor = Vec::new();
    for dimension in dimensions {
        integer(
            &mut tensor,
            1,
            u64::try_from(*dimension).unwrap_or_default(),
        );
    }
    integer(&mut tensor, 2, precision.tensor_type());
    bytes(&mut tensor, 8, name.as_bytes());
    let numbers = numbers.iter().copied();
    let raw: Vec<u8> = match precision {
        Precision::Single => numbers.flat_map(|number| number.to_le_bytes()).collect(),
        Precision::Double => numbers
            .flat_map(|number| f64::from(*number).to_le_bytes())
            .collect(),
    };
    bytes(&mut tensor, 9, &raw);
    tensor
}

/// Name and type of an input or output: any number of rows, so many columns.
fn value_info(name: &str, columns: u64, precision: Precision) -> Vec<u8> {
    let (mut rows, mut width) = (Vec::new(), Vec::new());
    bytes(&mut rows, 2, b"rows");
    integer(&mut width, 1, columns);
    let mut shape = Vec::new();
    bytes(&mut shape, 1, &rows);
    bytes(&mut shape, 1, &width);
    let mut tensor = Vec::new();
    integer(&mut tensor, 1, precision.tensor_type());
    bytes(&mut tensor, 2, &shape);
    let mut kind = Vec::new();
    bytes(&mut kind, 1, &tensor);
    let mut info = Vec::new();
    bytes(&mut info, 1, name.as_bytes());
    bytes(&mut info, 2, &kind);
    info
}

/// A field of bytes: a text, a message or packed numbers.
fn bytes(out: &mut Vec<u8>, number: u64, content: &[u8]) {
    key(out, number, 2);
    varint(out, u64::try_from(content.len()).unwrap_or_default());
    out.extend_from_slice(content);
}

/// A field of a whole number.
fn integer(out: &mut Vec<u8>, number: u64, content: u64) {
    key(out, number, 0);
    varint(out, content);
}

fn key(out: &mut Vec<u8>, number: u64, kind: u64) {
    varint(out, number << 3 | kind);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or_default();
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}
