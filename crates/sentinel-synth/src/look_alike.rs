//! Innocent episodes that look like fraud: one file each, saying which story it looks like and what of
//! that story's signature it lacks.
//!
//! Single payments on a journey, large purchases, shared devices and addresses need no episode: they
//! follow from who the customers are.

use sentinel_domain::Instant;

use crate::story::{LookAlike, Script};

mod shopping_spree;
mod quick_succession;
mod holiday_travel;
mod christmas_shopping;
mod family_card;
mod shared_office;
mod newcomer;
mod collection;
mod crowd;
mod new_phone;
mod trial_order;

/// How a look-alike is told; `None` for those that everyday payments show.
pub(crate) fn script(kind: LookAlike) -> Option<&'static Script> {
    match kind {
        LookAlike::Journey | LookAlike::LargePurchase => None,
        LookAlike::ShoppingSpree => Some(&shopping_spree::SCRIPT),
        LookAlike::QuickSuccession => Some(&quick_succession::SCRIPT),
        LookAlike::HolidayTravel => Some(&holiday_travel::SCRIPT),
        LookAlike::ChristmasShopping => Some(&christmas_shopping::SCRIPT),
        LookAlike::FamilyCard => Some(&family_card::SCRIPT),
        LookAlike::SharedOffice => Some(&shared_office::SCRIPT),
        LookAlike::Newcomer => Some(&newcomer::SCRIPT),
        LookAlike::Collection => Some(&collection::SCRIPT),
        LookAlike::Crowd => Some(&crowd::SCRIPT),
        LookAlike::NewPhone => Some(&new_phone::SCRIPT),
        LookAlike::TrialOrder => Some(&trial_order::SCRIPT),
    }
}

/// How often a look-alike is told at a time of the year, compared with its share.
pub(crate) fn season(kind: LookAlike, at: Instant) -> f64 {
    match kind {
        LookAlike::ChristmasShopping => christmas_shopping::season(at),
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests;
