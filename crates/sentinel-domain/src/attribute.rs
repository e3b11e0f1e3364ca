//! Further facts about a transaction that have no field of their own.

use crate::identifier::Text;

/// The most attributes a transaction may carry.
pub const ATTRIBUTES_MAX: usize = 64;

/// One value without structure.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Number(f64),
    /// Text.
    Text(Text),
}

/// Named scalars, sorted by name, each name once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attributes(Vec<(Text, Scalar)>);

impl Attributes {
    /// Sets a value, replacing an earlier one of the same name. False where the map is full.
    #[must_use]
    pub fn insert(&mut self, name: Text, value: Scalar) -> bool {
        match self.0.binary_search_by(|(have, _)| have.cmp(&name)) {
            Ok(at) => {
                if let Some(slot) = self.0.get_mut(at) {
                    slot.1 = value;
                }
                true
            }
            Err(_) if self.0.len() >= ATTRIBUTES_MAX => false,
            Err(at) => {
                self.0.insert(at, (name, value));
                true
            }
        }
    }

    /// The value with this name.
    pub fn get(&self, name: &str) -> Option<&Scalar> {
        let at = self
            .0
            .binary_search_by(|(have, _)| have.as_str().cmp(name))
            .ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    /// All pairs in the order of their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Scalar)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
