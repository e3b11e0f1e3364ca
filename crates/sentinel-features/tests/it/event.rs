//! One event in the short form in which the tests write it; made into a transaction for both sides.
//!
//! Promises that the same number gives the same text in every kind of entity: an account and a card of
//! one name must never meet. Some texts are short, some too long to be kept without an allocation, some
//! are addresses on the net.

use std::net::{Ipv4Addr, Ipv6Addr};

use sentinel_domain::transaction::{Channel, CheckResult, EntryMode, EventType, ThreeDs};
use sentinel_domain::{
    AccountId, CardToken, Coordinates, Currency, EventId, Instant, Label, LabelId, LabelKind,
    LabelSource, MerchantId, Scalar, TerminalId, Text, Transaction,
};
use sentinel_synth::builder;

pub const MILLISECOND: i64 = 1_000;
pub const SECOND: i64 = 1_000 * MILLISECOND;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// Monday, the first second of 2024.
pub const START: i64 = 1_704_067_200_000_000;

/// The countries there are.
pub const COUNTRIES: [&str; 6] = ["US", "PT", "JP", "XK", "BR", "ZZ"];

/// The currencies there are.
pub const CURRENCIES: [&str; 3] = ["USD", "EUR", "JPY"];

/// The domains of e-mail addresses there are; the first is too long to be kept without an allocation.
pub const DOMAINS: [&str; 3] = ["a-domain-with-a-long-name.example", "b.example", "US"];

/// What is said in words; places in the lists above.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Words {
    pub card_country: Option<usize>,
    pub merchant_country: Option<usize>,
    pub billing_country: Option<usize>,
    pub shipping_country: Option<usize>,
    pub counterparty_country: Option<usize>,
    pub email_domain: Option<usize>,
    pub currency: usize,
    pub event_type: Option<EventType>,
    pub channel: Option<Channel>,
    pub entry_mode: Option<EntryMode>,
    pub cvv: Option<CheckResult>,
    pub three_ds: Option<ThreeDs>,
    pub session: Option<u32>,
}

/// An event: entities are numbers, times are microseconds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Event {
    pub time_us: i64,
    pub account: u32,
    pub customer: Option<u32>,
    pub card: Option<u32>,
    pub device: Option<u32>,
    pub ip: Option<u32>,
    pub merchant: Option<u32>,
    pub terminal: Option<u32>,
    pub counterparty: Option<u32>,
    pub email: Option<u32>,
    pub bin: Option<u32>,
    pub mcc: Option<u16>,
    /// In the reference currency; `None` where there is no rate.
    pub amount: Option<i64>,
    pub place: Option<Coordinates>,
    pub utc_offset_minutes: Option<i16>,
    pub words: Words,
    pub attributes: Vec<(&'static str, Scalar)>,
}

impl Event {
    /// An event of account 1 alone.
    pub fn at(time_us: i64) -> Self {
        Self {
            time_us,
            account: 1,
            ..Self::default()
        }
    }

    pub fn amount(self, amount: i64) -> Self {
        Self {
            amount: Some(amount),
            ..self
        }
    }

    pub fn merchant(self, merchant: u32) -> Self {
        Self {
            merchant: Some(merchant),
            ..self
        }
    }

    pub fn account(self, account: u32) -> Self {
        Self { account, ..self }
    }

    pub fn place(self, lat_e7: i32, lon_e7: i32) -> Self {
        Self {
            place: Some(Coordinates::new(lat_e7, lon_e7).unwrap()),
            ..self
        }
    }

    pub fn channel(mut self, channel: Channel) -> Self {
        self.words.channel = Some(channel);
        self
    }

    pub fn attribute(mut self, name: &'static str, value: Scalar) -> Self {
        self.attributes.push((name, value));
        self
    }

    /// What both sides get to see.
    pub fn transaction(&self) -> Transaction {
        let mut t = builder::transaction("e")
            .at(Instant::from_micros(self.time_us))
            .account(&name(self.account))
            .currency(CURRENCIES[self.words.currency])
            .build();
        let text = |number: Option<u32>| number.map(|number| Text::new(name(number)));
        t.customer_id = text(self.customer).map(sentinel_domain::CustomerId);
        t.card_token = text(self.card).map(CardToken);
        t.device_id = text(self.device).map(sentinel_domain::DeviceId);
        t.ip = text(self.ip).map(sentinel_domain::IpAddress);
        t.merchant_id = text(self.merchant).map(MerchantId);
        t.terminal_id = text(self.terminal).map(TerminalId);
        t.counterparty_id = text(self.counterparty).map(sentinel_domain::CounterpartyId);
        t.email_hash = text(self.email);
        t.card_bin = text(self.bin);
        t.mcc = self.mcc;
        t.coordinates = self.place;
        t.utc_offset_minutes = self.utc_offset_minutes;
        self.write_words(&mut t);
        for (name, value) in &self.attributes {
            assert!(t.attributes.insert(Text::new(name), value.clone()));
        }
        t
    }

    fn write_words(&self, t: &mut Transaction) {
        let words = &self.words;
        let country = |place: Option<usize>| {
            place.map(|place| sentinel_domain::Country::parse(COUNTRIES[place]).unwrap())
        };
        t.card_country = country(words.card_country);
        t.merchant_country = country(words.merchant_country);
        t.billing_country = country(words.billing_country);
        t.shipping_country = country(words.shipping_country);
        t.counterparty_country = country(words.counterparty_country);
        t.email_domain = words.email_domain.map(|place| Text::new(DOMAINS[place]));
        t.event_type = words.event_type.unwrap_or(EventType::CardAuth);
        t.channel = words.channel;
        t.entry_mode = words.entry_mode;
        t.cvv_result = words.cvv;
        t.three_ds = words.three_ds;
        let session = words.session.map(name);
        t.session_id = session.map(sentinel_domain::SessionId::new);
    }

    /// A label of this event, by the name of the event that it speaks of.
    pub fn label(&self, event_id: &str, kind: LabelKind, known_us: i64) -> Label {
        let text = |number: Option<u32>| number.map(|number| Text::new(name(number)));
        Label {
            label_id: LabelId::new("l"),
            event_id: EventId::new(event_id),
            kind,
            source: LabelSource::Chargeback,
            known_at: Instant::from_micros(known_us),
            event_time: Instant::from_micros(self.time_us),
            amount_minor: self.amount.unwrap_or(1),
            currency: Currency::USD,
            account_id: AccountId::new(name(self.account)),
            card_token: text(self.card).map(CardToken),
            merchant_id: text(self.merchant).map(MerchantId),
            terminal_id: text(self.terminal).map(TerminalId),
        }
    }
}

/// What number `number` is called: numbers near each other share a network.
pub fn name(number: u32) -> String {
    match number % 4 {
        0 => format!("entity-with-a-name-of-forty-eight-bytes-{number:08}"),
        1 => {
            let [_, a, b, c] = number.to_be_bytes();
            Ipv4Addr::new(10, a, b, c).to_string()
        }
        2 => format!("{number}"),
        _ => {
            let (high, low) = ((number >> 16) as u16, number as u16);
            Ipv6Addr::new(0x2001, 0xdb8, (number >> 4) as u16, 0, 0, 0, high, low).to_string()
        }
    }
}
