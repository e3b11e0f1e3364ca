//! Calibration: the profile of the options, made ready for drawing.
//!
//! Shares of words follow the profile for honest payments and for fraud, so that its fraud rates by word
//! come out. What is paid where by fraud is told by stories; a sample of them says how much of fraud is
//! remote and which amounts it has, and honest payments are drawn so that the sum meets the profile.

use sentinel_domain::transaction::{CardBrand, CardFunding};
use sentinel_domain::{Scalar, Text, Transaction};

use crate::echo::{ECHO_SHARE, ECHO_USD_MAX};
use crate::ladder::{Ladder, rank_of};
use crate::merchant::{Door, KINDS, kind_at};
use crate::plan::Plan;
use crate::prices::{Prices, Told};
use crate::profile::{Fraud, Number, Profile};
use crate::random::{Random, scramble};

/// The deviation of incomes: of the logarithm of what people spend at one kind of merchant.
pub(crate) const INCOME_DEVIATION: f64 = 0.45;

/// The share of payments in innocent episodes and in the honest parts of stories.
pub(crate) const INNOCENT_SHARE: f64 = 0.03;

/// Of the payments that are not of the commonest product so many are remote. The rest pays with a
/// telephone at a till; without them such a payment would always be fraud.
const REMOTE_OF_OTHER_PRODUCTS: f64 = 0.85;

/// The share of frauds that use the victim's second card, whose words nobody chose.
const SECOND_CARD_SHARE: f64 = 0.1;

/// What a fact is drawn from.
#[derive(Debug, Clone)]
enum Source {
    /// The payment's own rank.
    Rank(Ladder),
    /// A rank related to it.
    Related(Ladder),
    /// The device's own rank.
    Device(Ladder),
    /// A log-normal number.
    Number(Number),
}

/// What is known of a payment when its facts are drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Circumstances {
    pub(crate) fraud: bool,
    pub(crate) remote: bool,
    /// Another device than any of the payer's.
    pub(crate) strange_device: bool,
}

/// A profile made ready.
#[derive(Debug, Clone)]
pub(crate) struct Calibration {
    brand: Ladder,
    brands: Vec<Option<CardBrand>>,
    funding: Ladder,
    fundings: Vec<Option<CardFunding>>,
    pub(crate) email_domain: Ladder,
    /// By name.
    facts: Vec<(Text, Source)>,
    missing: Vec<(&'static str, f64)>,
    pub(crate) prices: Prices,
    /// The share of remote payments, of honest ones and of frauds.
    remote_shares: [f64; 2],
    pub(crate) kind_weights: Vec<f64>,
}

impl Calibration {
    /// `told` is a sample of what stories and innocent episodes plan, with weights.
    pub(crate) fn new(profile: &Profile, told: &[(Plan, f64, Door)]) -> Self {
        let product = Ladder::new(&profile.product);
        let remote = (1.0 - product.lowest_end(false)) * REMOTE_OF_OTHER_PRODUCTS;
        let remote = remote.clamp(0.05, 0.6);
        let frauds = told.iter().filter(|told| told.0.is_fraud());
        let remote_frauds = remote_share(frauds.map(|told| (told.2, told.1)));
        // What echoes have of it already.
        let echoes = echo_share(profile) / (1.0 - profile.fraud_rate);
        let innocents = told.iter().filter(|told| !told.0.is_fraud());
        let remote_innocents = remote_share(innocents.map(|told| (told.2, told.1)));
        let remote_everyday = (remote - echoes * remote_frauds - INNOCENT_SHARE * remote_innocents)
            / (1.0 - echoes - INNOCENT_SHARE);
        let kind_weights = kind_weights(remote_everyday.clamp(0.05, 0.6));
        let brand = Ladder::new(&profile.card_brand);
        let funding = Ladder::new(&profile.card_funding);
        let remote_shares = [remote, remote_frauds];
        let mut calibration = Self {
            brands: brand
                .words()
                .map(|word| word.and_then(|word| CardBrand::parse(word)))
                .collect(),
            fundings: funding
                .words()
                .map(|word| word.and_then(|word| CardFunding::parse(word)))
                .collect(),
            brand,
            funding,
            email_domain: Ladder::new(&profile.email_domain),
            facts: facts(profile, product),
            missing: Vec::new(),
            prices: prices(profile, &kind_weights, told),
            remote_shares,
            kind_weights,
        };
        calibration.missing = calibration.removals(profile);
        calibration
    }

    /// What is printed on a card with these traits.
    pub(crate) fn card(&self, traits: u64) -> (Option<CardBrand>, Option<CardFunding>) {
        let (brand, funding) = card_ranks(traits);
        let brand = self.brands.get(self.brand.index(false, brand));
        let funding = self.fundings.get(self.funding.index(false, funding));
        (
            brand.copied().unwrap_or(None),
            funding.copied().unwrap_or(None),
        )
    }

