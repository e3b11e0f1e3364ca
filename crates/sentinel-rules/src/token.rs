//! Tokens: the words and signs of an expression, each with its place.
//!
//! Promises to read any text without failing halfway: what is no token is a fault with a place.

use crate::source::{Fault, Span};

/// A word or sign.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    Number(f64),
    Text(String),
    Name(String),
    /// An operator or bracket, as it is spelled.
    Sign(&'static str),
    /// After the last one.
    End,
}

impl Token {
    /// For an error message.
    pub fn describe(&self) -> String {
        match self {
            Self::Number(value) => format!("the number {value}"),
            Self::Text(text) => format!("the text '{text}'"),
            Self::Name(name) => format!("`{name}`"),
            Self::Sign(sign) => format!("`{sign}`"),
            Self::End => "the end of the expression".to_owned(),
        }
    }
}

/// Longer signs first, so that `<=` is not read as `<`.
const SIGNS: &[&str] = &[
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "+", "-", "*", "/", "(", ")", "[", "]", ",",
    ".", "?", ":",
];

/// All tokens of a text.
pub(crate) fn read(text: &str) -> Result<Vec<(Token, Span)>, Fault> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let trimmed = rest.trim_start();
        at += rest.len() - trimmed.len();
        let Some(first) = trimmed.chars().next() else {
            return Ok(tokens);
        };
        let (token, length) = match first {
            '0'..='9' => number(trimmed, at)?,
            '\'' | '"' => quoted(trimmed, at, first)?,
            'a'..='z' | 'A'..='Z' | '_' => name(trimmed),
            _ => sign(trimmed, at, first)?,
        };
        tokens.push((token, at..at + length));
        at += length;
    }
}

fn name(rest: &str) -> (Token, usize) {
    let end = rest
        .find(|c: char| !continues_name(c))
        .unwrap_or(rest.len());
    (
        Token::Name(rest.get(..end).unwrap_or_default().to_owned()),
        end,
    )
}

fn continues_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Digits, then perhaps a fraction, then perhaps an exponent. Whatever is glued to them is at fault too.
fn number(rest: &str, at: usize) -> Result<(Token, usize), Fault> {
    let digits = |from: usize| {
        let rest = rest.get(from..).unwrap_or_default();
        rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len()
    };
    let follows = |from: usize, sign: char| rest.get(from..).is_some_and(|s| s.starts_with(sign));
    let mut end = digits(0);
    if follows(end, '.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    if follows(end, 'e') || follows(end, 'E') {
        let signed = usize::from(follows(end + 1, '-') || follows(end + 1, '+'));
        if digits(end + 1 + signed) > 0 {
            end += 1 + signed + digits(end + 1 + signed);
        }
    }
    let glued = rest.get(end..).unwrap_or_default();
    let glued = glued.len() - glued.trim_start_matches(continues_name).len();
    let spelled = rest.get(..end + glued).unwrap_or_default();
    match spelled.parse::<f64>() {
        Ok(value) if value.is_finite() && glued == 0 => Ok((Token::Number(value), end)),
        _ => Err(
            Fault::new(at..at + end + glued, format!("`{spelled}` is not a number"))
                .help("numbers are written 5000, 0.5 or 1e6"),
        ),
    }
}

/// A text in single or double quotes; `\\`, `\'`, `\"`, `\n` and `\t` stand for themselves.
fn quoted(rest: &str, at: usize, quote: char) -> Result<(Token, usize), Fault> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((offset, found)) = characters.next() {
        match found {
            '\\' => match characters.next() {
                Some((_, escaped @ ('\\' | '\'' | '"'))) => text.push(escaped),
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, other)) => {
                    let span = at + offset..at + offset + 1 + other.len_utf8();
                    return Err(Fault::new(span, format!("unknown escape `\\{other}`"))
                        .help(r#"known are \\, \', \", \n and \t"#));
                }
                None => break,
            },
            _ if found == quote => return Ok((Token::Text(text), offset + 1)),
            _ => text.push(found),
        }
    }
    Err(Fault::new(
        at..at + rest.trim_end().len(),
        "this text has no closing quote",
    )
    .help(format!("end it with {quote}")))
}

fn sign(rest: &str, at: usize, first: char) -> Result<(Token, usize), Fault> {
    if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
        return Ok((Token::Sign(sign), sign.len()));
    }
    let fault = Fault::new(at..at + first.len_utf8(), format!("unexpected `{first}`"));
    Err(match first {
        '=' => fault.help("equality is written `==`"),
        '&' => fault.help("and is written `&&`"),
        '|' => fault.help("or is written `||`"),
        _ => fault,
    })
}
