//! Reading a filter.
//!
//! Promises that whatever is wrong is said with the column where it stands, what was found there and
//! what could stand instead. Must never: guess what was meant.

use sentinel_domain::money::CONVERTED_MINOR_MAX;
use sentinel_domain::{Country, Currency, Text};

use super::spelling::possible;
use super::term::{
    CURRENCY, CountryField, Literal, Term, Test, TextField, WholeField, WordField, is_bare_letter,
};
use super::{AMOUNT_EXPONENT, Flag, LITERAL_BYTES_MAX, LITERALS_MAX, TERMS_MAX};
use crate::field::{ATTRIBUTE_PREFIX, attribute_name};

/// Why a text is no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read a filter, column {column}: {detail}")]
pub struct FilterError {
    /// The letter of the text at which it stands, counted from 1.
    pub column: usize,
    /// What was found and what is possible.
    pub detail: String,
}

type Parsed<T> = Result<T, FilterError>;

/// The terms of a filter, as they were written.
pub(super) fn terms(text: &str) -> Parsed<Vec<Term>> {
    let mut reader = Reader {
        tokens: tokens(text)?,
        next: 0,
        end_column: text.chars().count() + 1,
    };
    let mut terms = vec![reader.term()?];
    while let Some(found) = reader.take() {
        match found.token {
            Token::Bare(ref word) if word == "and" => {}
            ref other => return Err(found.fault(not_and(other))),
        }
        if terms.len() == TERMS_MAX {
            return Err(found.fault(format!("a filter has at most {TERMS_MAX} terms")));
        }
        terms.push(reader.term()?);
    }
    Ok(terms)
}

fn not_and(found: &Token) -> String {
    let is_or = matches!(found, Token::Bare(word) if matches!(word.as_str(), "or" | "OR" | "||"));
    let hint = if is_or {
        "; for one of several values write `field in [a, b]`, else make two features"
    } else {
        ""
    };
    format!("found {found}, expected `and` or the end{hint}")
}

/// A piece of the text.
#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// Letters without quotes.
    Bare(String),
    /// A text that stood in quotes.
    Quoted(String),
    /// `=`, `!=`, `<`, `<=`, `>` or `>=`.
    Operator(&'static str),
    /// `[`, `]` or `,`.
    Mark(char),
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bare(text) => write!(f, "`{}`", cut(text)),
            Self::Quoted(text) => write!(f, "the text {:?}", cut(text)),
            Self::Operator(operator) => write!(f, "`{operator}`"),
            Self::Mark(mark) => write!(f, "`{mark}`"),
        }
    }
}

/// The beginning of a text, for a message.
fn cut(text: &str) -> String {
    text.chars().take(40).collect()
}

/// A piece with the column where it begins.
#[derive(Debug, Clone)]
struct Placed {
    column: usize,
    token: Token,
}

impl Placed {
    fn fault(&self, detail: impl Into<String>) -> FilterError {
        fault(self.column, detail)
    }

    /// A literal's text, quoted or not.
    fn text(&self) -> Parsed<&str> {
        match &self.token {
            Token::Bare(text) | Token::Quoted(text) => Ok(text),
            other => Err(self.fault(format!("found {other}, expected a value"))),
        }
    }
}

fn fault(column: usize, detail: impl Into<String>) -> FilterError {
    FilterError {
        column,
        detail: detail.into(),
    }
}

const OPERATORS: [&str; 6] = ["!=", "<=", ">=", "=", "<", ">"];

fn tokens(text: &str) -> Parsed<Vec<Placed>> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut column = 1;
    while let Some(letter) = rest.chars().next() {
        if letter.is_whitespace() {
            rest = rest.strip_prefix(letter).unwrap_or_default();
            column += 1;
            continue;
        }
        let (token, after) = token(letter, rest, column)?;
        found.push(Placed { column, token });
        let read = rest.len() - after.len();
        column += rest.get(..read).map_or(0, |read| read.chars().count());
        rest = after;
    }
    Ok(found)
}

