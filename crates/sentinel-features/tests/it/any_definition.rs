//! Random sets of definitions over random logs.
//!
//! Promises that every aggregate, field, window, kind of entity, filter and ratio that is allowed comes up
//! with every other.

use sentinel_domain::Text;
use sentinel_features::EntityKind;
use sentinel_features::definition::{Aggregate, Definition};
use sentinel_features::field::{Category, Number};
use sentinel_synth::Random;

use crate::ask::{EXACT, TILED, distinct, of, only, ratio};
use crate::comparison::{Subject, set_of};
use crate::traffic::{Crowd, Seen, Traffic};

/// Filters that some events of the traffic pass and some do not.
const FILTERS: [&str; 24] = [
    "channel = web",
    "channel != web",
    "channel in [atm, pos] and amount >= 100",
    "amount < 12.5",
    "amount = 49.90",
    "declined",
    "not declined",
    "night",
    "foreign",
    "not foreign and card_not_present",
    "round_amount",
    "small_amount",
    "under_limit",
    "cash",
    "transfer",
    "high_amount",
    "not high_amount and amount > 20",
    "merchant_country = PT",
    "merchant_country in [US, JP]",
    "mcc >= 5430 and hour < 12",
    "weekday in [5, 6]",
    "attribute.score > 10",
    "attribute.grade = b",
    "three_ds != failed and currency = USD",
];

/// Kinds of two parts: different values are not kept for them, and they are none.
const PAIRS: [EntityKind; 3] = [
    EntityKind::AccountMerchant,
    EntityKind::AccountDevice,
    EntityKind::CardCountry,
];

fn number(random: &mut Random) -> Number {
    match random.below(5) {
        0 => Number::DistanceMetres,
        1 => Number::Attribute(Text::new("score")),
        _ => Number::Amount,
    }
}

fn category(random: &mut Random) -> Category {
    let fields = [
        Category::MerchantCountry,
        Category::CardCountry,
        Category::BillingCountry,
        Category::ShippingCountry,
        Category::CounterpartyCountry,
        Category::Channel,
        Category::EntryMode,
        Category::Currency,
        Category::EventType,
        Category::EmailDomain,
        Category::Session,
        Category::Attribute(Text::new("grade")),
    ];
    if random.chance(0.5) {
        let kind = *random.pick(EntityKind::ALL);
        Category::Entity(if PAIRS.contains(&kind) {
            EntityKind::Ip
        } else {
            kind
        })
    } else {
        random.pick(&fields).clone()
    }
}

/// An aggregate, and whether it is allowed over tiles, may have a filter, and may be one of a ratio.
fn aggregate(random: &mut Random) -> (Aggregate, bool, bool, bool) {
    match random.below(18) {
        0 | 1 => (Aggregate::Count, true, true, true),
        2 => (Aggregate::Sum(number(random)), true, true, true),
        3 => (Aggregate::Mean(number(random)), true, true, true),
        4 => (
            Aggregate::StandardDeviation(number(random)),
            true,
            true,
            false,
        ),
        5 => (Aggregate::Min(number(random)), true, true, false),
        6 => (Aggregate::Max(number(random)), true, true, false),
        7 => (Aggregate::ToMean(number(random)), true, true, false),
        8 => (Aggregate::ZScore(number(random)), true, true, false),
        9 => (Aggregate::First(number(random)), false, true, false),
        10 => (Aggregate::Previous(number(random)), false, true, false),
        11 => (Aggregate::Median(number(random)), false, true, false),
        12 => (Aggregate::Quantile90(number(random)), false, true, false),
        13 => (Aggregate::Rank(number(random)), false, true, false),
        14 => (Aggregate::GapMean, false, false, false),
        15 => (Aggregate::GapStandardDeviation, false, false, false),
        _ => (Aggregate::Distinct(category(random)), true, true, true),
    }
}

/// Whether it is of the distance from the last place.
fn of_distance(aggregate: &Aggregate) -> bool {
    format!("{aggregate:?}").contains("DistanceMetres")
}

/// A definition that is allowed.
pub fn definition(random: &mut Random, kinds: &[EntityKind]) -> Definition {
    let (aggregate, tiles, filters, ratios) = aggregate(random);
    let window = |random: &mut Random| {
        if tiles && random.chance(0.3) {
            *random.pick(&TILED)
        } else {
            *random.pick(&EXACT)
        }
    };
    let mut kind = *random.pick(kinds);
    if matches!(aggregate, Aggregate::Distinct(_)) && PAIRS.contains(&kind) {
        // Different values are not kept for pairs.
        kind = EntityKind::Merchant;
    }
    if aggregate == distinct(kind) {
        // Every event of one entity names the same one.
        return definition(random, kinds);
    }
    let kind = if of_distance(&aggregate) {
        // Places are known of the payer alone.
        *random.pick(&[EntityKind::Account, EntityKind::Card])
    } else {
        kind
    };
    let mut made = of(kind, aggregate, window(random));
    if filters && random.chance(0.4) {
        let filter: &str = random.pick::<&str>(&FILTERS);
        made = only(filter, made);
    }
    let base = window(random);
    if ratios && random.chance(0.25) && made.window.window().name != base {
        made = ratio(made, base);
    }
    made
}

/// A set of 1 to 20 definitions, of few kinds of entity or of all.
pub fn definitions(random: &mut Random) -> Vec<Definition> {
    let kinds = if random.chance(0.5) {
        vec![*random.pick(EntityKind::ALL), *random.pick(EntityKind::ALL)]
    } else {
        EntityKind::ALL.to_vec()
    };
    let count = random.between(1, 20);
    let mut made: Vec<Definition> = (0..count).map(|_| definition(random, &kinds)).collect();
    made.sort();
    made.dedup();
    made
}

/// Compares a random set over a random log.
pub fn compare(seed: u64, entries: u64) -> Seen {
    let mut random = Random::new(seed);
    let definitions = definitions(&mut random);
    let mut subject = Subject::of(set_of(&definitions));
    let crowd = *random.pick(&[Crowd::Few, Crowd::Many]);
    let mut traffic = Traffic::new(seed, crowd);
    let mut seen = Seen::default();
    for index in 0..entries {
        let entry = traffic.entry();
        seen.apply(&mut subject, &entry)
            .unwrap_or_else(|difference| panic!("seed {seed}, entry {index}: {difference}"));
    }
    seen
}

#[test]
fn any_set_of_definitions_gives_what_plain_loops_give() {
    for seed in 0..400 {
        compare(seed, 100 + seed % 7 * 50);
    }
}

#[test]
fn some_sets_of_definitions_over_longer_logs_give_what_plain_loops_give() {
    for seed in 1_000..1_010 {
        compare(seed, 3_500);
    }
}
