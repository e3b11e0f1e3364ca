//! Check: from a tree to code, or every fault that is in it.
//!
//! Promises that code which leaves here cannot fail: every name is in the schema, every operand has the
//! type its operator wants, every constant is a word its field knows. Faults are collected rather than
//! stopping at the first; a part that is at fault silences what is built on it.

use sentinel_domain::Text;

use crate::code::{self, BooleanCode, Code, NumberCode, TextCode};
use crate::functions::{self, Function, Parameter};
use crate::parser;
use crate::schema::{Entry, Schema, Type, nearest};
use crate::source::{Fault, Span};
use crate::syntax::{Call, Comparison, Kind, Node};
use crate::transaction_name::{Read, Words};

/// A condition ready to run.
pub(crate) struct Condition {
    pub code: BooleanCode,
    /// Every number it reads, by name, each once, in the order of first mention.
    pub numbers: Vec<(Text, NumberCode)>,
}

/// Parses and checks a condition.
pub(crate) fn condition(text: &str, schema: &Schema) -> Result<Condition, Vec<Fault>> {
    let tree = parser::parse(text).map_err(|fault| vec![fault])?;
    let mut checker = Checker {
        schema,
        faults: Vec::new(),
        numbers: Vec::new(),
    };
    match checker.boolean(&tree, "a condition is") {
        Some(code) if checker.faults.is_empty() => Ok(Condition {
            code,
            numbers: checker.numbers,
        }),
        _ => Err(checker.faults),
    }
}

/// Code that reads the number at an entry; `None` where a text stands there.
pub(crate) fn number_at(entry: Entry) -> Option<NumberCode> {
    match entry {
        Entry::Feature(slot) => Some(NumberCode::Slot(slot)),
        Entry::Own(own) => match own.read {
            Read::Amount => Some(NumberCode::Amount),
            Read::Category(read) => {
                Some(NumberCode::Computed(Box::new(move |r| read(r.transaction))))
            }
            Read::Text(..) => None,
        },
    }
}

struct Checker<'a> {
    schema: &'a Schema,
    faults: Vec<Fault>,
    numbers: Vec<(Text, NumberCode)>,
}

