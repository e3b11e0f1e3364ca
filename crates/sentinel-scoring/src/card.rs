//! The card of a model: what a reader should know of where it comes from.
//!
//! Keys and values are text. None of it enters a score, but all of it lies under the hash of the file,
//! so a card cannot be changed without making another model. Promises keys in the order in which
//! they were added, each once. Must never hold the time of the clock unless a caller passed it in.

/// The most entries of a card.
pub(crate) const ENTRIES_MAX: usize = 256;

/// The longest key, in bytes.
const KEY_BYTES_MAX: usize = 64;

/// The longest value, in bytes.
const VALUE_BYTES_MAX: usize = 1024;

/// Keys and values, in the order in which they were added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Card {
    entries: Vec<(String, String)>,
}

impl Card {
    /// Adds an entry. The error says which law of a card it breaks.
    pub fn add(&mut self, key: &str, value: &str) -> Result<(), String> {
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if key.is_empty() || key.len() > KEY_BYTES_MAX || !key.bytes().all(letters) {
            return Err(format!(
                "a key of a card is 1 to {KEY_BYTES_MAX} of a-z, 0-9 and _, not {key:?}"
            ));
        }
        if value.is_empty() || value.len() > VALUE_BYTES_MAX {
            return Err(format!(
                "the value of {key} on the card has 1 to {VALUE_BYTES_MAX} bytes"
            ));
        }
        if value.trim() != value || value.chars().any(char::is_control) {
            return Err(format!(
                "the value of {key} on the card has no control characters and no spaces around it"
            ));
        }
        if self.get(key).is_some() {
            return Err(format!("{key} stands twice on the card"));
        }
        if self.entries.len() == ENTRIES_MAX {
            return Err(format!("a card has at most {ENTRIES_MAX} entries"));
        }
        self.entries.push((key.to_owned(), value.to_owned()));
        Ok(())
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        let entry = self.entries.iter().find(|(own, _)| own == key);
        entry.map(|(_, value)| value.as_str())
    }

    /// All keys with their values.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        let entries = self.entries.iter();
        entries.map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_keeps_its_laws() {
        let mut card = Card::default();
        card.add("data", "handbook, 8 weeks").unwrap();
        assert_eq!(card.get("data"), Some("handbook, 8 weeks"));
        assert_eq!(card.get("rows"), None);
        for (key, value, part) in [
            ("", "1", "1 to 64"),
            ("Rows", "1", "not \"Rows\""),
            ("rows", "", "1 to 1024"),
            ("rows", " 1", "spaces"),
            ("rows", "1\n2", "control"),
            ("data", "other", "twice"),
        ] {
            let error = card.add(key, value).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        for entry in 1..ENTRIES_MAX {
            card.add(&format!("key_{entry}"), "1").unwrap();
        }
        assert!(card.add("more", "1").unwrap_err().contains("at most 256"));
        assert_eq!(card.entries().len(), ENTRIES_MAX);
    }
}
