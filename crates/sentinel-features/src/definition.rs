//! Definitions: what a windowed feature computes, in five words.
//!
//! *Aggregate* of a *field* over a *window* of an *entity*, of those events only that pass a *filter*.
//! Shipped and user-defined features are the same kind of value and compile to the same plan; equal
//! definitions share their state. Users write theirs into a file ([`read`]); one that comes out of it
//! passes [`Definition::check`]. Must never hold state or know how a window is kept.

use std::fmt;

use crate::entity::EntityKind;
use crate::feature::{Missing, Unit};
use crate::field::{Category, Number};
use crate::filter::Filter;
use crate::filter::spelling::possible;
use crate::window::WindowIndex;

mod file;
mod words;

pub(crate) use file::read_at_most;
pub use file::{
    DEFINITIONS_MAX, DefinitionError, DefinitionErrors, FILE_BYTES_MAX, SET_DEFINITIONS_MAX, read,
    to_toml,
};

/// What is computed of the events of a window.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aggregate {
    /// How many.
    Count,
    /// Sum of a number; 0 where no event has one.
    Sum(Number),
    /// Arithmetic mean.
    Mean(Number),
    /// Standard deviation of the population.
    StandardDeviation(Number),
    /// Least.
    Min(Number),
    /// Greatest.
    Max(Number),
    /// The number of the oldest event that has one.
    First(Number),
    /// The number of the newest event before this one that has one.
    Previous(Number),
    /// The middle value, by logarithmic buckets (within 12.5 %).
    Median(Number),
    /// The value that nine in ten do not exceed, by logarithmic buckets (within 12.5 %).
    Quantile90(Number),
    /// The share of the other events whose number lies in this event's bucket or a lower one.
    Rank(Number),
    /// This event's number over the mean of the others'.
    ToMean(Number),
    /// This event's number minus the mean of the others', over their standard deviation.
    ZScore(Number),
    /// How many different values.
    Distinct(Category),
    /// Mean seconds between consecutive events.
    GapMean,
    /// Standard deviation of the seconds between consecutive events.
    GapStandardDeviation,
}

/// A windowed feature's meaning.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Definition {
    /// Whose events.
    pub entity: EntityKind,
    /// What is computed of them.
    pub aggregate: Aggregate,
    /// How far back.
    pub window: WindowIndex,
    /// Divides the value by the same over this window.
    pub ratio_to: Option<WindowIndex>,
    /// Which events take part.
    pub filter: Option<Filter>,
}

/// What an aggregate is computed of.
#[derive(Debug)]
enum Needs {
    Number(fn(Number) -> Aggregate),
    Category(fn(Category) -> Aggregate),
    Nothing(Aggregate),
}

/// Every aggregate by its name.
const AGGREGATES: &[(&str, Needs)] = &[
    ("count", Needs::Nothing(Aggregate::Count)),
    ("sum", Needs::Number(Aggregate::Sum)),
    ("mean", Needs::Number(Aggregate::Mean)),
    (
        "standard_deviation",
        Needs::Number(Aggregate::StandardDeviation),
    ),
    ("min", Needs::Number(Aggregate::Min)),
    ("max", Needs::Number(Aggregate::Max)),
    ("first", Needs::Number(Aggregate::First)),
    ("previous", Needs::Number(Aggregate::Previous)),
    ("median", Needs::Number(Aggregate::Median)),
    ("quantile_90", Needs::Number(Aggregate::Quantile90)),
    ("rank", Needs::Number(Aggregate::Rank)),
    ("to_mean", Needs::Number(Aggregate::ToMean)),
    ("z_score", Needs::Number(Aggregate::ZScore)),
    ("distinct", Needs::Category(Aggregate::Distinct)),
    ("gap_mean", Needs::Nothing(Aggregate::GapMean)),
    (
        "gap_standard_deviation",
        Needs::Nothing(Aggregate::GapStandardDeviation),
    ),
];

