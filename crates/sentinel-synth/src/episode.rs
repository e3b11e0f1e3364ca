//! Fraud episodes: each story as a handful of plans in order of time.
//!
//! Amounts, places and doors overlap with honest life on purpose: some thieves use the holder's device
//! or an address of the holder's city, some payments are as small as lunch. What gives a story away is
//! how its payments hang together.

use sentinel_domain::Instant;

use crate::customer::Customer;
use crate::everyday::{somebody_awake, usual_merchant};
use crate::look_alike::after_seconds;
use crate::merchant::{Merchant, kind_at, kinds};
use crate::plan::{Hand, Plan};
use crate::random::Random;
use crate::story::Story;
use crate::world::World;

/// How often each story is told. Card testing, bursts and terminals have many payments to an episode.
const FREQUENCY: [(Story, u16); 7] = [
    (Story::CardTesting, 8),
    (Story::StolenCardSpree, 24),
    (Story::VelocityBurst, 8),
    (Story::ImpossibleTravel, 16),
    (Story::AccountTakeover, 18),
    (Story::CompromisedTerminal, 6),
    (Story::SmallThenLarge, 20),
];

/// Which story to tell next.
pub(crate) fn any_story(random: &mut Random) -> Story {
    random.pick_weighted(&FREQUENCY)
}

/// Plans one episode that begins at this instant.
pub(crate) fn plan(
    world: &World,
    story: Story,
    start: Instant,
    random: &mut Random,
    plans: &mut Vec<Plan>,
) {
    let thief = Hand::Thief(random.next_u64());
    let mut episode = Episode {
        world,
        story,
        thief,
        at: start,
        random,
        plans,
    };
    match story {
        Story::CardTesting => episode.card_testing(),
        Story::StolenCardSpree => episode.stolen_card_spree(),
        Story::VelocityBurst => episode.velocity_burst(),
        Story::ImpossibleTravel => episode.impossible_travel(),
        Story::AccountTakeover => episode.account_takeover(),
        Story::CompromisedTerminal => episode.compromised_terminal(),
        Story::SmallThenLarge => episode.small_then_large(),
    }
}

/// An episode being planned; `at` moves on as it is told.
struct Episode<'a> {
    world: &'a World,
    story: Story,
    thief: Hand,
    at: Instant,
    random: &'a mut Random,
    plans: &'a mut Vec<Plan>,
}

