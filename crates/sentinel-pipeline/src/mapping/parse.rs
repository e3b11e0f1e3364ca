//! Reading a mapping: TOML to [`Mapping`], every fault with its key and line.
//!
//! The parsed document is walked by hand rather than through derived types, because only so can a
//! message name the line of a fault that is not one of syntax (an unknown currency, a field given
//! twice).

use std::collections::BTreeMap;

use sentinel_domain::draft::REQUIRED;
use sentinel_domain::{Draft, Field, Instant, LabelSource, Value};
use toml::de::{DeTable, DeValue};

use crate::intake::source::Format;
use crate::intake::spelling;
use crate::mapping::decimal::Rounding;
use crate::mapping::document::{Section, kind, line_at, text_of};
use crate::mapping::template::Template;
use crate::mapping::time::{Pattern, TimeRule, UNITS};
use crate::mapping::{Feature, FeatureKind, How, LabelRule, Mapping, MappingError, Rule, Words};

const SECTIONS: &[&str] = &[
    "source",
    "columns",
    "constants",
    "templates",
    "values",
    "amount",
    "billing_amount",
    "time",
    "account_opened_at",
    "coordinates",
    "features",
    "label",
];

/// Reads a mapping.
pub(super) fn parse(text: &str) -> Result<Mapping, MappingError> {
    let document = DeTable::parse(text).map_err(|error| MappingError::Syntax {
        line: line_at(text, error.span().map_or(0, |span| span.start)),
        detail: error.message().to_owned(),
    })?;
    let root = Section {
        text,
        name: String::new(),
        line: 1,
        table: document.get_ref(),
    };
    root.only(SECTIONS)?;
    let source = root.section("source")?.ok_or_else(|| {
        root.bad(
            "source",
            1,
            "is missing: a mapping begins with [source] and its name",
        )
    })?;
    source.only(&["name", "format", "delimiter", "missing"])?;
    let mut gathered = Gathered {
        rules: BTreeMap::new(),
        constants: BTreeMap::new(),
    };
    gathered.columns(&root)?;
    gathered.amounts(&root)?;
    gathered.times(&root)?;
    gathered.coordinates(&root)?;
    let (name, _) = source.required("name")?;
    let mapping = Mapping {
        name: name.to_owned(),
        format: format(&source)?,
        delimiter: delimiter(&source)?,
        missing: source.list("missing")?.unwrap_or_default(),
        constants: gathered
            .constants
            .into_iter()
            .map(|(field, (text, ..))| (field, text))
            .collect(),
        rules: gathered.rules.into_values().collect(),
        features: features(&root)?,
        label: label(&root)?,
    };
    check_required(&mapping)?;
    Ok(mapping)
}

/// The mapping of a table whose columns are named as the fields are.
pub(super) fn canonical(name: &str, header: &[&str]) -> Result<Mapping, MappingError> {
    let mut rules: BTreeMap<Field, Rule<String>> = BTreeMap::new();
    let mut features: BTreeMap<String, Feature> = BTreeMap::new();
    for column in header {
        if let Some(name) = column
            .strip_prefix("attributes.")
            .filter(|name| !name.is_empty())
        {
            let feature = Feature {
                name: name.to_owned(),
                column: (*column).to_owned(),
                kind: FeatureKind::AsItLooks,
                line: 1,
            };
            features.insert(name.to_owned(), feature);
            continue;
        }
        let field = Field::parse(column).ok_or_else(|| MappingError::ForeignColumn {
            column: (*column).to_owned(),
            hint: spelling::hint(column, Field::ALL.iter().map(|field| field.as_str())),
        })?;
        let how = How::Cell {
            column: (*column).to_owned(),
            words: Words::default(),
        };
        let rule = Rule {
            field,
            key: "header".to_owned(),
            line: 1,
            how,
        };
        rules.insert(field, rule);
    }
    let lacks = REQUIRED.iter().filter(|field| !rules.contains_key(field));
    let fields: Vec<String> = lacks.map(ToString::to_string).collect();
    if !fields.is_empty() {
        return Err(MappingError::HeaderLacks { fields });
    }
    Ok(Mapping {
        name: name.to_owned(),
        format: None,
        delimiter: b',',
        missing: Vec::new(),
        constants: Vec::new(),
        rules: rules.into_values().collect(),
        features: features.into_values().collect(),
        label: None,
    })
}