impl Needs {
    /// What the aggregate with this name is computed of; the text says what there is.
    fn of(name: &str) -> Result<&'static Self, String> {
        let found = AGGREGATES.iter().find(|(have, _)| *have == name);
        found.map(|(_, needs)| needs).ok_or_else(|| {
            let names: Vec<&str> = AGGREGATES.iter().map(|(name, _)| *name).collect();
            format!("{name:?} is no aggregate; {}", possible(name, &names))
        })
    }

    /// The aggregate of a field, named as in a file.
    fn aggregate(&self, name: &str, field: Option<&str>) -> Result<Aggregate, String> {
        match (self, field) {
            (Self::Nothing(aggregate), None) => Ok(aggregate.clone()),
            (Self::Nothing(_), Some(_)) => {
                Err(format!("{name} is of the events: it takes no field"))
            }
            (Self::Number(make), Some(field)) => Number::parse(field).map(make).ok_or_else(|| {
                let numbers = "amount, distance_km, attribute.NAME";
                format!("{field:?} is no number, which {name} needs; there are {numbers}")
            }),
            (Self::Category(make), Some(field)) => {
                Category::parse(field).map(make).ok_or_else(|| {
                    let mut names = Category::names();
                    names.push("attribute.NAME");
                    let hint = possible(field, &names);
                    format!("{field:?} is no field that {name} tells apart; {hint}")
                })
            }
            (Self::Number(_), None) => Err(format!("is missing: {name} needs a number")),
            (Self::Category(_), None) => Err(format!("is missing: {name} needs a field")),
        }
    }
}

impl Aggregate {
    /// The aggregate with this name, of a field where it needs one; the text says what is wrong.
    pub fn parse(name: &str, field: Option<&str>) -> Result<Self, String> {
        Needs::of(name)?.aggregate(name, field)
    }

    /// Its name in files.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum(_) => "sum",
            Self::Mean(_) => "mean",
            Self::StandardDeviation(_) => "standard_deviation",
            Self::Min(_) => "min",
            Self::Max(_) => "max",
            Self::First(_) => "first",
            Self::Previous(_) => "previous",
            Self::Median(_) => "median",
            Self::Quantile90(_) => "quantile_90",
            Self::Rank(_) => "rank",
            Self::ToMean(_) => "to_mean",
            Self::ZScore(_) => "z_score",
            Self::Distinct(_) => "distinct",
            Self::GapMean => "gap_mean",
            Self::GapStandardDeviation => "gap_standard_deviation",
        }
    }

    /// The number it is computed of.
    pub const fn number(&self) -> Option<&Number> {
        match self {
            Self::Sum(number)
            | Self::Mean(number)
            | Self::StandardDeviation(number)
            | Self::Min(number)
            | Self::Max(number)
            | Self::First(number)
            | Self::Previous(number)
            | Self::Median(number)
            | Self::Quantile90(number)
            | Self::Rank(number)
            | Self::ToMean(number)
            | Self::ZScore(number) => Some(number),
            Self::Count | Self::Distinct(_) | Self::GapMean | Self::GapStandardDeviation => None,
        }
    }

    /// The category whose values it counts.
    pub const fn category(&self) -> Option<&Category> {
        match self {
            Self::Distinct(category) => Some(category),
            _ => None,
        }
    }

    /// The field's name in files.
    pub fn field(&self) -> Option<String> {
        let number = self.number().map(Number::to_string);
        number.or_else(|| self.category().map(Category::to_string))
    }

    /// Whether tiles can answer it: counts, sums, sums of squares, extremes and newest occurrences can
    /// be put together from parts, orders and gaps cannot.
    pub const fn is_tiled(&self) -> bool {
        matches!(
            self,
            Self::Count
                | Self::Sum(_)
                | Self::Mean(_)
                | Self::StandardDeviation(_)
                | Self::Min(_)
                | Self::Max(_)
                | Self::ToMean(_)
                | Self::ZScore(_)
                | Self::Distinct(_)
        )
    }

    /// Whether one window's value over another's means something.
    pub const fn has_ratio(&self) -> bool {
        matches!(
            self,
            Self::Count | Self::Sum(_) | Self::Mean(_) | Self::Distinct(_)
        )
    }

    const fn is_gap(&self) -> bool {
        matches!(self, Self::GapMean | Self::GapStandardDeviation)
    }
}

impl fmt::Display for Aggregate {
    /// `sum(amount)`, `count`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self.field() {
            Some(field) => write!(f, "({field})"),
            None => Ok(()),
        }
    }
}

