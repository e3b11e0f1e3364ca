//! The user's file of features, as TOML.
//!
//! Promises that every fault of a file is said at once, each with its line, its feature, its key and what
//! would be right; and that what [`to_toml`] writes reads as the same features. Must never: read half a
//! file, or take a name that stands for another feature.

use std::collections::BTreeMap;

use sentinel_domain::vocabulary;
use toml::de::{DeTable, DeValue};

use super::{Aggregate, Definition, Needs};
use crate::entity::EntityKind;
use crate::feature::{Family, Feature, Source};
use crate::filter::Filter;
use crate::filter::spelling::possible;
use crate::plan::PlanError;
use crate::window::{WINDOWS, WindowIndex};

/// The most features of a file.
pub const DEFINITIONS_MAX: usize = 64;

/// The most features of a set, from however many files they came.
pub const SET_DEFINITIONS_MAX: usize = 1_024;

/// The longest file, in bytes, as it was written and as [`to_toml`] writes it.
pub const FILE_BYTES_MAX: usize = 1 << 20;

/// The longest name, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// The longest description or sentence, in letters.
const SENTENCE_LETTERS_MAX: usize = 512;

/// The name of the list.
const FEATURE: &str = "feature";

vocabulary! {
    /// The keys of one feature, in the order in which they are written.
    Key {
        Name = 1, "name";
        Entity = 2, "entity";
        Aggregate = 3, "aggregate";
        Field = 4, "field";
        Window = 5, "window";
        RatioTo = 6, "ratio_to";
        Filter = 7, "filter";
        Doc = 8, "doc";
        Phrase = 9, "phrase";
        Example = 10, "example";
        Family = 11, "family";
    }
}

/// One thing that is wrong with a file of features.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read the features, line {line}: {}{detail}", place(.feature, .key))]
pub struct DefinitionError {
    /// Counted from 1.
    pub line: usize,
    /// The name of the feature; empty where the fault stands outside of one or it has no name.
    pub feature: String,
    /// The key; empty where none is at fault.
    pub key: String,
    /// What is wrong and what would be right.
    pub detail: String,
}

/// Everything that is wrong with a file of features.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct DefinitionErrors {
    /// In the order of the lines; at least one.
    pub faults: Vec<DefinitionError>,
}

impl DefinitionErrors {
    pub(crate) const fn new(faults: Vec<DefinitionError>) -> Self {
        Self { faults }
    }
}

impl DefinitionError {
    /// A name that stands for another definition already.
    pub(crate) fn redefined(text: &str, name: &str) -> Self {
        let quoted = format!("\"{name}\"");
        let line = text.lines().position(|line| line.contains(&quoted));
        Self {
            line: line.map_or(1, |line| line + 1),
            feature: name.to_owned(),
            key: Key::Name.as_str().to_owned(),
            detail: "a feature of this name is defined already, with another meaning; take \
                     another name"
                .to_owned(),
        }
    }

    /// Features that are fine one by one and too many together.
    pub(crate) fn unfit(error: &PlanError) -> Self {
        Self {
            line: 1,
            feature: String::new(),
            key: String::new(),
            detail: error.to_string(),
        }
    }
}

fn place(feature: &str, key: &str) -> String {
    match (feature, key) {
        ("", "") => String::new(),
        ("", only) | (only, "") => format!("{only}: "),
        (feature, key) => format!("{feature}: {key}: "),
    }
}

/// Reads a file. `taken` says which names other features have. `Err` holds every fault, at least one,
/// in the order of the lines.
pub fn read(
    text: &str,
    taken: &dyn Fn(&str) -> bool,
) -> Result<Vec<Feature>, Vec<DefinitionError>> {
    read_at_most(DEFINITIONS_MAX, text, taken)
}

