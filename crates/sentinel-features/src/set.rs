//! Feature sets: which features, in which order, over which entities.
//!
//! A set is what an `Activate{features}` entry carries, as text: the catalogue it was made for, the
//! entities without windows, and the attributes of the table that join the row. The row, its names and
//! its hash follow from the text alone.

use sentinel_domain::{ContentHash, Transaction, vocabulary};

use crate::catalog;
use crate::entity::EntityKind;
use crate::feature::{Context, Family, Feature, Missing, Source, Unit};

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
    features: Vec<Feature>,
    /// Where each slot of the row comes from: what the hot path reads instead of the entries.
    plan: Vec<Step>,
    without: Vec<EntityKind>,
    attributes: Vec<(String, AttributeKind)>,
    content_hash: ContentHash,
}

/// Where one slot of a row comes from, resolved to array places.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// A place in an entity's slice.
    Entity { kind: u8, place: u8 },
    /// A function of the transaction.
    Transaction(fn(&Transaction, Context) -> f64),
    /// A place in the set's list of attributes.
    Attribute { place: u16 },
}

impl Step {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a slice has 30 places, a set 512 attributes"
    )]
    fn of(feature: &Feature, attributes: &[(String, AttributeKind)]) -> Self {
        match &feature.source {
            Source::Entity(kind, measure) => Self::Entity {
                kind: kind.code(),
                place: measure.index() as u8,
            },
            Source::Transaction(value) => Self::Transaction(*value),
            Source::Attribute(name, _) => {
                let place = attributes
                    .iter()
                    .position(|(have, _)| have == name)
                    .unwrap_or(0);
                Self::Attribute {
                    place: place as u16,
                }
            }
        }
    }
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
}

const HEADER: &str = "sentinel-features 1";

/// The most attributes a set may name.
const ATTRIBUTES_MAX: usize = 512;

impl FeatureSet {
    /// The catalogue with every entity, without attributes.
    pub fn shipped() -> Self {
        Self::new(&[], &[])
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
        let plan = features
            .iter()
            .map(|feature| Step::of(feature, attributes))
            .collect();
        let mut set = Self {
            features,
            plan,
            without: without.to_vec(),
            attributes: attributes.to_vec(),
            content_hash: ContentHash::default(),
        };
        let names: Vec<&[u8]> = set.features.iter().map(|f| f.name.as_bytes()).collect();
        let listed = ContentHash::of_parts(&names);
        set.content_hash = ContentHash::of_parts(&[set.to_text().as_bytes(), &listed.0]);
        set
    }

    /// Reads the text of an activation.
    pub fn parse(text: &str) -> Result<Self, FeatureSetError> {
        let mut lines = text.lines().enumerate();
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
                        "expected `without KIND` or `attribute KIND NAME`".into(),
                    ));
                }
            }
        }
        Ok(Self::new(&without, &attributes))
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
        text
    }

    /// The features in the order of the row.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// Where each slot of the row comes from, in the order of the row.
    pub(crate) fn plan(&self) -> &[Step] {
        &self.plan
    }

    /// The attributes that join the row.
    pub(crate) fn attributes(&self) -> &[(String, AttributeKind)] {
        &self.attributes
    }

    /// The names in the order of the row.
    pub fn names(&self) -> Vec<&str> {
        self.features
            .iter()
            .map(|feature| feature.name.as_str())
            .collect()
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
