//! Definitions in few words.

use sentinel_features::EntityKind;
use sentinel_features::definition::{Aggregate, Definition};
use sentinel_features::feature::Source;
use sentinel_features::field::{Category, Number};
use sentinel_features::filter::Filter;
use sentinel_features::window::WindowIndex;

/// What the account's events of a window give.
pub fn account(aggregate: Aggregate, window: &str) -> Definition {
    of(EntityKind::Account, aggregate, window)
}

/// What the events of an entity of this kind give.
pub fn of(entity: EntityKind, aggregate: Aggregate, window: &str) -> Definition {
    Definition {
        entity,
        aggregate,
        window: window_named(window),
        ratio_to: None,
        filter: None,
    }
}

/// The same of those events alone that pass.
pub fn only(filter: &str, definition: Definition) -> Definition {
    let filter = Filter::parse(filter).unwrap_or_else(|error| panic!("{filter}: {error}"));
    Definition {
        filter: Some(filter),
        ..definition
    }
}

/// The same over the same of another window.
pub fn ratio(definition: Definition, window: &str) -> Definition {
    Definition {
        ratio_to: Some(window_named(window)),
        ..definition
    }
}

/// A feature's source.
pub fn windowed(definition: Definition) -> Source {
    Source::Windowed(definition)
}

/// The window with this name.
pub fn window_named(name: &str) -> WindowIndex {
    WindowIndex::parse(name).unwrap_or_else(|| panic!("no window is called {name}"))
}

/// Different entities of a kind.
pub fn distinct(kind: EntityKind) -> Aggregate {
    Aggregate::Distinct(Category::Entity(kind))
}

/// Sum of amounts.
pub const SUM: Aggregate = Aggregate::Sum(Number::Amount);

/// Every aggregate of amounts that is allowed over every window.
pub const OF_EVERY_WINDOW: [Aggregate; 8] = [
    Aggregate::Count,
    SUM,
    Aggregate::Mean(Number::Amount),
    Aggregate::StandardDeviation(Number::Amount),
    Aggregate::Min(Number::Amount),
    Aggregate::Max(Number::Amount),
    Aggregate::ToMean(Number::Amount),
    Aggregate::ZScore(Number::Amount),
];

/// Those that are allowed over exact windows alone.
pub const OF_EXACT_WINDOWS: [Aggregate; 7] = [
    Aggregate::First(Number::Amount),
    Aggregate::Previous(Number::Amount),
    Aggregate::Median(Number::Amount),
    Aggregate::Quantile90(Number::Amount),
    Aggregate::Rank(Number::Amount),
    Aggregate::GapMean,
    Aggregate::GapStandardDeviation,
];

/// The names of the exact windows and of the tiled ones.
pub const EXACT: [&str; 6] = ["1m", "5m", "15m", "1h", "6h", "24h"];
pub const TILED: [&str; 2] = ["7d", "30d"];

/// Everything there is to ask about amounts and merchants of the account, over every window.
pub fn everything() -> Vec<Definition> {
    let mut all = Vec::new();
    for window in EXACT.into_iter().chain(TILED) {
        all.extend(OF_EVERY_WINDOW.map(|aggregate| account(aggregate, window)));
        all.push(account(distinct(EntityKind::Merchant), window));
    }
    for window in EXACT {
        all.extend(OF_EXACT_WINDOWS.map(|aggregate| account(aggregate, window)));
    }
    all
}

/// How many there are and what they add up to, of all of them or of some, and nothing that asks a window for more.
pub fn little(some: Option<&str>, windows: &[&str]) -> Vec<Definition> {
    let mut all = Vec::new();
    for window in windows {
        let sum = account(SUM, window);
        all.push(account(Aggregate::Count, window));
        all.push(some.map_or(sum.clone(), |filter| only(filter, sum)));
    }
    all
}