/// The token at the beginning of a text, and what follows it.
fn token(letter: char, text: &str, column: usize) -> Parsed<(Token, &str)> {
    if matches!(letter, '[' | ']' | ',') {
        return Ok((
            Token::Mark(letter),
            text.strip_prefix(letter).unwrap_or_default(),
        ));
    }
    if let Some(quoted) = text.strip_prefix(['"', '\'']) {
        return quoted_text(quoted, letter, column);
    }
    for operator in OPERATORS {
        if let Some(after) = text.strip_prefix(operator) {
            return Ok((Token::Operator(operator), after));
        }
    }
    let end = text.find(|c| !is_bare_letter(c)).unwrap_or(text.len());
    match text.split_at_checked(end) {
        Some((bare, after)) if !bare.is_empty() => {
            bounded(bare, column)?;
            Ok((Token::Bare(bare.to_owned()), after))
        }
        _ => Err(fault(
            column,
            format!("found {letter:?}, which stands for nothing outside quotes"),
        )),
    }
}

/// The text up to the closing quote, with `\"` and `\\` resolved.
fn quoted_text(text: &str, quote: char, column: usize) -> Parsed<(Token, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((_, letter)) = letters.next() {
        let taken = match letter {
            _ if letter == quote => {
                bounded(&value, column)?;
                return Ok((Token::Quoted(value), letters.as_str()));
            }
            '\\' => match letters.next() {
                Some((_, escaped @ ('"' | '\'' | '\\'))) => escaped,
                _ => {
                    let detail = "a backslash in quotes stands before a quote or a backslash";
                    return Err(fault(column, detail));
                }
            },
            letter if letter.is_control() => {
                return Err(fault(column, "a text in quotes holds a control character"));
            }
            letter => letter,
        };
        value.push(taken);
    }
    Err(fault(column, "the quote that opens here is not closed"))
}

fn bounded(text: &str, column: usize) -> Parsed<()> {
    if text.len() <= LITERAL_BYTES_MAX {
        return Ok(());
    }
    let detail = format!(
        "a value of {} bytes, at most {LITERAL_BYTES_MAX} are possible",
        text.len()
    );
    Err(fault(column, detail))
}

/// Every name that a term may begin with; attributes have names of their own.
fn field_names() -> Vec<&'static str> {
    let mut names: Vec<&str> = Vec::new();
    names.extend(WholeField::ALL.iter().map(|field| field.as_str()));
    names.extend(WordField::ALL.iter().map(|field| field.as_str()));
    names.extend(CountryField::ALL.iter().map(|field| field.as_str()));
    names.push(CURRENCY);
    names.extend(TextField::ALL.iter().map(|field| field.as_str()));
    names.extend(Flag::ALL.iter().map(|flag| flag.as_str()));
    names.push("attribute.NAME");
    names
}

struct Reader {
    tokens: Vec<Placed>,
    next: usize,
    end_column: usize,
}