fn check_required(mapping: &Mapping) -> Result<(), MappingError> {
    let given = |field: &Field| {
        mapping.constants.iter().any(|(have, _)| have == field)
            || mapping.rules.iter().any(|rule| rule.field == *field)
    };
    match REQUIRED.iter().find(|field| !given(field)) {
        Some(field) => Err(MappingError::NothingGives {
            field: field.as_str(),
        }),
        None => Ok(()),
    }
}

/// What the sections give, each field once.
struct Gathered {
    rules: BTreeMap<Field, Rule<String>>,
    constants: BTreeMap<Field, (String, String)>,
}

impl Gathered {
    fn check_free(
        &self,
        section: &Section<'_, '_>,
        key: &str,
        line: usize,
        field: Field,
    ) -> Result<(), MappingError> {
        let rule = self.rules.get(&field).map(|rule| &rule.key);
        match rule.or(self.constants.get(&field).map(|(_, key)| key)) {
            None => Ok(()),
            Some(other) => {
                let detail = format!("gives {field}, which {other} gives already");
                Err(section.bad(key, line, detail))
            }
        }
    }

    fn add(
        &mut self,
        section: &Section<'_, '_>,
        (key, line): (&str, usize),
        field: Field,
        how: How<String>,
    ) -> Result<(), MappingError> {
        self.check_free(section, key, line, field)?;
        self.rules.insert(
            field,
            Rule {
                field,
                key: section.path(key),
                line,
                how,
            },
        );
        Ok(())
    }

    fn columns(&mut self, root: &Section<'_, '_>) -> Result<(), MappingError> {
        let mut words = value_maps(root)?;
        if let Some(section) = root.section("columns")? {
            for (field, key, line, value) in section.fields()? {
                let column = text_of(&section, key, line, value)?.to_owned();
                let words = words
                    .remove(&field)
                    .map_or_else(Words::default, |(words, _)| words);
                self.add(&section, (key, line), field, How::Cell { column, words })?;
            }
        }
        if let Some((field, (_, line))) = words.pop_first() {
            let detail = "translates a field that [columns] does not give";
            return Err(root.bad(&format!("values.{field}"), line, detail));
        }
        if let Some(section) = root.section("templates")? {
            for (field, key, line, value) in section.fields()? {
                let text = text_of(&section, key, line, value)?;
                let template =
                    Template::parse(text).map_err(|detail| section.bad(key, line, detail))?;
                if field == Field::EventId && template.constant() {
                    return Err(section.bad(key, line, SAME_ID));
                }
                self.add(&section, (key, line), field, How::Template(template))?;
            }
        }
        self.constants(root)
    }

    fn constants(&mut self, root: &Section<'_, '_>) -> Result<(), MappingError> {
        let Some(section) = root.section("constants")? else {
            return Ok(());
        };
        for (field, key, line, value) in section.fields()? {
            let text = match value {
                DeValue::Integer(number) => number.as_str().to_owned(),
                other => text_of(&section, key, line, other)?.to_owned(),
            };
            if field == Field::EventId {
                return Err(section.bad(key, line, SAME_ID));
            }
            self.check_free(&section, key, line, field)?;
            check_word(&section, (key, line), field, &text)?;
            self.constants.insert(field, (text, section.path(key)));
        }
        Ok(())
    }

    fn amounts(&mut self, root: &Section<'_, '_>) -> Result<(), MappingError> {
        for (name, field) in [
            ("amount", Field::AmountMinor),
            ("billing_amount", Field::BillingAmountMinor),
        ] {
            let Some(section) = root.section(name)? else {
                continue;
            };
            section.only(&["column", "unit", "rounding"])?;
            let (column, line) = section.required("column")?;
            let column = column.to_owned();
            let (unit, unit_line) = section.required("unit")?;
            let rounding = rounding(&section)?;
            let how = match (unit, rounding) {
                ("minor", None) => How::Cell {
                    column,
                    words: Words::default(),
                },
                ("minor", Some(line)) => {
                    let detail = "has no meaning where the unit is minor";
                    return Err(section.bad("rounding", line.1, detail));
                }
                ("major", rounding) => {
                    let rounding =
                        rounding.map_or_else(Rounding::default, |(rounding, _)| rounding);
                    How::MajorAmount { column, rounding }
                }
                (other, _) => {
                    let detail = format!("is {other:?}, expected minor or major");
                    return Err(section.bad("unit", unit_line, detail));
                }
            };
            self.add(&section, ("column", line), field, how)?;
        }
        Ok(())
    }

