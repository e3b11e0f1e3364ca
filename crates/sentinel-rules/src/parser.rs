//! Parser: from tokens to a tree, by operator precedence (Pratt).
//!
//! Promises a tree of bounded size and depth, or one fault with a place. Precedence is CEL's, loosest
//! first: `?:`, `||`, `&&`, comparison and `in`, `+ -`, `* /`, `! -`, `.method()`.

use crate::source::{Fault, Span};
use crate::syntax::{Arithmetic, Call, Comparison, Kind, Node};
use crate::token::{self, Token};

/// The most levels of nesting a condition may have; chains of `&&` or `||` are one level.
pub const DEPTH_MAX: usize = 32;

/// The most parts a condition may have: every name, constant and operator is one.
pub const NODES_MAX: usize = 500;

/// How tightly an operator binds; looser first, so that they compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Power {
    Anything,
    Choice,
    Any,
    All,
    Comparison,
    Sum,
    Product,
    Prefix,
}

/// An operator that stands after its first operand.
#[derive(Debug, Clone, Copy)]
enum Operator {
    Choice,
    Any,
    All,
    Comparison(Comparison),
    In,
    Arithmetic(Arithmetic),
}

impl Operator {
    fn of(token: &Token) -> Option<Self> {
        match token {
            Token::Sign("?") => Some(Self::Choice),
            Token::Sign("||") => Some(Self::Any),
            Token::Sign("&&") => Some(Self::All),
            Token::Name(name) if name == "in" => Some(Self::In),
            Token::Sign(sign) => Comparison::parse(sign)
                .map(Self::Comparison)
                .or_else(|| Arithmetic::parse(sign).map(Self::Arithmetic)),
            _ => None,
        }
    }

    fn power(self) -> Power {
        match self {
            Self::Choice => Power::Choice,
            Self::Any => Power::Any,
            Self::All => Power::All,
            Self::Comparison(_) | Self::In => Power::Comparison,
            Self::Arithmetic(Arithmetic::Plus | Arithmetic::Minus) => Power::Sum,
            Self::Arithmetic(Arithmetic::Times | Arithmetic::Over) => Power::Product,
        }
    }
}

/// The tree of a whole expression.
pub(crate) fn parse(text: &str) -> Result<Node, Fault> {
    let tokens = token::read(text)?;
    let end = (Token::End, text.len()..text.len());
    let mut parser = Parser {
        rest: &tokens,
        end: &end,
        previous_end: 0,
        nodes: 0,
    };
    let node = parser.expression(Power::Anything, 1)?;
    let (token, span) = parser.peek();
    if *token == Token::End {
        return Ok(node);
    }
    let fault = Fault::new(span.clone(), format!("unexpected {}", token.describe()));
    Err(match token {
        Token::Name(name) if name == "and" || name == "AND" => fault.help("and is written `&&`"),
        Token::Name(name) if name == "or" || name == "OR" => fault.help("or is written `||`"),
        _ => fault.help("an operator such as `&&` or `>` is expected here"),
    })
}

