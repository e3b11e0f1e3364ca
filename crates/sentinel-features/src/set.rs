//! Feature sets: which features, in which order, over which entities.
//!
//! A set is what an `Activate{features}` entry carries, as text: the catalogue it was made for, the
//! entities without windows, the attributes of the table that join the row, and the user's definitions
//! behind it. The row, its names and its hash follow from the text alone.

use std::sync::{Arc, OnceLock};

use sentinel_domain::{ContentHash, Scalar, Transaction, vocabulary};

use crate::catalog;
use crate::definition::{self, DefinitionError, DefinitionErrors};
use crate::entity::EntityKind;
use crate::feature::{Context, Family, Feature, Missing, Source, Unit};
use crate::plan::{Plan, PlanError};

vocabulary! {
    /// How an attribute becomes a number.
    AttributeKind {
        /// It is one.
        Numeric = 1, "numeric";
        /// A word: a fixed hash of it, 0 to 65,535, until models split on categories themselves.
        Categorical = 2, "categorical";
    }
}

/// Which features, in which order.
#[derive(Debug, Clone)]
pub struct FeatureSet {
    /// Shared by the clones: nobody changes a set.
    features: Arc<[Feature]>,
    /// How many of them are the user's, at the end of the row.
    defined: usize,
    plan: Arc<Plan>,
    /// Slots that no entity fills: what the hot path reads instead of the entries.
    own: Vec<(u16, Own)>,
    without: Vec<EntityKind>,
    attributes: Vec<(String, AttributeKind)>,
    content_hash: ContentHash,
    state_hash: ContentHash,
}

/// Where a slot that no entity fills gets its number from.
#[derive(Debug, Clone, Copy)]
enum Own {
    /// A function of the transaction.
    Transaction(fn(&Transaction, Context) -> f64),
    /// A place in the set's list of attributes.
    Attribute(u16),
    /// The kind of entity is left out.
    Missing,
}

/// Why a text is not a feature set.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FeatureSetError {
    /// The first line is another.
    #[error("read a feature set: the first line is not `{HEADER}`")]
    Header,
    /// A line that is none of the known ones.
    #[error("read a feature set: line {line}: {detail}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong and what is expected.
        detail: String,
    },
    /// Definitions of the user's that cannot be used.
    #[error(transparent)]
    Definitions(#[from] DefinitionErrors),
}

const HEADER: &str = "sentinel-features 2";

/// What stands before the user's definitions.
const DEFINITIONS: &str = "definitions";

/// The most attributes a set may name.
const ATTRIBUTES_MAX: usize = 512;

impl FeatureSet {
    /// The catalogue with every entity, without attributes.
    pub fn shipped() -> Self {
        static SHIPPED: OnceLock<FeatureSet> = OnceLock::new();
        SHIPPED.get_or_init(|| Self::new(&[], &[])).clone()
    }

    /// The catalogue without the windows of some entities (a table that maps one to a constant), and
    /// with attributes behind it.
    pub fn new(without: &[EntityKind], attributes: &[(String, AttributeKind)]) -> Self {
        let mut features = catalog::features();
        features.extend(
            attributes
                .iter()
                .map(|(name, kind)| of_attribute(name, *kind)),
        );
        let made = Self::build(features, 0, without.to_vec(), attributes.to_vec());
        // A test compiles the catalogue; what is left out or numeric cannot break it.
        #[allow(clippy::expect_used, reason = "the catalogue is a constant under test")]
        made.expect("the shipped catalogue fits a plan")
    }

    /// Any features, without the catalogue: for measuring and for comparing.
    pub fn of_features(features: Vec<Feature>) -> Result<Self, PlanError> {
        let attributes = features
            .iter()
            .filter_map(|feature| match &feature.source {
                Source::Attribute(name, kind) => Some((name.clone(), *kind)),
                _ => None,
            })
            .collect();
        Self::build(features, 0, Vec::new(), attributes)
    }

    /// This set with the definitions of a text behind its row. A name keeps its meaning: one that stands
    /// there already with the same definition is left as it is, with another one it is a fault.
    pub fn with_definitions(self, text: &str) -> Result<Self, DefinitionErrors> {
        self.with_at_most(definition::DEFINITIONS_MAX, text)
    }

    /// This set with the user's definitions of another, which may have come from many files.
    pub fn with_definitions_of(self, other: &Self) -> Result<Self, DefinitionErrors> {
        self.with_at_most(definition::SET_DEFINITIONS_MAX, &other.definitions())
    }

