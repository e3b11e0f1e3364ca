//! Entities: what windows are kept for, and by what name a transaction calls them.
//!
//! A kind of entity is one line in [`EntityKind`] and one arm in [`EntityKind::key`]. Names are interned
//! to small numbers in order of first appearance; full names are compared, so no two entities ever share
//! a state.

use hashbrown::HashTable;
use sentinel_domain::{Text, Transaction, vocabulary};
use std::hash::BuildHasher;

use crate::ring::EntityWindows;

vocabulary! {
    /// A kind of entity with windows of its own.
    EntityKind {
        /// The paying account; counts distinct merchants.
        Account = 0, "account";
        /// The card; counts distinct merchants.
        Card = 1, "card";
        /// The device; counts distinct accounts.
        Device = 2, "device";
        /// The merchant; counts distinct accounts.
        Merchant = 3, "merchant";
        /// The IP address; counts distinct accounts.
        Ip = 4, "ip";
    }
}

/// How many kinds there are.
pub const ENTITY_KINDS: usize = EntityKind::ALL.len();

impl EntityKind {
    /// The place of this kind in arrays.
    pub const fn index(self) -> usize {
        self.code() as usize
    }

    /// How sentences call it.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Card => "card",
            Self::Device => "device",
            Self::Merchant => "merchant",
            Self::Ip => "IP address",
        }
    }

    /// The name a transaction gives for its entity of this kind.
    pub fn key(self, transaction: &Transaction) -> Option<&Text> {
        match self {
            Self::Account => Some(&transaction.account_id.0),
            Self::Card => transaction.card_token.as_ref().map(|id| &id.0),
            Self::Device => transaction.device_id.as_ref().map(|id| &id.0),
            Self::Merchant => transaction.merchant_id.as_ref().map(|id| &id.0),
            Self::Ip => transaction.ip.as_ref().map(|id| &id.0),
        }
    }

    /// The kind whose distinct values this one counts.
    pub const fn counterpart(self) -> Self {
        match self {
            Self::Account | Self::Card => Self::Merchant,
            Self::Device | Self::Merchant | Self::Ip => Self::Account,
        }
    }
}

/// The entities of one kind: names, numbers and states.
#[derive(Debug, Default)]
pub struct EntityTable {
    numbers: HashTable<u32>,
    names: Vec<Text>,
    states: Vec<EntityWindows>,
    // Seeded per process: names come from outside, and nobody may aim at a bucket. Only look-ups use it.
    hasher: foldhash::fast::RandomState,
}

impl EntityTable {
    /// The number of a name, from 1, given at first sight.
    pub fn number(&mut self, name: &Text) -> u32 {
        let Self {
            numbers,
            names,
            states,
            hasher,
        } = self;
        let hash = hasher.hash_one(name.as_str());
        let same = |number: &u32| names[*number as usize - 1] == *name;
        if let Some(number) = numbers.find(hash, same) {
            return *number;
        }
        names.push(name.clone());
        states.push(EntityWindows::new());
        assert!(
            names.len() < 1 << 31,
            "numbers keep their top bit free for the ring's mark"
        );
        #[allow(
            clippy::cast_possible_truncation,
            reason = "below 2^31 by the assertion above"
        )]
        let number = names.len() as u32;
        let rehash = |number: &u32| hasher.hash_one(names[*number as usize - 1].as_str());
        numbers.insert_unique(hash, number, rehash);
        number
    }

    /// The state of a number.
    pub fn state_mut(&mut self, number: u32) -> &mut EntityWindows {
        &mut self.states[number as usize - 1]
    }

    /// How many entities have been seen.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether none has been seen.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Bytes held by states and names, for capacity planning.
    pub fn bytes(&self) -> usize {
        let states: usize = self.states.iter().map(EntityWindows::bytes).sum();
        states + self.names.len() * (size_of::<Text>() + 8)
    }
}
