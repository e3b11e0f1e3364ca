//! Reading lines and words, and knowing where they stand.
//!
//! Promises that every error names its line, counted from 1, and that a count is held to its bounds before
//! anything is made of it. Must never reserve memory on the word of a count.

use std::str::{FromStr, SplitWhitespace};

use super::NAME_BYTES_MAX;
use crate::error::ModelError;

/// Walks through the lines and knows where it is.
pub(super) struct Reader<'a> {
    /// What was not read yet.
    pub(super) rest: &'a str,
    /// The number of the last line read.
    pub(super) line: usize,
}

/// The words of one line.
pub(super) struct Words<'a> {
    words: SplitWhitespace<'a>,
    line: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn fault(&self, problem: impl Into<String>) -> ModelError {
        ModelError::Format {
            line: self.line,
            problem: problem.into(),
        }
    }

    /// The next line; one without its end was cut off.
    pub(super) fn line(&mut self) -> Result<&'a str, ModelError> {
        self.line += 1;
        let Some((line, rest)) = self.rest.split_once('\n') else {
            return Err(self.fault("the file is cut short"));
        };
        self.rest = rest;
        Ok(line)
    }

    pub(super) fn words(&mut self) -> Result<Words<'a>, ModelError> {
        let line = self.line()?;
        Ok(Words {
            words: line.split_whitespace(),
            line: self.line,
        })
    }

    /// A line that begins with this word.
    pub(super) fn section(&mut self, word: &str) -> Result<Words<'a>, ModelError> {
        let mut words = self.words()?;
        match words.next() {
            Some(found) if found == word => Ok(words),
            found => Err(self.fault(format!(
                "expected section {word:?}, found {:?}",
                found.unwrap_or_default()
            ))),
        }
    }

    /// A section of one value.
    pub(super) fn single<T: FromStr>(&mut self, word: &'static str) -> Result<T, ModelError> {
        let mut words = self.section(word)?;
        let value = words.word(word)?;
        words.end()?;
        Ok(value)
    }

    /// A section that says how many lines or trees follow.
    pub(super) fn count(
        &mut self,
        word: &'static str,
        min: usize,
        max: usize,
    ) -> Result<usize, ModelError> {
        let count: usize = self.single(word)?;
        if count < min || count > max {
            return Err(self.fault(format!("{word} are {min} to {max}, not {count}")));
        }
        Ok(count)
    }

    /// The line of a section, behind its word.
    pub(super) fn rest_of(&mut self, word: &str) -> Result<&'a str, ModelError> {
        let line = self.line()?;
        line.strip_prefix(word)
            .and_then(|rest| rest.strip_prefix(' '))
            .ok_or_else(|| self.fault(format!("expected section {word:?}")))
    }

    /// A section whose value is the rest of the line.
    pub(super) fn name(&mut self, word: &str) -> Result<String, ModelError> {
        let name = self.rest_of(word)?;
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return Err(self.fault(format!("a name has 1 to {NAME_BYTES_MAX} bytes")));
        }
        if name.trim() != name || name.chars().any(char::is_control) {
            return Err(self.fault("a name has no control characters and no spaces around it"));
        }
        Ok(name.to_owned())
    }
}

impl<'a> Words<'a> {
    pub(super) fn next(&mut self) -> Option<&'a str> {
        self.words.next()
    }

    pub(super) fn fault(&self, problem: String) -> ModelError {
        ModelError::Format {
            line: self.line,
            problem,
        }
    }

    /// The next word as a value; `what` names it in the error.
    pub(super) fn word<T: FromStr>(&mut self, what: &str) -> Result<T, ModelError> {
        let word = self.words.next().unwrap_or_default();
        word.parse()
            .map_err(|_| self.fault(format!("{word:?} cannot be {what}")))
    }

    /// The side for missing values.
    pub(super) fn side(&mut self) -> Result<bool, ModelError> {
        match self.words.next() {
            Some("left") => Ok(true),
            Some("right") => Ok(false),
            _ => Err(self.fault("missing values go \"left\" or \"right\"".to_owned())),
        }
    }

    /// No word may follow.
    pub(super) fn end(&mut self) -> Result<(), ModelError> {
        match self.words.next() {
            None => Ok(()),
            Some(word) => Err(self.fault(format!("{word:?} is one word too many"))),
        }
    }
}