/// Reads what [`to_toml`] wrote of a whole set, or a file.
pub(crate) fn read_at_most(
    most: usize,
    text: &str,
    taken: &dyn Fn(&str) -> bool,
) -> Result<Vec<Feature>, Vec<DefinitionError>> {
    let mut reading = Reading {
        most,
        lines: Lines::of(text),
        taken,
        named: BTreeMap::new(),
        errors: Vec::new(),
    };
    if text.len() > FILE_BYTES_MAX {
        let detail = format!("{} bytes, at most {FILE_BYTES_MAX} are read", text.len());
        reading.fault(1, "", "", detail);
        return Err(reading.errors);
    }
    let (document, faults) = DeTable::parse_recoverable(text);
    for fault in faults {
        let line = reading.lines.at(fault.span().map_or(0, |span| span.start));
        reading.fault(line, "", "", fault.message().trim_end().replace('\n', ", "));
    }
    let mut features = Vec::new();
    // A broken document may have lost some of its keys; what is missing then would mislead.
    if reading.errors.is_empty() {
        features = reading.document(document.get_ref());
    }
    if reading.errors.is_empty() && to_toml(&features).len() > FILE_BYTES_MAX {
        let detail = format!("the features take more than {FILE_BYTES_MAX} bytes");
        reading.fault(1, "", "", detail);
    }
    if reading.errors.is_empty() {
        return Ok(features);
    }
    reading.errors.sort_by_key(|error| error.line);
    Err(reading.errors)
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        let bytes = text.bytes().enumerate();
        let breaks = bytes.filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1));
        Self(starts.collect())
    }

    /// The line of a byte, from 1.
    fn at(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset)
    }
}

struct Reading<'r> {
    /// The most features.
    most: usize,
    lines: Lines,
    taken: &'r dyn Fn(&str) -> bool,
    /// The line of every name so far.
    named: BTreeMap<String, usize>,
    errors: Vec<DefinitionError>,
}

impl Reading<'_> {
    fn fault(&mut self, line: usize, feature: &str, key: &str, detail: impl Into<String>) {
        self.errors.push(DefinitionError {
            line,
            feature: feature.to_owned(),
            key: key.to_owned(),
            detail: detail.into(),
        });
    }

    fn document(&mut self, document: &DeTable<'_>) -> Vec<Feature> {
        let mut features = Vec::new();
        for (key, value) in document {
            let line = self.lines.at(key.span().start);
            match (key.get_ref().as_ref(), value.get_ref()) {
                (FEATURE, DeValue::Array(tables)) => {
                    for (place, table) in tables.iter().enumerate() {
                        let line = self.lines.at(table.span().start);
                        if place == self.most {
                            let detail = format!("a file has at most {} features", self.most);
                            self.fault(line, "", FEATURE, detail);
                            break;
                        }
                        match table.get_ref() {
                            DeValue::Table(table) => {
                                features.extend(Entry::read(self, table, line));
                            }
                            other => self.fault(line, "", FEATURE, not_a_list(other)),
                        }
                    }
                }
                (FEATURE, other) => self.fault(line, "", FEATURE, not_a_list(other)),
                (unknown, _) => {
                    let detail = "is no key of the file: every feature begins with [[feature]]";
                    self.fault(line, "", unknown, detail);
                }
            }
        }
        features
    }
}

fn not_a_list(found: &DeValue<'_>) -> String {
    format!("is {}, every feature begins with [[feature]]", kind(found))
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}

/// One feature of the file while it is read.
struct Entry<'e, 'r, 't> {
    reading: &'e mut Reading<'r>,
    table: &'t DeTable<'t>,
    /// The line of the feature's head.
    line: usize,
    name: String,
}

impl<'e, 'r, 't> Entry<'e, 'r, 't> {
    /// The feature, or `None` where anything is wrong with it.
    fn read(reading: &'e mut Reading<'r>, table: &'t DeTable<'t>, line: usize) -> Option<Feature> {
        let before = reading.errors.len();
        let mut entry = Self {
            reading,
            table,
            line,
            name: String::new(),
        };
        entry.name();
        entry.unknown_keys();
        let definition = entry.definition();
        let family = entry.family();
        let doc = entry.sentence(Key::Doc);
        let phrase = entry.phrase();
        let example = entry.example();
        let name = std::mem::take(&mut entry.name);
        if entry.reading.errors.len() > before {
            return None;
        }
        let definition = definition?;
        Some(Feature {
            name,
            family: family.unwrap_or(Family::Velocity),
            unit: definition.unit(),
            missing: definition.missing(),
            doc: doc.unwrap_or_else(|| definition.doc()),
            example: example.unwrap_or_else(|| definition.example()),
            phrase: phrase.unwrap_or_else(|| definition.phrase()),
            source: Source::Windowed(definition),
        })
    }

