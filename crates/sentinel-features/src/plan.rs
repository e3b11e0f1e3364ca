//! The plan: a list of features compiled to what each kind of entity must keep and how each slot is read.
//!
//! Equal columns, filters and windows are kept once, whoever asked for them: shipped and user-defined
//! definitions meet here and nowhere else. A feature's value never depends on which others are in the
//! plan. Must never be consulted by name on the hot path: everything is an index by then.

use sentinel_domain::ContentHash;

use crate::definition::{Aggregate, Definition};
use crate::entity::{ENTITY_KINDS, EntityKind};
use crate::fact::Fact;
use crate::feature::{Feature, Source};
use crate::field::{Category, Number};
use crate::filter::{Filter, Flag};
use crate::reading::{COUNT, line_of_category, line_of_mark, place_of_line};
use crate::window::{EXACT_COUNT, WINDOW_COUNT, WindowIndex};

mod layout;

pub(crate) use layout::{Op, OpKind, RingPlan, RingWindow, TilePlan};

/// The most different filters of a set: one bit of an event each.
pub const FILTERS_MAX: usize = 32;
/// The most numbers, and the most categories, of one kind of entity.
pub const COLUMNS_MAX: usize = 16;

/// Why features do not fit one plan.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PlanError {
    /// Too many different filters.
    #[error(
        "the features use more than {FILTERS_MAX} different filters; the first too many is `{0}`"
    )]
    Filters(String),
    /// Too many different numbers or categories.
    #[error("features of entity {kind} use more than {COLUMNS_MAX} different {what}")]
    Columns {
        /// The kind of entity.
        kind: EntityKind,
        /// `numbers` or `categories`.
        what: &'static str,
    },
    /// A definition that means nothing.
    #[error("feature {name}: {detail}")]
    Definition {
        /// The feature.
        name: String,
        /// What is wrong with it.
        detail: String,
    },
}

/// A column of a kind of entity: a number or category of the set, of events with a mark only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column {
    /// The place in the set's list.
    pub source: u8,
    /// The mark an event needs; `None` for every event.
    pub mark: Option<u8>,
}

/// A number column with how its values are scaled at the end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NumberColumn {
    pub column: Column,
    pub divisor: f64,
    /// It is the distance, which each entity measures for itself.
    pub is_distance: bool,
}

/// How a number's totals are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Statistic {
    Sum,
    Mean,
    StandardDeviation,
    Min,
    Max,
    ToMean,
    ZScore,
    First,
    Previous,
    Median,
    Quantile90,
    Rank,
}

/// What a slot of the row reads of an entity. Windows are places in `WINDOWS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    Count {
        window: u8,
    },
    Marked {
        mark: u8,
        window: u8,
    },
    Number {
        column: u8,
        window: u8,
        statistic: Statistic,
    },
    Distinct {
        column: u8,
        window: u8,
    },
    GapMean {
        window: u8,
    },
    GapDeviation {
        window: u8,
    },
    Fact(Fact),
}

/// A slot: one reading, or one over another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    pub at: u16,
    pub output: Output,
    pub over: Option<Output>,
}

/// The slots of a kind, those of one shape together: a loop over equals costs a fraction of a choice a
/// slot. Places in the row, columns and windows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shapes {
    /// Events, marked ones and different values: where a line of the readings begins, in the place of a
    /// column.
    pub counts: Vec<(u16, u16, u8)>,
    pub facts: Vec<(u16, u8)>,
    /// Of numbers that are not scaled at the end.
    pub sums: Vec<(u16, u8, u8)>,
    pub means: Vec<(u16, u8, u8)>,
    pub maxima: Vec<(u16, u8, u8)>,
    /// Of exact windows and tiled ones.
    pub to_means: Vec<(u16, u8, u8)>,
    /// All others.
    pub others: Vec<Slot>,
}