impl Definition {
    /// Whether the engine can compute it; the text says every reason against it.
    pub fn check(&self) -> Result<(), String> {
        let faults: Vec<String> = self
            .faults()
            .into_iter()
            .map(|(key, detail)| format!("{key}: {detail}"))
            .collect();
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults.join("; "))
        }
    }

    /// Everything against it, with the key of the file that is at fault.
    fn faults(&self) -> Vec<(&'static str, String)> {
        let (aggregate, entity) = (self.aggregate.name(), self.entity);
        let mut faults = Vec::new();
        if !self.window.is_exact() && !self.aggregate.is_tiled() {
            let window = self.window.window().name;
            let detail = format!("{aggregate} is not kept over {window}: up to 24h it is");
            faults.push(("window", detail));
        }
        if let Some(divisor) = self.ratio_to {
            if !self.aggregate.has_ratio() {
                let detail =
                    format!("{aggregate} has no ratio; count, sum, mean and distinct have one");
                faults.push(("ratio_to", detail));
            }
            if divisor == self.window {
                let detail = "is the window itself: the ratio would always be 1";
                faults.push(("ratio_to", detail.to_owned()));
            }
        }
        if self.filter.is_some() && self.aggregate.is_gap() {
            let detail = format!("{aggregate} is between all events: it takes no filter");
            faults.push(("filter", detail));
        }
        if self.aggregate.number() == Some(&Number::DistanceMetres)
            && !matches!(entity, EntityKind::Account | EntityKind::Card)
        {
            let detail = format!("distance_km is known for account and card, not for {entity}");
            faults.push(("field", detail));
        }
        if let Some(category) = self.aggregate.category() {
            if entity.parts().is_some() {
                let detail = format!("{aggregate} is not kept for {entity}, which is a pair");
                faults.push(("aggregate", detail));
            } else if *category == Category::Entity(entity) {
                let detail = format!("every event of one {entity} names the same {entity}");
                faults.push(("field", detail));
            } else if let Category::Entity(kind) = category
                && kind.parts().is_some()
            {
                let detail = format!("{kind} is a pair; count one of its parts");
                faults.push(("field", detail));
            }
        }
        faults
    }

    /// What the value counts.
    pub fn unit(&self) -> Unit {
        if self.ratio_to.is_some() {
            return Unit::Ratio;
        }
        match &self.aggregate {
            Aggregate::Count | Aggregate::Distinct(_) => Unit::Count,
            Aggregate::Sum(number)
            | Aggregate::Mean(number)
            | Aggregate::StandardDeviation(number)
            | Aggregate::Min(number)
            | Aggregate::Max(number)
            | Aggregate::First(number)
            | Aggregate::Previous(number)
            | Aggregate::Median(number)
            | Aggregate::Quantile90(number) => match number {
                Number::Amount => Unit::MinorUnits,
                Number::DistanceMetres => Unit::Kilometres,
                Number::Attribute(_) => Unit::Raw,
            },
            Aggregate::Rank(_) => Unit::Share,
            Aggregate::ToMean(_) | Aggregate::ZScore(_) => Unit::Ratio,
            Aggregate::GapMean | Aggregate::GapStandardDeviation => Unit::Seconds,
        }
    }

    /// Why the value may not be there, besides that the transaction does not name the entity.
    pub fn missing(&self) -> Missing {
        // With a filter, no event at all may take part, whatever this one brings along.
        let rests_on_this_event = self.filter.is_none();
        match &self.aggregate {
            Aggregate::Sum(_) if self.ratio_to.is_some() => Missing::NoHistory,
            Aggregate::Distinct(_) if self.ratio_to.is_some() => Missing::NoHistory,
            Aggregate::Count if self.ratio_to.is_none() || rests_on_this_event => Missing::NoEntity,
            Aggregate::Sum(_) | Aggregate::Distinct(_) => Missing::NoEntity,
            Aggregate::Mean(number)
            | Aggregate::StandardDeviation(number)
            | Aggregate::Min(number)
            | Aggregate::Max(number)
            | Aggregate::First(number)
            | Aggregate::Median(number)
            | Aggregate::Quantile90(number)
                if rests_on_this_event =>
            {
                match number {
                    Number::Amount => Missing::NoAmount,
                    Number::DistanceMetres => Missing::NoHistory,
                    Number::Attribute(_) => Missing::NoField,
                }
            }
            _ => Missing::NoHistory,
        }
    }
}

impl fmt::Display for Definition {
    /// One line: `sum(amount) of account over 15m / 24h where channel = web`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let window = self.window.window().name;
        write!(f, "{} of {} over {window}", self.aggregate, self.entity)?;
        if let Some(divisor) = self.ratio_to {
            write!(f, " / {}", divisor.window().name)?;
        }
        match &self.filter {
            Some(filter) => write!(f, " where {filter}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