    fn with_at_most(self, most: usize, text: &str) -> Result<Self, DefinitionErrors> {
        let own = self.features.len() - self.defined;
        let is_taken = |name: &str| {
            self.features[..own]
                .iter()
                .any(|feature| feature.name == name)
        };
        let mut added =
            definition::read_at_most(most, text, &is_taken).map_err(DefinitionErrors::new)?;
        let mut faults = Vec::new();
        added.retain(|new| {
            let have = self
                .user_defined()
                .iter()
                .find(|have| have.name == new.name);
            if have.is_some_and(|have| have.source.definition() != new.source.definition()) {
                faults.push(DefinitionError::redefined(text, &new.name));
            }
            have.is_none()
        });
        if !faults.is_empty() {
            return Err(DefinitionErrors::new(faults));
        }
        if added.is_empty() {
            return Ok(self);
        }
        let defined = self.defined + added.len();
        let mut features = self.features.to_vec();
        features.extend(added);
        Self::build(features, defined, self.without, self.attributes)
            .map_err(|error| DefinitionErrors::new(vec![DefinitionError::unfit(&error)]))
    }

    /// This set without the user's definitions.
    pub fn without_definitions(self) -> Self {
        Self::new(&self.without, &self.attributes)
    }

    /// The user's definitions as a text that [`FeatureSet::with_definitions`] reads.
    pub fn definitions(&self) -> String {
        definition::to_toml(self.user_defined())
    }

    fn build(
        features: Vec<Feature>,
        defined: usize,
        without: Vec<EntityKind>,
        attributes: Vec<(String, AttributeKind)>,
    ) -> Result<Self, PlanError> {
        let plan = Plan::compile(&features, &without)?;
        let own = own_slots(&features, &plan, &attributes);
        let state_hash = plan.state_hash();
        let mut set = Self {
            features: features.into(),
            defined,
            plan: Arc::new(plan),
            own,
            without,
            attributes,
            content_hash: ContentHash::default(),
            state_hash,
        };
        let names: Vec<&[u8]> = set.features.iter().map(|f| f.name.as_bytes()).collect();
        let listed = ContentHash::of_parts(&names);
        set.content_hash = ContentHash::of_parts(&[set.to_text().as_bytes(), &listed.0]);
        Ok(set)
    }

    /// Reads the text of an activation.
    pub fn parse(text: &str) -> Result<Self, FeatureSetError> {
        let marker = format!("\n{DEFINITIONS}\n");
        let (head, definitions) = match text.split_once(&marker) {
            Some((head, definitions)) => (head, Some(definitions)),
            None => (text, None),
        };
        let mut lines = head.lines().enumerate();
        if lines.next().map(|(_, line)| line) != Some(HEADER) {
            return Err(FeatureSetError::Header);
        }
        let (mut without, mut attributes) = (Vec::new(), Vec::new());
        for (index, line) in lines {
            let fault = |detail: String| FeatureSetError::Line {
                line: index + 1,
                detail,
            };
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["without", kind] => without.push(
                    EntityKind::parse(kind)
                        .ok_or_else(|| fault(format!("{kind:?} is no kind of entity")))?,
                ),
                ["attribute", kind, name] if attributes.len() < ATTRIBUTES_MAX => {
                    attributes.push((
                        name.to_owned(),
                        AttributeKind::parse(kind).ok_or_else(|| {
                            fault(format!("{kind:?} is neither numeric nor categorical"))
                        })?,
                    ))
                }
                _ => {
                    return Err(fault(
                        "expected `without KIND`, `attribute KIND NAME` or `definitions`".into(),
                    ));
                }
            }
        }
        let set = Self::new(&without, &attributes);
        match definitions {
            Some(definitions) => {
                Ok(set.with_at_most(definition::SET_DEFINITIONS_MAX, definitions)?)
            }
            None => Ok(set),
        }
    }

    /// The text that [`FeatureSet::parse`] reads.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEADER}\n");
        for kind in &self.without {
            text.push_str(&format!("without {kind}\n"));
        }
        for (name, kind) in &self.attributes {
            text.push_str(&format!("attribute {kind} {name}\n"));
        }
        if self.defined > 0 {
            text.push_str(&format!("{DEFINITIONS}\n"));
            text.push_str(&definition::to_toml(self.user_defined()));
        }
        text
    }

    /// The features in the order of the row.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// Those of them that the user defined.
    pub fn user_defined(&self) -> &[Feature] {
        &self.features[self.features.len() - self.defined..]
    }

    /// What entities keep for it.
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The names in the order of the row.
    pub fn names(&self) -> Vec<&str> {
        self.features
            .iter()
            .map(|feature| feature.name.as_str())
            .collect()
    }

    /// Which slots hold codes of words, whose order means nothing.
    pub fn categorical(&self) -> Vec<bool> {
        let is_word = |feature: &Feature| {
            matches!(
                feature.source,
                Source::Attribute(_, AttributeKind::Categorical)
            )
        };
        self.features.iter().map(is_word).collect()
    }

    /// How many numbers a row has.
    pub fn width(&self) -> usize {
        self.features.len()
    }

    /// Whether entities of a kind have windows.
    pub fn has_entity(&self, kind: EntityKind) -> bool {
        !self.without.contains(&kind)
    }

    /// The hash by which decisions name this set.
    pub fn content_hash(&self) -> ContentHash {
        self.content_hash
    }

    /// Equal where one window state serves both sets, whatever their features are called.
    pub fn state_hash(&self) -> ContentHash {
        self.state_hash
    }

    /// Fills the slots that no entity fills.
    pub(crate) fn fill_own(&self, transaction: &Transaction, amount: Option<i64>, row: &mut [f64]) {
        for (at, own) in &self.own {
            row[usize::from(*at)] = match own {
                Own::Transaction(value) => value(transaction, Context { amount }),
                Own::Attribute(place) => {
                    let (name, kind) = &self.attributes[usize::from(*place)];
                    attribute_value(transaction.attributes.get(name), *kind)
                }
                Own::Missing => f64::NAN,
            };
        }
    }
}

