//! Templates: the sentence by which a rule explains itself, with values filled in.
//!
//! Promises a sentence for every hit: a value that is missing reads `unknown`. Text that came from
//! outside is cut and cleaned of control characters, since sentences end up in terminals and chats.

use std::fmt::Write;

use crate::inputs::Reading;
use crate::schema::{Entry, Schema};
use crate::source::Fault;
use crate::transaction_name::Read;

/// The longest text value in a sentence, in characters.
const TEXT_CHARACTERS_MAX: usize = 60;

/// A sentence with gaps.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Literal(String),
    Value(Entry),
}

impl Template {
    /// Reads `text with {name}`; `{{` and `}}` stand for single braces.
    pub fn parse(text: &str, schema: &Schema) -> Result<Self, Vec<Fault>> {
        let (mut parts, mut faults, mut literal) = (Vec::new(), Vec::new(), String::new());
        let mut at = 0;
        while let Some(first) = text.get(at..).and_then(|rest| rest.chars().next()) {
            let rest = text.get(at..).unwrap_or_default();
            match first {
                '{' | '}' if rest.chars().nth(1) == Some(first) => {
                    literal.push(first);
                    at += 2;
                }
                '{' => match rest.find('}') {
                    None => {
                        let fault = Fault::new(at..at + 1, "this `{` is not closed");
                        faults.push(fault.help("a single brace is written `{{`"));
                        break;
                    }
                    Some(end) => {
                        let name = rest.get(1..end).unwrap_or_default();
                        match schema.find(name) {
                            Some(entry) => {
                                parts.push(Part::Literal(std::mem::take(&mut literal)));
                                parts.push(Part::Value(entry));
                            }
                            None => faults.push(unknown(name, at + 1, schema)),
                        }
                        at += end + 1;
                    }
                },
                '}' => {
                    let fault = Fault::new(at..at + 1, "this `}` closes nothing");
                    faults.push(fault.help("a single brace is written `}}`"));
                    at += 1;
                }
                other => {
                    literal.push(other);
                    at += other.len_utf8();
                }
            }
        }
        parts.push(Part::Literal(literal));
        if faults.is_empty() {
            Ok(Self { parts })
        } else {
            Err(faults)
        }
    }

    /// The sentence.
    pub fn fill(&self, reading: &Reading<'_>) -> String {
        let mut sentence = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => sentence.push_str(text),
                Part::Value(entry) => write_value(&mut sentence, *entry, reading),
            }
        }
        sentence
    }
}

fn unknown(name: &str, start: usize, schema: &Schema) -> Fault {
    // An empty name has no characters to point at: point at its closing brace.
    let span = start..start + name.len().max(1);
    let fault = Fault::new(span, format!("unknown name `{name}`"));
    let help = schema
        .nearest(name)
        .map(|near| format!("did you mean `{near}`?"));
    Fault { help, ..fault }
}

fn write_value(out: &mut String, entry: Entry, reading: &Reading<'_>) {
    match entry {
        Entry::Feature(slot) => write_number(out, reading.slot(slot)),
        Entry::Own(own) => match own.read {
            Read::Amount => write_amount(out, reading),
            Read::Category(read) => write_category(out, read(reading.transaction)),
            Read::Text(read, _) => write_text(out, read(reading.transaction)),
        },
    }
}

fn write_text(out: &mut String, text: Option<&str>) {
    let Some(text) = text else {
        out.push_str(UNKNOWN);
        return;
    };
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    out.extend(text.chars().take(TEXT_CHARACTERS_MAX).map(clean));
    if text.chars().nth(TEXT_CHARACTERS_MAX).is_some() {
        out.push('…');
    }
}

const UNKNOWN: &str = "unknown";

/// As many decimals as the currency has, and its code: `1,200.50 USD`.
fn write_amount(out: &mut String, reading: &Reading<'_>) {
    if reading.amount.is_nan() {
        out.push_str(UNKNOWN);
        return;
    }
    let decimals = usize::try_from(reading.reference.exponent()).unwrap_or(2);
    write_grouped(out, &format!("{:.decimals$}", reading.amount));
    out.push(' ');
    out.push_str(reading.reference.as_str());
}