struct Parser<'a> {
    /// What is still to read.
    rest: &'a [(Token, Span)],
    /// Read for ever after the last one.
    end: &'a (Token, Span),
    previous_end: usize,
    nodes: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> &'a (Token, Span) {
        self.rest.first().unwrap_or(self.end)
    }

    fn take(&mut self) -> &'a (Token, Span) {
        let taken = self.peek();
        if let Some((_, rest)) = self.rest.split_first() {
            self.rest = rest;
            self.previous_end = taken.1.end;
        }
        taken
    }

    fn takes(&mut self, sign: &'static str) -> bool {
        let found = self.peek().0 == Token::Sign(sign);
        if found {
            self.take();
        }
        found
    }

    fn expect(&mut self, sign: &'static str, purpose: &str) -> Result<(), Fault> {
        if self.takes(sign) {
            return Ok(());
        }
        let (token, span) = self.peek();
        let message = format!("expected `{sign}` {purpose}, found {}", token.describe());
        Err(Fault::new(span.clone(), message))
    }

    fn node(&mut self, kind: Kind, start: usize) -> Result<Node, Fault> {
        let span = start..self.previous_end;
        let depth = kind.depth();
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            let message = format!("the condition has more than {NODES_MAX} parts");
            return Err(Fault::new(span, message).help("split it into several rules"));
        }
        if depth > DEPTH_MAX {
            return Err(too_deep(span));
        }
        Ok(Node { kind, span, depth })
    }

    /// An expression whose operators bind at least as tightly as `floor`.
    fn expression(&mut self, floor: Power, level: usize) -> Result<Node, Fault> {
        if level > DEPTH_MAX {
            return Err(too_deep(self.peek().1.clone()));
        }
        let mut left = self.operand(level)?;
        let mut compared = false;
        while let Some(operator) = Operator::of(&self.peek().0) {
            let power = operator.power();
            if power < floor {
                break;
            }
            let (_, sign_span) = self.take();
            if power == Power::Comparison && std::mem::replace(&mut compared, true) {
                return Err(Fault::new(sign_span.clone(), "comparisons do not chain")
                    .help("join two comparisons with `&&`, or use brackets"));
            }
            left = self.operation(operator, left, level + 1)?;
        }
        Ok(left)
    }

    /// What follows an operator that was taken, joined to its first operand.
    fn operation(&mut self, operator: Operator, left: Node, level: usize) -> Result<Node, Fault> {
        let start = left.span.start;
        let kind = match operator {
            Operator::Choice => {
                let then = self.expression(Power::Anything, level)?;
                self.expect(":", "between the two branches of `?`")?;
                let otherwise = self.expression(Power::Choice, level)?;
                Kind::Choice(Box::new(left), Box::new(then), Box::new(otherwise))
            }
            Operator::Any => {
                let right = self.expression(Power::All, level)?;
                match left.kind {
                    Kind::Any(parts) => Kind::Any(joined(parts, right)),
                    _ => Kind::Any(vec![left, right]),
                }
            }
            Operator::All => {
                let right = self.expression(Power::Comparison, level)?;
                match left.kind {
                    Kind::All(parts) => Kind::All(joined(parts, right)),
                    _ => Kind::All(vec![left, right]),
                }
            }
            Operator::Comparison(comparison) => {
                let right = self.expression(Power::Sum, level)?;
                Kind::Comparison(comparison, Box::new(left), Box::new(right))
            }
            Operator::In => Kind::In(Box::new(left), self.list()?),
            Operator::Arithmetic(arithmetic) => {
                let tighter = match operator.power() {
                    Power::Sum => Power::Product,
                    _ => Power::Prefix,
                };
                let right = self.expression(tighter, level)?;
                Kind::Arithmetic(arithmetic, Box::new(left), Box::new(right))
            }
        };
        self.node(kind, start)
    }

    /// A constant, a name, a call, something in brackets or behind a prefix, and methods called on it.
    fn operand(&mut self, level: usize) -> Result<Node, Fault> {
        let (token, span) = self.take();
        let start = span.start;
        let mut node = match token {
            Token::Number(value) => self.node(Kind::Number(*value), start)?,
            Token::Text(text) => self.node(Kind::Text(text.clone()), start)?,
            Token::Name(name) => self.named(name, span, level)?,
            Token::Sign("(") => {
                let inner = self.expression(Power::Anything, level + 1)?;
                self.expect(")", "to close the bracket")?;
                let span = start..self.previous_end;
                Node { span, ..inner }
            }
            Token::Sign("!") => {
                let inner = self.expression(Power::Prefix, level + 1)?;
                return self.node(Kind::Not(Box::new(inner)), start);
            }
            Token::Sign("-") => {
                let inner = self.expression(Power::Prefix, level + 1)?;
                return self.node(Kind::Negative(Box::new(inner)), start);
            }
            Token::Sign("[") => {
                return Err(Fault::new(span.clone(), "a list can only stand after `in`"));
            }
            Token::Sign(_) | Token::End => {
                let message = format!("expected a value, found {}", token.describe());
                return Err(Fault::new(span.clone(), message));
            }
        };
        while self.takes(".") {
            node = self.method(node, level)?;
        }
        Ok(node)
    }

    /// A word: true, false, a name to read or a function that is called.
    fn named(&mut self, name: &str, span: &Span, level: usize) -> Result<Node, Fault> {
        let kind = match name {
            "true" => Kind::Boolean(true),
            "false" => Kind::Boolean(false),
            "in" => return Err(Fault::new(span.clone(), "`in` needs a value before it")),
            "null" => {
                return Err(Fault::new(span.clone(), "there is no `null`")
                    .help("ask `has(name)` whether a value is present"));
            }
            _ if self.takes("(") => Kind::Call(Call {
                name: name.to_owned(),
                name_span: span.clone(),
                method: false,
                arguments: self.arguments(Vec::new(), level)?,
            }),
            _ => Kind::Name(name.to_owned()),
        };
        self.node(kind, span.start)
    }

    /// What follows the dot after `receiver`.
    fn method(&mut self, receiver: Node, level: usize) -> Result<Node, Fault> {
        let start = receiver.span.start;
        let (token, span) = self.take();
        let Token::Name(name) = token else {
            let message = format!("expected a method after `.`, found {}", token.describe());
            return Err(Fault::new(span.clone(), message));
        };
        if !self.takes("(") {
            return Err(
                Fault::new(span.clone(), format!("expected `(` after `.{name}`")).help(
                    "names have no parts: a dot calls a method, as in `ip.startsWith('10.')`",
                ),
            );
        }
        let call = Call {
            name: name.clone(),
            name_span: span.clone(),
            method: true,
            arguments: self.arguments(vec![receiver], level)?,
        };
        self.node(Kind::Call(call), start)
    }

    /// Arguments up to the closing bracket, added to those already there.
    fn arguments(&mut self, mut arguments: Vec<Node>, level: usize) -> Result<Vec<Node>, Fault> {
        if self.takes(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expression(Power::Anything, level + 1)?);
            if !self.takes(",") {
                self.expect(")", "to close the arguments")?;
                return Ok(arguments);
            }
        }
    }

    /// The constants that follow `in`.
    fn list(&mut self) -> Result<Vec<Node>, Fault> {
        let start = self.peek().1.start;
        self.expect("[", "after `in`")?;
        let mut items = Vec::new();
        if self.takes("]") {
            let message = "an empty list holds nothing";
            return Err(Fault::new(start..self.previous_end, message));
        }
        loop {
            items.push(self.list_item()?);
            if !self.takes(",") {
                self.expect("]", "to close the list")?;
                return Ok(items);
            }
        }
    }

    fn list_item(&mut self) -> Result<Node, Fault> {
        let start = self.peek().1.start;
        let negative = self.takes("-");
        let (token, span) = self.take();
        let kind = match token {
            Token::Number(value) => Kind::Number(if negative { -value } else { *value }),
            Token::Text(text) if !negative => Kind::Text(text.clone()),
            _ => {
                let message = format!("expected a constant, found {}", token.describe());
                return Err(Fault::new(span.clone(), message)
                    .help("a list holds numbers or texts, as in `['NG', 'RU']`"));
            }
        };
        self.node(kind, start)
    }
}

fn joined(mut parts: Vec<Node>, last: Node) -> Vec<Node> {
    parts.push(last);
    parts
}

fn too_deep(span: Span) -> Fault {
    let message = format!("the condition is nested more than {DEPTH_MAX} levels deep");
    Fault::new(span, message).help("split it into several rules")
}
