//! Entities: what windows are kept for, and by what name a transaction calls them.

use std::net::IpAddr;

use sentinel_domain::{Text, Transaction, vocabulary};

vocabulary! {
    /// A kind of entity with a state of its own. A new kind is one line here, one in
    /// [`EntityKind::noun`] and one in `key` (or [`EntityKind::parts`]).
    EntityKind {
        /// The paying account.
        Account = 0, "account";
        /// The card.
        Card = 1, "card";
        /// The device.
        Device = 2, "device";
        /// The merchant.
        Merchant = 3, "merchant";
        /// The IP address.
        Ip = 4, "ip";
        /// The network of the IP address: /24 of version 4, /48 of version 6.
        IpNetwork = 5, "ip_network";
        /// The person behind accounts.
        Customer = 6, "customer";
        /// The terminal.
        Terminal = 7, "terminal";
        /// The payee of a transfer.
        Counterparty = 8, "counterparty";
        /// The e-mail address, as a keyed hash.
        Email = 9, "email";
        /// The issuer's prefix of the card.
        Bin = 10, "bin";
        /// The merchant category.
        Mcc = 11, "mcc";
        /// An account at a merchant.
        AccountMerchant = 12, "account_merchant";
        /// An account on a device.
        AccountDevice = 13, "account_device";
        /// A card in the merchant's country.
        CardCountry = 14, "card_country";
    }
}

/// How many kinds there are.
pub const ENTITY_KINDS: usize = EntityKind::ALL.len();

/// What a transaction calls an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key<'t> {
    /// It names none.
    Absent,
    /// By a word.
    Word(&'t Text),
    /// By a number: networks, categories, pairs.
    Number(u64),
}

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
            Self::IpNetwork => "IP network",
            Self::Customer => "customer",
            Self::Terminal => "terminal",
            Self::Counterparty => "payee",
            Self::Email => "e-mail address",
            Self::Bin => "card issuer",
            Self::Mcc => "merchant category",
            Self::AccountMerchant => "account with a merchant",
            Self::AccountDevice => "account with a device",
            Self::CardCountry => "card with a country",
        }
    }

    /// The two kinds a pair is made of; `None` for a kind of its own. The second part of `card_country`
    /// is no entity: the pair stands under the card.
    pub const fn parts(self) -> Option<(Self, Self)> {
        match self {
            Self::AccountMerchant => Some((Self::Account, Self::Merchant)),
            Self::AccountDevice => Some((Self::Account, Self::Device)),
            Self::CardCountry => Some((Self::Card, Self::Card)),
            _ => None,
        }
    }

    /// Whether its entities have numbers for names.
    pub(crate) const fn is_called_by_number(self) -> bool {
        self.parts().is_some() || matches!(self, Self::IpNetwork | Self::Mcc)
    }

    /// What a transaction calls its entity of this kind. Pairs are made of the numbers of their parts.
    pub(crate) fn key(self, transaction: &Transaction) -> Key<'_> {
        let t = transaction;
        match self {
            Self::Account => Key::Word(&t.account_id.0),
            Self::Card => word(t.card_token.as_ref().map(|id| &id.0)),
            Self::Device => word(t.device_id.as_ref().map(|id| &id.0)),
            Self::Merchant => word(t.merchant_id.as_ref().map(|id| &id.0)),
            Self::Ip => word(t.ip.as_ref().map(|id| &id.0)),
            Self::IpNetwork => {
                t.ip.as_ref()
                    .map_or(Key::Absent, |id| network(id.0.as_str()))
            }
            Self::Customer => word(t.customer_id.as_ref().map(|id| &id.0)),
            Self::Terminal => word(t.terminal_id.as_ref().map(|id| &id.0)),
            Self::Counterparty => word(t.counterparty_id.as_ref().map(|id| &id.0)),
            Self::Email => word(t.email_hash.as_ref()),
            Self::Bin => word(t.card_bin.as_ref()),
            Self::Mcc => t.mcc.map_or(Key::Absent, |mcc| Key::Number(u64::from(mcc))),
            Self::AccountMerchant | Self::AccountDevice | Self::CardCountry => Key::Absent,
        }
    }
}

fn word(text: Option<&Text>) -> Key<'_> {
    text.map_or(Key::Absent, Key::Word)
}

/// The network of an address; absent where the text is none.
fn network(address: &str) -> Key<'static> {
    match address.parse() {
        Ok(IpAddr::V4(address)) => Key::Number(u64::from(u32::from(address) >> 8)),
        Ok(IpAddr::V6(address)) => {
            // The top bit keeps the two versions apart.
            let [a, b, c, ..] = address.segments().map(u64::from);
            Key::Number(1 << 63 | a << 32 | b << 16 | c)
        }
        Err(_) => Key::Absent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_share_a_key() {
        assert_eq!(network("192.0.2.1"), network("192.0.2.254"));
        assert_ne!(network("192.0.2.1"), network("192.0.3.1"));
        assert_eq!(network("2001:db8:1::1"), network("2001:db8:1:ffff::"));
        assert_ne!(network("2001:db8:1::1"), network("2001:db8:2::1"));
        assert_ne!(network("0.0.2.1"), network("::2:0:0:0:0"));
        assert_eq!(network("nonsense"), Key::Absent);
    }
}
