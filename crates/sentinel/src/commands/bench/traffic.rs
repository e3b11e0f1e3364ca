//! Traffic over a population: payments whose accounts have cards, devices, addresses and favourites.
//!
//! Independent draws would make every payment the first of its account at its merchant and on its
//! device; people are not like that. Each account has one card (four of five cards are of one account),
//! a device and an address that it mostly uses, and five favourite merchants. Everything is a function
//! of the seed; nothing is stored but what is asked for.

use std::collections::VecDeque;

use sentinel_domain::transaction::{Channel, EntryMode, EventType};
use sentinel_domain::{
    AccountId, CardToken, Coordinates, CounterpartyId, Country, Currency, CustomerId, DeviceId,
    EventId, Instant, IpAddress, Label, LabelSource, MerchantId, Money, TerminalId, Text,
    Transaction,
};
use sentinel_features::EntityKind;
use sentinel_synth::Random;
use sentinel_synth::builder::fraud_label;
use sentinel_synth::random::hash;

/// How many entities of each kind payments name. The proportions are those of the first prototype.
#[derive(Debug, Clone, Copy)]
pub struct Population {
    pub accounts: u64,
    cards: u64,
    devices: u64,
    merchants: u64,
    ips: u64,
}

impl Population {
    /// For every three live entities asked for, one account, 0.8 cards, 1.2 devices and 1.5 addresses;
    /// one merchant for twenty accounts.
    pub fn of(entities: u64) -> Self {
        let accounts = (entities / 3).max(100);
        Self {
            accounts,
            cards: accounts * 8 / 10,
            devices: accounts * 12 / 10,
            merchants: accounts / 20,
            ips: accounts * 15 / 10,
        }
    }
}

/// What payments are like.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manner {
    /// Customer, terminal, counterparty, e-mail, BIN, category and merchant's country are there too.
    pub with_all_kinds: bool,
    /// One payment in five names this one entity of the kind.
    pub hot: Option<EntityKind>,
}

/// Payments of an account in a day of event time.
pub const PAYMENTS_PER_ACCOUNT_DAY: f64 = 1.1;

/// One payment in so many turns out to be fraud.
const FRAUD_ONE_IN: u64 = 512;

/// When it is known: a day later.
const LABEL_DELAY_MICROS: i64 = 86_400_000_000;

/// A stretch of traffic in the order of the log.
#[derive(Default)]
pub struct Chunk {
    pub transactions: Vec<Transaction>,
    /// Labels, each with the place of the transaction before which it is known.
    pub labels: Vec<(usize, Label)>,
}

/// An endless stream of payments.
pub struct Traffic {
    population: Population,
    manner: Manner,
    seed: u64,
    random: Random,
    now_ms: u64,
    /// Mean distance of two payments.
    step_ms: u64,
    made: u64,
    /// Labels that are not known yet, oldest first.
    unknown: VecDeque<Label>,
}

/// What a hash is for.
#[derive(Clone, Copy)]
enum Purpose {
    Favourite,
    Home,
    Category,
    MerchantCountry,
}