    fn times(&mut self, root: &Section<'_, '_>) -> Result<(), MappingError> {
        for (name, field) in [
            ("time", Field::EventTime),
            ("account_opened_at", Field::AccountOpenedAt),
        ] {
            let Some(section) = root.section(name)? else {
                continue;
            };
            section.only(&["column", "unit", "base", "format"])?;
            let (column, line) = section.required("column")?;
            let how = How::Time {
                column: column.to_owned(),
                rule: time_rule(&section)?,
            };
            self.add(&section, ("column", line), field, how)?;
        }
        Ok(())
    }

    fn coordinates(&mut self, root: &Section<'_, '_>) -> Result<(), MappingError> {
        let Some(section) = root.section("coordinates")? else {
            return Ok(());
        };
        section.only(&["latitude", "longitude"])?;
        for (key, field) in [("latitude", Field::LatE7), ("longitude", Field::LonE7)] {
            let (column, line) = section.required(key)?;
            self.add(
                &section,
                (key, line),
                field,
                How::Degrees {
                    column: column.to_owned(),
                },
            )?;
        }
        Ok(())
    }
}

const SAME_ID: &str = "is the same for every row; give a column, or a template with {row}";

/// The `[values.<field>]` sections, each with its line.
fn value_maps(root: &Section<'_, '_>) -> Result<BTreeMap<Field, (Words, usize)>, MappingError> {
    let mut maps = BTreeMap::new();
    let Some(values) = root.section("values")? else {
        return Ok(maps);
    };
    for (field, key, line, _) in values.fields()? {
        let Some(section) = values.section(key)? else {
            continue;
        };
        let mut words = Words::default();
        for (word, line, value) in section.pairs() {
            let meant = text_of(&section, word, line, value)?;
            if !meant.is_empty() {
                check_word(&section, (word, line), field, meant)?;
            }
            match word {
                "*" => words.other = Some(meant.to_owned()),
                word => words.listed.push((word.to_owned(), meant.to_owned())),
            }
        }
        // Pairs come in the order of the keys, which is the order look-up needs.
        maps.insert(field, (words, line));
    }
    Ok(maps)
}

fn features(root: &Section<'_, '_>) -> Result<Vec<Feature>, MappingError> {
    let Some(section) = root.section("features")? else {
        return Ok(Vec::new());
    };
    let mut features = Vec::new();
    for (name, line, value) in section.pairs() {
        let (column, kind) = match value {
            DeValue::String(kind) => (name, feature_kind(&section, name, line, kind)?),
            DeValue::Table(table) => {
                let inner = Section {
                    text: root.text,
                    name: section.path(name),
                    line,
                    table,
                };
                inner.only(&["column", "kind"])?;
                let (kind, kind_line) = inner.required("kind")?;
                (
                    inner.required("column")?.0,
                    feature_kind(&inner, "kind", kind_line, kind)?,
                )
            }
            other => {
                let detail = format!("is {}, expected numeric or categorical", self::kind(other));
                return Err(section.bad(name, line, detail));
            }
        };
        // The draft knows how long a name may be, and how many there may be is checked here alike.
        let named = Draft::new().set_attribute(name, Value::Boolean(true));
        named.map_err(|rejection| section.bad(name, line, rejection.detail))?;
        features.push(Feature {
            name: name.to_owned(),
            column: column.to_owned(),
            kind,
            line,
        });
    }
    let most = sentinel_domain::attribute::ATTRIBUTES_MAX;
    if features.len() > most {
        let detail = format!("lists {} columns, at most {most}", features.len());
        return Err(root.bad("features", section.line, detail));
    }
    Ok(features)
}

fn feature_kind(
    section: &Section<'_, '_>,
    key: &str,
    line: usize,
    spelled: &str,
) -> Result<FeatureKind, MappingError> {
    match spelled {
        "numeric" => Ok(FeatureKind::Numeric),
        "categorical" => Ok(FeatureKind::Categorical),
        other => {
            let detail = format!("is {other:?}, expected numeric or categorical");
            Err(section.bad(key, line, detail))
        }
    }
}

