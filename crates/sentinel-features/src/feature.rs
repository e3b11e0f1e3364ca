//! What a feature is: one entry feeds docs, training columns, the API and the words of a reason.

use sentinel_domain::{Currency, Transaction, vocabulary};

use crate::definition::Definition;
use crate::entity::EntityKind;
use crate::fact::Fact;
use crate::set::AttributeKind;
use crate::window::Window;

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
        /// A part of a whole, 0 to 1; people read it in per cent.
        Share = 10, "share";
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
    /// An aggregate over a window of an entity.
    Windowed(Definition),
    /// What an entity knows without a window.
    Fact(EntityKind, Fact),
    /// A function of the transaction alone.
    Transaction(fn(&Transaction, Context) -> f64),
    /// An attribute of the transaction.
    Attribute(String, AttributeKind),
}

impl Source {
    /// The kind of entity it asks; `None` where the transaction alone answers.
    pub fn entity(&self) -> Option<EntityKind> {
        match self {
            Self::Windowed(definition) => Some(definition.entity),
            Self::Fact(kind, _) => Some(*kind),
            Self::Transaction(_) | Self::Attribute(..) => None,
        }
    }

    /// The definition of a windowed feature.
    pub fn definition(&self) -> Option<&Definition> {
        match self {
            Self::Windowed(definition) => Some(definition),
            _ => None,
        }
    }

    /// What kind of source it is: `window`, `fact`, `transaction` or `attribute`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Windowed(_) => "window",
            Self::Fact(..) => "fact",
            Self::Transaction(_) => "transaction",
            Self::Attribute(..) => "attribute",
        }
    }
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
    /// The kind of entity it speaks of; `None` where the transaction alone answers.
    pub fn entity(&self) -> Option<EntityKind> {
        self.source.entity()
    }

    /// The window it looks at.
    pub fn window(&self) -> Option<&'static Window> {
        Some(self.source.definition()?.window.window())
    }

    /// What a windowed feature computes, in one canonical line.
    pub fn definition(&self) -> Option<String> {
        self.source.definition().map(ToString::to_string)
    }

    /// What kind of source it has: `window`, `fact`, `transaction` or `attribute`.
    pub const fn kind(&self) -> &'static str {
        self.source.kind()
    }

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
        let noun = self.source.entity().map(EntityKind::noun);
        match (noun, self.missing) {
            (Some(noun), Missing::NoEntity) => format!("the payment names no {noun}"),
            (Some(noun), Missing::NoAmount) => {
                format!(
                    "no amount of the {noun} has a rate into the reference currency, or none is named"
                )
            }
            (Some(noun), _) => {
                format!("nothing earlier is known of the {noun}, or none is named")
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
            Self::Share => format!("{:.1} %", value * 100.0),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::Aggregate;
    use crate::field::Number;
    use crate::window::WindowIndex;

    fn feature(unit: Unit, missing: Missing, phrase: &str, source: Source) -> Feature {
        Feature {
            name: "some_name".into(),
            family: Family::History,
            unit,
            missing,
            doc: String::new(),
            example: 0.0,
            phrase: phrase.into(),
            source,
        }
    }

    fn mean() -> Source {
        Source::Windowed(Definition {
            entity: EntityKind::Card,
            aggregate: Aggregate::Mean(Number::Amount),
            window: WindowIndex::H1,
            ratio_to: None,
            filter: None,
        })
    }

    #[test]
    fn a_value_is_said_with_its_unit() {
        let fact = || Source::Fact(EntityKind::Merchant, Fact::FraudRate30d);
        let share = feature(Unit::Share, Missing::NoHistory, "{value} are fraud", fact());
        assert_eq!(share.explain(0.0123, Currency::USD), "1.2 % are fraud");
        let flag = feature(Unit::Flag, Missing::Never, "it is|it is not", fact());
        assert_eq!(flag.explain(1.0, Currency::USD), "it is");
        assert_eq!(flag.explain(0.0, Currency::USD), "it is not");
    }

    #[test]
    fn a_missing_value_says_why() {
        let fact = || Source::Fact(EntityKind::Device, Fact::CountEver);
        let raw = || Source::Transaction(|_, _| f64::NAN);
        let said = |missing, source| {
            feature(Unit::Ratio, missing, "{value}", source).explain(f64::NAN, Currency::USD)
        };
        assert_eq!(said(Missing::NoEntity, mean()), "the payment names no card");
        assert_eq!(
            said(Missing::NoEntity, fact()),
            "the payment names no device"
        );
        assert!(
            said(Missing::NoHistory, fact()).starts_with("nothing earlier is known of the device")
        );
        assert!(said(Missing::NoAmount, mean()).starts_with("no amount of the card has a rate"));
        assert!(said(Missing::NoAmount, raw()).starts_with("the amount has no rate"));
        assert_eq!(said(Missing::NoField, raw()), "not given: some name");
    }
}
