//! The model: conditions as plain trees, written out with as few brackets as CEL's precedence allows, and
//! evaluated in the most obvious way. It shares no code with the crate.

use std::fmt::Write;

use proptest::prelude::*;
use proptest::sample::select;

/// Everything a condition reads.
#[derive(Debug, Clone)]
pub struct World {
    /// `n0`, `n1`, …; the last name lies beyond the end of the row.
    pub row: Vec<Option<f64>>,
    pub amount_minor: Option<i64>,
    pub mcc: Option<u16>,
    pub account: String,
    pub device: Option<String>,
    pub country: Option<String>,
}

pub const NUMBER_NAMES: [&str; 6] = ["n0", "n1", "n2", "n3", "amount", "mcc"];
pub const TEXT_NAMES: [&str; 3] = ["account_id", "device_id", "card_country"];
pub const FEATURES: [&str; 4] = ["n0", "n1", "n2", "n3"];

#[derive(Debug, Clone)]
pub enum Number {
    Constant(f64),
    Name(&'static str),
    Negative(Box<Number>),
    Arithmetic(char, Box<Number>, Box<Number>),
    Choice(Box<Boolean>, Box<Number>, Box<Number>),
}

#[derive(Debug, Clone)]
pub enum Text {
    Constant(&'static str),
    Name(&'static str),
    Choice(Box<Boolean>, Box<Text>, Box<Text>),
}

#[derive(Debug, Clone)]
pub enum Boolean {
    Constant(bool),
    Has(&'static str),
    Numbers(&'static str, Number, Number),
    Texts(&'static str, Text, Text),
    Booleans(&'static str, Box<Boolean>, Box<Boolean>),
    InNumbers(Number, Vec<f64>),
    InTexts(Text, Vec<&'static str>),
    StartsWith(Text, Text),
    Not(Box<Boolean>),
    All(Vec<Boolean>),
    Any(Vec<Boolean>),
    Choice(Box<Boolean>, Box<Boolean>, Box<Boolean>),
}

impl World {
    pub fn number(&self, name: &str) -> Option<f64> {
        match name {
            "amount" => self.amount_minor.map(|minor| minor as f64 / 100.0),
            "mcc" => self.mcc.map(f64::from),
            feature => {
                let slot: usize = feature[1..].parse().unwrap();
                self.row.get(slot).copied().flatten()
            }
        }
    }

    pub fn text(&self, name: &str) -> Option<String> {
        match name {
            "account_id" => Some(self.account.clone()),
            "device_id" => self.device.clone(),
            _ => self.country.clone(),
        }
    }
}

impl Number {
    pub fn value(&self, world: &World) -> Option<f64> {
        match self {
            Self::Constant(value) => Some(*value),
            Self::Name(name) => world.number(name),
            Self::Negative(inner) => inner.value(world).map(|value| -value),
            Self::Arithmetic(sign, a, b) => {
                let (a, b) = (a.value(world)?, b.value(world)?);
                let result = match sign {
                    '+' => a + b,
                    '-' => a - b,
                    '*' => a * b,
                    _ => a / b,
                };
                result.is_finite().then_some(result)
            }
            Self::Choice(c, a, b) if c.value(world) => a.value(world),
            Self::Choice(_, _, b) => b.value(world),
        }
    }

    /// How tightly it binds: 1 for `?:`, 5 for sums, 6 for products, 7 for prefixes, 9 for the rest.
    fn power(&self) -> u8 {
        match self {
            Self::Constant(_) | Self::Name(_) => 9,
            Self::Negative(_) => 7,
            Self::Arithmetic('*' | '/', ..) => 6,
            Self::Arithmetic(..) => 5,
            Self::Choice(..) => 1,
        }
    }

    fn write(&self, out: &mut String, floor: u8) {
        bracketed(out, self.power() < floor, |out| match self {
            Self::Constant(value) => write!(out, "{value:?}").unwrap(),
            Self::Name(name) => out.push_str(name),
            Self::Negative(inner) => {
                out.push('-');
                inner.write(out, 7);
            }
            Self::Arithmetic(sign, a, b) => {
                a.write(out, self.power());
                write!(out, " {sign} ").unwrap();
                b.write(out, self.power() + 1);
            }
            Self::Choice(c, a, b) => {
                c.write(out, 2);
                out.push_str(" ? ");
                a.write(out, 0);
                out.push_str(" : ");
                b.write(out, 1);
            }
        });
    }

    fn names(&self, found: &mut Vec<&'static str>) {
        match self {
            Self::Constant(_) => {}
            Self::Name(name) => found.push(name),
            Self::Negative(inner) => inner.names(found),
            Self::Arithmetic(_, a, b) => {
                a.names(found);
                b.names(found);
            }
            Self::Choice(c, a, b) => {
                c.names(found);
                a.names(found);
                b.names(found);
            }
        }
    }
}

impl Text {
    pub fn value(&self, world: &World) -> Option<String> {
        match self {
            Self::Constant(text) => Some((*text).to_owned()),
            Self::Name(name) => world.text(name),
            Self::Choice(c, a, _) if c.value(world) => a.value(world),
            Self::Choice(_, _, b) => b.value(world),
        }
    }

    fn write(&self, out: &mut String, floor: u8) {
        let loose = matches!(self, Self::Choice(..));
        bracketed(out, loose && floor > 1, |out| match self {
            Self::Constant(text) if text.contains('\'') => write!(out, "\"{text}\"").unwrap(),
            Self::Constant(text) => write!(out, "'{text}'").unwrap(),
            Self::Name(name) => out.push_str(name),
            Self::Choice(c, a, b) => {
                c.write(out, 2);
                out.push_str(" ? ");
                a.write(out, 0);
                out.push_str(" : ");
                b.write(out, 1);
            }
        });
    }

    fn names(&self, found: &mut Vec<&'static str>) {
        if let Self::Choice(c, a, b) = self {
            c.names(found);
            a.names(found);
            b.names(found);
        }
    }
}

fn compare<T: PartialOrd>(sign: &str, a: Option<T>, b: Option<T>) -> bool {
    let (Some(a), Some(b)) = (a, b) else {
        return false;
    };
    match sign {
        "==" => a == b,
        "!=" => a != b,
        "<" => a < b,
        "<=" => a <= b,
        ">" => a > b,
        _ => a >= b,
    }
}

impl Boolean {
    pub fn value(&self, world: &World) -> bool {
        match self {
            Self::Constant(value) => *value,
            Self::Has(name) if NUMBER_NAMES.contains(name) => world.number(name).is_some(),
            Self::Has(name) => world.text(name).is_some(),
            Self::Numbers(sign, a, b) => compare(sign, a.value(world), b.value(world)),
            Self::Texts(sign, a, b) => compare(sign, a.value(world), b.value(world)),
            Self::Booleans(sign, a, b) => compare(sign, Some(a.value(world)), Some(b.value(world))),
            Self::InNumbers(a, list) => a.value(world).is_some_and(|value| list.contains(&value)),
            Self::InTexts(a, list) => a
                .value(world)
                .is_some_and(|value| list.contains(&value.as_str())),
            Self::StartsWith(a, b) => match (a.value(world), b.value(world)) {
                (Some(a), Some(b)) => a.starts_with(&b),
                _ => false,
            },
            Self::Not(inner) => !inner.value(world),
            Self::All(parts) => parts.iter().all(|part| part.value(world)),
            Self::Any(parts) => parts.iter().any(|part| part.value(world)),
            Self::Choice(c, a, b) => {
                if c.value(world) {
                    a.value(world)
                } else {
                    b.value(world)
                }
            }
        }
    }

    /// As for numbers; 2 for `||`, 3 for `&&`, 4 for comparisons.
    fn power(&self) -> u8 {
        match self {
            Self::Constant(_) | Self::Has(_) | Self::StartsWith(..) => 9,
            Self::Not(_) => 7,
            Self::Numbers(..) | Self::Texts(..) | Self::Booleans(..) => 4,
            Self::InNumbers(..) | Self::InTexts(..) => 4,
            Self::All(_) => 3,
            Self::Any(_) => 2,
            Self::Choice(..) => 1,
        }
    }

    pub fn write(&self, out: &mut String, floor: u8) {
        bracketed(out, self.power() < floor, |out| self.write_bare(out));
    }

    fn write_bare(&self, out: &mut String) {
        match self {
            Self::Constant(value) => write!(out, "{value}").unwrap(),
            Self::Has(name) => write!(out, "has({name})").unwrap(),
            Self::Numbers(sign, a, b) => {
                a.write(out, 5);
                write!(out, " {sign} ").unwrap();
                b.write(out, 5);
            }
            Self::Texts(sign, a, b) => {
                a.write(out, 5);
                write!(out, "{sign}").unwrap();
                b.write(out, 5);
            }
            Self::Booleans(sign, a, b) => {
                a.write(out, 5);
                write!(out, " {sign} ").unwrap();
                b.write(out, 5);
            }
            Self::InNumbers(a, list) => {
                a.write(out, 5);
                write!(out, " in {list:?}").unwrap();
            }
            Self::InTexts(a, list) => {
                a.write(out, 5);
                write!(out, " in {list:?}").unwrap();
            }
            Self::StartsWith(a, b) => {
                a.write(out, 9);
                out.push_str(".startsWith(");
                b.write(out, 0);
                out.push(')');
            }
            Self::Not(inner) => {
                out.push('!');
                inner.write(out, 7);
            }
            Self::All(parts) => write_joined(out, parts, " && ", 4),
            Self::Any(parts) => write_joined(out, parts, "\n|| ", 3),
            Self::Choice(c, a, b) => {
                c.write(out, 2);
                out.push_str(" ? ");
                a.write(out, 0);
                out.push_str(" : ");
                b.write(out, 1);
            }
        }
    }

    /// The numbers it mentions, in order, repeated as often as they are.
    pub fn names(&self, found: &mut Vec<&'static str>) {
        match self {
            Self::Constant(_) => {}
            Self::Has(name) => found.extend(NUMBER_NAMES.contains(name).then_some(*name)),
            Self::Numbers(_, a, b) => {
                a.names(found);
                b.names(found);
            }
            Self::Texts(_, a, b) | Self::StartsWith(a, b) => {
                a.names(found);
                b.names(found);
            }
            Self::Booleans(_, a, b) => {
                a.names(found);
                b.names(found);
            }
            Self::InNumbers(a, _) => a.names(found),
            Self::InTexts(a, _) => a.names(found),
            Self::Not(inner) => inner.names(found),
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.names(found)),
            Self::Choice(c, a, b) => [c, a, b].iter().for_each(|part| part.names(found)),
        }
    }
}

fn bracketed(out: &mut String, brackets: bool, write: impl FnOnce(&mut String)) {
    out.push_str(if brackets { "(" } else { "" });
    write(out);
    out.push_str(if brackets { ")" } else { "" });
}

fn write_joined(out: &mut String, parts: &[Boolean], sign: &str, floor: u8) {
    for (index, part) in parts.iter().enumerate() {
        out.push_str(if index > 0 { sign } else { "" });
        part.write(out, floor);
    }
}

/// Few and small values, so that equality happens; one so large that products leave the finite numbers.
const NUMBERS: [f64; 6] = [0.0, 0.5, 1.0, 2.0, 3.0, 1e200];
const TEXTS: [&str; 5] = ["", "a", "ab", "b'c", "DE"];

fn number(depth: u32) -> BoxedStrategy<Number> {
    let leaf = prop_oneof![
        1 => select(NUMBERS.to_vec()).prop_map(Number::Constant),
        2 => select(NUMBER_NAMES.to_vec()).prop_map(Number::Name),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let inner = number(depth - 1).prop_map(Box::new).boxed();
    let condition = boolean(depth - 1).prop_map(Box::new);
    let sign = select(vec!['+', '-', '*', '/']);
    prop_oneof![
        3 => leaf,
        1 => inner.clone().prop_map(Number::Negative),
        2 => (sign, inner.clone(), inner.clone()).prop_map(|(s, a, b)| Number::Arithmetic(s, a, b)),
        1 => (condition, inner.clone(), inner).prop_map(|(c, a, b)| Number::Choice(c, a, b)),
    ]
    .boxed()
}

fn text(depth: u32) -> BoxedStrategy<Text> {
    // The country is never a constant's neighbour: constants that are no countries are refused.
    let leaf = prop_oneof![
        select(TEXTS.to_vec()).prop_map(Text::Constant),
        select(TEXT_NAMES[..2].to_vec()).prop_map(Text::Name),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let inner = text(depth - 1).prop_map(Box::new).boxed();
    let condition = boolean(depth - 1).prop_map(Box::new);
    prop_oneof![
        4 => leaf,
        1 => (condition, inner.clone(), inner).prop_map(|(c, a, b)| Text::Choice(c, a, b)),
    ]
    .boxed()
}

pub fn boolean(depth: u32) -> BoxedStrategy<Boolean> {
    let names: Vec<_> = NUMBER_NAMES.into_iter().chain(TEXT_NAMES).collect();
    let leaf = prop_oneof![
        1 => any::<bool>().prop_map(Boolean::Constant),
        2 => select(names).prop_map(Boolean::Has),
        1 => Just(Boolean::Texts("==", Text::Name("card_country"), Text::Constant("DE"))),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let n = number(depth - 1);
    let t = text(depth - 1);
    let part = boolean(depth - 1);
    let boxed = part.clone().prop_map(Box::new).boxed();
    let parts = proptest::collection::vec(part, 2..4);
    let order = select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let equality = select(vec!["==", "!="]);
    let numbers = proptest::collection::vec(select(NUMBERS.to_vec()), 1..4);
    let texts = proptest::collection::vec(select(TEXTS.to_vec()), 1..4);
    prop_oneof![
        2 => leaf,
        6 => (order, n.clone(), n.clone()).prop_map(|(s, a, b)| Boolean::Numbers(s, a, b)),
        3 => (equality.clone(), t.clone(), t.clone()).prop_map(|(s, a, b)| Boolean::Texts(s, a, b)),
        1 => (equality, boxed.clone(), boxed.clone())
            .prop_map(|(s, a, b)| Boolean::Booleans(s, a, b)),
        2 => (n, numbers).prop_map(|(a, list)| Boolean::InNumbers(a, list)),
        2 => (t.clone(), texts).prop_map(|(a, list)| Boolean::InTexts(a, list)),
        2 => (t.clone(), t).prop_map(|(a, b)| Boolean::StartsWith(a, b)),
        2 => boxed.clone().prop_map(Boolean::Not),
        3 => parts.clone().prop_map(Boolean::All),
        3 => parts.prop_map(Boolean::Any),
        1 => (boxed.clone(), boxed.clone(), boxed).prop_map(|(c, a, b)| Boolean::Choice(c, a, b)),
    ]
    .boxed()
}

pub fn world() -> impl Strategy<Value = World> {
    let value = proptest::option::weighted(0.7, select(vec![-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 1e200]));
    let some_text = || proptest::option::of(select(TEXTS[1..4].to_vec()).prop_map(str::to_owned));
    (
        proptest::collection::vec(value, 3),
        proptest::option::of(select(vec![0, 50, 100, 200, 123_456])),
        proptest::option::of(select(vec![0_u16, 1, 3, 5411])),
        select(TEXTS[1..4].to_vec()).prop_map(str::to_owned),
        some_text(),
        proptest::option::of(select(vec!["DE", "NG"]).prop_map(str::to_owned)),
    )
        .prop_map(|(row, amount_minor, mcc, account, device, country)| World {
            row,
            amount_minor,
            mcc,
            account,
            device,
            country,
        })
}