    /// How much more often than others a holder of such a card and address is robbed.
    pub(crate) fn exposure(&self, card_traits: u64, email_rank: f64) -> f64 {
        let (brand, funding) = card_ranks(card_traits);
        let of_card =
            |ratio: f64| ((ratio - SECOND_CARD_SHARE) / (1.0 - SECOND_CARD_SHARE)).max(0.02);
        of_card(self.brand.ratio(self.brand.index(false, brand)))
            * of_card(self.funding.ratio(self.funding.index(false, funding)))
            * self
                .email_domain
                .ratio(self.email_domain.index(false, email_rank))
    }

    /// Draws the attributes.
    pub(crate) fn fill_facts(
        &self,
        made: &mut Transaction,
        circumstances: Circumstances,
        random: &mut Random,
    ) {
        let Circumstances { fraud, remote, .. } = circumstances;
        let [honest, stolen] = self.remote_shares;
        let remote_share = if fraud { stolen } else { honest };
        let at_tills = 1.0 - remote_share;
        let rank = if remote {
            at_tills + remote_share * random.unit()
        } else {
            at_tills * random.unit()
        };
        for (name, source) in &self.facts {
            let value = match source {
                Source::Rank(ladder) => ladder.word(fraud, rank).cloned().map(Scalar::Text),
                Source::Related(ladder) => {
                    let rank = ladder.related(fraud, rank, random);
                    ladder.word(fraud, rank).cloned().map(Scalar::Text)
                }
                Source::Device(ladder) => {
                    device_type(ladder, made, circumstances, rank, random).map(Scalar::Text)
                }
                Source::Number(number) => number_of(number, random).map(Scalar::Number),
            };
            if let Some(value) = value {
                // A profile has room for no more than a transaction holds.
                let _fits = made.attributes.insert(name.clone(), value);
            }
        }
    }

    /// Takes away what senders leave out.
    pub(crate) fn leave_out(&self, made: &mut Transaction, random: &mut Random) {
        for (field, rate) in &self.missing {
            if !random.chance(*rate) {
                continue;
            }
            match *field {
                "avs_result" => made.avs_result = None,
                "billing_country" => made.billing_country = None,
                "card_bin" => made.card_bin = None,
                "card_country" => made.card_country = None,
                "coordinates" => made.coordinates = None,
                "customer_id" => made.customer_id = None,
                "device_id" => made.device_id = None,
                "ip" => made.ip = None,
                "merchant_name" => made.merchant_name = None,
                "shipping_country" => made.shipping_country = None,
                _ => {}
            }
        }
    }

    /// How often to remove a field, given how often it is not there by what the payment is.
    fn removals(&self, profile: &Profile) -> Vec<(&'static str, f64)> {
        let share_of = |doors: &[Door]| {
            let all: f64 = self.kind_weights.iter().sum();
            let those = KINDS.iter().zip(&self.kind_weights);
            let those = those.filter(|(kind, _)| doors.contains(&kind.door));
            those.map(|(_, weight)| weight).sum::<f64>() / f64::max(all, 1e-12)
        };
        let pages = share_of(&[Door::Web, Door::App]);
        let transfers = share_of(&[Door::Transfer]);
        let removal = |field: &&'static str| {
            let rate = *profile.missing_rates.get(*field)?;
            let already = match *field {
                "avs_result" => 1.0 - pages,
                "shipping_country" => 1.0 - 0.6 * pages,
                "device_id" => 1.0 - 0.97 * (pages + transfers),
                "ip" => 1.0 - 0.99 * (pages + transfers),
                "coordinates" => {
                    0.05 * (1.0 - pages - transfers)
                        + 0.5 * (transfers + share_of(&[Door::Web]))
                        + 0.2 * share_of(&[Door::App])
                }
                _ => 0.0,
            };
            let more = (rate - already) / f64::max(1.0 - already, 1e-9);
            (more > 0.0).then_some((*field, more))
        };
        Profile::MISSABLE.iter().filter_map(removal).collect()
    }
}

/// The share of payments that are echoes of frauds.
pub(crate) fn echo_share(profile: &Profile) -> f64 {
    match profile.fraud {
        Fraud::Stories => ECHO_SHARE,
        Fraud::EveryNth { .. } => 0.0,
    }
}

fn card_ranks(traits: u64) -> (f64, f64) {
    let mixed = scramble(traits);
    (rank_of(mixed), rank_of(scramble(mixed)))
}

