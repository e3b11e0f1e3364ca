//! Words: what a definition is called where nobody gave it a description.
//!
//! Promises sentences that an analyst understands without knowing definitions, with `{value}` once. Must
//! never: say more than the definition does.

use super::{Aggregate, Definition};
use crate::feature::Unit;
use crate::filter::{Filter, Flag};

/// The parts that the sentences of one definition share.
struct Parts {
    /// `declined payments abroad`.
    payments: String,
    /// `this account`.
    entity: String,
    /// `within 15 minutes`.
    within: String,
    /// `, where channel = web`, or nothing.
    condition: String,
}

/// The longest condition that a sentence repeats, in letters.
const CONDITION_LETTERS_MAX: usize = 120;

impl Definition {
    /// A line for the docs.
    pub fn doc(&self) -> String {
        let parts = self.parts("events", "the");
        let included = match (&self.aggregate, &self.filter) {
            (Aggregate::Previous(_) | Aggregate::Rank(_), _)
            | (Aggregate::ToMean(_) | Aggregate::ZScore(_), _)
            | (_, Some(_)) => "",
            _ => ", this one included",
        };
        let subject = self.subject(&parts);
        let Parts {
            within, condition, ..
        } = parts;
        let ratio = self.ratio_to.map_or_else(String::new, |divisor| {
            format!(", over the same within {}", divisor.window().phrase)
        });
        plain(format!("{subject} {within}{included}{ratio}{condition}"))
    }

    /// What the value is, up to the window.
    fn subject(&self, parts: &Parts) -> String {
        let Parts {
            payments, entity, ..
        } = parts;
        let noun = self.aggregate.number().map_or("", |number| number.noun());
        let of = format!("of {payments} of {entity}");
        match &self.aggregate {
            Aggregate::Count => format!("{payments} of {entity}"),
            Aggregate::Sum(_) => format!("sum of the {noun} {of}"),
            Aggregate::Mean(_) => format!("mean {noun} {of}"),
            Aggregate::StandardDeviation(_) => format!("standard deviation of the {noun} {of}"),
            Aggregate::Min(_) => format!("least {noun} {of}"),
            Aggregate::Max(_) => format!("greatest {noun} {of}"),
            Aggregate::First(_) => format!("{noun} of the oldest among {payments} of {entity}"),
            Aggregate::Previous(_) => {
                format!("{noun} of the newest among earlier {payments} of {entity}")
            }
            Aggregate::Median(_) => format!("median {noun} {of}"),
            Aggregate::Quantile90(_) => {
                format!("the {noun} that nine in ten {payments} of {entity} do not exceed")
            }
            Aggregate::Rank(_) => {
                format!("share of the other {payments} of {entity} with no greater {noun}")
            }
            Aggregate::ToMean(_) => {
                format!("the {noun} over the mean of the other {payments} of {entity}")
            }
            Aggregate::ZScore(_) => format!(
                "the {noun} less the mean of the other {payments} of {entity}, over their standard \
                 deviation,"
            ),
            Aggregate::Distinct(category) => {
                format!("{} in {payments} of {entity}", category.plural())
            }
            Aggregate::GapMean => format!("mean time between {payments} of {entity}"),
            Aggregate::GapStandardDeviation => {
                format!("standard deviation of the time between {payments} of {entity}")
            }
        }
    }

    /// A sentence for an analyst; `{value}` stands for the value with its unit.
    pub fn phrase(&self) -> String {
        let parts = self.parts("payments", "this");
        let said = match self.ratio_to {
            Some(divisor) => self.ratio_phrase(&parts, divisor.window().phrase),
            None => self.value_phrase(&parts),
        };
        let condition = parts.condition;
        plain(format!("{said}{condition}"))
    }