/// Four digits: `0742`.
fn write_category(out: &mut String, code: f64) {
    if code.is_nan() {
        out.push_str(UNKNOWN);
    } else {
        write!(out, "{code:04}").unwrap_or_default();
    }
}

/// Two decimals from 1 on and four below, without trailing zeros; thousands grouped: `1,013.25`, `0.0312`.
/// What that cannot show, very large or very small, is written with an exponent.
fn write_number(out: &mut String, value: f64) {
    if value.is_nan() {
        out.push_str(UNKNOWN);
        return;
    }
    let size = value.abs();
    if size >= 1e15 || (size > 0.0 && size < 1e-4) {
        write!(out, "{value:.3e}").unwrap_or_default();
        return;
    }
    let fixed = if size >= 1.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.4}")
    };
    let short = fixed.trim_end_matches('0').trim_end_matches('.');
    write_grouped(out, if short == "-0" { "0" } else { short });
}

/// Puts a comma between thousands of the whole part.
fn write_grouped(out: &mut String, fixed: &str) {
    let (sign, digits) = match fixed.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", fixed),
    };
    let whole = digits.find('.').unwrap_or(digits.len());
    out.push_str(sign);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && index < whole && (whole - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial;

    fn filled(text: &str) -> String {
        Template::parse(text, &trial::schema())
            .unwrap()
            .fill(&trial::reading(&trial::transaction()))
    }

    fn written(value: f64) -> String {
        let mut out = String::new();
        write_number(&mut out, value);
        out
    }

    #[test]
    fn gaps_are_filled_and_missing_values_said() {
        let cases = [
            ("no gap", "no gap"),
            ("{five} of {amount}", "5 of 1,200.50 USD"),
            ("{{{five}}}", "{5}"),
            ("{{five}}", "{five}"),
            ("at {mcc} via {channel}", "at 0742 via web"),
            (
                "{missing}, {device_id}, {shipping_country}",
                "unknown, unknown, unknown",
            ),
            ("{merchant_name}", "Caf\u{e9}\u{fffd}[31m"),
            ("é {five}é", "é 5é"),
        ];
        for (template, expected) in cases {
            assert_eq!(filled(template), expected, "{template}");
        }
    }

    #[test]
    fn numbers_are_written_for_people() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (3.0, "3"),
            (-1234.5, "-1,234.5"),
            (912.3456, "912.35"),
            (1_000_000.0, "1,000,000"),
            (0.03125, "0.0312"),
            (0.5, "0.5"),
            (999.999, "1,000"),
            (1e15, "1.000e15"),
            (0.000_012, "1.200e-5"),
            (f64::NAN, "unknown"),
        ];
        for (value, expected) in cases {
            assert_eq!(written(value), expected, "{value}");
        }
    }

    #[test]
    fn a_long_text_is_cut() {
        let mut out = String::new();
        write_text(&mut out, Some(&"x".repeat(61)));
        assert_eq!(out, format!("{}…", "x".repeat(60)));
    }

    #[test]
    fn faults_name_the_gap() {
        let fault = |text: &str| {
            let faults = Template::parse(text, &trial::schema()).unwrap_err();
            let first = faults.into_iter().next().unwrap();
            (
                text[first.span].to_owned(),
                first.message,
                first.help.unwrap_or_default(),
            )
        };
        let cases = [
            (
                "a {fiv} b",
                "fiv",
                "unknown name `fiv`",
                "did you mean `five`?",
            ),
            ("a {}", "}", "unknown name ``", ""),
            (
                "a {five",
                "{",
                "this `{` is not closed",
                "a single brace is written `{{`",
            ),
            (
                "five} a",
                "}",
                "this `}` closes nothing",
                "a single brace is written `}}`",
            ),
        ];
        for (text, excerpt, message, help) in cases {
            let expected = (excerpt.to_owned(), message.to_owned(), help.to_owned());
            assert_eq!(fault(text), expected, "{text}");
        }
    }
}
