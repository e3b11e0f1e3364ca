//! What is known about each transaction of a labelled stream, without its features: enough to say which rows
//! learn, which rows are asked, and what a label was known to say at some time.
//!
//! **Promises** one fact for each transaction that the serving path would decide on, in the order of the
//! log: repeats are left out as they are there. **Must never** let the word of a label count before it
//! was known ([`Fact::known_fraud`]).

use std::collections::HashMap;

use sentinel_domain::{ContentHash, Instant, Label, LabelKind, Offset, Text, Transaction};
use sentinel_pipeline::idempotency::Idempotency;
use sentinel_pipeline::intake::{self, Taken};

use super::{Item, LabelledStream, Tale};

/// One transaction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fact {
    /// When it happened.
    pub event_time: Instant,
    /// Its place among the data rows of the table, from 0; refused rows count.
    pub number: u64,
    /// The card, or the account where there is none, as a number in the order of first sight.
    pub card: u32,
    /// Whether it turned out to be fraud.
    pub fraud: bool,
    /// When that was known; of no meaning where it is no fraud.
    pub known_at: Instant,
    /// What it tells, as a place in [`Facts::tales`]; 0 for nothing.
    pub tale: u16,
}

impl Fact {
    /// Whether the labels that are known at this instant call it fraud.
    pub fn known_fraud(&self, at: Instant) -> bool {
        self.fraud && self.known_at <= at
    }

    /// Whether at this instant the word about it is out: so long after the event, silence means legitimate.
    pub fn settled(&self, at: Instant, delay_micros: i64) -> bool {
        self.event_time.plus_micros(delay_micros) <= at
    }
}

/// Everything that the first walk learnt.
#[derive(Debug, Default)]
pub struct Facts {
    /// In the order of the log.
    pub rows: Vec<Fact>,
    /// The latest event time.
    pub end: Instant,
    /// Names of what rows tell; the first is empty.
    pub tales: Vec<String>,
    /// Rows of the table that are no transaction.
    pub rejected: u64,
}

/// The last word about a transaction.
struct Word {
    fraud: bool,
    known_at: Instant,
    tale: u16,
}

/// The walk that learns.
struct Learner {
    facts: Facts,
    cards: HashMap<Text, u32>,
    /// The name of each row, in short.
    names: Vec<[u8; 16]>,
    words: HashMap<[u8; 16], Word>,
    repeats: Idempotency,
    scratch: Vec<u8>,
    next: Offset,
    numbered: u64,
}

impl Facts {
    /// Walks a stream once.
    pub fn of(stream: &LabelledStream, progress: &mut dyn FnMut(u64, u64)) -> anyhow::Result<Self> {
        let mut learner = Learner {
            facts: Self {
                tales: vec![String::new()],
                end: Instant::from_micros(i64::MIN),
                ..Self::default()
            },
            cards: HashMap::new(),
            names: Vec::new(),
            words: HashMap::new(),
            repeats: Idempotency::default(),
            scratch: Vec::new(),
            next: Offset(0),
            numbered: 0,
        };
        stream.walk(&mut |item, (read, total)| {
            progress(read, total);
            learner.hear(item);
            Ok(())
        })?;
        for line in stream.lines() {
            let tale = line.story.as_deref().unwrap_or_default();
            let tale = learner.facts.tale(tale);
            let name = short(line.label.event_id.as_str());
            if let Some(word) = learner.words.get_mut(&name) {
                word.tale = tale;
            }
        }
        Ok(learner.finish())
    }

    /// The number of a name, which is remembered.
    fn tale(&mut self, name: &str) -> u16 {
        let place = self.tales.iter().position(|have| have == name);
        let place = place.unwrap_or_else(|| {
            self.tales.push(name.to_owned());
            self.tales.len() - 1
        });
        // Names beyond what a number holds would be a file of nonsense: they count as none.
        u16::try_from(place).unwrap_or(0)
    }
}

impl Learner {
    fn hear(&mut self, item: Item) {
        match item {
            Item::Rejected => {
                self.numbered += 1;
                self.facts.rejected += 1;
            }
            Item::Label { label, .. } => {
                self.next = self.next.plus(1);
                self.word(&label);
            }
            Item::Transaction {
                transaction,
                log_time,
                tale,
            } => {
                let number = self.numbered;
                self.numbered += 1;
                let place = (self.next, log_time);
                self.next = self.next.plus(1);
                let taken = intake::admit(transaction, place, &mut self.repeats, &mut self.scratch);
                if let Taken::Admitted(admitted) = taken {
                    self.row(&admitted.transaction, number, tale);
                }
            }
        }
    }

    fn row(&mut self, transaction: &Transaction, number: u64, tale: Option<Tale>) {
        let card = match &transaction.card_token {
            Some(card) => &card.0,
            None => &transaction.account_id.0,
        };
        let card = match self.cards.get(card) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(self.cards.len()).unwrap_or(u32::MAX);
                self.cards.insert(card.clone(), number);
                number
            }
        };
        let tale = match tale {
            None => 0,
            Some(Tale::Story(story)) => self.facts.tale(story.as_str()),
            Some(Tale::LookAlike(look_alike)) => self.facts.tale(look_alike.as_str()),
        };
        self.facts.end = self.facts.end.max(transaction.event_time);
        self.names.push(short(transaction.event_id.as_str()));
        self.facts.rows.push(Fact {
            event_time: transaction.event_time,
            number,
            card,
            fraud: false,
            known_at: transaction.event_time,
            tale,
        });
    }

    /// The last word counts; suspicion is none.
    fn word(&mut self, label: &Label) {
        let fraud = match label.kind {
            LabelKind::Fraud => true,
            LabelKind::Legitimate => false,
            LabelKind::Suspect => return,
        };
        let word = Word {
            fraud,
            known_at: label.known_at,
            tale: 0,
        };
        self.words.insert(short(label.event_id.as_str()), word);
    }

    fn finish(self) -> Facts {
        let mut facts = self.facts;
        for (row, name) in facts.rows.iter_mut().zip(&self.names) {
            if let Some(word) = self.words.get(name) {
                row.fraud = word.fraud;
                row.known_at = word.known_at;
                if word.tale > 0 {
                    row.tale = word.tale;
                }
            }
        }
        facts
    }
}

/// Sixteen bytes tell any two names apart and cost less than most of them.
fn short(name: &str) -> [u8; 16] {
    ContentHash::of(name.as_bytes()).short()
}
