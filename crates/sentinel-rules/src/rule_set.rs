//! Rule sets: a file of rules, compiled once and evaluated for every transaction.
//!
//! Promises that a set which compiles evaluates without fail, in the order of the file, and allocates
//! only for rules that hit. A file that does not compile yields every fault that was found, not the first.
//!
//! The file is TOML: `name`, `version`, then one `[[rule]]` after another:
//!
//! ```toml
//! [[rule]]
//! id = "amount_over_5000"          # snake_case, unique; what people and reports call it
//! version = 1                      # counts up when the rule changes
//! description = "What it catches, for people."
//! when = "amount > 5000"           # the condition
//! verdict = "review"               # or: tier = "low" .. "critical"; exactly one of the two
//! reason = "amount {amount} is above 5,000"
//! ```
//!
//! A key that is not known is a fault: a misspelt `verdict` must not turn into a rule that does nothing.

use std::collections::BTreeMap;
use std::fmt;

use sentinel_domain::{Text, Tier, Verdict};
use serde::Deserialize;
use toml::Spanned;

use crate::check::{self, Condition};
use crate::diagnostic::Diagnostic;
use crate::inputs::{Inputs, Reading};
use crate::schema::Schema;
use crate::source::{Fault, Source};
use crate::template::Template;

/// The most rules that a set may have.
pub const RULES_MAX: usize = 1_000;

/// The longest id or name, in bytes.
const NAME_BYTES_MAX: usize = 60;

/// What a rule does when its condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Asks for a verdict: challenge, review or decline.
    Verdict(Verdict),
    /// Raises the tier to at least this one.
    Tier(Tier),
}

/// A rule, as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its stable name, unique in the set.
    pub id: Text,
    /// Counts up when the rule changes.
    pub version: u32,
    /// What it catches.
    pub description: String,
    /// What it does.
    pub effect: Effect,
    /// The sentence by which it explains itself, with `{name}` where a value belongs.
    pub reason: String,
    /// The condition as it was written.
    pub condition: String,
}

/// A rule whose condition held.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Its index in [`RuleSet::rules`].
    pub rule: usize,
    /// The numbers its condition mentions, by name, each once, in the order of first mention. Missing
    /// ones are left out, so that two equal hits compare as equal.
    pub evidence: Vec<(Text, f64)>,
    /// The rule's reason with its values filled in.
    pub reason: String,
}

/// Rules that were compiled against a schema.
pub struct RuleSet {
    name: String,
    version: u32,
    rules: Vec<Rule>,
    /// One for each rule, in the same order.
    programs: Vec<Program>,
}

/// What runs for a rule.
struct Program {
    condition: Condition,
    reason: Template,
}

impl RuleSet {
    /// Reads and checks a rule file. `Err` holds every fault that was found, in the order of the file.
    pub fn compile(text: &str, schema: &Schema) -> Result<Self, Vec<Diagnostic>> {
        let source = Source::new(text);
        let file: File = toml::from_str(text).map_err(|error| vec![source.of_toml(&error)])?;
        let mut compiler = Compiler {
            source,
            schema,
            diagnostics: Vec::new(),
            ids: BTreeMap::new(),
        };
        compiler.head(&file);
        let mut rules = Vec::with_capacity(file.rule.len());
        let mut programs = Vec::with_capacity(file.rule.len());
        for table in &file.rule {
            if let Some((rule, program)) = compiler.rule(table) {
                rules.push(rule);
                programs.push(program);
            }
        }
        let mut diagnostics = compiler.diagnostics;
        if !diagnostics.is_empty() {
            diagnostics.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
            return Err(diagnostics);
        }
        Ok(Self {
            name: file.name.into_inner(),
            version: file.version.into_inner(),
            rules,
            programs,
        })
    }

    /// What people call the set.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its version, as the file says.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Its rules, in the order of the file.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Puts the rules that hit into `hits`, in the order of the file; what was in it is cleared first.
    pub fn evaluate(&self, inputs: &Inputs<'_>, hits: &mut Vec<Hit>) {
        hits.clear();
        let reading = Reading::of(inputs);
        for (rule, program) in self.programs.iter().enumerate() {
            if (program.condition.code)(&reading) {
                hits.push(program.hit(rule, &reading));
            }
        }
    }
}

impl fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuleSet")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

impl Program {
    fn hit(&self, rule: usize, reading: &Reading<'_>) -> Hit {
        let numbers = self.condition.numbers.iter();
        let values = numbers.map(|(name, number)| (name.clone(), number.read(reading)));
        Hit {
            rule,
            evidence: values.filter(|(_, value)| !value.is_nan()).collect(),
            reason: self.reason.fill(reading),
        }
    }
}

/// The shape of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    version: Spanned<u32>,
    #[serde(default)]
    rule: Vec<RuleTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    id: Spanned<String>,
    version: Spanned<u32>,
    description: String,
    when: Spanned<String>,
    verdict: Option<Spanned<String>>,
    tier: Option<Spanned<String>>,
    reason: Spanned<String>,
}

