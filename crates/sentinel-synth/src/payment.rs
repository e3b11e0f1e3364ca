//! Payments: a plan spelt out as a transaction with the fields that a real acquirer would fill.
//!
//! Thieves and holders draw from the same lists with other weights, so that no single field gives a
//! payment away.

use sentinel_domain::transaction::{
    CardBrand, Channel, CheckResult, EntryMode, EventType, ThreeDs,
};
use sentinel_domain::{
    CounterpartyId, DeviceId, EventId, MerchantId, Money, SessionId, TerminalId, Text, Transaction,
};

use crate::calibration::Circumstances;
use crate::customer::{Card, Customer, city_address, given_email, hosting_address};
use crate::merchant::{Door, Merchant};
use crate::plan::{Hand, Kit, Payee, Plan};
use crate::random::{Random, scramble};
use crate::spelling::{hexadecimal, numbered, push_number};
use crate::story::Story;
use crate::world::{Purpose, World};

/// The transaction of a plan.
pub(crate) fn render(
    world: &World,
    plan: &Plan,
    event_id: EventId,
    random: &mut Random,
) -> Transaction {
    let customer = Customer::at(world, plan.payer);
    let scene = Scene {
        world,
        plan,
        customer,
        merchant: Merchant::at(world, plan.merchant),
        city: customer.city_at(world, plan.at).unwrap_or(customer.home),
        thief: match plan.hand {
            Hand::Holder => None,
            Hand::Thief(traits) => Some(Thief::at(world, plan.story, traits)),
        },
        guise: plan
            .guise
            .map(|guise| Thief::at(world, guise.story, guise.traits)),
    };
    let (amount, billing) = scene.price(random);
    let event_type = scene.event_type(random);
    let account_id = customer.account_id();
    let mut made = Transaction::required(event_id, event_type, plan.at, account_id, amount);
    made.customer_id = Some(customer.customer_id());
    let opened_at = plan.opened_at.unwrap_or_else(|| customer.opened_at(world));
    made.account_opened_at = Some(opened_at);
    made.billing_amount_minor = billing.map(|money| money.minor);
    made.billing_currency = billing.map(|money| money.currency);
    // A terminal stamps its own time, a page the time of whoever reads it.
    let zone = world.city(if scene.is_remote() {
        scene.city
    } else {
        scene.merchant.city
    });
    made.utc_offset_minutes = Some(zone.utc_offset_minutes);
    match scene.merchant.kind.door {
        Door::Transfer => scene.fill_transfer(&mut made, random),
        Door::Pos | Door::Atm => {
            scene.fill_card(&mut made);
            scene.fill_merchant(&mut made, random);
            scene.fill_terminal(&mut made, random);
        }
        Door::Web | Door::App => {
            scene.fill_card(&mut made);
            scene.fill_merchant(&mut made, random);
            scene.fill_page(&mut made, random);
            scene.fill_remote(&mut made, random);
        }
    }
    scene.fill_email(&mut made);
    scene.fill_facts(&mut made, random);
    world.calibration.leave_out(&mut made, random);
    made
}

/// A thief: what they use instead of the holder's own.
struct Thief {
    traits: u64,
    /// Where they sit.
    city: u8,
    /// They hire an address: in the holder's city or of a hosting company.
    hired_address: Option<bool>,
    /// They work on the holder's device.
    inside: bool,
    /// They give an e-mail address of their own.
    own_email: bool,
}

impl Thief {
    fn at(world: &World, story: Option<Story>, traits: u64) -> Self {
        let [city, address, device, email, ..] = world.hash(Purpose::Thief, traits).to_le_bytes();
        Self {
            traits,
            city: world.city_for(city),
            hired_address: match address {
                0..=89 => Some(true),
                90..=127 => Some(false),
                _ => None,
            },
            inside: device < 38 && story != Some(Story::AccountTakeover),
            own_email: email < 90,
        }
    }
}

/// Everything that a payment is made of.
struct Scene<'a> {
    world: &'a World,
    plan: &'a Plan,
    customer: Customer,
    merchant: Merchant,
    /// Where the customer is.
    city: u8,
    thief: Option<Thief>,
    /// Whose manner somebody honest has.
    guise: Option<Thief>,
}

/// Most shops on the net charge foreigners in their own currency.
const CHARGED_AT_HOME: f64 = 0.7;

/// Most acquirers report what was billed where it differs from what was charged.
const BILLING_REPORTED: f64 = 0.85;

