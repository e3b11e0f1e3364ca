//! Syntax: an expression as it was written, not yet checked.
//!
//! Promises that a tree is bounded: every node knows its depth, and the parser refuses one that is too
//! deep. Chains of `&&` and `||` are flat, so forty alternatives are not forty levels.

use crate::source::Span;

/// A part of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub kind: Kind,
    /// The bytes of the expression it covers.
    pub span: Span,
    /// 1 for a leaf, else one more than the deepest part.
    pub depth: usize,
}

/// What a part is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Number(f64),
    Text(String),
    Boolean(bool),
    Name(String),
    Not(Box<Node>),
    Negative(Box<Node>),
    /// All of them hold: `a && b && c`.
    All(Vec<Node>),
    /// Any of them holds: `a || b || c`.
    Any(Vec<Node>),
    Arithmetic(Arithmetic, Box<Node>, Box<Node>),
    Comparison(Comparison, Box<Node>, Box<Node>),
    /// `subject in [constants]`.
    In(Box<Node>, Vec<Node>),
    /// `condition ? then : otherwise`.
    Choice(Box<Node>, Box<Node>, Box<Node>),
    Call(Call),
}

/// A function at work; what a method is called on comes first among its arguments.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub name: String,
    pub name_span: Span,
    pub method: bool,
    pub arguments: Vec<Node>,
}

/// An operator that makes a number of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Plus,
    Minus,
    Times,
    Over,
}

/// An operator that compares two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Arithmetic {
    pub fn parse(sign: &str) -> Option<Self> {
        Some(match sign {
            "+" => Self::Plus,
            "-" => Self::Minus,
            "*" => Self::Times,
            "/" => Self::Over,
            _ => return None,
        })
    }
}

impl Comparison {
    pub fn parse(sign: &str) -> Option<Self> {
        Some(match sign {
            "==" => Self::Equal,
            "!=" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    /// Whether it asks for equality only, which texts and truth values have too.
    pub fn asks_equality(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual)
    }
}

impl Kind {
    /// One more than the deepest part.
    pub fn depth(&self) -> usize {
        let deepest = |parts: &[Node]| parts.iter().map(|part| part.depth).max().unwrap_or(0);
        1 + match self {
            Self::Number(_) | Self::Text(_) | Self::Boolean(_) | Self::Name(_) => 0,
            Self::Not(a) | Self::Negative(a) => a.depth,
            Self::All(parts) | Self::Any(parts) => deepest(parts),
            Self::Arithmetic(_, a, b) | Self::Comparison(_, a, b) => a.depth.max(b.depth),
            Self::In(subject, _) => subject.depth,
            Self::Choice(a, b, c) => a.depth.max(b.depth).max(c.depth),
            Self::Call(call) => deepest(&call.arguments),
        }
    }
}