impl Reader {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|placed| &placed.token)
    }

    fn take(&mut self) -> Option<Placed> {
        let taken = self.tokens.get(self.next).cloned();
        self.next += 1;
        taken
    }

    fn expect(&mut self, what: &str) -> Parsed<Placed> {
        self.take()
            .ok_or_else(|| fault(self.end_column, format!("the filter ends, expected {what}")))
    }

    fn term(&mut self) -> Parsed<Term> {
        let placed = self.expect("a field, such as `channel = web`")?;
        let Token::Bare(name) = &placed.token else {
            return Err(placed.fault(format!("found {}, expected a field", placed.token)));
        };
        if name == "not" {
            return self.negated_flag();
        }
        if let Some(flag) = Flag::parse(name) {
            return self.flag(flag);
        }
        if let Some(field) = WordField::parse(name) {
            let test = self.test(name, false, |literal| word(field, literal))?;
            return Ok(Term::Word { field, test });
        }
        if let Some(field) = CountryField::parse(name) {
            let test = self.test(name, false, country)?;
            return Ok(Term::Country { field, test });
        }
        if name == CURRENCY {
            let test = self.test(name, false, currency)?;
            return Ok(Term::Currency { test });
        }
        if let Some(field) = TextField::parse(name) {
            let test = self.test(name, false, |literal| Ok(Text::from(literal.text()?)))?;
            return Ok(Term::Text { field, test });
        }
        if let Some(field) = WholeField::parse(name) {
            let test = self.test(name, true, |literal| whole(field, literal))?;
            return Ok(Term::Whole { field, test });
        }
        if name.starts_with(ATTRIBUTE_PREFIX) {
            return self.attribute(&placed, name);
        }
        let hint = possible(name, &field_names());
        Err(placed.fault(format!("{} is no field; {hint}", placed.token)))
    }

    fn negated_flag(&mut self) -> Parsed<Term> {
        let flags: Vec<&str> = Flag::ALL.iter().map(|flag| flag.as_str()).collect();
        let placed = self.expect("a flag after `not`")?;
        match &placed.token {
            Token::Bare(name) => match Flag::parse(name) {
                Some(flag) => Ok(Term::Flag { flag, holds: false }),
                None => {
                    let hint = possible(name, &flags);
                    let detail = format!("`not` stands before a flag, found `{name}`; {hint}");
                    Err(placed.fault(detail))
                }
            },
            other => Err(placed.fault(format!("`not` stands before a flag, found {other}"))),
        }
    }

    fn flag(&mut self, flag: Flag) -> Parsed<Term> {
        let equal = match self.peek() {
            Some(Token::Operator("=")) => true,
            Some(Token::Operator("!=")) => false,
            Some(Token::Operator(_)) => {
                let placed = self.expect("an operator")?;
                let detail = format!("{flag} is yes or no: write `{flag}` or `not {flag}`");
                return Err(placed.fault(detail));
            }
            _ => return Ok(Term::Flag { flag, holds: true }),
        };
        self.next += 1;
        let placed = self.expect("true or false")?;
        let value = match &placed.token {
            Token::Bare(word) if word == "true" => true,
            Token::Bare(word) if word == "false" => false,
            other => return Err(placed.fault(format!("found {other}, expected true or false"))),
        };
        Ok(Term::Flag {
            flag,
            holds: value == equal,
        })
    }

    fn attribute(&mut self, placed: &Placed, spelled: &str) -> Parsed<Term> {
        let mut field = spelled.to_owned();
        let adjoins = self
            .tokens
            .get(self.next)
            .is_some_and(|next| next.column == placed.column + spelled.chars().count());
        if spelled == ATTRIBUTE_PREFIX
            && adjoins
            && let Some(Token::Quoted(name)) = self.peek()
        {
            field.push_str(name);
            self.next += 1;
        }
        let name = attribute_name(&field).ok_or_else(|| {
            let detail = "an attribute is written `attribute.NAME`, a name of 1 to 64 bytes, in \
                          quotes where it is more than a word";
            placed.fault(detail)
        })?;
        let operand = self.next + 1;
        let test = self.test(&field, true, attribute_literal)?;
        let ordered = match &test {
            Test::AnyOf(_) | Test::Not(_) => None,
            Test::Less(value)
            | Test::AtMost(value)
            | Test::Greater(value)
            | Test::AtLeast(value) => Some(value),
        };
        if ordered.is_some_and(Literal::is_word) {
            let column = self.tokens.get(operand).map_or(0, |literal| literal.column);
            let detail = "words have no order: only numbers are compared by < <= > >=";
            return Err(fault(column, detail));
        }
        Ok(Term::Attribute { name, test })
    }

    /// Operator and literals.
    fn test<T: Ord>(
        &mut self,
        field: &str,
        ordered: bool,
        read: impl Fn(&Placed) -> Parsed<T>,
    ) -> Parsed<Test<T>> {
        let operators = if ordered {
            "= != < <= > >= in"
        } else {
            "= != in"
        };
        let placed = self.expect(&format!("one of {operators} after {field}"))?;
        let operator = match &placed.token {
            Token::Bare(word) if word == "in" => return Ok(Test::any_of(self.list(read)?)),
            Token::Operator(operator @ ("=" | "!=")) => *operator,
            Token::Operator(operator) if ordered => *operator,
            other => {
                let detail = format!("found {other} after {field}, expected one of {operators}");
                return Err(placed.fault(detail));
            }
        };
        let value = read(&self.expect("a value")?)?;
        Ok(match operator {
            "!=" => Test::Not(value),
            "<" => Test::Less(value),
            "<=" => Test::AtMost(value),
            ">" => Test::Greater(value),
            ">=" => Test::AtLeast(value),
            _ => Test::any_of(vec![value]),
        })
    }

    /// `[a, b]`, with at least one literal.
    fn list<T>(&mut self, read: impl Fn(&Placed) -> Parsed<T>) -> Parsed<Vec<T>> {
        let open = self.expect("a list such as [a, b]")?;
        if open.token != Token::Mark('[') {
            return Err(open.fault(format!("found {}, expected `[` after `in`", open.token)));
        }
        let mut values = Vec::new();
        loop {
            let literal = self.expect("a value of the list")?;
            if values.len() == LITERALS_MAX {
                let detail = format!("a list has at most {LITERALS_MAX} values");
                return Err(literal.fault(detail));
            }
            values.push(read(&literal)?);
            let after = self.expect("`,` or `]`")?;
            match after.token {
                Token::Mark(',') => {}
                Token::Mark(']') => return Ok(values),
                ref other => {
                    return Err(after.fault(format!("found {other}, expected `,` or `]`")));
                }
            }
        }
    }
}