impl Shapes {
    fn of(slots: &[Slot], numbers: &[NumberColumn]) -> Self {
        let mut shapes = Self::default();
        for slot in slots {
            if slot.over.is_some() {
                shapes.others.push(*slot);
                continue;
            }
            match slot.output {
                Output::Count { window } => {
                    shapes.counts.push((slot.at, place_of_line(COUNT), window));
                }
                Output::Marked { mark, window } => {
                    let line = line_of_mark(mark);
                    shapes.counts.push((slot.at, place_of_line(line), window));
                }
                Output::Distinct { column, window } => {
                    let line = line_of_category(column);
                    shapes.counts.push((slot.at, place_of_line(line), window));
                }
                Output::Fact(fact) => shapes.facts.push((slot.at, fact.code())),
                Output::Number {
                    column,
                    window,
                    statistic,
                } if numbers[usize::from(column)].divisor == 1.0 => {
                    let entry = (slot.at, column, window);
                    match statistic {
                        Statistic::Sum => shapes.sums.push(entry),
                        Statistic::Mean => shapes.means.push(entry),
                        Statistic::Max => shapes.maxima.push(entry),
                        Statistic::ToMean => shapes.to_means.push(entry),
                        _ => shapes.others.push(*slot),
                    }
                }
                _ => shapes.others.push(*slot),
            }
        }
        shapes
    }
}

/// What one kind of entity keeps.
#[derive(Debug, Clone, Default)]
pub(crate) struct KindPlan {
    /// Names of this kind are numbered: it has slots, or others tell its entities apart.
    pub is_numbered: bool,
    pub slots: Vec<Slot>,
    pub shapes: Shapes,
    pub numbers: Vec<NumberColumn>,
    pub categories: Vec<Column>,
    pub ring: Option<RingPlan>,
    pub hours: Option<TilePlan>,
    pub days: Option<TilePlan>,
    /// Category columns counted over tiled windows.
    pub seen: Vec<u8>,
    /// One bit a fact.
    pub facts: u32,
    /// What was paid so far is kept, for filters that ask.
    pub keeps_amounts: bool,
}

impl KindPlan {
    /// Whether a fact is asked for.
    pub fn wants(&self, fact: Fact) -> bool {
        self.facts & bit(fact) != 0
    }

    fn wants_any(&self, facts: &[Fact]) -> bool {
        facts.iter().any(|fact| self.wants(*fact))
    }

    /// Whether places are kept.
    pub fn has_place(&self) -> bool {
        self.wants_any(&[Fact::DistanceKm, Fact::SpeedKmh])
            || self.numbers.iter().any(|column| column.is_distance)
    }

    /// Whether habits are kept.
    pub fn has_habit(&self) -> bool {
        self.wants_any(&[Fact::HourShare, Fact::WeekdayShare, Fact::AmountShare])
    }

    /// Whether calendar days are kept.
    pub fn has_calendar(&self) -> bool {
        self.wants_any(&[
            Fact::DayCount,
            Fact::DaySum,
            Fact::MonthCount,
            Fact::MonthSum,
        ])
    }

    /// Whether labels are kept.
    pub fn has_fraud(&self) -> bool {
        self.wants_any(&FRAUD_FACTS)
    }

    /// Whether frauds in a row are asked for.
    pub fn has_fraud_run(&self) -> bool {
        self.wants_any(&RUN_FACTS)
    }

    /// Whether anything but the lifetime is kept.
    pub fn has_windows(&self) -> bool {
        self.ring.is_some()
            || self.hours.is_some()
            || self.days.is_some()
            || !self.seen.is_empty()
            || self.wants_any(&[Fact::AmountToMeanEver, Fact::DormantSeconds])
            || self.has_fraud()
            || self.keeps_amounts
    }
}

const FRAUD_FACTS: [Fact; 9] = [
    Fact::FraudCountEver,
    Fact::FraudCount30d,
    Fact::FraudRate30d,
    Fact::DelayedFraudRate1d,
    Fact::DelayedFraudRate7d,
    Fact::DelayedFraudRate30d,
    Fact::SecondsSinceFraud,
    Fact::FraudRunCount,
    Fact::FraudRunSeconds,
];

/// Facts that need to know in which hours there were events.
const RUN_FACTS: [Fact; 2] = [Fact::FraudRunCount, Fact::FraudRunSeconds];

/// Facts that need to know how many events a day had.
const RATE_FACTS: [Fact; 4] = [
    Fact::FraudRate30d,
    Fact::DelayedFraudRate1d,
    Fact::DelayedFraudRate7d,
    Fact::DelayedFraudRate30d,
];

const fn bit(fact: Fact) -> u32 {
    1 << fact.code()
}

/// What a whole set keeps.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    pub filters: Vec<Filter>,
    pub numbers: Vec<Number>,
    pub categories: Vec<Category>,
    pub kinds: Vec<KindPlan>,
    /// Whether any kind keeps habits or calendar days.
    pub needs_local_time: bool,
    /// One bit a filter that asks what the account paid before.
    pub history_filters: u32,
    /// The filters that are one flag, which most are, and the places of the others.
    pub flags: Vec<(u8, Flag)>,
    pub further_filters: Vec<u8>,
}

