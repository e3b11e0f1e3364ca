//! One event in the short form in which the tests write it; made into a transaction for the engine.
//!
//! Promises that the oracle sees numbers where the engine sees names, so that neither can borrow the
//! other's idea of what is the same. The same number gives the same name in every kind of entity: an
//! account and a card of one name must never meet.

use sentinel_domain::{Coordinates, Instant, Transaction};
use sentinel_synth::builder;

pub const MILLISECOND: i64 = 1_000;
pub const SECOND: i64 = 1_000 * MILLISECOND;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// An event: entities are numbers, times are microseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub time_us: i64,
    pub account: u32,
    pub card: Option<u32>,
    pub device: Option<u32>,
    pub merchant: Option<u32>,
    pub ip: Option<u32>,
    /// In the reference currency; `None` where there is no rate.
    pub amount: Option<i64>,
    pub place: Option<Coordinates>,
}

impl Event {
    /// An event of account 1 alone.
    pub fn at(time_us: i64) -> Self {
        Self {
            time_us,
            account: 1,
            card: None,
            device: None,
            merchant: None,
            ip: None,
            amount: None,
            place: None,
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

    pub fn place(self, lat_e7: i32, lon_e7: i32) -> Self {
        Self {
            place: Some(Coordinates::new(lat_e7, lon_e7).unwrap()),
            ..self
        }
    }

    /// What the engine gets to see.
    pub fn transaction(&self) -> Transaction {
        let mut made = builder::transaction("e")
            .at(Instant::from_micros(self.time_us))
            .account(&name(self.account));
        if let Some(card) = self.card {
            made = made.card(&name(card));
        }
        if let Some(device) = self.device {
            made = made.device(&name(device));
        }
        if let Some(merchant) = self.merchant {
            made = made.merchant(&name(merchant));
        }
        if let Some(ip) = self.ip {
            made = made.ip(&name(ip));
        }
        if let Some(place) = self.place {
            made = made.coordinates(place);
        }
        made.build()
    }
}

/// Short names and names too long to be kept without an allocation.
fn name(number: u32) -> String {
    match number % 3 {
        0 => format!("entity-with-a-name-of-forty-eight-bytes-{number:08}"),
        _ => format!("{number}"),
    }
}
