//! The attributes that a profile's payments may carry: a table needs its columns before its first row.

use sentinel_synth::Profile;

/// An attribute of generated payments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Whether it is a number; else it is a word.
    pub number: bool,
}

/// What every profile has.
const ALWAYS: [&str; 3] = ["product", "recipient_email_domain", "device_type"];

/// The attributes of a profile, by name.
pub fn attributes_of(profile: &Profile) -> Vec<Attribute> {
    let words = ALWAYS.iter().map(|name| (*name).to_owned());
    let words = words.chain(profile.attributes.keys().cloned());
    let numbers = profile.numbers.keys().cloned();
    let mut attributes: Vec<Attribute> = words
        .map(|name| Attribute {
            name,
            number: false,
        })
        .chain(numbers.map(|name| Attribute { name, number: true }))
        .collect();
    attributes.sort_by(|one, other| one.name.cmp(&other.name));
    attributes.dedup_by(|one, other| one.name == other.name);
    attributes
}
