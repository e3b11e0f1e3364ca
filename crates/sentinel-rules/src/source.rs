//! Source text: from a place in an expression back to a line and column of the file it stands in.
//!
//! Promises that every diagnostic lies within the file. A string of a TOML file is decoded before it is
//! parsed (quotes taken off, escapes resolved), so a place in the expression is not a place in the file;
//! [`Quoted`] remembers where each part came from.

use std::ops::Range;

use crate::diagnostic::Diagnostic;

/// A byte range.
pub(crate) type Span = Range<usize>;

/// A fault at a place of some text, not yet tied to a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fault {
    pub span: Span,
    pub message: String,
    pub help: Option<String>,
}

impl Fault {
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            help: None,
        }
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A whole file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    text: &'a str,
}

impl<'a> Source<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// Ties a fault whose span counts from the start of the file to its line.
    pub fn diagnostic(&self, fault: Fault) -> Diagnostic {
        let start = floor_boundary(self.text, fault.span.start);
        let end = floor_boundary(self.text, fault.span.end).max(start);
        let (before, after) = self.text.split_at(start);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let rest = self.text.get(line_start..).unwrap_or_default();
        let source_line = rest.split('\n').next().unwrap_or_default();
        let source_line = source_line.strip_suffix('\r').unwrap_or(source_line);
        let column = before.get(line_start..).map_or(0, |s| s.chars().count()) + 1;
        let marked = after.get(..end - start).unwrap_or_default();
        let marked = marked.split(['\r', '\n']).next().unwrap_or_default();
        Diagnostic {
            line: before.matches('\n').count() + 1,
            column,
            length: marked.chars().count().max(1),
            message: fault.message,
            help: fault.help,
            source_line: source_line.to_owned(),
        }
    }

    /// The fault that a TOML reader reports.
    pub fn of_toml(&self, error: &toml::de::Error) -> Diagnostic {
        let span = error.span().unwrap_or(0..0);
        // A missing key is reported for its whole table; the header alone says enough.
        self.diagnostic(Fault::new(span, error.message().trim_end()))
    }

    /// The string that a TOML reader decoded from `span`.
    pub fn quoted<'b>(&self, value: &'b toml::Spanned<String>) -> Quoted<'a, 'b> {
        Quoted {
            source: *self,
            span: value.span(),
            decoded: value.get_ref(),
        }
    }
}

/// A string value of the file, with its quotes and escapes in the file and without them in `decoded`.
#[derive(Debug, Clone)]
pub(crate) struct Quoted<'a, 'b> {
    source: Source<'a>,
    span: Span,
    decoded: &'b str,
}

impl<'b> Quoted<'_, 'b> {
    /// The value itself.
    pub fn text(&self) -> &'b str {
        self.decoded
    }

    /// Ties a fault whose span counts from the start of the decoded value to its line in the file.
    pub fn diagnostic(&self, fault: Fault) -> Diagnostic {
        let raw = self.source.text.get(self.span.clone()).unwrap_or_default();
        let start = raw_offset(raw, self.decoded, fault.span.start);
        let end = raw_offset(raw, self.decoded, fault.span.end);
        let span = self.span.start + start..self.span.start + end;
        self.source.diagnostic(Fault { span, ..fault })
    }

    /// A fault of the whole value, quotes included.
    pub fn whole(&self, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
        self.source
            .diagnostic(Fault::new(self.span.clone(), message).help(help))
    }
}

/// Where the byte `offset` of the decoded string stands in the raw one, quotes included.
fn raw_offset(raw: &str, decoded: &str, offset: usize) -> usize {
    let quotes = ["\"\"\"", "'''", "\"", "'"];
    let quote = quotes
        .into_iter()
        .find(|q| raw.starts_with(q))
        .unwrap_or("");
    let escapes = quote.starts_with('"');
    let mut at = quote.len();
    if quote.len() == 3 {
        // A line break right after the opening quotes is not part of the value.
        let rest = raw.get(at..).unwrap_or_default();
        at += ["\r\n", "\n"]
            .into_iter()
            .find(|b| rest.starts_with(b))
            .map_or(0, str::len);
    }
    let rest = |at: usize| raw.get(at..).unwrap_or_default();
    for (decoded_at, wanted) in decoded.char_indices() {
        while escapes && joins_lines(rest(at)) {
            at += 1 + rest(at + 1).len() - rest(at + 1).trim_start().len();
        }
        if decoded_at >= offset {
            return at;
        }
        at += match rest(at).chars().next() {
            Some('\\') if escapes => escape_length(rest(at)),
            Some('\r') if wanted == '\n' => 2,
            Some(found) => found.len_utf8(),
            None => 0,
        };
    }
    at
}

/// Whether a line of a multi-line string ends here in a backslash, which swallows the space that follows.
fn joins_lines(rest: &str) -> bool {
    let mut characters = rest.chars();
    characters.next() == Some('\\') && characters.next().is_some_and(char::is_whitespace)
}

fn escape_length(rest: &str) -> usize {
    match rest.chars().nth(1) {
        Some('x') => 4,
        Some('u') => 6,
        Some('U') => 10,
        Some(_) => 2,
        None => 1,
    }
}

/// The nearest place at or before `at` where a character begins.
fn floor_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct File {
        when: toml::Spanned<String>,
    }

    /// The line, column and excerpt to which the word `here` inside the value `when` is traced back.
    fn trace(text: &str) -> (usize, usize, String) {
        let file: File = toml::from_str(text).unwrap();
        let source = Source::new(text);
        let quoted = source.quoted(&file.when);
        let at = quoted.text().find("here").unwrap();
        let diagnostic = quoted.diagnostic(Fault::new(at..at + 4, "found"));
        (diagnostic.line, diagnostic.column, diagnostic.excerpt())
    }

    #[test]
    fn a_place_in_a_value_is_traced_back_through_every_kind_of_quote() {
        let cases = [
            ("when = \"here\"", (1, 9)),
            ("when = 'a \\ here'", (1, 13)),
            ("a = 1\nwhen = \"\\\"x\\\" here\"", (2, 15)),
            ("when = \"\\u00e9\\x41\\U0001F600\\n here\"", (1, 32)),
            ("when = \"é€ here\"", (1, 12)),
            ("when = \"\"\"\nx\n  here\"\"\"", (3, 3)),
            ("when = '''\r\nx\r\n here'''", (3, 2)),
            ("when = \"\"\"x \\\n   \\\n   here\"\"\"", (3, 4)),
            ("when = \"\"\"\\\n   here\"\"\"", (2, 4)),
        ];
        for (text, (line, column)) in cases {
            assert_eq!(trace(text), (line, column, "here".to_owned()), "{text:?}");
        }
    }

    #[test]
    fn a_span_outside_the_text_or_inside_a_character_still_gives_a_place() {
        let source = Source::new("é\nb");
        for span in [1..2, 0..99, 77..99, 3..4, 4..4] {
            let diagnostic = source.diagnostic(Fault::new(span, "x"));
            assert!(diagnostic.line <= 2 && diagnostic.column <= 2);
        }
    }
}