impl Plan {
    /// Compiles features; those of kinds in `without` stay missing.
    pub fn compile(features: &[Feature], without: &[EntityKind]) -> Result<Self, PlanError> {
        let mut plan = Self {
            kinds: vec![KindPlan::default(); ENTITY_KINDS],
            ..Self::default()
        };
        let absent = |kind: EntityKind| {
            let parts = kind.parts().unwrap_or((kind, kind));
            [kind, parts.0, parts.1]
                .iter()
                .any(|part| without.contains(part))
        };
        for (at, feature) in features.iter().enumerate() {
            let at = u16::try_from(at).unwrap_or(u16::MAX);
            match &feature.source {
                Source::Windowed(definition) if !absent(definition.entity) => {
                    definition.check().map_err(|detail| PlanError::Definition {
                        name: feature.name.clone(),
                        detail,
                    })?;
                    plan.add_definition(at, definition)?;
                }
                Source::Fact(kind, fact) if !absent(*kind) => {
                    let kind = &mut plan.kinds[kind.index()];
                    kind.facts |= bit(*fact);
                    kind.slots.push(Slot {
                        at,
                        output: Output::Fact(*fact),
                        over: None,
                    });
                }
                _ => {}
            }
        }
        let account = &mut plan.kinds[EntityKind::Account.index()];
        for (at, filter) in (0..).zip(&plan.filters) {
            match filter.only_flag() {
                Some(flag) => plan.flags.push((at, flag)),
                None => plan.further_filters.push(at),
            }
        }
        let asking = (0..).zip(&plan.filters);
        let asking = asking.filter(|(_, filter)| filter.needs_earlier_amounts());
        plan.history_filters = asking.fold(0, |bits, (at, _)| bits | 1 << at);
        account.keeps_amounts = !absent(EntityKind::Account) && plan.history_filters != 0;
        plan.number_kinds();
        for kind in &mut plan.kinds {
            layout::lay_out(kind);
            kind.shapes = Shapes::of(&kind.slots, &kind.numbers);
            plan.needs_local_time |= kind.has_habit() || kind.has_calendar();
        }
        Ok(plan)
    }

    /// Equal where one state serves both plans: all that says what is kept, and nothing of the row.
    pub fn state_hash(&self) -> ContentHash {
        let mut kept = String::new();
        for kind in &self.kinds {
            let KindPlan {
                is_numbered,
                slots: _,
                shapes: _,
                numbers,
                categories,
                ring,
                hours,
                days,
                seen,
                facts,
                keeps_amounts,
            } = kind;
            let numbers: Vec<Column> = numbers.iter().map(|number| number.column).collect();
            kept.push_str(&format!(
                "{is_numbered} {numbers:?} {categories:?} {ring:?} {hours:?} {days:?} {seen:?} {facts} {keeps_amounts}\n"
            ));
        }
        let fields = format!("{:?} {:?}", self.numbers, self.categories);
        let filters: Vec<String> = self.filters.iter().map(ToString::to_string).collect();
        let filters = filters.join("\n");
        ContentHash::of_parts(&[kept.as_bytes(), fields.as_bytes(), filters.as_bytes()])
    }

    /// Marks the kinds whose names are numbered.
    fn number_kinds(&mut self) {
        for kind in EntityKind::ALL {
            let plan = &mut self.kinds[kind.index()];
            if plan.slots.is_empty() && !plan.keeps_amounts {
                continue;
            }
            plan.is_numbered = true;
            if let Some((one, other)) = kind.parts() {
                self.kinds[one.index()].is_numbered = true;
                if other.index() != kind.index() {
                    self.kinds[other.index()].is_numbered = true;
                }
            }
        }
        if !self.kinds[EntityKind::Mcc.index()].slots.is_empty() {
            // A label names the merchant; the category follows from it.
            self.kinds[EntityKind::Merchant.index()].is_numbered = true;
        }
        for category in &self.categories {
            if let Category::Entity(kind) = category {
                self.kinds[kind.index()].is_numbered = true;
            }
        }
    }

    fn add_definition(&mut self, at: u16, definition: &Definition) -> Result<(), PlanError> {
        let output = self.output(definition, definition.window)?;
        let over = match definition.ratio_to {
            Some(window) => Some(self.output(definition, window)?),
            None => None,
        };
        self.kinds[definition.entity.index()]
            .slots
            .push(Slot { at, output, over });
        Ok(())
    }

