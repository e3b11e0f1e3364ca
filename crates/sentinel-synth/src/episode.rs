//! Fraud episodes: one file a story, with its explanation, its share, its length and who finds it out.
//!
//! Amounts, places and doors overlap with honest life on purpose: some thieves use the holder's device
//! or an address of the holder's city, some payments are as small as lunch. What gives a story away is
//! how its payments hang together. A new story is a file, a word of [`Story`] and a line here.

use crate::story::{LabelDelay, Script, Story};

mod card_testing;
mod stolen_card_spree;
mod velocity_burst;
mod impossible_travel;
mod account_takeover;
mod compromised_terminal;
mod small_then_large;
mod collusion_ring;
mod mule_network;
mod bust_out;
mod synthetic_identity;

/// How a story is told, and who finds it out.
fn told(story: Story) -> (&'static Script, LabelDelay) {
    match story {
        Story::CardTesting => (&card_testing::SCRIPT, card_testing::LABEL),
        Story::StolenCardSpree => (&stolen_card_spree::SCRIPT, stolen_card_spree::LABEL),
        Story::VelocityBurst => (&velocity_burst::SCRIPT, velocity_burst::LABEL),
        Story::ImpossibleTravel => (&impossible_travel::SCRIPT, impossible_travel::LABEL),
        Story::AccountTakeover => (&account_takeover::SCRIPT, account_takeover::LABEL),
        Story::CompromisedTerminal => (&compromised_terminal::SCRIPT, compromised_terminal::LABEL),
        Story::SmallThenLarge => (&small_then_large::SCRIPT, small_then_large::LABEL),
        Story::CollusionRing => (&collusion_ring::SCRIPT, collusion_ring::LABEL),
        Story::MuleNetwork => (&mule_network::SCRIPT, mule_network::LABEL),
        Story::BustOut => (&bust_out::SCRIPT, bust_out::LABEL),
        Story::SyntheticIdentity => (&synthetic_identity::SCRIPT, synthetic_identity::LABEL),
    }
}

/// How a story is told.
pub(crate) fn script(story: Story) -> &'static Script {
    told(story).0
}

/// Who finds a story out, and when.
pub(crate) fn label_delay(story: Story) -> LabelDelay {
    told(story).1
}

#[cfg(test)]
mod tests;
