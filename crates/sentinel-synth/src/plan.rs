//! Plans: what will be paid when, by whom and by whose hand. Small, so that a queue of several hundred
//! thousand stays within a few megabytes; all texts are made when the payment is.

use std::num::NonZeroU64;

use sentinel_domain::Instant;

use crate::echo::Guise;
use crate::story::{LookAlike, Story};

/// Whose hand pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hand {
    /// The customer's own.
    Holder,
    /// A thief's, described by a hash.
    Thief(u64),
}

/// What a holder pays with and from where, where that is not the usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kit {
    /// The holder's own device and address.
    Own,
    /// Another device, described by a hash, at the holder's own address.
    Device(u64),
    /// The holder's own device behind an address that others share.
    Address(u64),
    /// Device and address of a ring that several accounts are run from; their mail is alike too.
    Ring(u64),
}

/// Who is paid by a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payee {
    /// A customer.
    Customer(u32),
    /// Somebody of another bank.
    Outside(u64),
}

/// A payment to come.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) at: Instant,
    pub(crate) payer: u32,
    /// First or second card.
    pub(crate) card: u8,
    pub(crate) merchant: u32,
    /// A certain terminal, where it matters.
    pub(crate) terminal: Option<u8>,
    /// The price in US dollars; drawn from the merchant's kind where there is none.
    pub(crate) usd: Option<f64>,
    /// Times this; only where the price is drawn.
    pub(crate) price_factor: f64,
    /// A certain payee of a transfer.
    pub(crate) payee: Option<Payee>,
    /// When the account was opened, where that is not a matter of the customer.
    pub(crate) opened_at: Option<Instant>,
    pub(crate) hand: Hand,
    /// The manner of a fraud in which somebody honest pays.
    pub(crate) guise: Option<Guise>,
    pub(crate) kit: Kit,
    /// Whether it is fraud. Some fraud is by the holder's own hand.
    pub(crate) fraud: bool,
    pub(crate) story: Option<Story>,
    pub(crate) look_alike: Option<LookAlike>,
    /// The episode it belongs to, counted from 1.
    pub(crate) episode: Option<NonZeroU64>,
    /// Many hours behind the beginning of its episode.
    pub(crate) far: bool,
}

impl Plan {
    /// A payment by the holder with the first card.
    pub(crate) fn honest(at: Instant, payer: u32, merchant: u32) -> Self {
        Self {
            at,
            payer,
            card: 0,
            merchant,
            terminal: None,
            usd: None,
            price_factor: 1.0,
            payee: None,
            opened_at: None,
            hand: Hand::Holder,
            guise: None,
            kit: Kit::Own,
            fraud: false,
            story: None,
            look_alike: None,
            episode: None,
            far: false,
        }
    }

    /// Whether it is fraud.
    pub(crate) fn is_fraud(&self) -> bool {
        self.fraud
    }
}