    fn output(
        &mut self,
        definition: &Definition,
        window: WindowIndex,
    ) -> Result<Output, PlanError> {
        use Aggregate as A;
        let mark = match &definition.filter {
            None => None,
            Some(filter) => Some(self.mark(filter)?),
        };
        let kind = definition.entity;
        let at = u8::try_from(window.index()).unwrap_or(u8::MAX);
        let (number, statistic) = match &definition.aggregate {
            A::Count => {
                return Ok(match mark {
                    None => Output::Count { window: at },
                    Some(mark) => Output::Marked { mark, window: at },
                });
            }
            A::Distinct(category) => {
                let column = self.category(kind, category, mark)?;
                return Ok(Output::Distinct { column, window: at });
            }
            A::GapMean => return Ok(Output::GapMean { window: at }),
            A::GapStandardDeviation => return Ok(Output::GapDeviation { window: at }),
            A::Sum(number) => (number, Statistic::Sum),
            A::Mean(number) => (number, Statistic::Mean),
            A::StandardDeviation(number) => (number, Statistic::StandardDeviation),
            A::Min(number) => (number, Statistic::Min),
            A::Max(number) => (number, Statistic::Max),
            A::First(number) => (number, Statistic::First),
            A::Previous(number) => (number, Statistic::Previous),
            A::Median(number) => (number, Statistic::Median),
            A::Quantile90(number) => (number, Statistic::Quantile90),
            A::Rank(number) => (number, Statistic::Rank),
            A::ToMean(number) => (number, Statistic::ToMean),
            A::ZScore(number) => (number, Statistic::ZScore),
        };
        let column = self.number(kind, number, mark)?;
        Ok(Output::Number {
            column,
            window: at,
            statistic,
        })
    }

    fn mark(&mut self, filter: &Filter) -> Result<u8, PlanError> {
        let at = place_of(&mut self.filters, filter);
        if at >= FILTERS_MAX {
            return Err(PlanError::Filters(filter.to_string()));
        }
        Ok(u8::try_from(at).unwrap_or(u8::MAX))
    }

    fn number(
        &mut self,
        kind: EntityKind,
        number: &Number,
        mark: Option<u8>,
    ) -> Result<u8, PlanError> {
        let too_many = PlanError::Columns {
            kind,
            what: "numbers",
        };
        let Ok(source) = u8::try_from(place_of(&mut self.numbers, number)) else {
            return Err(too_many);
        };
        let columns = &mut self.kinds[kind.index()].numbers;
        let column = Column { source, mark };
        let at = columns
            .iter()
            .position(|have| have.column == column)
            .unwrap_or_else(|| {
                columns.push(NumberColumn {
                    column,
                    divisor: number.divisor(),
                    is_distance: *number == Number::DistanceMetres,
                });
                columns.len() - 1
            });
        if at >= COLUMNS_MAX {
            return Err(too_many);
        }
        Ok(u8::try_from(at).unwrap_or(u8::MAX))
    }

    fn category(
        &mut self,
        kind: EntityKind,
        category: &Category,
        mark: Option<u8>,
    ) -> Result<u8, PlanError> {
        let too_many = PlanError::Columns {
            kind,
            what: "categories",
        };
        let Ok(source) = u8::try_from(place_of(&mut self.categories, category)) else {
            return Err(too_many);
        };
        let at = place_of(
            &mut self.kinds[kind.index()].categories,
            &Column { source, mark },
        );
        if at >= COLUMNS_MAX {
            return Err(too_many);
        }
        Ok(u8::try_from(at).unwrap_or(u8::MAX))
    }
}

/// The place of a value in a list that holds each once.
fn place_of<T: PartialEq + Clone>(list: &mut Vec<T>, value: &T) -> usize {
    list.iter()
        .position(|have| have == value)
        .unwrap_or_else(|| {
            list.push(value.clone());
            list.len() - 1
        })
}

/// Whether a place in `WINDOWS` is an exact window.
pub(crate) const fn is_exact(window: u8) -> bool {
    (window as usize) < EXACT_COUNT
}

/// The place of the 7-day and of the 30-day window.
pub(crate) const D7: usize = WINDOW_COUNT - 2;
pub(crate) const D30: usize = WINDOW_COUNT - 1;
