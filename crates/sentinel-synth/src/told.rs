//! Episodes for tests: told and spelt out without a stream around them, and as a table for people.

use std::fmt::Write as _;

use sentinel_domain::{Currency, EventId, RateTable, Text, Transaction};

use crate::builder::FIXED_TIME;
use crate::city::reference_rates;
use crate::options::Options;
use crate::plan::Plan;
use crate::random::Random;
use crate::story::Tale;
use crate::telling::Episode;
use crate::world::World;
use crate::{payment, plan};

/// A world in which a day lasts a day.
pub(crate) fn slow_world() -> World {
    World::new(&Options {
        payments_per_second: 0.1,
        ..Options::new(11, FIXED_TIME)
    })
}

/// One payment of an episode.
pub(crate) struct Paid {
    pub(crate) plan: plan::Plan,
    pub(crate) transaction: Transaction,
    /// The amount in hundredths of a US dollar.
    pub(crate) us_cents: i64,
}

impl Paid {
    /// Days since another payment.
    pub(crate) fn days_since(&self, earlier: &Self) -> f64 {
        self.seconds_since(earlier) / 86_400.0
    }

    pub(crate) fn seconds_since(&self, earlier: &Self) -> f64 {
        self.plan.at.micros_since(earlier.plan.at) as f64 / 1e6
    }
}

/// The plans of an episode.
pub(crate) fn plans(world: &World, tale: Tale, number: u64) -> Vec<Plan> {
    let episode = Episode {
        tale,
        number: number.try_into().unwrap(),
        start: FIXED_TIME,
    };
    let mut plans = Vec::new();
    episode.tell(world, &mut plans);
    plans
}

/// The payments of an episode.
pub(crate) fn episode(world: &World, tale: Tale, number: u64) -> Vec<Paid> {
    let rates = RateTable::new(Currency::USD, reference_rates()).unwrap();
    let mut random = Random::new(number);
    let spell = |plan: Plan| {
        let event_id = EventId(Text::const_new("e"));
        let transaction = payment::render(world, &plan, event_id, &mut random);
        let us_cents = rates.convert(transaction.judged_amount()).unwrap();
        Paid {
            plan,
            transaction,
            us_cents,
        }
    };
    plans(world, tale, number).into_iter().map(spell).collect()
}

/// The episode as a person reads it.
pub(crate) fn table(episode: &[Paid]) -> String {
    let mut text = String::new();
    let mut line = |cells: [&str; 10]| {
        let [
            time,
            account,
            card,
            merchant,
            terminal,
            place,
            amount,
            device,
            address,
            fraud,
        ] = cells;
        let row = format!(
            "{time:<19} {account:<9} {card:<5} {merchant:<26} {terminal:<10} {place:<14} {amount:>14} \
             {device:<5} {address:<15} {fraud}"
        );
        writeln!(text, "{}", row.trim_end()).unwrap();
    };
    line([
        "time",
        "account",
        "card",
        "merchant or payee",
        "terminal",
        "place",
        "amount",
        "dev.",
        "address",
        "fraud",
    ]);
    for Paid {
        transaction, plan, ..
    } in episode
    {
        let t = transaction;
        let place = t.coordinates.map_or(String::new(), |place| {
            let degrees = |e7: i32| f64::from(e7) / 1e7;
            format!("{:.2} {:.2}", degrees(place.lat_e7), degrees(place.lon_e7))
        });
        let last = |id: Option<&str>| id.map_or(String::new(), |id| id[id.len() - 4..].to_owned());
        let whom = t.merchant_name.as_deref().map(str::to_owned);
        let payee = t
            .counterparty_id
            .as_ref()
            .map(|id| format!("to {}", id.as_str()));
        let terminal = t.terminal_id.as_ref().map_or("", |id| id.as_str());
        let unit = libm::pow(10.0, f64::from(t.currency.exponent()));
        let amount = format!("{:.2} {}", t.amount_minor as f64 / unit, t.currency);
        line([
            &t.event_time.to_string()[..19],
            t.account_id.as_str(),
            &last(t.card_token.as_ref().map(|id| id.as_str())),
            &whom.or(payee).unwrap_or_default(),
            terminal,
            &place,
            &amount,
            &last(t.device_id.as_ref().map(|id| id.as_str())),
            t.ip.as_ref().map_or("", |ip| ip.as_str()),
            if plan.fraud { "yes" } else { "no" },
        ]);
    }
    text
}
