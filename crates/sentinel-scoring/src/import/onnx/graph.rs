//! An ONNX file as a graph of operators: trees and what stands around them, or the steps of a network.
//!
//! Promises borrowed names and attributes that are read when they are asked for. Must never read data that
//! lies outside the file.

use super::super::protobuf::{Content, Field, Message};
use crate::error::ImportError;

/// The most operators, constants or inputs; a model of trees has a handful.
const OPERATORS_MAX: usize = 4096;

/// The operators of a model, its inputs, and constants by name.
#[derive(Debug, Default)]
pub(super) struct Graph<'a> {
    /// In the order of the file.
    pub(super) operators: Vec<Operator<'a>>,
    /// Name and, where it is stated, width.
    pub(super) inputs: Vec<(&'a str, Option<usize>)>,
    /// The names of what it gives.
    pub(super) outputs: Vec<&'a str>,
    constants: Vec<(&'a str, Message<'a>)>,
}

/// One operator.
#[derive(Debug)]
pub(super) struct Operator<'a> {
    /// Its type, such as `TreeEnsembleClassifier`.
    pub(super) kind: &'a str,
    /// What it reads.
    pub(super) inputs: Vec<&'a str>,
    /// What it makes.
    pub(super) outputs: Vec<&'a str>,
    /// Whose operator it is; empty for ONNX itself.
    pub(super) domain: &'a str,
    attributes: Vec<(&'a str, Message<'a>)>,
    message: Message<'a>,
}

impl<'a> Graph<'a> {
    /// The graph of a model file.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, ImportError> {
        let file = Message::of(bytes);
        let mut graph = None;
        for field in file.fields() {
            let field = field?;
            if field.number == 7 {
                graph = Some(field.message()?);
            }
        }
        let Some(message) = graph else {
            return Err(file.fault("this is no ONNX model: it has no graph"));
        };
        let mut graph = Self::default();
        for field in message.fields() {
            let field = field?;
            match field.number {
                1 => graph.operators.push(Operator::read(field.message()?)?),
                5 => graph.constants.push(constant(field.message()?)?),
                11 => graph.inputs.push(input(field.message()?)?),
                12 => graph.outputs.push(input(field.message()?)?.0),
                _ => {}
            }
            if graph
                .operators
                .len()
                .max(graph.constants.len())
                .max(graph.inputs.len())
                .max(graph.outputs.len())
                > OPERATORS_MAX
            {
                return Err(field.fault(format!("the graph has more than {OPERATORS_MAX} parts")));
            }
        }
        // Older files name constants among the inputs.
        let constants = std::mem::take(&mut graph.constants);
        graph
            .inputs
            .retain(|(name, _)| constants.iter().all(|(constant, _)| constant != name));
        graph.constants = constants;
        Ok(graph)
    }

    /// The operator that makes a value.
    pub(super) fn maker(&self, value: &str) -> Option<&Operator<'a>> {
        let mut operators = self.operators.iter();
        operators.find(|operator| operator.outputs.contains(&value))
    }

    /// A constant that stands by itself.
    pub(super) fn initializer(&self, value: &str) -> Option<Message<'a>> {
        let mut constants = self.constants.iter();
        let named = constants.find(|(name, _)| *name == value);
        named.map(|(_, tensor)| *tensor)
    }

    /// The numbers of a constant, whether it stands by itself or is made by an operator.
    pub(super) fn constant(&self, value: &str) -> Result<Option<Vec<f64>>, ImportError> {
        let named = self.constants.iter().find(|(name, _)| *name == value);
        if let Some((_, tensor)) = named {
            return tensor_numbers(*tensor).map(Some);
        }
        match self.maker(value) {
            Some(operator) if operator.kind == "Constant" => operator.tensor("value"),
            _ => Ok(None),
        }
    }
}

/// Name and message of a constant.
fn constant(tensor: Message<'_>) -> Result<(&str, Message<'_>), ImportError> {
    let mut name = "";
    for field in tensor.fields() {
        let field = field?;
        if field.number == 8 {
            name = field.message()?.text()?;
        }
    }
    Ok((name, tensor))
}

