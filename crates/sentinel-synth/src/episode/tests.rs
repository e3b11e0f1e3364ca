//! Each story has its signature, its look-alikes lack it, and one episode of each lies here to be read.
//!
//! A signature is judged on the transactions alone, never on what is known beside them.

use std::collections::{BTreeMap, BTreeSet};

use sentinel_domain::{Transaction, transaction::EventType};

use super::*;
use crate::random::Random;
use crate::story::{LookAlike, Tale};
use crate::told::{Paid, episode, plans, slow_world, table};
use crate::world::World;

/// How many episodes of each tale are looked at.
const EPISODES: u64 = 60;

type Signature = fn(&World, &[Paid]) -> bool;

/// What gives a story away, and the innocent things that look like it.
fn signature(story: Story) -> (Signature, &'static [LookAlike]) {
    use LookAlike::{
        ChristmasShopping, Collection, Crowd, FamilyCard, HolidayTravel, NewPhone, Newcomer,
        QuickSuccession, SharedOffice, ShoppingSpree, TrialOrder,
    };
    match story {
        Story::CardTesting => (tiny_ones_then_a_large_one, &[QuickSuccession, SharedOffice]),
        Story::StolenCardSpree => (
            taps_then_loot_in_one_city,
            &[ShoppingSpree, FamilyCard, ChristmasShopping],
        ),
        Story::VelocityBurst => (ten_in_a_minute, &[QuickSuccession, SharedOffice]),
        Story::ImpossibleTravel => (faster_than_a_plane, &[HolidayTravel, FamilyCard]),
        Story::AccountTakeover => (strange_device_and_address, &[NewPhone]),
        Story::CompromisedTerminal => (one_till_then_far_away, &[Crowd, HolidayTravel]),
        Story::SmallThenLarge => (small_then_large_elsewhere, &[TrialOrder]),
        Story::CollusionRing => (few_merchants_just_under_a_limit, &[Crowd, SharedOffice]),
        Story::MuleNetwork => (fan_in_then_fan_out, &[Collection]),
        Story::BustOut => (quiet_weeks_then_everything, &[Newcomer, ChristmasShopping]),
        Story::SyntheticIdentity => (one_device_many_sleepers, &[Newcomer, FamilyCard]),
    }
}

fn share_shown(world: &World, tale: Tale, shown: Signature) -> f64 {
    let episodes = (1..=EPISODES).map(|number| episode(world, tale, number));
    let episodes: Vec<_> = episodes.filter(|told| !told.is_empty()).collect();
    assert!(episodes.len() >= 12, "{tale:?} found nobody");
    let count = episodes.iter().filter(|told| shown(world, told)).count();
    count as f64 / episodes.len() as f64
}

#[test]
fn every_story_shows_its_signature() {
    let world = slow_world();
    for story in Story::ALL {
        let share = share_shown(&world, Tale::Fraud(*story), signature(*story).0);
        assert!(share >= 0.85, "{story}: {share}");
    }
}

#[test]
fn the_look_alikes_of_a_story_lack_its_signature() {
    let world = slow_world();
    for story in Story::ALL {
        let (shown, look_alikes) = signature(*story);
        for kind in look_alikes {
            let share = share_shown(&world, Tale::Innocent(*kind), shown);
            assert!(share <= 0.1, "{story} in {kind}: {share}");
        }
    }
}

#[test]
fn no_story_is_taken_for_another_by_signature_alone() {
    let world = slow_world();
    let patient = signature(Story::BustOut).0;
    for story in [Story::VelocityBurst, Story::MuleNetwork, Story::CardTesting] {
        assert!(
            share_shown(&world, Tale::Fraud(story), patient) < 0.05,
            "{story}"
        );
    }
}

#[test]
fn one_episode_of_each_story_lies_here_to_be_read() {
    let world = slow_world();
    for story in Story::ALL {
        let golden = table(&episode(
            &world,
            Tale::Fraud(*story),
            u64::from(story.code()),
        ));
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(story.as_str(), golden);
        });
    }
}

#[test]
fn told_again_an_episode_is_the_same_and_another_number_is_another() {
    let world = slow_world();
    for tale in Tale::all().filter(|tale| tale.script().is_some()) {
        let texts = |number| format!("{:?}", plans(&world, tale, number));
        assert_eq!(texts(7), texts(7));
        assert!(texts(7) != texts(8) || texts(7) == "[]", "{tale:?}");
    }
}

#[test]
fn no_episode_lasts_longer_than_its_reach_in_a_slow_and_in_a_hurried_world() {
    let mut hurried = slow_world();
    hurried.day_seconds = 30.0;
    for world in [&slow_world(), &hurried] {
        for tale in Tale::all() {
            let reach = crate::telling::reach_seconds(world, tale);
            for number in 1..=150 {
                let told = plans(world, tale, number);
                let Some((first, last)) = told.first().zip(told.last()) else {
                    continue;
                };
                assert!(first.at >= crate::builder::FIXED_TIME, "{tale:?}");
                let micros = last.at.micros_since(crate::builder::FIXED_TIME);
                assert!(
                    micros as f64 / 1e6 <= reach,
                    "{tale:?} {number}: {micros} us"
                );
            }
        }
    }
}