    /// A fault of a key: at its line, or at the feature's head where the key is not there.
    fn fault(&mut self, key: Key, detail: impl Into<String>) {
        let found = self.table.get_key_value(key.as_str());
        let line = found.map_or(self.line, |(key, _)| {
            self.reading.lines.at(key.span().start)
        });
        self.reading.fault(line, &self.name, key.as_str(), detail);
    }

    fn optional(&mut self, key: Key) -> Option<&'t str> {
        match self.table.get(key.as_str())?.get_ref() {
            DeValue::String(text) => Some(text.as_ref()),
            other => {
                self.fault(key, format!("is {}, expected a text", kind(other)));
                None
            }
        }
    }

    /// A key that must be there; `example` says what with.
    fn required(&mut self, key: Key, example: &str) -> Option<&'t str> {
        if self.table.contains_key(key.as_str()) {
            return self.optional(key);
        }
        self.fault(key, format!("is missing, such as {key} = {example:?}"));
        None
    }

    fn name(&mut self) {
        let Some(name) = self.required(Key::Name, "account_web_sum_15m") else {
            return;
        };
        let mut letters = name.bytes();
        let begins = letters.next().is_some_and(|byte| byte.is_ascii_lowercase());
        let is_snake_case = begins
            && name.len() <= NAME_BYTES_MAX
            && letters.all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        if !is_snake_case {
            let detail = format!(
                "{name:?} is no name: small letters, digits and _, a letter first, at most \
                 {NAME_BYTES_MAX}"
            );
            return self.fault(Key::Name, detail);
        }
        self.name = name.to_owned();
        if (self.reading.taken)(name) {
            self.fault(Key::Name, "is the name of another feature already");
        }
        let line = self.line;
        if let Some(first) = self.reading.named.insert(name.to_owned(), line) {
            self.reading.named.insert(name.to_owned(), first);
            self.fault(
                Key::Name,
                format!("stands twice: first in the feature at line {first}"),
            );
        }
    }

    fn unknown_keys(&mut self) {
        let known: Vec<&str> = Key::ALL.iter().map(|key| key.as_str()).collect();
        for (key, _) in self.table {
            let spelled: &str = key.get_ref();
            if Key::parse(spelled).is_none() {
                let line = self.reading.lines.at(key.span().start);
                let detail = format!("is no key of a feature; {}", possible(spelled, &known));
                self.reading.fault(line, &self.name, spelled, detail);
            }
        }
    }

    fn definition(&mut self) -> Option<Definition> {
        let entity = self.entity();
        let aggregate = self.aggregate();
        let window = self.required(Key::Window, "15m");
        let window = window.and_then(|name| self.window(Key::Window, name));
        let ratio_to = self.optional(Key::RatioTo);
        let ratio_to = ratio_to.and_then(|name| self.window(Key::RatioTo, name));
        let filter = self.filter();
        let definition = Definition {
            entity: entity?,
            aggregate: aggregate?,
            window: window?,
            ratio_to,
            filter,
        };
        for (key, detail) in definition.faults() {
            // The keys of faults are keys of the file; a test walks them.
            self.fault(Key::parse(key).unwrap_or(Key::Aggregate), detail);
        }
        Some(definition)
    }

    fn entity(&mut self) -> Option<EntityKind> {
        let name = self.required(Key::Entity, "account")?;
        let kind = EntityKind::parse(name);
        if kind.is_none() {
            let known: Vec<&str> = EntityKind::ALL.iter().map(|kind| kind.as_str()).collect();
            let detail = format!("{name:?} is no kind of entity; {}", possible(name, &known));
            self.fault(Key::Entity, detail);
        }
        kind
    }

    fn aggregate(&mut self) -> Option<Aggregate> {
        let field = self.optional(Key::Field);
        let name = self.required(Key::Aggregate, "count")?;
        let needs = Needs::of(name).map_err(|detail| self.fault(Key::Aggregate, detail));
        if field.is_none() && self.table.contains_key(Key::Field.as_str()) {
            return None;
        }
        let made = needs.ok()?.aggregate(name, field);
        made.map_err(|detail| self.fault(Key::Field, detail)).ok()
    }

    fn window(&mut self, key: Key, name: &str) -> Option<WindowIndex> {
        let window = WindowIndex::parse(name);
        if window.is_none() {
            let known: Vec<&str> = WINDOWS.iter().map(|window| window.name).collect();
            let detail = format!("{name:?} is no window; there are {}", known.join(", "));
            self.fault(key, detail);
        }
        window
    }

    fn filter(&mut self) -> Option<Filter> {
        let parsed = Filter::parse(self.optional(Key::Filter)?);
        let detail = |error: crate::filter::FilterError| {
            format!("column {}: {}", error.column, error.detail)
        };
        parsed
            .map_err(|error| self.fault(Key::Filter, detail(error)))
            .ok()
    }

    fn family(&mut self) -> Option<Family> {
        let name = self.optional(Key::Family)?;
        let family = Family::parse(name);
        if family.is_none() {
            let known: Vec<&str> = Family::ALL.iter().map(|family| family.as_str()).collect();
            let detail = format!("{name:?} is no family; {}", possible(name, &known));
            self.fault(Key::Family, detail);
        }
        family
    }

    /// A text for people.
    fn sentence(&mut self, key: Key) -> Option<String> {
        let text = self.optional(key)?;
        let fits = (1..=SENTENCE_LETTERS_MAX).contains(&text.chars().count());
        if !fits || text.trim().is_empty() || text.chars().any(char::is_control) {
            let detail = format!("expected one line of 1 to {SENTENCE_LETTERS_MAX} letters");
            self.fault(key, detail);
        }
        Some(text.to_owned())
    }

    fn phrase(&mut self) -> Option<String> {
        let phrase = self.sentence(Key::Phrase)?;
        if !phrase.contains("{value}") {
            self.fault(
                Key::Phrase,
                "says nothing of the value: put {value} where it belongs",
            );
        }
        if phrase.contains('|') {
            self.fault(
                Key::Phrase,
                "holds a `|`, which divides yes from no in shipped features",
            );
        }
        Some(phrase)
    }

    fn example(&mut self) -> Option<f64> {
        let value = self.table.get(Key::Example.as_str())?.get_ref();
        let spelled = match value {
            DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str(),
            DeValue::Float(float) => float.as_str(),
            _ => "",
        };
        let number = spelled.replace('_', "").parse::<f64>();
        let finite = number.ok().filter(|number| number.is_finite());
        if finite.is_none() {
            self.fault(Key::Example, "expected a decimal number, such as 12.5");
        }
        finite
    }
}