impl Scene<'_> {
    fn event_type(&self, random: &mut Random) -> EventType {
        match self.merchant.kind.door {
            Door::Transfer => EventType::Transfer,
            Door::Atm => EventType::Cash,
            _ if self.plan.story.is_none() && random.chance(0.004) => EventType::Refund,
            _ => EventType::CardAuth,
        }
    }

    /// What is charged, and what is billed where that is another currency and reported.
    fn price(&self, random: &mut Random) -> (Money, Option<Money>) {
        let kind = self.merchant.kind;
        let usual = kind.log_mean + self.customer.income(self.world);
        let prices = &self.world.calibration.prices;
        let usd = match self.plan.usd {
            Some(told) => prices.within(told),
            None => {
                let raw = usual + kind.log_deviation * random.normal();
                prices.within(self.plan.price_factor * prices.usd(raw))
            }
        };
        let shop = self.world.city(self.merchant.city);
        let home = self.world.city(self.customer.home);
        let foreign = shop.currency != home.currency;
        let remote = matches!(kind.door, Door::Web | Door::App);
        let charged_home =
            kind.door == Door::Transfer || (remote && foreign && random.chance(CHARGED_AT_HOME));
        if charged_home || !foreign {
            let minor = self.tidy(
                usd * home.minor_per_usd,
                usd,
                home.currency.exponent(),
                random,
            );
            let currency = home.currency;
            return (Money { minor, currency }, None);
        }
        let minor = self.tidy(
            usd * shop.minor_per_usd,
            usd,
            shop.currency.exponent(),
            random,
        );
        let currency = shop.currency;
        // From what was charged, not from the plan: the two must agree after rounding.
        let billed = minor as f64 / shop.minor_per_usd * home.minor_per_usd * 1.012;
        let billing = Money {
            minor: whole(billed).max(1),
            currency: home.currency,
        };
        let reported = random.chance(BILLING_REPORTED);
        (Money { minor, currency }, reported.then_some(billing))
    }

    /// Sums as people and price tags have them: round in cash and transfers, ending in 99 in shops.
    fn tidy(&self, minor: f64, usd: f64, exponent: u32, random: &mut Random) -> i64 {
        let exact = whole(minor).max(1);
        let unit = 10_i64.pow(exponent);
        let round = match self.merchant.kind.door {
            Door::Atm => true,
            Door::Transfer => random.chance(0.6),
            _ => false,
        };
        if round && usd < 1_000.0 {
            let mut step = unit;
            while step * 10 <= exact / 5 {
                step *= 10;
            }
            return ((exact + step / 2) / step * step).max(step);
        }
        if exponent == 2 && random.chance(0.3) {
            return exact / unit * unit + 99;
        }
        exact
    }

    fn fill_card(&self, made: &mut Transaction) {
        let card = self.customer.card(self.world, self.plan.card);
        let issuer = card.issuer_city(self.world);
        let (brand, funding) = self.world.calibration.card(card.traits);
        let bin = prefix(&card, brand, issuer);
        made.card_token = Some(card.token());
        made.card_bin = Some(bin);
        made.card_brand = brand;
        made.card_funding = funding;
        made.card_country = Some(self.world.city(issuer).country);
        made.billing_country = Some(self.world.city(self.customer.home).country);
    }

    fn fill_merchant(&self, made: &mut Transaction, random: &mut Random) {
        let number = u64::from(self.merchant.number);
        made.merchant_id = Some(MerchantId(numbered("mer_", number)));
        made.merchant_name = Some(self.merchant.name(self.world));
        made.mcc = Some(self.merchant.kind.mcc);
        made.merchant_country = Some(self.world.city(self.merchant.city).country);
        if matches!(self.merchant.kind.door, Door::Pos | Door::Atm) {
            let terminals = u64::from(self.merchant.terminals());
            let any = random.below(terminals);
            let mut id = numbered("ter_", number);
            id.push('_');
            push_number(&mut id, self.plan.terminal.map_or(any, u64::from));
            made.terminal_id = Some(TerminalId(id));
        }
    }

    fn fill_terminal(&self, made: &mut Transaction, random: &mut Random) {
        use EntryMode::{Chip, Contactless, Manual, Swipe};
        let cash = self.merchant.kind.door == Door::Atm;
        let copied = matches!(
            self.plan
                .story
                .or(self.plan.guise.and_then(|guise| guise.story)),
            Some(Story::ImpossibleTravel | Story::CompromisedTerminal | Story::CollusionRing)
        );
        let modes: &[(EntryMode, u16)] = match (self.manner(), cash) {
            (None, true) => &[(Chip, 88), (Contactless, 6), (Swipe, 6)],
            (None, false) => &[(Contactless, 54), (Chip, 39), (Swipe, 6), (Manual, 1)],
            (Some(_), _) if copied => &[(Swipe, 55), (Contactless, 20), (Chip, 20), (Manual, 5)],
            (Some(_), true) => &[(Chip, 75), (Swipe, 25)],
            (Some(_), false) => &[(Contactless, 60), (Chip, 25), (Swipe, 12), (Manual, 3)],
        };
        made.entry_mode = Some(random.pick_weighted(modes));
        made.channel = Some(if cash { Channel::Atm } else { Channel::Pos });
        if random.chance(0.95) {
            made.coordinates = Some(self.merchant.coordinates(self.world));
        }
    }

    /// What a page asks about the card.
    fn fill_page(&self, made: &mut Transaction, random: &mut Random) {
        use CheckResult::{Match, Mismatch, Partial, Unavailable};
        use EntryMode::{CredentialOnFile, Ecommerce};
        use ThreeDs::{Attempted, Authenticated, Exempt, Failed};
        let stolen = self.manner().is_some();
        let stored = match (stolen, self.merchant.kind.door) {
            (true, _) => 0.2,
            (false, Door::App) => 0.7,
            (false, _) => 0.35,
        };
        let mode = if random.chance(stored) {
            CredentialOnFile
        } else {
            Ecommerce
        };
        made.entry_mode = Some(mode);
        let (avs, cvv, three_ds): (&[_], &[_], &[_]) = if stolen {
            (
                &[
                    (Match, 52),
                    (Partial, 15),
                    (Mismatch, 20),
                    (Unavailable, 13),
                ],
                &[(Match, 76), (Mismatch, 10), (Unavailable, 14)],
                &[
                    (ThreeDs::None, 42),
                    (Authenticated, 14),
                    (Exempt, 20),
                    (Attempted, 18),
                    (Failed, 6),
                ],
            )
        } else {
            (
                &[(Match, 80), (Partial, 9), (Mismatch, 4), (Unavailable, 7)],
                &[(Match, 92), (Mismatch, 2), (Unavailable, 6)],
                &[
                    (ThreeDs::None, 26),
                    (Authenticated, 42),
                    (Exempt, 20),
                    (Attempted, 10),
                    (Failed, 2),
                ],
            )
        };
        made.avs_result = Some(random.pick_weighted(avs));
        made.cvv_result = Some(random.pick_weighted(cvv));
        made.three_ds = Some(random.pick_weighted(three_ds));
        let elsewhere = if stolen { 0.25 } else { 0.04 };
        if random.chance(0.6) {
            let city = if random.chance(elsewhere) {
                let [byte, ..] = random.next_u64().to_le_bytes();
                self.world.city_for(byte)
            } else {
                self.customer.home
            };
            made.shipping_country = Some(self.world.city(city).country);
        }
    }

    /// From which device and address, and who says it is.
    fn fill_remote(&self, made: &mut Transaction, random: &mut Random) {
        let app = self.merchant.kind.door != Door::Web;
        made.channel = Some(if app { Channel::App } else { Channel::Web });
        let own_device = self.customer.device(self.world, random);
        let own_address = self
            .customer
            .address(self.world, self.city, self.plan.at, random);
        let fresh = random.next_u64();
        let (mut device, mut address) = (own_device, own_address);
        let (mut city, mut session) = (self.city, fresh);
        if let Some(thief) = &self.thief {
            if !thief.inside {
                device = DeviceId(hexadecimal("dev_", scramble(thief.traits)));
                (city, address) = match thief.hired_address {
                    Some(true) => (self.city, city_address(self.city, thief.traits)),
                    Some(false) => (thief.city, hosting_address(self.world, thief.traits % 400)),
                    None => (thief.city, city_address(thief.city, thief.traits)),
                };
            }
            session = thief.traits;
        } else if let Some(guise) = &self.guise {
            // Privacy for hire: the address is elsewhere, the person is not.
            let own = scramble(guise.traits ^ u64::from(self.customer.number));
            address = match guise.hired_address {
                _ if guise.inside => address,
                Some(true) => city_address(self.city, own),
                Some(false) => hosting_address(self.world, own % 400),
                None => city_address(guise.city, own),
            };
        } else if random.chance(0.012) {
            device = DeviceId(hexadecimal("dev_", scramble(fresh)));
        }
        match self.plan.kit {
            Kit::Own => {}
            Kit::Device(traits) => device = DeviceId(hexadecimal("dev_", scramble(traits))),
            Kit::Address(traits) => address = city_address(self.city, traits),
            Kit::Ring(traits) => {
                device = DeviceId(hexadecimal("dev_", scramble(traits)));
                let [place, ..] = traits.to_be_bytes();
                city = self.world.city_for(place);
                address = city_address(city, traits);
            }
        }
        // Some pages know little of their visitors.
        made.device_id = random.chance(0.97).then_some(device);
        made.ip = random.chance(0.99).then_some(address);
        made.session_id = Some(SessionId(hexadecimal("ses_", session)));
        let seen = match (self.hides_place(), app) {
            (true, _) => 0.15,
            (false, true) => 0.8,
            (false, false) => 0.5,
        };
        if random.chance(seen) {
            made.coordinates = Some(self.customer.coordinates(self.world, city, self.plan.at));
        }
    }

    /// Whoever hires an address seldom lets a page see the place.
    fn hides_place(&self) -> bool {
        self.manner()
            .is_some_and(|manner| !manner.inside && manner.hired_address != Some(true))
    }

    /// The thief whose manner the payment has, whether by fraud or not.
    fn manner(&self) -> Option<&Thief> {
        self.thief.as_ref().or(self.guise.as_ref())
    }

    /// The address on file with the shop, or the one that is given.
    fn fill_email(&self, made: &mut Transaction) {
        let remote = self.is_remote();
        let email = match &self.thief {
            Some(thief) if thief.own_email && remote => {
                given_email(self.world, thief.traits, thief.traits)
            }
            _ => match self.plan.kit {
                // Some of the ring's people share a mailbox; all are with one provider.
                Kit::Ring(traits) if remote => {
                    let mailbox = scramble(traits ^ u64::from(self.customer.number & 3));
                    given_email(self.world, mailbox, traits)
                }
                _ => self.customer.email(self.world),
            },
        };
        (made.email_hash, made.email_domain) = email.unzip();
    }

    fn is_remote(&self) -> bool {
        !matches!(self.merchant.kind.door, Door::Pos | Door::Atm)
    }

    /// What the profile says beyond the fields of the domain.
    fn fill_facts(&self, made: &mut Transaction, random: &mut Random) {
        let circumstances = Circumstances {
            fraud: self.plan.is_fraud(),
            remote: self.is_remote(),
            strange_device: self.thief.as_ref().is_some_and(|thief| !thief.inside),
        };
        self.world
            .calibration
            .fill_facts(made, circumstances, random);
    }

    /// A transfer from account to account: no card and no merchant, but a payee.
    fn fill_transfer(&self, made: &mut Transaction, random: &mut Random) {
        let [abroad, city, which, ..] = random.next_u64().to_le_bytes();
        let (payee, leaves) = match &self.thief {
            // Two mules to a thief.
            Some(thief) => (scramble(thief.traits ^ u64::from(which & 1)), abroad < 110),
            None if self.guise.is_some() => (random.next_u64(), abroad < 110),
            None if which < 230 => {
                let usual = u64::from(self.customer.number) << 2 | u64::from(which & 3);
                (self.world.hash(Purpose::Payee, usual), abroad < 16)
            }
            None => (random.next_u64(), abroad < 40),
        };
        let there = if leaves {
            self.world.city_for(city)
        } else {
            self.customer.home
        };
        let known = match self.plan.payee {
            Some(Payee::Customer(number)) => Some(number),
            // Of four usual payees one is with the same bank.
            None if self.thief.is_none() && which < 230 && which & 3 == 0 => {
                u32::try_from(payee % u64::from(self.world.customers)).ok()
            }
            _ => None,
        };
        let payee = match self.plan.payee {
            Some(Payee::Outside(traits)) => traits,
            _ => payee,
        };
        let (id, there) = match known {
            Some(number) => (
                numbered("acc_", u64::from(number)),
                Customer::at(self.world, number).home,
            ),
            None => (hexadecimal("pay_", payee), there),
        };
        made.counterparty_id = Some(CounterpartyId(id));
        made.counterparty_country = Some(self.world.city(there).country);
        made.billing_country = Some(self.world.city(self.customer.home).country);
        self.fill_remote(made, random);
    }
}

/// The issuer's prefix: four banks to a city and brand.
fn prefix(card: &Card, brand: Option<CardBrand>, issuer: u8) -> Text {
    let [.., bank] = card.traits.to_le_bytes();
    let code = scramble(u64::from(issuer) << 2 | u64::from(bank & 3));
    let prefix = match brand {
        Some(CardBrand::Visa) => 400_000 + code % 100_000,
        Some(CardBrand::Mastercard) => 510_000 + code % 50_000,
        Some(CardBrand::Amex) => 370_000 + code % 10_000,
        Some(CardBrand::Other) | None => 650_000 + code % 10_000,
    };
    numbered("", prefix)
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "prices are below 60,000 US dollars, in any currency far below 2^53 minor units"
)]
fn whole(minor: f64) -> i64 {
    libm::round(minor) as i64
}
