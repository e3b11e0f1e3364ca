//! A document of nested values, as JSON and UBJSON both are, with the place of each in the file.
//!
//! Promises memory in proportion to the file: arrays of numbers are packed, every other value is counted
//! against a bound, and nothing is reserved on the word of a count. Must never recurse deeper than
//! [`DEPTH_MAX`].

use crate::error::ImportError;

/// The deepest nesting: a tree of 64 levels, with room around it.
pub(super) const DEPTH_MAX: usize = 256;

/// The most values of a document that are not packed numbers.
pub(super) const VALUES_MAX: usize = 16_000_000;

/// A value and the byte at which it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Value {
    /// The byte, counted from 0.
    pub(super) at: usize,
    /// What stands there.
    pub(super) data: Data,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A number; integers of more than 53 bits are rounded.
    Number(f64),
    /// A text.
    Text(String),
    /// An array of nothing but numbers, or an empty one.
    Numbers(Vec<f64>),
    /// Any other array.
    List(Vec<Value>),
    /// Members in the order of the file.
    Object(Vec<(String, Value)>),
}

/// Collects the elements of an array, packed as long as all are numbers.
#[derive(Debug)]
pub(super) enum Elements {
    /// Only numbers so far.
    Numbers(Vec<f64>),
    /// Anything.
    List(Vec<Value>),
}

impl Elements {
    /// Adds one; numbers and other values in one array are refused, since no format of a model has them.
    pub(super) fn push(&mut self, value: Value) -> Result<(), ImportError> {
        match (&mut *self, value.data) {
            (Self::Numbers(numbers), Data::Number(number)) => numbers.push(number),
            (Self::Numbers(numbers), data) if numbers.is_empty() => {
                *self = Self::List(vec![Value { at: value.at, data }]);
            }
            (Self::Numbers(_), _) | (Self::List(_), Data::Number(_)) => {
                return Err(fault(value.at, "an array mixes numbers with other values"));
            }
            (Self::List(values), data) => values.push(Value { at: value.at, data }),
        }
        Ok(())
    }

    /// The array.
    pub(super) fn data(self) -> Data {
        match self {
            Self::Numbers(numbers) => Data::Numbers(numbers),
            Self::List(values) => Data::List(values),
        }
    }
}

/// A problem at a byte.
pub(super) fn fault(at: usize, problem: impl Into<String>) -> ImportError {
    ImportError::Byte {
        byte: at,
        problem: problem.into(),
    }
}

impl Value {
    /// A problem at this value.
    pub(super) fn fault(&self, problem: impl Into<String>) -> ImportError {
        fault(self.at, problem)
    }

    /// The member of this name, if it is there.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        let Data::Object(members) = &self.data else {
            return None;
        };
        let member = members.iter().find(|(own, _)| own == name);
        member.map(|(_, value)| value)
    }

    /// The member of this name.
    pub(super) fn member(&self, name: &str) -> Result<&Value, ImportError> {
        self.get(name)
            .ok_or_else(|| self.fault(format!("there is no member {name:?}")))
    }

    /// A text.
    pub(super) fn text(&self, name: &str) -> Result<&str, ImportError> {
        let member = self.member(name)?;
        match &member.data {
            Data::Text(text) => Ok(text),
            _ => Err(member.fault(format!("{name:?} is no text"))),
        }
    }

    /// A number, spelt as one or as a text.
    pub(super) fn number(&self, name: &str) -> Result<f64, ImportError> {
        let member = self.member(name)?;
        match &member.data {
            Data::Number(number) => Some(*number),
            Data::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
        .ok_or_else(|| member.fault(format!("{name:?} is no number")))
    }

    /// A whole number that is not negative.
    pub(super) fn count(&self, name: &str) -> Result<usize, ImportError> {
        let number = self.number(name)?;
        whole(number).ok_or_else(|| {
            self.get(name)
                .unwrap_or(self)
                .fault(format!("{name:?} is {number}, not a count"))
        })
    }

    /// An array of numbers.
    pub(super) fn numbers(&self, name: &str) -> Result<&[f64], ImportError> {
        let member = self.member(name)?;
        match &member.data {
            Data::Numbers(numbers) => Ok(numbers),
            _ => Err(member.fault(format!("{name:?} is no array of numbers"))),
        }
    }

    /// An array of other values.
    pub(super) fn list(&self, name: &str) -> Result<&[Value], ImportError> {
        let member = self.member(name)?;
        match &member.data {
            Data::List(values) => Ok(values),
            Data::Numbers(numbers) if numbers.is_empty() => Ok(&[]),
            _ => Err(member.fault(format!("{name:?} is no array of objects or texts"))),
        }
    }

    /// An array of texts.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, ImportError> {
        let text = |value: &Value| match &value.data {
            Data::Text(text) => Ok(text.clone()),
            _ => Err(value.fault(format!("{name:?} holds something else than texts"))),
        };
        self.list(name)?.iter().map(text).collect()
    }
}

/// A number as a count or an index.
pub(super) fn whole(number: f64) -> Option<usize> {
    const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be whole, not negative, and below 2^53"
    )]
    ((0.0..=WHOLE_MAX).contains(&number) && libm::trunc(number) == number)
        .then_some(number as usize)
}