fn facts(profile: &Profile, product: Ladder) -> Vec<(Text, Source)> {
    let mut facts = vec![
        (Text::const_new("product"), Source::Rank(product)),
        (
            Text::const_new("recipient_email_domain"),
            Source::Related(Ladder::new(&profile.recipient_email_domain)),
        ),
        (
            Text::const_new("device_type"),
            Source::Device(Ladder::new(&profile.device_type)),
        ),
    ];
    for (name, levels) in &profile.attributes {
        facts.push((Text::new(name), Source::Related(Ladder::new(levels))));
    }
    for (name, number) in &profile.numbers {
        facts.push((Text::new(name), Source::Number(number.clone())));
    }
    facts.sort_by(|one, other| one.0.cmp(&other.0));
    facts
}

/// The type of a device is the device's own; payments without any may have one too, by telephone.
fn device_type(
    ladder: &Ladder,
    made: &Transaction,
    circumstances: Circumstances,
    rank: f64,
    random: &mut Random,
) -> Option<Text> {
    let lowest = ladder.lowest_end(circumstances.fraud);
    let missing = ladder.words().next().is_some_and(|word| word.is_none());
    if missing && rank < lowest {
        return None;
    }
    let own = match &made.device_id {
        Some(device) => rank_of(text_hash(device.as_str())),
        None => random.unit(),
    };
    let side = circumstances.fraud && circumstances.strange_device;
    let from = if missing {
        ladder.lowest_end(side)
    } else {
        0.0
    };
    ladder.word(side, from + (1.0 - from) * own).cloned()
}

fn text_hash(text: &str) -> u64 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
    scramble(text.as_bytes().iter().fold(0xCBF2_9CE4_8422_2325, mix))
}

fn number_of(number: &Number, random: &mut Random) -> Option<f64> {
    if random.chance(number.missing_rate) {
        return None;
    }
    let drawn = random.log_normal(number.log_mean, number.log_deviation);
    Some(libm::round(drawn.min(1e12) * 100.0) / 100.0)
}

fn is_remote(door: Door) -> bool {
    matches!(door, Door::Web | Door::App | Door::Transfer)
}

fn remote_share(doors: impl Iterator<Item = (Door, f64)>) -> f64 {
    let (mut all, mut remote) = (0.0, 0.0);
    for (door, weight) in doors {
        all += weight;
        if is_remote(door) {
            remote += weight;
        }
    }
    if all > 0.0 { remote / all } else { 0.5 }
}

/// How often each kind is met so that this share of payments is remote; few are transfers, since
/// profiles speak of cards.
fn kind_weights(remote_share: f64) -> Vec<f64> {
    let weight = |kind: &crate::merchant::Kind| {
        let halved = if kind.door == Door::Transfer {
            0.5
        } else {
            1.0
        };
        f64::from(kind.weight) * halved
    };
    let sum = |remote: bool| {
        let those = KINDS.iter().filter(|kind| is_remote(kind.door) == remote);
        those.map(weight).sum::<f64>()
    };
    let (remote, at_tills) = (sum(true), sum(false));
    KINDS
        .iter()
        .map(|kind| {
            if is_remote(kind.door) {
                weight(kind) / remote * remote_share
            } else {
                weight(kind) / at_tills * (1.0 - remote_share)
            }
        })
        .collect()
}

fn prices(profile: &Profile, kind_weights: &[f64], plans: &[(Plan, f64, Door)]) -> Prices {
    let deviation = |of: f64| libm::sqrt(of * of + INCOME_DEVIATION * INCOME_DEVIATION);
    let raw: Vec<(f64, f64, f64)> = (0..)
        .zip(kind_weights)
        .map(|(index, weight)| {
            let kind = kind_at(index);
            (*weight, kind.log_mean, deviation(kind.log_deviation))
        })
        .collect();
    let mut told = Told::default();
    let stories = matches!(profile.fraud, Fraud::Stories);
    let fraud_share = if stories { profile.fraud_rate } else { 0.0 };
    let echoes = echo_share(profile);
    for fraud in [false, true] {
        let those = || plans.iter().filter(|plan| plan.0.is_fraud() == fraud);
        let all: f64 = those().map(|plan| plan.1).sum();
        let share = if fraud { fraud_share } else { INNOCENT_SHARE };
        for (plan, weight, _) in those() {
            let Some(usd) = plan.usd else { continue };
            let usd = usd.clamp(profile.amounts.minimum, profile.amounts.maximum);
            let part = weight / all;
            told.log_usd.push((libm::log(usd), part * share, fraud));
            if !fraud {
                continue;
            }
            let echoed = libm::log(usd.min(ECHO_USD_MAX));
            told.log_usd.push((echoed, part * echoes, false));
            let small = profile.amounts.small.as_ref();
            if small.is_some_and(|small| usd < small.below) {
                told.small_frauds += part * share;
            }
        }
    }
    told.log_usd.sort_by(|one, other| one.0.total_cmp(&other.0));
    Prices::new(&profile.amounts, &raw, &told)
}

#[cfg(test)]
mod tests;