impl Checker<'_> {
    /// Notes a fault; `None`, so that it ends what it is found in.
    fn fault<T>(&mut self, fault: Fault) -> Option<T> {
        self.faults.push(fault);
        None
    }

    fn code(&mut self, node: &Node) -> Option<Code> {
        match &node.kind {
            Kind::Number(value) => Some(Code::Number(NumberCode::Constant(*value))),
            Kind::Text(text) => Some(Code::Text(TextCode::Constant(text.as_str().into()))),
            Kind::Boolean(value) => {
                let value = *value;
                Some(Code::Boolean(Box::new(move |_| value)))
            }
            Kind::Name(name) => self.name(name, &node.span),
            Kind::Not(inner) => {
                let inner = self.boolean(inner, "`!` needs")?;
                Some(Code::Boolean(Box::new(move |r| !inner(r))))
            }
            Kind::Negative(inner) => {
                let inner = self.number(inner, "`-` needs")?;
                Some(Code::Number(code::negative(inner)))
            }
            Kind::All(parts) => Some(Code::Boolean(code::all(
                self.booleans(parts, "`&&` needs")?,
            ))),
            Kind::Any(parts) => Some(Code::Boolean(code::any(
                self.booleans(parts, "`||` needs")?,
            ))),
            Kind::Arithmetic(arithmetic, left, right) => {
                let left = self.number(left, "arithmetic needs");
                let right = self.number(right, "arithmetic needs");
                Some(Code::Number(code::calculate(*arithmetic, left?, right?)))
            }
            Kind::Comparison(comparison, left, right) => self.comparison(*comparison, left, right),
            Kind::In(subject, list) => self.membership(subject, list),
            Kind::Choice(condition, then, otherwise) => self.choice(condition, then, otherwise),
            Kind::Call(call) => self.call(call, &node.span),
        }
    }

    fn name(&mut self, name: &str, span: &Span) -> Option<Code> {
        let Some(entry) = self.schema.find(name) else {
            let fault = Fault::new(span.clone(), format!("unknown name `{name}`"));
            let help = match functions::find(name) {
                Some(function) => Some(format!("it is a function: {}", function.signature)),
                None => self
                    .schema
                    .nearest(name)
                    .map(|near| format!("did you mean `{near}`?")),
            };
            return self.fault(Fault { help, ..fault });
        };
        if let Entry::Own(own) = entry
            && let Read::Text(read, _) = own.read
        {
            return Some(Code::Text(TextCode::Name(read)));
        }
        if !self.numbers.iter().any(|(known, _)| known == name)
            && let Some(number) = number_at(entry)
        {
            self.numbers.push((Text::from(name), number));
        }
        number_at(entry).map(Code::Number)
    }

    /// `purpose` starts the message, as in "`&&` needs".
    fn boolean(&mut self, node: &Node, purpose: &str) -> Option<BooleanCode> {
        match self.code(node)? {
            Code::Boolean(code) => Some(code),
            other => {
                let found = other.type_of();
                let message = format!("{purpose} {}, this is {found}", Type::Boolean);
                let example = match found {
                    Type::Text => "compare it, for example with `== 'web'`",
                    _ => "compare it, for example with `> 0`",
                };
                self.fault(Fault::new(node.span.clone(), message).help(example))
            }
        }
    }

    /// Checks every part, so that faults of all of them are told at once.
    fn booleans(&mut self, parts: &[Node], purpose: &str) -> Option<Vec<BooleanCode>> {
        let checked: Vec<_> = parts
            .iter()
            .map(|part| self.boolean(part, purpose))
            .collect();
        checked.into_iter().collect()
    }

    fn number(&mut self, node: &Node, purpose: &str) -> Option<NumberCode> {
        match self.code(node)? {
            Code::Number(code) => Some(code),
            other => {
                let message = format!("{purpose} {}, this is {}", Type::Number, other.type_of());
                self.fault(with_unquoted_number(
                    Fault::new(node.span.clone(), message),
                    node,
                ))
            }
        }
    }

    fn comparison(&mut self, comparison: Comparison, left: &Node, right: &Node) -> Option<Code> {
        let (left_code, right_code) = (self.code(left), self.code(right));
        let equal = comparison == Comparison::Equal;
        let code = match (left_code?, right_code?) {
            (Code::Number(a), Code::Number(b)) => code::compare_numbers(comparison, a, b),
            (Code::Text(a), Code::Text(b)) if comparison.asks_equality() => {
                self.word(left, right)?;
                self.word(right, left)?;
                code::compare_texts(equal, a, b)
            }
            (Code::Boolean(a), Code::Boolean(b)) if comparison.asks_equality() => {
                code::compare_booleans(equal, a, b)
            }
            (a, b) if a.type_of() == b.type_of() => {
                let what = match a.type_of() {
                    Type::Text => "texts have no order",
                    _ => "true and false have no order",
                };
                let span = left.span.start..right.span.end;
                return self.fault(Fault::new(span, what).help("compare with `==` or `!=`"));
            }
            (a, b) => {
                let (a, b) = (a.type_of(), b.type_of());
                let message = format!("the left side is {a}, the right side {b}");
                let fault = Fault::new(left.span.start..right.span.end, message);
                let fault = with_unquoted_number(fault, left);
                return self.fault(with_unquoted_number(fault, right));
            }
        };
        Some(Code::Boolean(code))
    }

    /// Refuses a constant that the text at `name` can never be.
    fn word(&mut self, name: &Node, constant: &Node) -> Option<()> {
        let (Kind::Name(name), Kind::Text(word)) = (&name.kind, &constant.kind) else {
            return Some(());
        };
        match self.words_of(name).check(word) {
            Ok(()) => Some(()),
            Err(expected) => {
                let message = format!("`{name}` is never '{word}'");
                self.fault(Fault::new(constant.span.clone(), message).help(expected))
            }
        }
    }

    fn words_of(&self, name: &str) -> Words {
        match self.schema.find(name) {
            Some(Entry::Own(own)) => match own.read {
                Read::Text(_, words) => words,
                Read::Amount | Read::Category(_) => Words::Any,
            },
            _ => Words::Any,
        }
    }

    fn membership(&mut self, subject: &Node, list: &[Node]) -> Option<Code> {
        let code = match self.code(subject)? {
            Code::Number(number) => {
                let items = self.items(list, Type::Number, |kind| match kind {
                    Kind::Number(value) => Some(*value),
                    _ => None,
                });
                code::in_numbers(number, items?)
            }
            Code::Text(text) => {
                let items = self.items(list, Type::Text, |kind| match kind {
                    Kind::Text(text) => Some(text.clone()),
                    _ => None,
                });
                for item in list {
                    self.word(subject, item)?;
                }
                code::in_texts(text, items?)
            }
            Code::Boolean(_) => {
                let message = "`in` needs a number or a text, this is true or false";
                return self.fault(Fault::new(subject.span.clone(), message));
            }
        };
        Some(Code::Boolean(code))
    }

    fn items<T>(
        &mut self,
        list: &[Node],
        wanted: Type,
        take: fn(&Kind) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut items = Vec::with_capacity(list.len());
        for item in list {
            match take(&item.kind) {
                Some(value) => items.push(value),
                None => {
                    let message = format!("every item of this list must be {wanted}");
                    return self.fault(Fault::new(item.span.clone(), message));
                }
            }
        }
        Some(items)
    }

    fn choice(&mut self, condition: &Node, then: &Node, otherwise: &Node) -> Option<Code> {
        let condition = self.boolean(condition, "`?` needs");
        let (then_code, otherwise_code) = (self.code(then), self.code(otherwise));
        let (condition, then_code, otherwise_code) = (condition?, then_code?, otherwise_code?);
        let (a, b) = (then_code.type_of(), otherwise_code.type_of());
        match code::choose(condition, then_code, otherwise_code) {
            Some(code) => Some(code),
            None => {
                let message = format!("the first branch is {a}, the second {b}");
                self.fault(Fault::new(then.span.start..otherwise.span.end, message))
            }
        }
    }

    fn call(&mut self, call: &Call, span: &Span) -> Option<Code> {
        let Some(function) = functions::find(&call.name) else {
            let names = functions::ALL.iter().map(|function| function.name);
            let fault = Fault::new(
                call.name_span.clone(),
                format!("unknown function `{}`", call.name),
            );
            let help = nearest(&call.name, names).map(|near| format!("did you mean `{near}`?"));
            return self.fault(Fault { help, ..fault });
        };
        let fault = |span: &Span, message: String| {
            Fault::new(span.clone(), message)
                .help(format!("it is called so: {}", function.signature))
        };
        let name = function.name;
        if call.method != function.method {
            let how = if function.method {
                "called on a value"
            } else {
                "not called on a value"
            };
            return self.fault(fault(&call.name_span, format!("`{name}` is {how}")));
        }
        if call.arguments.len() != function.parameters.len() {
            let own = usize::from(function.method);
            let (wanted, found) = (function.parameters.len() - own, call.arguments.len() - own);
            let message = format!("`{name}` takes {wanted} in its brackets, found {found}");
            return self.fault(fault(span, message));
        }
        let arguments = self.arguments(call, function)?;
        match (function.build)(arguments) {
            Some(code) => Some(code),
            None => self.fault(fault(
                span,
                format!("`{name}` does not take these arguments"),
            )),
        }
    }

    fn arguments(&mut self, call: &Call, function: &Function) -> Option<Vec<Code>> {
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for (argument, parameter) in call.arguments.iter().zip(function.parameters) {
            let message = match (parameter, &argument.kind) {
                (Parameter::Name, Kind::Name(_)) => None,
                (Parameter::Name, _) => Some(format!(
                    "`{}` asks for a name, this is an expression",
                    function.name
                )),
                (Parameter::Value(_), _) => None,
            };
            if let Some(message) = message {
                return self.fault(Fault::new(argument.span.clone(), message));
            }
            let code = self.code(argument)?;
            if let Parameter::Value(wanted) = parameter
                && code.type_of() != *wanted
            {
                let found = code.type_of();
                let message = format!("`{}` needs {wanted} here, this is {found}", function.name);
                return self.fault(Fault::new(argument.span.clone(), message));
            }
            arguments.push(code);
        }
        Some(arguments)
    }
}

/// Adds the advice to take the quotes off where a text spells a number.
fn with_unquoted_number(fault: Fault, node: &Node) -> Fault {
    match &node.kind {
        Kind::Text(text) if text.parse::<f64>().is_ok_and(f64::is_finite) => {
            fault.help(format!("a number has no quotes: {text}"))
        }
        _ => fault,
    }
}

#[cfg(test)]
mod tests;