fn label(root: &Section<'_, '_>) -> Result<Option<LabelRule>, MappingError> {
    let Some(section) = root.section("label")? else {
        return Ok(None);
    };
    section.only(&["column", "fraud", "delay", "source"])?;
    let (column, line) = section.required("column")?;
    let fraud = section
        .list("fraud")?
        .filter(|words| !words.is_empty())
        .ok_or_else(|| {
            section.bad(
                "fraud",
                section.line,
                "is missing: the cells that say fraud, as a list",
            )
        })?;
    let (delay, delay_line) = section.required("delay")?;
    let delay_micros = delay_micros(delay).ok_or_else(|| {
        let detail = format!("is {delay:?}, expected 0 or a number of s, m, h or d such as 7d");
        section.bad("delay", delay_line, detail)
    })?;
    let source = match section.optional("source")? {
        None => LabelSource::Table,
        Some((spelled, line)) => LabelSource::parse(spelled).ok_or_else(|| {
            let known: Vec<&str> = LabelSource::ALL.iter().map(|word| word.as_str()).collect();
            let detail = format!("is {spelled:?}, expected one of {}", known.join(", "));
            section.bad("source", line, detail)
        })?,
    };
    let column = column.to_owned();
    Ok(Some(LabelRule {
        column,
        fraud,
        delay_micros,
        source,
        line,
    }))
}

fn delay_micros(text: &str) -> Option<i64> {
    if text == "0" {
        return Some(0);
    }
    let unit = text.chars().last()?;
    let unit_micros = match unit {
        's' => 1_000_000,
        'm' => 60_000_000,
        'h' => 3_600_000_000,
        'd' => 86_400_000_000_i64,
        _ => return None,
    };
    let number: u32 = text.strip_suffix(unit)?.parse().ok()?;
    i64::from(number).checked_mul(unit_micros)
}

fn rounding(section: &Section<'_, '_>) -> Result<Option<(Rounding, usize)>, MappingError> {
    match section.optional("rounding")? {
        None => Ok(None),
        Some(("reject", line)) => Ok(Some((Rounding::Reject, line))),
        Some(("half_even", line)) => Ok(Some((Rounding::HalfEven, line))),
        Some((other, line)) => {
            let detail = format!("is {other:?}, expected reject or half_even");
            Err(section.bad("rounding", line, detail))
        }
    }
}

fn time_rule(section: &Section<'_, '_>) -> Result<TimeRule, MappingError> {
    let (unit, line) = section.required("unit")?;
    let base = section.optional("base")?;
    let pattern = section.optional("format")?;
    let counted = UNITS.iter().find(|(name, _)| *name == unit);
    if let (None, Some((_, line))) = (counted, base) {
        return Err(section.bad(
            "base",
            line,
            format!("has no meaning where the unit is {unit}"),
        ));
    }
    if let (true, Some((_, line))) = (unit != "format", pattern) {
        return Err(section.bad(
            "format",
            line,
            format!("has no meaning where the unit is {unit}"),
        ));
    }
    if let Some((_, unit_micros)) = counted {
        let base = match base {
            None => Instant::default(),
            Some((text, line)) => Instant::parse_rfc3339(text).ok_or_else(|| {
                let detail = format!("is {text:?}, expected RFC 3339 such as 2018-04-01T00:00:00Z");
                section.bad("base", line, detail)
            })?,
        };
        return Ok(TimeRule::Counted {
            unit_micros: *unit_micros,
            base,
        });
    }
    match unit {
        "rfc3339" => Ok(TimeRule::Rfc3339),
        "format" => {
            let (text, line) = section.required("format")?;
            let pattern = Pattern::parse(text);
            pattern
                .map(TimeRule::Pattern)
                .map_err(|detail| section.bad("format", line, detail))
        }
        other => {
            let known: Vec<&str> = UNITS.iter().map(|(name, _)| *name).collect();
            let detail = format!(
                "is {other:?}, expected {}, rfc3339 or format",
                known.join(", ")
            );
            Err(section.bad("unit", line, detail))
        }
    }
}

fn format(section: &Section<'_, '_>) -> Result<Option<Format>, MappingError> {
    match section.optional("format")? {
        None => Ok(None),
        Some(("csv", _)) => Ok(Some(Format::Csv)),
        Some(("jsonl", _)) => Ok(Some(Format::JsonLines)),
        Some((other, line)) => Err(section.bad(
            "format",
            line,
            format!("is {other:?}, expected csv or jsonl"),
        )),
    }
}

fn delimiter(section: &Section<'_, '_>) -> Result<u8, MappingError> {
    let Some((text, line)) = section.optional("delimiter")? else {
        return Ok(b',');
    };
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        _ => Err(section.bad(
            "delimiter",
            line,
            format!("is {text:?}, expected one ASCII character"),
        )),
    }
}

/// Refuses a text of the mapping that its field would refuse in every row.
fn check_word(
    section: &Section<'_, '_>,
    (key, line): (&str, usize),
    field: Field,
    text: &str,
) -> Result<(), MappingError> {
    let outcome = Draft::new().set(field, Value::Cell(text));
    outcome.map_err(|rejection| section.bad(key, line, rejection.detail))
}
