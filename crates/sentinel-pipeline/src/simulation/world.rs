//! What happens outside: payments of a few accounts and cards, what becomes known of them later, what people activate,
//! and bytes that are nothing.
//!
//! Everything follows from dice. Must never ask what the engine made of what it sent.

use sentinel_domain::{
    ActivationKind, Erasure, Instant, Label, LabelKind, LabelSource, Offset, Override, Subject,
    SubjectKind, Text, Transaction, Verdict,
};
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
    pub fn first_contents(&mut self, now: Instant) -> Vec<Said> {
        let kinds = [
            ActivationKind::Rates,
            ActivationKind::Model,
            ActivationKind::Policy,
            ActivationKind::Rules,
        ];
        let mut contents: Vec<Content> = kinds
            .into_iter()
            .map(|kind| Content::any(kind, 1, now, &mut self.dice))
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
    pub fn next(&mut self, now: Instant, before: &[Appended]) -> Said {
        let said = match self.dice.below(100) {
            0..68 => None,
            68..76 => self.again(before),
            76..84 => self.label(before),
            84..88 => Some(self.activation(now)),
            88..90 => Some(self.nonsense()),
            90..92 => self.label_again(before),
            92..95 => self.order(before),
            95 => self.order_again(before),
            96..98 => Some(self.erasure()),
            _ => Some(Said::Tick),
        };
        said.unwrap_or_else(|| self.payment())
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

    /// Somebody overrides the decision on a payment, or what is none: a repeat's, or one that is still to come.
    fn order(&mut self, before: &[Appended]) -> Option<Said> {
        let event_id = self.earlier(before)?.event_id.clone();
        let is_of = |one: &Appended| match &one.said {
            Said::Transaction(payment) => payment.event_id == event_id,
            _ => false,
        };
        let decision = match self.dice.below(6) {
            0 => before.iter().rposition(is_of)?,
            1 => before.len() + usize::try_from(self.dice.below(3)).unwrap(),
            _ => before.iter().position(is_of)?,
        };
        self.serial += 1;
        let verdicts = [Verdict::Approve, Verdict::Decline];
        Some(Said::Override(Box::new(Override {
            override_id: Text::from(format!("o{}", self.serial)),
            event_id,
            decision: Offset(decision as u64),
            verdict: verdicts[usize::try_from(self.dice.below(2)).unwrap()],
            by: "desk".into(),
            reason: "called".into(),
        })))
    }

    fn order_again(&mut self, before: &[Appended]) -> Option<Said> {
        let orders = before.iter().filter_map(|one| match &one.said {
            Said::Override(order) => Some(order),
            _ => None,
        });
        let orders: Vec<_> = orders.collect();
        let at = usize::try_from(self.dice.below(orders.len() as u64)).unwrap();
        let order = orders.get(at)?;
        Some(Said::Override((*order).clone()))
    }

    /// Somebody wants to be forgotten, who may not be known.
    fn erasure(&mut self) -> Said {
        let number = self.dice.below(4);
        let (kind, value) = match self.dice.chance(1, 2) {
            true => (SubjectKind::Account, format!("a{number}")),
            false => (SubjectKind::Card, format!("c{number}")),
        };
        let value = Text::from(value);
        Said::Erase(Box::new(Erasure {
            subject: Subject { kind, value },
            reason: "asked".into(),
        }))
    }

    fn activation(&mut self, now: Instant) -> Said {
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
            false => Content::any(kind, version, now, &mut self.dice),
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