/// Name and width of an input: the last of its dimensions, of which there are two at most where it is a
/// matrix of rows; what has more has no width.
fn input(value: Message<'_>) -> Result<(&str, Option<usize>), ImportError> {
    let (mut name, mut width) = ("", None);
    for field in value.fields() {
        let field = field?;
        match field.number {
            1 => name = field.message()?.text()?,
            // type, tensor_type, shape, dim, dim_value
            2 => {
                for kind in parts(field.message()?, 1)? {
                    for shape in parts(kind, 2)? {
                        width = match parts(shape, 1)?.as_slice() {
                            [last] | [_, last] => dimension_of(*last)?,
                            _ => None,
                        };
                    }
                }
            }
            _ => {}
        }
    }
    Ok((name, width))
}

fn dimension_of(dimension: Message<'_>) -> Result<Option<usize>, ImportError> {
    let mut width = None;
    for field in dimension.fields() {
        let field = field?;
        if field.number == 1 {
            width = usize::try_from(field.integer()?)
                .ok()
                .filter(|width| *width > 0);
        }
    }
    Ok(width)
}

/// The messages in the fields of a number.
fn parts(message: Message<'_>, number: u64) -> Result<Vec<Message<'_>>, ImportError> {
    let mut found = Vec::new();
    for field in message.fields() {
        let field = field?;
        if field.number == number {
            found.push(field.message()?);
        }
    }
    Ok(found)
}

impl<'a> Operator<'a> {
    fn read(message: Message<'a>) -> Result<Self, ImportError> {
        let mut operator = Self {
            kind: "",
            inputs: Vec::new(),
            outputs: Vec::new(),
            domain: "",
            attributes: Vec::new(),
            message,
        };
        for field in message.fields() {
            let field = field?;
            match field.number {
                1 => operator.inputs.push(field.message()?.text()?),
                2 => operator.outputs.push(field.message()?.text()?),
                4 => operator.kind = field.message()?.text()?,
                7 => operator.domain = field.message()?.text()?,
                5 => {
                    let attribute = field.message()?;
                    operator
                        .attributes
                        .push((attribute_name(attribute)?, attribute));
                }
                _ => {}
            }
        }
        Ok(operator)
    }

    /// A problem with this operator.
    pub(super) fn fault(&self, problem: impl std::fmt::Display) -> ImportError {
        self.message.fault(format!("{}: {problem}", self.kind))
    }

    fn attribute(&self, name: &str) -> Option<Message<'a>> {
        let mut attributes = self.attributes.iter();
        let found = attributes.find(|(own, _)| *own == name);
        found.map(|(_, message)| *message)
    }

    /// Whether the attribute is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    /// Whole numbers; none where the attribute is not there.
    pub(super) fn integers(&self, name: &str) -> Result<Vec<i64>, ImportError> {
        let mut numbers = Vec::new();
        let Some(attribute) = self.attribute(name) else {
            return Ok(numbers);
        };
        for field in attribute.fields() {
            let field = field?;
            match (field.number, field.content) {
                (3, Content::Varint(_)) => numbers.push(field.integer()?),
                (8, content) => push_integers(&mut numbers, content, &field)?,
                _ => {}
            }
        }
        Ok(numbers)
    }

    /// One number.
    pub(super) fn float(&self, name: &str, default: f32) -> Result<f32, ImportError> {
        let mut number = default;
        let Some(attribute) = self.attribute(name) else {
            return Ok(number);
        };
        for field in attribute.fields() {
            let field = field?;
            if let (2, Content::Fixed32(bytes)) = (field.number, field.content) {
                number = f32::from_le_bytes(bytes);
            }
        }
        Ok(number)
    }

    /// One whole number.
    pub(super) fn integer(&self, name: &str, default: i64) -> Result<i64, ImportError> {
        Ok(self.integers(name)?.last().copied().unwrap_or(default))
    }

    /// Numbers, as the attribute of that name or as its tensor of f32 or f64.
    pub(super) fn numbers(&self, name: &str) -> Result<Vec<f64>, ImportError> {
        let tensor = format!("{name}_as_tensor");
        if let Some(numbers) = self.tensor(&tensor)? {
            return Ok(numbers);
        }
        if let Some(numbers) = self.tensor(name)? {
            return Ok(numbers);
        }
        let mut numbers = Vec::new();
        let Some(attribute) = self.attribute(name) else {
            return Ok(numbers);
        };
        for field in attribute.fields() {
            let field = field?;
            match (field.number, field.content) {
                (7, Content::Fixed32(bytes)) => {
                    numbers.push(f64::from(f32::from_le_bytes(bytes)));
                }
                (7, Content::Bytes(packed)) => numbers.extend(packed.floats()?.map(f64::from)),
                _ => {}
            }
        }
        Ok(numbers)
    }

    /// The numbers of an attribute that is a tensor.
    pub(super) fn tensor(&self, name: &str) -> Result<Option<Vec<f64>>, ImportError> {
        self.tensor_message(name)?.map(tensor_numbers).transpose()
    }

    /// An attribute that is a tensor.
    pub(super) fn tensor_message(&self, name: &str) -> Result<Option<Message<'a>>, ImportError> {
        let Some(attribute) = self.attribute(name) else {
            return Ok(None);
        };
        Ok(parts(attribute, 5)?.last().copied())
    }

    /// Texts.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<&'a str>, ImportError> {
        let Some(attribute) = self.attribute(name) else {
            return Ok(Vec::new());
        };
        parts(attribute, 9)?
            .into_iter()
            .map(Message::text)
            .collect()
    }

    /// One text.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, ImportError> {
        let Some(attribute) = self.attribute(name) else {
            return Ok(None);
        };
        match parts(attribute, 4)?.last() {
            Some(text) => text.text().map(Some),
            None => Ok(None),
        }
    }
}