#[test]
fn every_story_states_who_finds_it_out_and_when() {
    for story in Story::ALL {
        let delay = story.label_delay();
        assert!(
            0.0 < delay.days_min && delay.days_min < delay.days_median,
            "{story}"
        );
        assert!(
            delay.days_median < delay.days_max && delay.days_max <= 120.0,
            "{story}"
        );
        assert!(delay.spread > 0.0, "{story}");
    }
}

fn set_of<'a>(
    told: impl IntoIterator<Item = &'a Paid>,
    key: impl Fn(&'a Transaction) -> Option<&'a str>,
) -> BTreeSet<&'a str> {
    told.into_iter()
        .filter_map(|paid| key(&paid.transaction))
        .collect()
}

fn account(t: &Transaction) -> Option<&str> {
    Some(t.account_id.as_str())
}

fn card(t: &Transaction) -> Option<&str> {
    t.card_token.as_ref().map(|id| id.as_str())
}

fn merchant(t: &Transaction) -> Option<&str> {
    t.merchant_id.as_ref().map(|id| id.as_str())
}

fn terminal(t: &Transaction) -> Option<&str> {
    t.terminal_id.as_ref().map(|id| id.as_str())
}

fn device(t: &Transaction) -> Option<&str> {
    t.device_id.as_ref().map(|id| id.as_str())
}

fn sum(told: &[&Paid]) -> i64 {
    told.iter().map(|paid| paid.us_cents).sum()
}

fn tiny_ones_then_a_large_one(_: &World, told: &[Paid]) -> bool {
    let tiny: Vec<&Paid> = told.iter().filter(|paid| paid.us_cents < 600).collect();
    let (Some(first), Some(last)) = (tiny.first(), tiny.last()) else {
        return false;
    };
    let pages = set_of(tiny.iter().copied(), merchant).len();
    let large = told
        .iter()
        .any(|paid| paid.us_cents > 4_000 && (0.0..1_500.0).contains(&paid.seconds_since(last)));
    tiny.len() >= 8 && pages <= 2 && last.seconds_since(first) < 600.0 && large
}

fn taps_then_loot_in_one_city(_: &World, told: &[Paid]) -> bool {
    let first = &told[0];
    let at_terminals = told
        .iter()
        .all(|paid| terminal(&paid.transaction).is_some());
    let places: Vec<_> = told
        .iter()
        .filter_map(|paid| paid.transaction.coordinates)
        .collect();
    let near = places
        .iter()
        .all(|place| place.distance_metres(places[0]) < 60_000.0);
    at_terminals
        && near
        && told.len() >= 4
        && set_of(told, account).len() == 1
        && told[told.len() - 1].seconds_since(first) < 3_600.0
        && first.us_cents < 5_000
        && told.iter().any(|paid| paid.us_cents > 5 * first.us_cents)
}

fn ten_in_a_minute(_: &World, told: &[Paid]) -> bool {
    let ten = |ten: &[Paid]| ten[9].seconds_since(&ten[0]) < 60.0;
    set_of(told, account).len() == 1 && told.windows(10).any(ten)
}

fn faster_than_a_plane(_: &World, told: &[Paid]) -> bool {
    let too_fast = |one: &Paid, other: &Paid| {
        let (Some(here), Some(there)) =
            (one.transaction.coordinates, other.transaction.coordinates)
        else {
            return false;
        };
        let metres = here.distance_metres(there);
        let same_card = card(&one.transaction) == card(&other.transaction);
        same_card && metres > 500_000.0 && metres / other.seconds_since(one).max(1.0) > 280.0
    };
    told.iter()
        .enumerate()
        .any(|(index, one)| told[index + 1..].iter().any(|other| too_fast(one, other)))
}

fn strange_device_and_address(world: &World, told: &[Paid]) -> bool {
    let mut random = Random::new(1);
    let mut devices = BTreeSet::new();
    let mut addresses = BTreeSet::new();
    for paid in told {
        let customer = crate::customer::Customer::at(world, paid.plan.payer);
        let city = customer
            .city_at(world, paid.plan.at)
            .unwrap_or(customer.home);
        for _ in 0..300 {
            devices.insert(customer.device(world, &mut random));
            addresses.insert(customer.address(world, city, paid.plan.at, &mut random));
        }
    }
    let strange = told.iter().filter(|paid| {
        let t = &paid.transaction;
        t.device_id.as_ref().is_some_and(|id| !devices.contains(id))
            && t.ip.as_ref().is_some_and(|ip| !addresses.contains(ip))
    });
    let large = told.iter().any(|paid| paid.us_cents > 50_000);
    set_of(told, account).len() == 1 && strange.count() * 10 >= told.len() * 7 && large
}

