//! Drift: how stories and habits change over event time.
//!
//! A schedule of steps, each so many days from the start; between two steps every figure moves in a
//! straight line, before the first and after the last it stands still. Steps change which fraud is told
//! and how people pay, never the share of fraud as a whole: that is `Options::fraud_rate`. Which steps
//! there are is written in the profile (`Profile::drift`).

use crate::options::bounded;
use crate::profile::Change;
use crate::story::Story;

/// The bounds of a step's figures.
pub(crate) const FROM_DAYS_MAX: f64 = 100_000.0;
pub(crate) const STORY_FACTOR_MAX: f64 = 100.0;
pub(crate) const WEB_SHIFT_MAX: f64 = 0.9;
pub(crate) const FACTOR_BOUNDS: [f64; 2] = [0.1, 10.0];

/// The state of the world at one time of the schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct DriftStep {
    /// Days of 24 hours from the start of the stream.
    pub from_days: f64,
    /// How often stories are told compared with usual, each 0 to 100; a story that is not named: 1.
    pub story_factors: Vec<(Story, f64)>,
    /// The share of payments at terminals that are made on pages instead, 0 to 0.9.
    pub web_shift: f64,
    /// Everyday prices compared with usual, 0.1 to 10.
    pub amount_factor: f64,
    /// Amounts of fraud compared with usual, 0.1 to 10; amounts that a limit sets stay.
    pub fraud_amount_factor: f64,
}

impl DriftStep {
    /// A step at which everything is as usual.
    pub fn usual(from_days: f64) -> Self {
        Self {
            from_days,
            story_factors: Vec::new(),
            web_shift: 0.0,
            amount_factor: 1.0,
            fraud_amount_factor: 1.0,
        }
    }
}

/// A schedule of steps. Values out of bounds are taken as the nearest bound, steps in order of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// The steps; none: everything stays as usual.
    pub steps: Vec<DriftStep>,
}

impl Drift {
    /// Nothing changes.
    pub const NONE: Self = Self { steps: Vec::new() };

    /// The schedule that a profile asks for; a word that is no story says nothing.
    pub fn of(changes: &[Change]) -> Self {
        let step = |change: &Change| {
            let factors = change.stories.iter();
            DriftStep {
                from_days: change.from_days,
                story_factors: factors
                    .filter_map(|(word, factor)| Some((Story::parse(word)?, *factor)))
                    .collect(),
                web_shift: change.web_shift,
                amount_factor: change.amount_factor,
                fraud_amount_factor: change.fraud_amount_factor,
            }
        };
        Self {
            steps: changes.iter().map(step).collect(),
        }
    }

    /// Whether some step leaves no story.
    pub(crate) fn tells_nothing(&self) -> bool {
        let silent = |step: &DriftStep| {
            let habits = Habits::of(step);
            Story::ALL.iter().all(|s| habits.story_factor(*s) <= 0.0)
        };
        self.steps.iter().any(silent)
    }

    /// The same with steps in order and every figure within its bounds.
    pub(crate) fn in_bounds(&self) -> Self {
        let mut steps = self.steps.clone();
        for step in &mut steps {
            let [low, high] = FACTOR_BOUNDS;
            step.from_days = bounded(step.from_days, 0.0, FROM_DAYS_MAX);
            step.web_shift = bounded(step.web_shift, 0.0, WEB_SHIFT_MAX);
            step.amount_factor = bounded(step.amount_factor, low, high);
            step.fraud_amount_factor = bounded(step.fraud_amount_factor, low, high);
            for (_, factor) in &mut step.story_factors {
                *factor = bounded(*factor, 0.0, STORY_FACTOR_MAX);
            }
        }
        steps.sort_by(|one, other| one.from_days.total_cmp(&other.from_days));
        Self { steps }
    }

    /// What holds so many days from the start.
    pub(crate) fn at(&self, days: f64) -> Habits {
        let next = self.steps.partition_point(|step| step.from_days <= days);
        let earlier = next.checked_sub(1).and_then(|index| self.steps.get(index));
        match (earlier, self.steps.get(next)) {
            (None, None) => Habits::of(&DriftStep::usual(0.0)),
            (Some(step), None) | (None, Some(step)) => Habits::of(step),
            (Some(one), Some(other)) => {
                let way = (days - one.from_days) / (other.from_days - one.from_days);
                Habits::of(one).towards(&Habits::of(other), way)
            }
        }
    }
}

/// What holds at one time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Habits {
    story_factors: [f64; Story::ALL.len()],
    pub(crate) web_shift: f64,
    pub(crate) amount_factor: f64,
    pub(crate) fraud_amount_factor: f64,
}

impl Habits {
    fn of(step: &DriftStep) -> Self {
        let mut story_factors = [1.0; Story::ALL.len()];
        for (story, factor) in &step.story_factors {
            if let Some(place) = story_factors.get_mut(*story as usize) {
                *place = *factor;
            }
        }
        Self {
            story_factors,
            web_shift: step.web_shift,
            amount_factor: step.amount_factor,
            fraud_amount_factor: step.fraud_amount_factor,
        }
    }

    fn towards(mut self, other: &Self, way: f64) -> Self {
        let between = |one: f64, other: f64| one + (other - one) * way;
        for (one, other) in self.story_factors.iter_mut().zip(&other.story_factors) {
            *one = between(*one, *other);
        }
        self.web_shift = between(self.web_shift, other.web_shift);
        self.amount_factor = between(self.amount_factor, other.amount_factor);
        self.fraud_amount_factor = between(self.fraud_amount_factor, other.fraud_amount_factor);
        self
    }

    /// How often a story is told compared with usual.
    pub(crate) fn story_factor(&self, story: Story) -> f64 {
        let factor = self.story_factors.get(story as usize);
        factor.copied().unwrap_or(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_move_in_a_straight_line_between_steps_and_stand_still_outside() {
        let drift = Drift {
            steps: vec![
                DriftStep {
                    web_shift: 0.4,
                    story_factors: vec![(Story::BustOut, 3.0)],
                    ..DriftStep::usual(20.0)
                },
                DriftStep::usual(10.0),
            ],
        }
        .in_bounds();
        for (days, web_shift, factor) in [
            (0.0, 0.0, 1.0),
            (10.0, 0.0, 1.0),
            (15.0, 0.2, 2.0),
            (20.0, 0.4, 3.0),
            (99.0, 0.4, 3.0),
        ] {
            let habits = drift.at(days);
            assert!((habits.web_shift - web_shift).abs() < 1e-12, "{days}");
            assert!(
                (habits.story_factor(Story::BustOut) - factor).abs() < 1e-12,
                "{days}"
            );
            assert!((habits.story_factor(Story::CardTesting) - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn no_steps_change_nothing_and_bad_figures_are_held_within_bounds() {
        assert_eq!(Drift::NONE.at(5.0), Habits::of(&DriftStep::usual(0.0)));
        let wild = Drift {
            steps: vec![DriftStep {
                from_days: f64::NAN,
                story_factors: vec![(Story::MuleNetwork, -3.0)],
                web_shift: 7.0,
                amount_factor: f64::NAN,
                fraud_amount_factor: f64::INFINITY,
            }],
        };
        let habits = wild.in_bounds().at(1.0);
        assert_eq!((habits.web_shift, habits.amount_factor), (0.9, 0.1));
        assert_eq!(habits.fraud_amount_factor, 10.0);
        assert_eq!(habits.story_factor(Story::MuleNetwork), 0.0);
    }
}