impl Traffic {
    /// A stream at its beginning.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "milliseconds between payments"
    )]
    pub fn new(seed: u64, population: Population, manner: Manner) -> Self {
        let a_day = population.accounts as f64 * PAYMENTS_PER_ACCOUNT_DAY;
        Self {
            population,
            manner,
            seed,
            random: Random::new(seed),
            now_ms: 1_767_571_200_000,
            step_ms: (86_400_000.0 / a_day).max(1.0) as u64,
            made: 0,
            unknown: VecDeque::new(),
        }
    }

    /// Event time now, milliseconds.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// About how many payments come until an instant.
    pub fn payments_until(&self, instant: Instant) -> u64 {
        let until_ms = u64::try_from(instant.micros() / 1_000).unwrap_or(0);
        until_ms.saturating_sub(self.now_ms) / self.step_ms
    }

    /// Replaces the chunk by the next `count` payments and what becomes known on the way.
    pub fn fill(&mut self, chunk: &mut Chunk, count: usize) {
        chunk.transactions.clear();
        chunk.labels.clear();
        for place in 0..count {
            let transaction = self.next();
            let now = transaction.event_time;
            while self.unknown.front().is_some_and(|one| one.known_at <= now) {
                let label = self.unknown.pop_front();
                chunk.labels.extend(label.map(|label| (place, label)));
            }
            if self.random.below(FRAUD_ONE_IN) == 0 {
                let source = LabelSource::Chargeback;
                let label = fraud_label(&transaction, source, LABEL_DELAY_MICROS);
                self.unknown.push_back(label);
            }
            chunk.transactions.push(transaction);
        }
    }

    fn next(&mut self) -> Transaction {
        self.now_ms += self.random.below(2 * self.step_ms + 1);
        self.made += 1;
        let Population {
            accounts,
            cards,
            devices,
            ips,
            ..
        } = self.population;
        let account = self.of_kind(EntityKind::Account, |random| random.below(accounts));
        // What an account has lies at its own place among the others of the kind.
        let own = move |count: u64| account * count / accounts;
        let card = self.of_kind(EntityKind::Card, |_| own(cards));
        let device = self.of_kind(EntityKind::Device, |random| {
            (own(devices) + u64::from(random.chance(0.15))) % devices
        });
        let ip = self.of_kind(EntityKind::Ip, |random| match random.chance(0.8) {
            true => own(ips),
            false => random.below(ips),
        });
        let merchant = self.merchant(account);
        let micros = i64::try_from(self.now_ms * 1_000).unwrap_or(0);
        let mut transaction = Transaction::required(
            EventId::new(format!("e{}", self.made)),
            EventType::CardAuth,
            Instant::from_micros(micros),
            AccountId::new(format!("acc-{account}")),
            Money {
                minor: i64::try_from(100 + skewed(&mut self.random, 90_000)).unwrap_or(0),
                currency: Currency::USD,
            },
        );
        transaction.card_token = Some(CardToken::new(format!("card-{card}")));
        transaction.device_id = Some(DeviceId::new(format!("dev-{device}")));
        transaction.merchant_id = Some(MerchantId::new(format!("m-{merchant}")));
        transaction.ip = Some(IpAddress::new(spell_ip(ip)));
        self.add_details(&mut transaction, account);
        if self.manner.with_all_kinds {
            self.add_kinds(&mut transaction, account, (card, merchant));
        }
        transaction
    }

    /// The number of an entity: the hot one for one payment in five where the kind has one.
    fn of_kind(&mut self, kind: EntityKind, number: impl FnOnce(&mut Random) -> u64) -> u64 {
        if self.manner.hot == Some(kind) && self.random.chance(0.2) {
            return 0;
        }
        number(&mut self.random)
    }

    fn merchant(&mut self, account: u64) -> u64 {
        let (seed, merchants) = (self.seed, self.population.merchants);
        self.of_kind(EntityKind::Merchant, |random| {
            if random.chance(0.7) {
                let favourite = account * 5 + random.below(5);
                let mut own = Random::new(hash(seed, Purpose::Favourite as u64, favourite));
                return skewed(&mut own, merchants);
            }
            skewed(random, merchants)
        })
    }

    /// What payments tell that names no entity of their own.
    fn add_details(&mut self, transaction: &mut Transaction, account: u64) {
        let home = hash(self.seed, Purpose::Home as u64, account);
        let mut place = |shift: u32, degrees: u64| {
            let home = (home >> shift) % (degrees * 10_000_000);
            let from_home = self.random.below(1_000_000);
            i32::try_from(home + from_home).unwrap_or(0)
        };
        let (lat, lon) = (place(0, 50), place(20, 60));
        transaction.coordinates = Coordinates::new(lat, lon);
        let offset = i16::try_from(lon / 150_000_000 * 60).unwrap_or(0);
        transaction.utc_offset_minutes = Some(offset);
        transaction.channel = Some(
            *self
                .random
                .pick(&[Channel::Web, Channel::App, Channel::Pos]),
        );
        let modes = [
            EntryMode::Chip,
            EntryMode::Contactless,
            EntryMode::Ecommerce,
        ];
        transaction.entry_mode = Some(*self.random.pick(&modes));
        transaction.card_country = Country::parse("US");
        transaction.billing_country = Country::parse("US");
        transaction.account_opened_at = Some(Instant::from_seconds(1_600_000_000));
    }

    /// The entities that only some senders name.
    fn add_kinds(
        &mut self,
        transaction: &mut Transaction,
        account: u64,
        (card, merchant): (u64, u64),
    ) {
        let random = &mut self.random;
        transaction.customer_id = Some(CustomerId::new(format!("cus-{}", account / 2)));
        let terminal = merchant * 2 + random.below(2);
        transaction.terminal_id = Some(TerminalId::new(format!("t-{terminal}")));
        let payees = (self.population.accounts / 4).max(1);
        let payee = skewed(random, payees);
        transaction.counterparty_id = Some(CounterpartyId::new(format!("p-{payee}")));
        transaction.email_hash = Some(Text::new(format!("mail-{account}")));
        transaction.card_bin = Some(Text::new(format!("{}", 400_000 + card % 5_000)));
        let category = hash(self.seed, Purpose::Category as u64, merchant) % 300;
        transaction.mcc = u16::try_from(5_000 + category).ok();
        let countries = ["US", "US", "US", "US", "US", "US", "GB", "DE", "FR", "CN"];
        let country = hash(self.seed, Purpose::MerchantCountry as u64, merchant);
        let mut country = Random::new(country);
        transaction.merchant_country = Country::parse(country.pick::<&str>(&countries));
    }
}

/// A number below `count`; number n comes in proportion to n to the power of minus two thirds.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number below the count"
)]
fn skewed(random: &mut Random, count: u64) -> u64 {
    let u = random.unit();
    ((count as f64 * u * u * u) as u64).min(count.saturating_sub(1))
}

fn spell_ip(number: u64) -> String {
    let byte = |shift: u32| (number >> shift) & 255;
    format!("{}.{}.{}.{}", 11 + byte(24), byte(16), byte(8), byte(0))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn some(manner: Manner) -> Vec<Transaction> {
        let mut traffic = Traffic::new(7, Population::of(30_000), manner);
        let mut chunk = Chunk::default();
        traffic.fill(&mut chunk, 20_000);
        chunk.transactions
    }

    #[test]
    fn one_payment_in_five_is_of_the_hot_entity() {
        let hot = Manner {
            hot: Some(EntityKind::Card),
            ..Manner::default()
        };
        let card = |one: &&Transaction| one.card_token == Some(CardToken::new("card-0"));
        let counts =
            [hot, Manner::default()].map(|manner| some(manner).iter().filter(card).count());
        assert!((3_800..4_300).contains(&counts[0]), "{counts:?}");
        assert!(counts[1] < 40, "{counts:?}");
    }

    #[test]
    fn people_come_back_to_their_merchants() {
        let all = some(Manner::default());
        let pairs: BTreeSet<(&str, &str)> = all
            .iter()
            .filter_map(|one| Some((one.account_id.as_str(), one.merchant_id.as_ref()?.as_str())))
            .collect();
        assert!(pairs.len() < all.len() * 9 / 10, "{}", pairs.len());
    }
}