fn one_till_then_far_away(_: &World, told: &[Paid]) -> bool {
    let Some(till) = terminal(&told[0].transaction) else {
        return false;
    };
    let (copied, after): (Vec<&Paid>, Vec<&Paid>) = told
        .iter()
        .partition(|paid| terminal(&paid.transaction) == Some(till));
    let Some(here) = copied.iter().find_map(|paid| paid.transaction.coordinates) else {
        return false;
    };
    let cards = set_of(copied.iter().copied(), card);
    let far = |paid: &&Paid| {
        let place = paid.transaction.coordinates;
        place.is_none_or(|place| place.distance_metres(here) > 900_000.0)
    };
    let far: Vec<&Paid> = after.into_iter().filter(far).collect();
    let abused = set_of(far.iter().copied(), card);
    let last = copied[copied.len() - 1];
    cards.len() >= 8
        && last.days_since(copied[0]) <= 1.5
        && cards.intersection(&abused).count() * 2 >= cards.len()
        && far.iter().all(|paid| paid.days_since(copied[0]) <= 7.0)
}

fn small_then_large_elsewhere(_: &World, told: &[Paid]) -> bool {
    let (Some(small), Some(large)) = (told.first(), told.get(1)) else {
        return false;
    };
    large.us_cents > 14 * small.us_cents
        && large.seconds_since(small) < 3_600.0
        && merchant(&small.transaction) != merchant(&large.transaction)
}

fn few_merchants_just_under_a_limit(_: &World, told: &[Paid]) -> bool {
    let merchants = set_of(told, merchant);
    let cards = set_of(told, card);
    let under = |limit: i64| {
        let near = |paid: &&Paid| {
            let cents = paid.us_cents;
            // What is billed abroad has its fee on top.
            cents > limit * 88 && cents < limit * 101
        };
        told.iter().filter(near).count() * 100 >= told.len() * 95
    };
    (2..=4).contains(&merchants.len())
        && cards.len() >= 10
        && [100, 200, 250, 500].into_iter().any(under)
        && told[told.len() - 1].days_since(&told[0]) <= 3.1
}

fn fan_in_then_fan_out(_: &World, told: &[Paid]) -> bool {
    let mut payers: BTreeMap<&str, Vec<&Paid>> = BTreeMap::new();
    for paid in told {
        if let Some(payee) = &paid.transaction.counterparty_id {
            payers.entry(payee.as_str()).or_default().push(paid);
        }
    }
    let passes_on = |(payee, into): (&&str, &Vec<&Paid>)| {
        let last = into[into.len() - 1];
        let out: Vec<&Paid> = told
            .iter()
            .filter(|paid| account(&paid.transaction) == Some(*payee))
            .filter(|paid| (0.0..=1.0).contains(&paid.days_since(last)))
            .collect();
        set_of(into.iter().copied(), account).len() >= 4
            && last.days_since(into[0]) <= 2.0
            && out.len() >= 3
            && (60..=110).contains(&(sum(&out) * 100 / sum(into).max(1)))
    };
    payers.iter().filter(|group| passes_on(*group)).count() >= 2
}

fn quiet_weeks_then_everything(_: &World, told: &[Paid]) -> bool {
    let last = &told[told.len() - 1];
    let (loud, quiet): (Vec<&Paid>, Vec<&Paid>) =
        told.iter().partition(|paid| last.days_since(paid) < 2.6);
    let Some(first) = quiet.first() else {
        return false;
    };
    let limit = sum(&loud);
    set_of(told, account).len() == 1
        && quiet.len() >= 8
        && quiet[quiet.len() - 1].days_since(first) >= 21.0
        && quiet.iter().all(|paid| paid.us_cents * 20 < limit)
        && loud.len() >= 6
        && limit * 2 > sum(&quiet) * 5
}

fn one_device_many_sleepers(_: &World, told: &[Paid]) -> bool {
    let accounts = set_of(told, account);
    let remote = told
        .iter()
        .filter(|paid| device(&paid.transaction).is_some());
    let devices = set_of(remote, device);
    let sleeps = |name: &&&str| {
        let own: Vec<&Paid> = told
            .iter()
            .filter(|paid| account(&paid.transaction) == Some(**name))
            .collect();
        let Some(opened_at) = own[0].transaction.account_opened_at else {
            return false;
        };
        let young = own[0].plan.at.micros_since(opened_at) < 20 * 86_400_000_000;
        let wakes = (1..own.len()).find(|index| own[*index].days_since(own[index - 1]) > 8.0);
        young && wakes.is_some_and(|at| sum(&own[at..]) > 3 * sum(&own[..at]))
    };
    accounts.len() >= 3
        && devices.len() == 1
        && told
            .iter()
            .all(|paid| paid.transaction.event_type != EventType::Refund || !paid.plan.fraud)
        && accounts.iter().filter(sleeps).count() * 4 >= accounts.len() * 3
}
