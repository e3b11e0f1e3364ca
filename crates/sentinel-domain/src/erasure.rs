//! Erasures: from their place in the log on, what is known of a subject is forgotten.

use crate::identifier::Text;
use crate::vocabulary;

vocabulary! {
    /// What kind of thing is called so: those that transactions call by a word.
    SubjectKind {
        /// An account.
        Account = 1, "account";
        /// A card.
        Card = 2, "card";
        /// A device.
        Device = 3, "device";
        /// A merchant.
        Merchant = 4, "merchant";
        /// An IP address.
        Ip = 5, "ip";
        /// A person.
        Customer = 6, "customer";
        /// A terminal.
        Terminal = 7, "terminal";
        /// A payee.
        Counterparty = 8, "counterparty";
        /// An e-mail address, as its keyed hash.
        Email = 9, "email";
        /// An issuer's prefix.
        Bin = 10, "bin";
    }
}

/// One thing by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// What it is.
    pub kind: SubjectKind,
    /// What transactions call it.
    pub value: Text,
}

/// An order to forget what is known of a subject, from its place in the log on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Whom.
    pub subject: Subject,
    /// Why, for people.
    pub reason: Text,
}