/// The slots that no entity fills.
fn own_slots(
    features: &[Feature],
    plan: &Plan,
    attributes: &[(String, AttributeKind)],
) -> Vec<(u16, Own)> {
    let filled: Vec<u16> = plan
        .kinds
        .iter()
        .flat_map(|kind| kind.slots.iter().map(|slot| slot.at))
        .collect();
    let mut own = Vec::new();
    for (at, feature) in (0..).zip(features) {
        match &feature.source {
            Source::Transaction(value) => own.push((at, Own::Transaction(*value))),
            Source::Attribute(name, _) => {
                let place = attributes.iter().position(|(have, _)| have == name);
                let place = u16::try_from(place.unwrap_or(0)).unwrap_or(0);
                own.push((at, Own::Attribute(place)));
            }
            Source::Windowed(_) | Source::Fact(..) if !filled.contains(&at) => {
                own.push((at, Own::Missing));
            }
            Source::Windowed(_) | Source::Fact(..) => {}
        }
    }
    own
}

/// An attribute as a number; missing where there is none or it is not of the kind.
#[allow(clippy::cast_precision_loss, reason = "attributes are data, not money")]
fn attribute_value(value: Option<&Scalar>, kind: AttributeKind) -> f64 {
    match (kind, value) {
        (_, None) => f64::NAN,
        (AttributeKind::Numeric, Some(Scalar::Integer(value))) => *value as f64,
        (AttributeKind::Numeric, Some(Scalar::Number(value))) => *value,
        (_, Some(Scalar::Boolean(value))) => f64::from(u8::from(*value)),
        (AttributeKind::Numeric, Some(Scalar::Text(_))) => f64::NAN,
        (AttributeKind::Categorical, Some(Scalar::Text(text))) => word_value(text.as_bytes()),
        (AttributeKind::Categorical, Some(Scalar::Integer(value))) => {
            word_value(&value.to_le_bytes())
        }
        (AttributeKind::Categorical, Some(Scalar::Number(value))) => {
            word_value(&value.to_bits().to_le_bytes())
        }
    }
}

/// A fixed hash of a word, 0 to 65,535 (FNV-1a, folded).
fn word_value(word: &[u8]) -> f64 {
    let hash = word.iter().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    });
    f64::from((hash >> 16) ^ (hash & 0xffff))
}

/// The feature of an attribute; its name in rules is `attribute_<name>`, other characters as `_`.
fn of_attribute(name: &str, kind: AttributeKind) -> Feature {
    let spelled: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect();
    Feature {
        name: format!("attribute_{spelled}"),
        family: Family::Behaviour,
        unit: Unit::Raw,
        missing: Missing::NoField,
        doc: format!("the attribute {name} of the transaction"),
        example: 0.0,
        phrase: format!("{name} is {{value}}"),
        source: Source::Attribute(name.to_owned(), kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_its_text() {
        let attributes = vec![("v1".to_owned(), AttributeKind::Numeric)];
        let set = FeatureSet::new(&[EntityKind::Account], &attributes);
        let read = FeatureSet::parse(&set.to_text()).unwrap();
        assert_eq!(read.names(), set.names());
        assert_eq!(read.content_hash(), set.content_hash());
        assert!(!read.has_entity(EntityKind::Account) && read.has_entity(EntityKind::Card));
        assert_ne!(set.content_hash(), FeatureSet::shipped().content_hash());
    }

    #[test]
    fn a_wrong_line_is_named() {
        assert_eq!(FeatureSet::parse("").unwrap_err(), FeatureSetError::Header);
        let wrong = format!("{HEADER}\nwithout planet\n");
        let message = FeatureSet::parse(&wrong).unwrap_err().to_string();
        assert!(
            message.contains("line 2") && message.contains("planet"),
            "{message}"
        );
    }
}