    fn value_phrase(&self, parts: &Parts) -> String {
        let noun = self.aggregate.number().map_or("", |number| number.noun());
        let Parts {
            payments,
            entity,
            within,
            ..
        } = parts;
        let of = format!("{payments} of {entity} {within}");
        match &self.aggregate {
            Aggregate::Count => format!("{{value}} {of}"),
            Aggregate::Sum(_) if self.unit() == Unit::MinorUnits => format!("{{value}} in {of}"),
            Aggregate::Sum(_) => format!("the {noun} of {of} adds up to {{value}}"),
            Aggregate::Mean(_) => format!("the mean {noun} of {of} is {{value}}"),
            Aggregate::StandardDeviation(_) => format!("the {noun} of {of} varies by {{value}}"),
            Aggregate::Min(_) => format!("{{value}} is the least {noun} of {of}"),
            Aggregate::Max(_) => format!("{{value}} is the greatest {noun} of {of}"),
            Aggregate::First(_) => format!("{{value}} is the {noun} of the oldest among {of}"),
            Aggregate::Previous(_) => {
                format!("{{value}} is the {noun} of the newest among earlier {of}")
            }
            Aggregate::Median(_) => format!("the median {noun} of {of} is {{value}}"),
            Aggregate::Quantile90(_) => {
                format!("nine in ten {of} have no {noun} above {{value}}")
            }
            Aggregate::Rank(_) => {
                format!("{{value}} of the other {of} have no greater {noun}")
            }
            Aggregate::ToMean(_) => format!("{{value}} times the mean {noun} of the other {of}"),
            Aggregate::ZScore(_) => {
                format!("{{value}} standard deviations above the mean {noun} of the other {of}")
            }
            Aggregate::Distinct(category) => format!("{{value}} {} in {of}", category.plural()),
            Aggregate::GapMean => format!("{{value}} between {of} on average"),
            Aggregate::GapStandardDeviation => {
                format!("the time between {of} varies by {{value}}")
            }
        }
    }

    fn ratio_phrase(&self, parts: &Parts, divisor: &str) -> String {
        let noun = self.aggregate.number().map_or("", |number| number.noun());
        let Parts {
            payments,
            entity,
            within,
            ..
        } = parts;
        let times = match &self.aggregate {
            Aggregate::Count => format!("as many {payments}"),
            Aggregate::Sum(_) => format!("the {noun} in {payments}"),
            Aggregate::Distinct(category) => format!("as many {} in {payments}", category.plural()),
            _ => format!("the mean {noun} of {payments}"),
        };
        format!("{{value}} times {times} of {entity} {within} as within {divisor}")
    }

    /// A value one could meet.
    pub const fn example(&self) -> f64 {
        if self.ratio_to.is_some() {
            return 0.5;
        }
        match &self.aggregate {
            Aggregate::Count | Aggregate::Distinct(_) => 2.0,
            Aggregate::Rank(_) => 0.8,
            Aggregate::ToMean(_) => 1.3,
            Aggregate::ZScore(_) => 0.4,
            Aggregate::GapMean => 1_800.0,
            Aggregate::GapStandardDeviation => 600.0,
            _ => 12_500.0,
        }
    }

    fn parts(&self, events: &str, article: &str) -> Parts {
        Parts {
            payments: with_flags(events, self.filter.as_ref()),
            entity: format!("{article} {}", self.entity.noun()),
            within: format!("within {}", self.window.window().phrase),
            condition: condition(self.filter.as_ref()),
        }
    }
}

/// The events with what their flags say of them.
fn with_flags(events: &str, filter: Option<&Filter>) -> String {
    let mut said = events.to_owned();
    for flag in filter.into_iter().flat_map(Filter::flags) {
        said = match flag {
            Flag::Declined => format!("declined {said}"),
            Flag::RoundAmount => format!("{said} of round amounts"),
            Flag::SmallAmount => format!("{said} of small amounts"),
            Flag::Night => format!("{said} at night"),
            Flag::Foreign => format!("{said} abroad"),
            Flag::CardNotPresent => format!("{said} without the card present"),
            Flag::UnderLimit => format!("{said} just below a limit"),
            Flag::Cash => format!("{said} in cash"),
            Flag::Transfer => format!("{said} by transfer"),
            Flag::HighAmount => format!("{said} of high amounts"),
        };
    }
    said
}

fn condition(filter: Option<&Filter>) -> String {
    let Some(written) = filter.and_then(Filter::beyond_flags) else {
        return String::new();
    };
    let short: String = written.chars().take(CONDITION_LETTERS_MAX).collect();
    let more = if short.len() < written.len() {
        "…"
    } else {
        ""
    };
    format!(", where {short}{more}")
}

/// A sentence without the bar, which in a phrase divides the words for yes from those for no.
fn plain(sentence: String) -> String {
    sentence.replace('|', "/")
}
