//! What a feature is: one entry feeds docs, training columns, the API and the words of a reason.

use sentinel_domain::{Currency, Transaction, vocabulary};

use crate::entity::EntityKind;
use crate::slice::Measure;

vocabulary! {
    /// The five families of the catalogue.
    Family {
        /// How often and how much in how short a time.
        Velocity = 1, "velocity";
        /// Devices and addresses, and who shares them.
        Device = 2, "device";
        /// This payment against the habit.
        Behaviour = 3, "behaviour";
        /// Places and the way between them.
        Geography = 4, "geography";
        /// What is known from longer ago.
        History = 5, "history";
    }
}

vocabulary! {
    /// What the numbers count.
    Unit {
        /// How many.
        Count = 1, "count";
        /// Minor units of the reference currency.
        MinorUnits = 2, "minor_units";
        /// Seconds.
        Seconds = 3, "seconds";
        /// Kilometres.
        Kilometres = 4, "kilometres";
        /// Kilometres an hour.
        KilometresPerHour = 5, "kilometres_per_hour";
        /// One thing over another.
        Ratio = 6, "ratio";
        /// Hours since midnight, 0 to below 24.
        Hours = 7, "hours";
        /// 1 for yes, 0 for no.
        Flag = 8, "flag";
        /// Whatever the table's column holds.
        Raw = 9, "raw";
    }
}

vocabulary! {
    /// When a feature has no value.
    Missing {
        /// It always has one.
        Never = 1, "never";
        /// The transaction does not name the entity.
        NoEntity = 2, "no_entity";
        /// There is nothing earlier to compare with.
        NoHistory = 3, "no_history";
        /// The amount has no rate into the reference currency.
        NoAmount = 4, "no_amount";
        /// The transaction carries no such field.
        NoField = 5, "no_field";
    }
}

/// What a raw feature may read besides the transaction.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// The amount in minor units of the reference currency; `None` without a rate.
    pub amount: Option<i64>,
}

/// Where a feature's number comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// One number of an entity's slice.
    Entity(EntityKind, Measure),
    /// A function of the transaction alone.
    Transaction(fn(&Transaction, Context) -> f64),
    /// An attribute of the transaction.
    Attribute(String, crate::set::AttributeKind),
}

/// One entry of the catalogue.
#[derive(Debug, Clone)]
pub struct Feature {
    /// Stable, snake_case; the name in rules, models and training columns.
    pub name: String,
    /// The family.
    pub family: Family,
    /// The unit.
    pub unit: Unit,
    /// When it is missing.
    pub missing: Missing,
    /// One line for the docs.
    pub doc: String,
    /// A value one could meet.
    pub example: f64,
    /// A sentence for an analyst; `{value}` stands for the value with its unit. A flag has two, for yes
    /// and no, with a bar between.
    pub phrase: String,
    /// Where the number comes from.
    pub source: Source,
}

impl Feature {
    /// The analyst's sentence for a value.
    pub fn explain(&self, value: f64, reference: Currency) -> String {
        if value.is_nan() {
            return self.explain_missing();
        }
        if let Some((yes, no)) = self.phrase.split_once('|') {
            return (if value == 0.0 { no } else { yes }).to_owned();
        }
        self.phrase
            .replace("{value}", &self.unit.format(value, reference))
    }

    /// The sentence for a value that is not there.
    fn explain_missing(&self) -> String {
        match (&self.source, self.missing) {
            (Source::Entity(kind, _), Missing::NoEntity) => {
                format!("the payment names no {}", kind.noun())
            }
            (Source::Entity(kind, _), _) => {
                format!(
                    "nothing earlier is known of the {}, or none is named",
                    kind.noun()
                )
            }
            (_, Missing::NoAmount) => {
                "the amount has no rate into the reference currency".to_owned()
            }
            _ => format!("not given: {}", self.name.replace('_', " ")),
        }
    }
}

impl Unit {
    /// A value with its unit, for people.
    pub fn format(self, value: f64, reference: Currency) -> String {
        match self {
            Self::Count | Self::Flag => format!("{value:.0}"),
            Self::MinorUnits => {
                let digits = reference.exponent() as usize;
                let mut major = value;
                for _ in 0..digits {
                    major /= 10.0;
                }
                format!("{major:.digits$} {reference}")
            }
            Self::Seconds => format_seconds(value),
            Self::Kilometres => format!("{value:.0} km"),
            Self::KilometresPerHour => format!("{value:.0} km/h"),
            Self::Ratio => format!("{value:.1}"),
            Self::Hours => {
                let minutes = libm::floor(value * 60.0);
                let hour = libm::floor(minutes / 60.0);
                format!("{hour:02.0}:{:02.0}", minutes - hour * 60.0)
            }
            Self::Raw => format!("{value}"),
        }
    }
}

/// Seconds in the largest unit that keeps them readable.
fn format_seconds(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7_200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.0} h", s / 3_600.0),
        s => format!("{:.0} days", s / 86_400.0),
    }
}