fn attribute_name(attribute: Message<'_>) -> Result<&str, ImportError> {
    match parts(attribute, 1)?.last() {
        Some(name) => name.text(),
        None => Ok(""),
    }
}

#[allow(
    clippy::cast_possible_wrap,
    reason = "negative integers are written as large ones"
)]
fn push_integers(
    numbers: &mut Vec<i64>,
    content: Content<'_>,
    field: &Field<'_>,
) -> Result<(), ImportError> {
    match content {
        Content::Varint(value) => numbers.push(value as i64),
        Content::Bytes(packed) => {
            for value in packed.varints() {
                numbers.push(value? as i64);
            }
        }
        _ => return Err(field.fault("whole numbers were expected")),
    }
    Ok(())
}

/// The dimensions of a tensor.
pub(super) fn tensor_dimensions(tensor: Message<'_>) -> Result<Vec<usize>, ImportError> {
    let mut dimensions = Vec::new();
    for field in tensor.fields() {
        let field = field?;
        if field.number == 1 {
            push_integers(&mut dimensions, field.content, &field)?;
        }
    }
    let dimension = |dimension: i64| {
        usize::try_from(dimension).map_err(|_| tensor.fault("a dimension is below zero"))
    };
    dimensions.into_iter().map(dimension).collect()
}

/// Types of tensors, as ONNX numbers them.
const FLOAT: i64 = 1;
const UINT8: i64 = 2;
const INT64: i64 = 7;
const DOUBLE: i64 = 11;

/// The numbers of a tensor of f32, f64, u8 or i64. Integers of more than 53 bits are rounded, and no
/// model has them.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    reason = "see above; negative integers are written as large ones"
)]
pub(super) fn tensor_numbers(tensor: Message<'_>) -> Result<Vec<f64>, ImportError> {
    let mut kind = 0;
    let mut numbers = Vec::new();
    let mut raw = None;
    for field in tensor.fields() {
        let field = field?;
        match (field.number, field.content) {
            (2, _) => kind = field.integer()?,
            (4, Content::Fixed32(bytes)) => numbers.push(f64::from(f32::from_le_bytes(bytes))),
            (4, Content::Bytes(packed)) => numbers.extend(packed.floats()?.map(f64::from)),
            (5 | 7, Content::Varint(value)) => numbers.push(value as i64 as f64),
            (5 | 7, Content::Bytes(packed)) => {
                for value in packed.varints() {
                    numbers.push(value? as i64 as f64);
                }
            }
            (9, _) => raw = Some(field.message()?),
            (10, Content::Fixed64(bytes)) => numbers.push(f64::from_le_bytes(bytes)),
            (10, Content::Bytes(packed)) => numbers.extend(packed.doubles()?),
            (13, _) => return Err(field.fault("the data of this tensor lie in another file")),
            _ => {}
        }
    }
    let Some(raw) = raw else { return Ok(numbers) };
    match kind {
        FLOAT => numbers.extend(raw.floats()?.map(f64::from)),
        DOUBLE => numbers.extend(raw.doubles()?),
        UINT8 => numbers.extend(raw.bytes().iter().map(|byte| f64::from(*byte))),
        INT64 => {
            let (chunks, _) = raw.bytes().as_chunks::<8>();
            numbers.extend(chunks.iter().map(|bytes| i64::from_le_bytes(*bytes) as f64));
        }
        other => return Err(raw.fault(format!("tensors of type {other} are not read"))),
    }
    Ok(numbers)
}