/// Writes the features that have a definition, in the order and with every key given, so that the text
/// means the same where defaults have changed. What it writes of features that [`read`] gave reads as
/// the same features.
pub fn to_toml(features: &[Feature]) -> String {
    let mut text = String::new();
    for feature in features {
        if let Source::Windowed(definition) = &feature.source {
            if !text.is_empty() {
                text.push('\n');
            }
            write_feature(&mut text, feature, definition);
        }
    }
    text
}

fn write_feature(text: &mut String, feature: &Feature, definition: &Definition) {
    let Definition {
        entity,
        aggregate,
        window,
        ratio_to,
        filter,
    } = definition;
    text.push_str("[[feature]]\n");
    let mut line = |key: Key, value: String| {
        text.push_str(key.as_str());
        text.push_str(" = ");
        text.push_str(&value);
        text.push('\n');
    };
    line(Key::Name, quoted(&feature.name));
    line(Key::Entity, quoted(entity.as_str()));
    line(Key::Aggregate, quoted(aggregate.name()));
    if let Some(field) = aggregate.field() {
        line(Key::Field, quoted(&field));
    }
    line(Key::Window, quoted(window.window().name));
    if let Some(divisor) = ratio_to {
        line(Key::RatioTo, quoted(divisor.window().name));
    }
    if let Some(filter) = filter {
        line(Key::Filter, quoted(&filter.to_string()));
    }
    line(Key::Doc, quoted(&feature.doc));
    line(Key::Phrase, quoted(&feature.phrase));
    // The shortest digits that read as the same number, always with a point or an exponent.
    line(Key::Example, format!("{:?}", feature.example));
    line(Key::Family, quoted(feature.family.as_str()));
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter.is_control() => {
                quoted.push_str(&format!("\\u{:04X}", u32::from(letter)));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests;
