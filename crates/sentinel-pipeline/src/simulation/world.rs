//! What happens outside: payments of a few accounts and cards, what becomes known of them later, what people activate,
//! and bytes that are nothing.
//!
//! Everything follows from dice. Must never ask what the engine made of what it sent.

use sentinel_domain::{ActivationKind, Instant, Label, LabelKind, LabelSource, Transaction};
use sentinel_eventlog::disk::simulated::Dice;
use sentinel_synth::builder;

use super::contents::Content;
use super::oracle::{Appended, Said};

const SECOND_US: i64 = 1_000_000;
const HOUR_US: i64 = 3_600 * SECOND_US;

/// The senders, and the clock of what happens there.
pub(super) struct World {
    dice: Dice,
    event_time: i64,
    serial: u64,
    versions: [u32; ActivationKind::ALL.len()],
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap()
}

impl World {
    pub fn new(dice: Dice) -> Self {
        Self {
            dice,
            event_time: builder::FIXED_TIME.micros(),
            serial: 0,
            versions: [1; ActivationKind::ALL.len()],
        }
    }

    /// One content of each kind, for a log that is empty. The set comes last: contents are parsed whenever one is
    /// switched, and that one takes longest.
    pub fn first_contents(&mut self) -> Vec<Said> {
        let kinds = [
            ActivationKind::Rates,
            ActivationKind::Model,
            ActivationKind::Policy,
            ActivationKind::Rules,
        ];
        let mut contents: Vec<Content> = kinds
            .into_iter()
            .map(|kind| Content::any(kind, 1, &mut self.dice))
            .collect();
        let has_own = self.dice.chance(1, 2);
        if !has_own {
            contents.pop();
            contents.push(Content::rules(1, false, &mut self.dice));
        }
        contents.push(Content::features(1, has_own));
        let said = contents.into_iter().map(|one| Said::Content(Box::new(one)));
        said.collect()
    }

    /// What comes next, after all that came before.
    pub fn next(&mut self, before: &[Appended]) -> Said {
        match self.dice.below(100) {
            0..74 => self.payment(),
            74..83 => self.again(before).unwrap_or_else(|| self.payment()),
            83..92 => self.label(before).unwrap_or_else(|| self.payment()),
            92..95 => self.activation(),
            95..98 => self.nonsense(),
            _ => self.label_again(before).unwrap_or_else(|| self.payment()),
        }
    }

    fn pass_time(&mut self) {
        let seconds = match self.dice.below(60) {
            0 => 3_600 * (20 + self.dice.below(40)),
            1..4 => 60 * (5 + self.dice.below(50)),
            _ => self.dice.below(45),
        };
        self.event_time += signed(seconds) * SECOND_US + signed(self.dice.below(999_999));
    }

    fn payment(&mut self) -> Said {
        self.pass_time();
        self.serial += 1;
        let back = match self.dice.below(30) {
            0..3 => signed(self.dice.below(3_300)) * SECOND_US,
            3 => HOUR_US + signed(self.dice.below(3_600 * 3)) * SECOND_US,
            _ => 0,
        };
        let time = Instant::from_micros(self.event_time - back);
        let cents = match self.dice.below(3) {
            0 => 5_000 + self.dice.below(4_000),
            _ => 1 + self.dice.below(5_000),
        };
        let currency = match self.dice.below(12) {
            0..3 => "EUR",
            3 => "BTN",
            _ => "USD",
        };
        let account = format!("a{}", self.dice.below(3));
        let mut payment = builder::transaction(&format!("e{}", self.serial))
            .at(time)
            .account(&account)
            .amount_minor(signed(cents))
            .currency(currency);
        if self.dice.chance(9, 10) {
            payment = payment.card(&format!("c{}", self.dice.below(3)));
        }
        Said::Transaction(Box::new(payment.build()))
    }

    /// One of the payments that came before.
    fn earlier<'a>(&mut self, before: &'a [Appended]) -> Option<&'a Transaction> {
        let from = match self.dice.chance(1, 2) {
            true => before.len().saturating_sub(8),
            false => 0,
        };
        let payments: Vec<&Transaction> = before[from..]
            .iter()
            .filter_map(|one| match &one.said {
                Said::Transaction(one) => Some(&**one),
                _ => None,
            })
            .collect();
        let at = self.dice.below(payments.len() as u64);
        payments.get(usize::try_from(at).unwrap()).copied()
    }

    /// A payment comes twice: the same, or under its id another one.
    fn again(&mut self, before: &[Appended]) -> Option<Said> {
        let mut payment = self.earlier(before)?.clone();
        if self.dice.chance(1, 3) {
            payment.amount_minor += 1;
        }
        Some(Said::Transaction(Box::new(payment)))
    }

    fn label(&mut self, before: &[Appended]) -> Option<Said> {
        let payment = self.earlier(before)?;
        let source = LabelSource::Chargeback;
        let mut label = builder::fraud_label(payment, source, HOUR_US);
        if self.dice.chance(1, 3) {
            label.kind = match self.dice.chance(2, 3) {
                true => LabelKind::Legitimate,
                false => LabelKind::Suspect,
            };
            label.label_id.0.push_str("-corrected");
        }
        Some(Said::Label(Box::new(label)))
    }

    fn label_again(&mut self, before: &[Appended]) -> Option<Said> {
        let labels: Vec<&Label> = before
            .iter()
            .filter_map(|one| match &one.said {
                Said::Label(one) => Some(&**one),
                _ => None,
            })
            .collect();
        let at = usize::try_from(self.dice.below(labels.len() as u64)).unwrap();
        let label = labels.get(at)?;
        Some(Said::Label(Box::new((*label).clone())))
    }

    fn activation(&mut self) -> Said {
        let kinds = ActivationKind::ALL.len() as u64;
        let at = usize::try_from(self.dice.below(kinds)).unwrap();
        let kind = ActivationKind::ALL[at];
        let version = &mut self.versions[at];
        let lower = self.dice.chance(1, 4);
        if !lower {
            *version += 1;
        }
        // A lower version is ignored whatever it holds.
        let version = *version - u32::from(lower && *version > 1);
        let content = match self.dice.chance(1, 8) {
            true => Content::broken(kind, version),
            false => Content::any(kind, version, &mut self.dice),
        };
        Said::Content(Box::new(content))
    }

    fn nonsense(&mut self) -> Said {
        let mut bytes = vec![0xff; usize::try_from(self.dice.below(20)).unwrap()];
        bytes
            .iter_mut()
            .skip(1)
            .for_each(|byte| *byte = self.dice.roll().to_le_bytes()[0]);
        Said::Nonsense(bytes)
    }
}
