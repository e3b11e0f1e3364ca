//! Diagnostics: what is wrong in a rule or policy file, and where.
//!
//! Promises a place for every fault: a line and a column that a person finds in the file as it was given.

use std::fmt;

/// One fault of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, counted in characters.
    pub column: usize,
    /// How many characters are at fault; at least 1, and never past the end of the line.
    pub length: usize,
    /// What is wrong, without a final stop.
    pub message: String,
    /// What to do about it, where something can be said.
    pub help: Option<String>,
    /// The line at fault, without its line break.
    pub source_line: String,
}

impl Diagnostic {
    /// The text that is at fault.
    pub fn excerpt(&self) -> String {
        let characters = self.source_line.chars();
        characters
            .skip(self.column.saturating_sub(1))
            .take(self.length)
            .collect()
    }
}

impl fmt::Display for Diagnostic {
    /// Message and place, the line, carets below the fault, and the help.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        // A tab is as wide as the terminal wants: repeat it below, so that the caret still stands right.
        let indent: String = self
            .source_line
            .chars()
            .take(self.column.saturating_sub(1))
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        writeln!(f, "line {number}, column {}: {}", self.column, self.message)?;
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {}", self.source_line)?;
        write!(f, "{margin} | {indent}{}", "^".repeat(self.length))?;
        match &self.help {
            Some(help) => write!(f, "\n{margin} = help: {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostic {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_below_the_fault_and_tabs_are_kept() {
        let diagnostic = Diagnostic {
            line: 12,
            column: 3,
            length: 4,
            message: "unknown name `abcd`".to_owned(),
            help: Some("did you mean `abc`?".to_owned()),
            source_line: "\t(abcd > 5".to_owned(),
        };
        let expected = "line 12, column 3: unknown name `abcd`\n   |\n12 | \t(abcd > 5\n   | \t ^^^^\n   \
                        = help: did you mean `abc`?";
        assert_eq!(diagnostic.to_string(), expected);
        assert_eq!(diagnostic.excerpt(), "abcd");
    }
}