impl Episode<'_> {
    /// Somebody to rob, wherever they are now, and the card that will be used.
    fn victim(&mut self) -> Victim {
        let customer = Customer::at(self.world, self.world.any_customer(self.random));
        let city = customer.city_at(self.world, self.at);
        Victim {
            customer,
            city: city.unwrap_or(customer.home),
            card: u8::from(self.random.chance(0.25)),
        }
    }

    fn wait(&mut self, seconds_min: f64, seconds_max: f64) {
        self.at = after_seconds(self.at, self.random.within(seconds_min, seconds_max));
    }

    /// A merchant of a kind in a city.
    fn shop(&mut self, city: u8, kind: u8) -> u32 {
        self.world.merchant(city, kind, self.random.next_u64())
    }

    /// A merchant of one of the kinds on the net: anywhere, but often where the victim is at home.
    fn page(&mut self, victim: &Victim, kinds: &[u8]) -> u32 {
        let kind = *self.random.pick(kinds);
        let [byte, ..] = self.random.next_u64().to_le_bytes();
        let city = if self.random.chance(0.4) {
            victim.customer.home
        } else {
            self.world.city_for(byte)
        };
        self.shop(city, kind)
    }

    fn thief_pays(&mut self, victim: &Victim, merchant: u32, usd: f64) {
        self.plans.push(Plan {
            card: victim.card,
            usd: Some(usd),
            hand: self.thief,
            story: Some(self.story),
            ..Plan::honest(self.at, victim.customer.number, merchant)
        });
    }

    /// An honest payment that the story needs.
    fn holder_pays(&mut self, victim: &Victim, merchant: u32, terminal: Option<u8>) {
        self.plans.push(Plan {
            card: victim.card,
            terminal,
            story: Some(self.story),
            ..Plan::honest(self.at, victim.customer.number, merchant)
        });
    }

    /// One card tried many times, or a few cards a few times each; then a large payment.
    fn card_testing(&mut self) {
        let cards = if self.random.chance(0.6) {
            1
        } else {
            self.random.between(3, 6)
        };
        let victims: Vec<Victim> = (0..cards).map(|_| self.victim()).collect();
        let Some(last) = victims.last() else { return };
        let pages = [
            self.page(last, &[kinds::GAMES, kinds::MARKET]),
            self.page(last, &[kinds::GAMES, kinds::STREAMING, kinds::MARKET]),
        ];
        for victim in &victims {
            let tries = if cards == 1 {
                self.random.between(10, 24)
            } else {
                self.random.between(3, 6)
            };
            for _ in 0..tries {
                let page = *self.random.pick(&pages);
                let usd = self.random.log_normal(0.3, 0.5);
                self.thief_pays(victim, page, usd);
                self.wait(3.0, 12.0);
            }
        }
        self.wait(60.0, 480.0);
        let page = self.page(last, &[kinds::COMPUTERS, kinds::MARKET, kinds::COINS]);
        let usd = self.random.log_normal(6.0, 0.6).max(60.0);
        self.thief_pays(last, page, usd);
    }

    fn stolen_card_spree(&mut self) {
        const LOOT: [u8; 7] = [
            kinds::ELECTRONICS,
            kinds::STORE,
            kinds::CLOTHING,
            kinds::JEWELLERY,
            kinds::FUEL,
            kinds::GROCERY,
            kinds::BANK,
        ];
        let victim = self.victim();
        for _ in 0..self.random.between(4, 9) {
            let kind = *self.random.pick(&LOOT);
            let shop = self.shop(victim.city, kind);
            let usd = self.random.log_normal(kind_at(kind).log_mean + 0.6, 0.8);
            self.thief_pays(&victim, shop, usd);
            self.wait(75.0, 420.0);
        }
    }

    fn velocity_burst(&mut self) {
        const PAGES: [u8; 5] = [
            kinds::GAMES,
            kinds::MARKET,
            kinds::RIDES,
            kinds::DELIVERY,
            kinds::TRANSFERS,
        ];
        let victim = self.victim();
        let pages = [self.page(&victim, &PAGES), self.page(&victim, &PAGES)];
        let payments = self.random.between(10, 16);
        let gap_max = 55.0 / payments as f64;
        for _ in 0..payments {
            let page = *self.random.pick(&pages);
            let usd = self.random.log_normal(3.5, 0.8);
            self.thief_pays(&victim, page, usd);
            self.wait(gap_max * 0.3, gap_max);
        }
    }

    fn impossible_travel(&mut self) {
        const ABROAD: [u8; 5] = [
            kinds::ELECTRONICS,
            kinds::STORE,
            kinds::JEWELLERY,
            kinds::CLOTHING,
            kinds::FUEL,
        ];
        let victim = self.victim();
        let at_home = *self
            .random
            .pick(&[kinds::GROCERY, kinds::RESTAURANT, kinds::FUEL]);
        let shop = self.shop(victim.city, at_home);
        self.holder_pays(&victim, shop, None);
        self.wait(360.0, 2_100.0);
        let far = self.world.city_far_from(victim.city, self.random);
        for _ in 0..self.random.between(1, 4) {
            let kind = *self.random.pick(&ABROAD);
            let shop = self.shop(far, kind);
            let usd = self.random.log_normal(kind_at(kind).log_mean + 0.5, 0.8);
            self.thief_pays(&victim, shop, usd);
            self.wait(120.0, 360.0);
        }
    }

    fn account_takeover(&mut self) {
        const PAGES: [u8; 3] = [kinds::COMPUTERS, kinds::COINS, kinds::MARKET];
        let victim = self.victim();
        for _ in 0..self.random.between(2, 6) {
            let page = if self.random.chance(0.6) {
                self.shop(victim.customer.home, kinds::TRANSFERS)
            } else {
                self.page(&victim, &PAGES)
            };
            let usd = self.random.log_normal(6.9, 1.0);
            self.thief_pays(&victim, page, usd);
            self.wait(45.0, 300.0);
        }
    }

    /// First honest people pay at one terminal; then copies of their cards are used far away.
    fn compromised_terminal(&mut self) {
        let (first, city) = somebody_awake(self.world, self.at, self.random);
        let kind =
            *self
                .random
                .pick(&[kinds::FUEL, kinds::RESTAURANT, kinds::GROCERY, kinds::BANK]);
        let shop = usual_merchant(self.world, &first, city, kind, self.random);
        let terminals = u64::from(Merchant::at(self.world, shop).terminals());
        let [terminal, ..] = self.random.below(terminals).to_le_bytes();
        let mut copied = Vec::new();
        for _ in 0..self.random.between(10, 22) {
            if let Some(victim) = self.neighbour(city) {
                self.holder_pays(&victim, shop, Some(terminal));
                copied.push(victim);
                self.wait(8.0, 60.0);
            }
        }
        self.wait(300.0, 900.0);
        let far = self.world.city_far_from(city, self.random);
        for victim in copied {
            if self.random.chance(0.25) {
                continue;
            }
            for _ in 0..self.random.between(1, 2) {
                let kind = *self.random.pick(&[
                    kinds::ELECTRONICS,
                    kinds::STORE,
                    kinds::BANK,
                    kinds::CLOTHING,
                    kinds::MARKET,
                ]);
                let shop = self.shop(far, kind);
                let usd = self.random.log_normal(kind_at(kind).log_mean + 0.3, 0.8);
                self.thief_pays(&victim, shop, usd);
                self.wait(5.0, 45.0);
            }
        }
    }

    /// Somebody who is in a city; `None` where nobody is found soon.
    fn neighbour(&mut self, city: u8) -> Option<Victim> {
        (0..300)
            .map(|_| self.victim())
            .find(|victim| victim.city == city)
    }

    fn small_then_large(&mut self) {
        let victim = self.victim();
        let page = self.page(&victim, &[kinds::STREAMING, kinds::GAMES, kinds::DELIVERY]);
        let usd = self.random.log_normal(0.6, 0.5);
        self.thief_pays(&victim, page, usd);
        self.wait(120.0, 1_200.0);
        for _ in 0..self.random.between(1, 2) {
            let page = self.page(&victim, &[kinds::COMPUTERS, kinds::MARKET, kinds::AIRWAYS]);
            // Large next to the first payment, not next to everybody's.
            let large = self.random.log_normal(6.2, 0.7).max(usd * 20.0);
            self.thief_pays(&victim, page, large);
            self.wait(60.0, 240.0);
        }
    }
}

/// Somebody to rob.
struct Victim {
    customer: Customer,
    city: u8,
    card: u8,
}
