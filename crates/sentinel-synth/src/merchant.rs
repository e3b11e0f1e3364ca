//! Merchants: a kind with its price profile, a place, terminals. Derived from (seed, number).

use sentinel_domain::{Coordinates, Text};

use crate::random::hash;
use crate::spelling::push_number;
use crate::world::{Purpose, World, scatter};

/// How a kind of merchant is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// At a terminal.
    Pos,
    /// On a page.
    Web,
    /// In an app.
    App,
    /// At a cash machine.
    Atm,
    /// From account to account: no card, no merchant.
    Transfer,
}

/// A kind of merchant and what is paid there.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) mcc: u16,
    pub(crate) noun: &'static str,
    pub(crate) door: Door,
    /// Mean of the logarithm of the price in US dollars.
    pub(crate) log_mean: f64,
    pub(crate) log_deviation: f64,
    /// How many of 256 payments go here, about.
    pub(crate) weight: u16,
}

const fn kind(
    mcc: u16,
    noun: &'static str,
    door: Door,
    log_mean: f64,
    log_deviation: f64,
    weight: u16,
) -> Kind {
    Kind {
        mcc,
        noun,
        door,
        log_mean,
        log_deviation,
        weight,
    }
}

/// All kinds. Their order is part of what a seed means.
pub(crate) const KINDS: &[Kind] = &[
    kind(5411, "Grocery", Door::Pos, 3.4, 0.7, 48),
    kind(5812, "Restaurant", Door::Pos, 3.4, 0.6, 22),
    kind(5814, "Snacks", Door::Pos, 2.3, 0.5, 24),
    kind(5541, "Fuel", Door::Pos, 3.7, 0.4, 14),
    kind(5912, "Pharmacy", Door::Pos, 2.9, 0.7, 10),
    kind(5311, "Store", Door::Pos, 4.1, 0.8, 10),
    kind(5732, "Electronics", Door::Pos, 5.1, 1.0, 4),
    kind(5651, "Clothing", Door::Pos, 4.0, 0.7, 8),
    kind(4111, "Transit", Door::Pos, 1.3, 0.5, 16),
    kind(7011, "Hotel", Door::Pos, 5.3, 0.7, 3),
    kind(5944, "Jewellery", Door::Pos, 5.5, 1.1, 2),
    kind(6011, "Bank", Door::Atm, 4.6, 0.6, 9),
    kind(5942, "Books", Door::Web, 2.9, 0.6, 6),
    kind(5816, "Games", Door::Web, 2.3, 0.8, 10),
    kind(4899, "Streaming", Door::Web, 2.5, 0.3, 9),
    kind(5999, "Market", Door::Web, 3.6, 1.0, 22),
    kind(4511, "Airways", Door::Web, 5.7, 0.7, 3),
    kind(5734, "Computers", Door::Web, 5.1, 1.0, 4),
    kind(6051, "Coins", Door::Web, 4.9, 1.0, 2),
    kind(4121, "Rides", Door::App, 2.7, 0.5, 12),
    kind(5811, "Delivery", Door::App, 3.1, 0.5, 10),
    kind(4829, "Transfers", Door::Transfer, 4.9, 1.1, 8),
];

/// How many kinds there are.
#[allow(clippy::cast_possible_truncation, reason = "the table has 22 rows")]
pub(crate) const KIND_COUNT: u32 = KINDS.len() as u32;

/// Indices into [`KINDS`] that stories ask for by name.
pub(crate) mod kinds {
    pub(crate) const GROCERY: u8 = 0;
    pub(crate) const RESTAURANT: u8 = 1;
    pub(crate) const FUEL: u8 = 3;
    pub(crate) const STORE: u8 = 5;
    pub(crate) const ELECTRONICS: u8 = 6;
    pub(crate) const CLOTHING: u8 = 7;
    pub(crate) const TRANSIT: u8 = 8;
    pub(crate) const HOTEL: u8 = 9;
    pub(crate) const JEWELLERY: u8 = 10;
    pub(crate) const BANK: u8 = 11;
    pub(crate) const BOOKS: u8 = 12;
    pub(crate) const GAMES: u8 = 13;
    pub(crate) const STREAMING: u8 = 14;
    pub(crate) const MARKET: u8 = 15;
    pub(crate) const AIRWAYS: u8 = 16;
    pub(crate) const COMPUTERS: u8 = 17;
    pub(crate) const COINS: u8 = 18;
    pub(crate) const RIDES: u8 = 19;
    pub(crate) const DELIVERY: u8 = 20;
    pub(crate) const TRANSFERS: u8 = 21;
}

/// The kind with this index.
#[allow(
    clippy::indexing_slicing,
    reason = "the index is taken modulo the length of the table"
)]
pub(crate) fn kind_at(index: u8) -> &'static Kind {
    &KINDS[usize::from(index) % KINDS.len()]
}

/// One merchant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Merchant {
    pub(crate) number: u32,
    pub(crate) kind: &'static Kind,
    pub(crate) city: u8,
    traits: u64,
}

impl Merchant {
    /// The merchant with this number. City and kind follow from the number alone, so that a merchant
    /// of a wanted kind and city is found without a search ([`World::merchant`]).
    #[allow(
        clippy::cast_possible_truncation,
        reason = "both tables have fewer than 256 rows"
    )]
    pub(crate) fn at(world: &World, number: u32) -> Self {
        let cities = crate::city::CITIES;
        Self {
            number,
            kind: kind_at((number / cities % KIND_COUNT) as u8),
            city: (number % cities) as u8,
            traits: hash(
                world.seed,
                u64::from(Purpose::Merchant.code()),
                u64::from(number),
            ),
        }
    }

    /// Such as `Lisbon Grocery 12`.
    pub(crate) fn name(&self, world: &World) -> Text {
        let mut name = Text::new(world.city(self.city).name);
        name.push(' ');
        name.push_str(self.kind.noun);
        name.push(' ');
        push_number(&mut name, u64::from(self.number));
        name
    }

    /// The index of its kind in [`KINDS`].
    #[allow(clippy::cast_possible_truncation, reason = "there are 22 kinds")]
    pub(crate) fn kind_index(&self) -> u8 {
        (self.number / crate::city::CITIES % KIND_COUNT) as u8
    }

    /// How many terminals it has, 1 to 6.
    pub(crate) fn terminals(&self) -> u8 {
        let [.., last] = self.traits.to_le_bytes();
        1 + last % 6
    }

    /// Where its terminals stand.
    pub(crate) fn coordinates(&self, world: &World) -> Coordinates {
        scatter(world.city(self.city).coordinates, self.traits)
    }
}