fn word(field: WordField, literal: &Placed) -> Parsed<u8> {
    let text = literal.text()?;
    let words = field.words();
    if let Some((_, code)) = words.iter().find(|(word, _)| *word == text) {
        return Ok(*code);
    }
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let detail = format!(
        "{} is no {field}; there are {}",
        literal.token,
        known.join(", ")
    );
    Err(literal.fault(detail))
}

fn country(literal: &Placed) -> Parsed<Country> {
    Country::parse(literal.text()?).ok_or_else(|| {
        let detail = "is no country: two letters of ISO 3166, such as US";
        literal.fault(format!("{} {detail}", literal.token))
    })
}

fn currency(literal: &Placed) -> Parsed<Currency> {
    Currency::parse(literal.text()?).ok_or_else(|| {
        let detail = "is no currency: three letters of ISO 4217, such as USD";
        literal.fault(format!("{} {detail}", literal.token))
    })
}

fn attribute_literal(literal: &Placed) -> Parsed<Literal> {
    Ok(match &literal.token {
        Token::Bare(text) => Literal::of_bare(text),
        _ => Literal::Word(literal.text()?.into()),
    })
}

fn whole(field: WholeField, literal: &Placed) -> Parsed<i64> {
    let (value, range) = match (&literal.token, field) {
        (Token::Bare(text), WholeField::Amount) => {
            let range =
                format!("an amount in major units, with at most {AMOUNT_EXPONENT} decimals");
            (minor_units(text), range)
        }
        (Token::Bare(text), WholeField::Mcc) => (
            up_to(text, 9_999),
            "a merchant category, 0000 to 9999".to_owned(),
        ),
        (Token::Bare(text), WholeField::Hour) => (up_to(text, 24), "an hour, 0 to 24".to_owned()),
        (Token::Bare(text), WholeField::Weekday) => {
            let range = "a day of the week, 0 (Monday) to 6 (Sunday)";
            (up_to(text, 6), range.to_owned())
        }
        _ => (None, "a number without quotes".to_owned()),
    };
    value.ok_or_else(|| {
        literal.fault(format!(
            "found {} for {field}, expected {range}",
            literal.token
        ))
    })
}

/// A whole number without a sign.
fn digits(text: &str) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

fn up_to(text: &str, most: i64) -> Option<i64> {
    digits(text).filter(|value| *value <= most)
}

/// Decimal major units in minor units of the reference currency.
fn minor_units(text: &str) -> Option<i64> {
    let (major, fraction) = match text.split_once('.') {
        Some((major, fraction)) => (major, fraction),
        None => (text, "0"),
    };
    let decimals = u32::try_from(fraction.len()).ok()?;
    let padding = AMOUNT_EXPONENT.checked_sub(decimals)?;
    let fraction = digits(fraction)?.checked_mul(10_i64.pow(padding))?;
    let major = digits(major)?.checked_mul(10_i64.pow(AMOUNT_EXPONENT))?;
    let minor = major.checked_add(fraction)?;
    (minor <= CONVERTED_MINOR_MAX).then_some(minor)
}