struct Compiler<'a> {
    source: Source<'a>,
    schema: &'a Schema,
    diagnostics: Vec<Diagnostic>,
    /// The ids so far, with their lines.
    ids: BTreeMap<String, usize>,
}

impl Compiler<'_> {
    fn head(&mut self, file: &File) {
        self.diagnostics
            .extend(check_name(&self.source, &file.name));
        self.diagnostics
            .extend(check_version(&self.source, &file.version));
        if let Some(extra) = file.rule.get(RULES_MAX) {
            let message = format!("the set has more than {RULES_MAX} rules");
            self.diagnostics
                .push(self.source.diagnostic(Fault::new(extra.id.span(), message)));
        }
    }

    /// A rule and what runs for it; `None` where it has faults.
    fn rule(&mut self, table: &RuleTable) -> Option<(Rule, Program)> {
        self.id(&table.id);
        self.diagnostics
            .extend(check_version(&self.source, &table.version));
        let effect = self.effect(table);
        let when = self.source.quoted(&table.when);
        let condition = check::condition(when.text(), self.schema).map_err(|faults| {
            let faults = faults.into_iter().map(|fault| when.diagnostic(fault));
            self.diagnostics.extend(faults);
        });
        let sentence = self.source.quoted(&table.reason);
        let reason = Template::parse(sentence.text(), self.schema).map_err(|faults| {
            let faults = faults.into_iter().map(|fault| sentence.diagnostic(fault));
            self.diagnostics.extend(faults);
        });
        let rule = Rule {
            id: Text::from(table.id.get_ref().as_str()),
            version: *table.version.get_ref(),
            description: table.description.clone(),
            effect: effect?,
            reason: sentence.text().to_owned(),
            condition: when.text().to_owned(),
        };
        let program = Program {
            condition: condition.ok()?,
            reason: reason.ok()?,
        };
        Some((rule, program))
    }

    fn id(&mut self, id: &Spanned<String>) {
        let quoted = self.source.quoted(id);
        let text = quoted.text();
        let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase());
        let continues = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !starts_well || !text.chars().all(continues) || text.len() > NAME_BYTES_MAX {
            let help = format!(
                "an id is snake_case, begins with a letter and has at most {NAME_BYTES_MAX} characters"
            );
            self.diagnostics
                .push(quoted.whole(format!("`{text}` is no id"), help));
        }
        let here = quoted.whole(format!("the id `{text}` is used twice"), String::new());
        match self.ids.get(text) {
            Some(line) => self.diagnostics.push(Diagnostic {
                help: Some(format!("it is first used on line {line}")),
                ..here
            }),
            None => {
                self.ids.insert(text.to_owned(), here.line);
            }
        }
    }

    fn effect(&mut self, table: &RuleTable) -> Option<Effect> {
        let diagnostic = match (&table.verdict, &table.tier) {
            (Some(word), None) => match Verdict::parse(word.get_ref()) {
                Some(verdict) if verdict != Verdict::Approve => {
                    return Some(Effect::Verdict(verdict));
                }
                _ => self.source.quoted(word).whole(
                    format!("`{}` is no verdict of a rule", word.get_ref()),
                    "one of challenge, review, decline",
                ),
            },
            (None, Some(word)) => match Tier::parse(word.get_ref()) {
                Some(tier) if tier != Tier::Minimal => return Some(Effect::Tier(tier)),
                _ => self.source.quoted(word).whole(
                    format!("`{}` is no tier that a rule can raise to", word.get_ref()),
                    "one of low, medium, high, critical",
                ),
            },
            (Some(_), Some(tier)) => self.source.quoted(tier).whole(
                "a rule has a verdict or a tier, not both",
                "take one of them out, or make two rules",
            ),
            (None, None) => self.source.quoted(&table.id).whole(
                "this rule has no effect",
                "give it `verdict = \"review\"` or `tier = \"high\"`",
            ),
        };
        self.diagnostics.push(diagnostic);
        None
    }
}

/// A name for people is neither empty nor long.
pub(crate) fn check_name(source: &Source<'_>, name: &Spanned<String>) -> Option<Diagnostic> {
    let text = name.get_ref();
    let valid = !text.trim().is_empty() && text.len() <= NAME_BYTES_MAX;
    (!valid).then(|| {
        let help = format!("a name has 1 to {NAME_BYTES_MAX} bytes");
        source
            .quoted(name)
            .whole(format!("`{text}` is no name"), help)
    })
}

/// Versions count from 1.
pub(crate) fn check_version(source: &Source<'_>, version: &Spanned<u32>) -> Option<Diagnostic> {
    (*version.get_ref() == 0)
        .then(|| source.diagnostic(Fault::new(version.span(), "versions count from 1")))
}

#[cfg(test)]
mod tests;
