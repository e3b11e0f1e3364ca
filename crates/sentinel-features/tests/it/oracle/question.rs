//! The questions of a feature set, with the numbers under which events write down what they need.

use sentinel_domain::{Text, Transaction};
use sentinel_features::EntityKind;
use sentinel_features::definition::{Aggregate, Definition};
use sentinel_features::fact::Fact;
use sentinel_features::feature::{Feature, Source};
use sentinel_features::field::{Category, Number};
use sentinel_features::filter::Filter;

use super::filter;
use super::named;

/// Where an event has the number that a definition asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberAt {
    Amount,
    Distance,
    Attribute(usize),
}

/// One slot of the row.
#[derive(Debug, Clone)]
pub enum Question {
    Windowed(Windowed),
    Fact(EntityKind, Fact),
    /// The oracle says nothing of it.
    Unread,
}

/// A definition.
#[derive(Debug, Clone)]
pub struct Windowed {
    pub definition: Definition,
    pub number: Option<NumberAt>,
    pub category: Option<usize>,
    pub filter: Option<usize>,
    /// A count of different values over tiles, which may be sampled.
    pub tiled_distinct: Option<usize>,
}

/// A count of different values over tiles.
#[derive(Debug, PartialEq, Eq)]
pub struct TiledDistinct {
    pub kind: EntityKind,
    pub category: usize,
    pub filter: Option<usize>,
}

/// Everything a set asks.
#[derive(Debug, Default)]
pub struct Questions {
    pub slots: Vec<Question>,
    filters: Vec<Filter>,
    knows_accounts: bool,
    categories: Vec<Category>,
    attributes: Vec<Text>,
    pub tiled_distincts: Vec<TiledDistinct>,
    /// The kinds that some slot asks about.
    pub kinds: Vec<EntityKind>,
}

/// The place of an item in a list, added where it is new.
fn place<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    let at = list.iter().position(|have| *have == item);
    at.unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}

impl Questions {
    /// Of the features of a row, where entities of some kinds have nothing.
    pub fn new(features: &[Feature], without: &[EntityKind]) -> Self {
        let mut made = Self {
            knows_accounts: !is_without(EntityKind::Account, without),
            ..Self::default()
        };
        for feature in features {
            let (kind, question) = match &feature.source {
                Source::Windowed(definition) => {
                    (definition.entity, made.windowed(definition.clone()))
                }
                Source::Fact(kind, fact) => (*kind, Question::Fact(*kind, *fact)),
                Source::Transaction(_) | Source::Attribute(..) => {
                    made.slots.push(Question::Unread);
                    continue;
                }
            };
            made.slots.push(question);
            if !is_without(kind, without) {
                place(&mut made.kinds, kind);
            }
        }
        made
    }

    fn windowed(&mut self, definition: Definition) -> Question {
        let filter = definition.filter.clone();
        let filter = filter.map(|filter| place(&mut self.filters, filter));
        let number = number_of(&definition.aggregate).map(|number| match number {
            Number::Amount => NumberAt::Amount,
            Number::DistanceMetres => NumberAt::Distance,
            Number::Attribute(name) => {
                NumberAt::Attribute(place(&mut self.attributes, name.clone()))
            }
        });
        let category = match &definition.aggregate {
            Aggregate::Distinct(category) => Some(place(&mut self.categories, category.clone())),
            _ => None,
        };
        let windows = [Some(definition.window), definition.ratio_to];
        let tiled = windows.into_iter().flatten().any(|w| !w.is_exact());
        let tiled_distinct = category.filter(|_| tiled).map(|category| {
            let distinct = TiledDistinct {
                kind: definition.entity,
                category,
                filter,
            };
            place(&mut self.tiled_distincts, distinct)
        });
        Question::Windowed(Windowed {
            definition,
            number,
            category,
            filter,
            tiled_distinct,
        })
    }

    /// The kinds to keep entities of: those asked about, and the merchants, which tell the category of a
    /// label, where categories are asked about.
    pub fn kept(&self) -> Vec<EntityKind> {
        let mut kept = self.kinds.clone();
        if self.kinds.contains(&EntityKind::Mcc) {
            place(&mut kept, EntityKind::Merchant);
        }
        if self.asks_for_high_amounts() {
            place(&mut kept, EntityKind::Account);
        }
        kept
    }

    /// Whether some filter compares amounts with those that the account paid before.
    pub fn asks_for_high_amounts(&self) -> bool {
        let asks = |filter: &Filter| filter.to_string().contains("high_amount");
        self.knows_accounts && self.filters.iter().any(asks)
    }

    /// By the number of the filter: whether the transaction passes.
    pub fn passes(&self, t: &Transaction, paid: filter::Paid) -> Vec<bool> {
        let filters = self.filters.iter();
        filters.map(|one| filter::passes(one, t, paid)).collect()
    }

    /// By the number of the category: the transaction's value.
    pub fn values(&self, t: &Transaction) -> impl Iterator<Item = Option<named::Name>> {
        self.categories
            .iter()
            .map(|category| named::category(category, t))
    }

    /// By the number of the attribute: the transaction's thousandths.
    pub fn attributes(&self, t: &Transaction) -> Vec<Option<i64>> {
        let names = self.attributes.iter();
        names.map(|name| named::attribute(name, t)).collect()
    }
}

/// Whether a kind has no windows and no facts; a pair has none where one of its parts has none.
fn is_without(kind: EntityKind, without: &[EntityKind]) -> bool {
    let parts: &[EntityKind] = match kind {
        EntityKind::AccountMerchant => &[EntityKind::Account, EntityKind::Merchant],
        EntityKind::AccountDevice => &[EntityKind::Account, EntityKind::Device],
        EntityKind::CardCountry => &[EntityKind::Card],
        _ => &[],
    };
    without.contains(&kind) || parts.iter().any(|part| without.contains(part))
}

fn number_of(aggregate: &Aggregate) -> Option<&Number> {
    match aggregate {
        Aggregate::Sum(number)
        | Aggregate::Mean(number)
        | Aggregate::StandardDeviation(number)
        | Aggregate::Min(number)
        | Aggregate::Max(number)
        | Aggregate::First(number)
        | Aggregate::Previous(number)
        | Aggregate::Median(number)
        | Aggregate::Quantile90(number)
        | Aggregate::Rank(number)
        | Aggregate::ToMean(number)
        | Aggregate::ZScore(number) => Some(number),
        Aggregate::Count
        | Aggregate::Distinct(_)
        | Aggregate::GapMean
        | Aggregate::GapStandardDeviation => None,
    }
}
