//! Templates: a text with columns in it, such as `{card1}-{addr1}` or `row-{row}`.
//!
//! `{row}` is the number of the data row, from 0; `{{` and `}}` are braces. A missing cell leaves
//! nothing in its place, and a template all of whose columns are missing gives no value at all: half a
//! name still tells entities apart, an empty one would join strangers.

use std::fmt::Write as _;

/// A template over columns named, or numbered, by `C`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template<C> {
    parts: Vec<Part<C>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part<C> {
    Literal(String),
    Column(C),
    Row,
}

/// The name that stands for the number of the row. A column of this name cannot be in a template.
const ROW: &str = "row";

impl Template<String> {
    /// Reads a template; `Err` says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at(at);
            literal.push_str(before);
            let doubled = brace.strip_prefix("{{").map(|after| ('{', after));
            let doubled = doubled.or(brace.strip_prefix("}}").map(|after| ('}', after)));
            if let Some((kept, after)) = doubled {
                literal.push(kept);
                rest = after;
                continue;
            }
            let inside = brace
                .strip_prefix('{')
                .and_then(|inside| inside.split_once('}'));
            let Some((name, after)) = inside else {
                return Err(format!("has a brace without its pair in {text:?}"));
            };
            if name.is_empty() || name.contains('{') {
                return Err(format!("has a placeholder without a name in {text:?}"));
            }
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            let column = || Part::Column(name.to_owned());
            parts.push(if name == ROW { Part::Row } else { column() });
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self { parts })
    }
}

impl<C: Clone> Template<C> {
    /// Whether every row gives the same text.
    pub fn constant(&self) -> bool {
        self.parts
            .iter()
            .all(|part| matches!(part, Part::Literal(_)))
    }

    /// The same template over other names of the columns.
    pub fn bind<D, E>(&self, mut find: impl FnMut(&C) -> Result<D, E>) -> Result<Template<D>, E> {
        let bound = self.parts.iter().map(|part| {
            Ok(match part {
                Part::Literal(text) => Part::Literal(text.clone()),
                Part::Column(column) => Part::Column(find(column)?),
                Part::Row => Part::Row,
            })
        });
        Ok(Template {
            parts: bound.collect::<Result<_, E>>()?,
        })
    }

    /// Writes the text of one row to `out`; false where all columns of the template are missing.
    pub fn render<'a>(
        &self,
        row: u64,
        cell: impl Fn(&C) -> Option<&'a str>,
        out: &mut String,
    ) -> bool {
        out.clear();
        let (mut columns, mut present) = (false, false);
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Column(column) => {
                    columns = true;
                    if let Some(text) = cell(column) {
                        present = true;
                        out.push_str(text);
                    }
                }
                Part::Row => {
                    present = true;
                    let written = write!(out, "{row}");
                    assert!(written.is_ok(), "a number is always written to memory");
                }
            }
        }
        present || !columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(template: &str, cells: &[(&str, &'static str)]) -> Option<String> {
        let template = Template::parse(template).unwrap();
        let mut out = String::from("left over");
        let find = |name: &String| cells.iter().find(|(n, _)| n == name).map(|(_, c)| *c);
        template.render(7, find, &mut out).then_some(out)
    }

    #[test]
    fn columns_rows_and_braces_are_filled_in() {
        let cells = [("card1", "123"), ("addr1", "45")];
        assert_eq!(rendered("{card1}-{addr1}", &cells).unwrap(), "123-45");
        assert_eq!(rendered("hb-{row}", &cells).unwrap(), "hb-7");
        assert_eq!(rendered("{{{card1}}}", &cells).unwrap(), "{123}");
        assert_eq!(rendered("plain", &cells).unwrap(), "plain");
    }

    #[test]
    fn a_missing_part_is_left_out_and_all_missing_parts_give_no_value() {
        let cells = [("card1", "123")];
        assert_eq!(rendered("{card1}-{addr1}", &cells).unwrap(), "123-");
        assert_eq!(rendered("{addr1}-{addr2}", &cells), None);
        assert_eq!(rendered("{addr1}-{row}", &cells).unwrap(), "-7");
    }

    #[test]
    fn broken_braces_are_refused() {
        for text in ["{card1", "card1}", "{}", "a{b{c}}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_a_template_without_placeholders_is_constant() {
        assert!(Template::parse("all").unwrap().constant());
        assert!(!Template::parse("a-{row}").unwrap().constant());
    }
}
