//! Labels: what became known of frauds, and what was taken back.

use std::collections::{BTreeMap, VecDeque};

use sentinel_domain::{Label, LabelKind};
use sentinel_features::EntityKind;

use super::Oracle;
use super::entity::HOUR_MS;
use super::named::Name;

/// The newest fraud labels whose events are remembered.
const REMEMBERED_MAX: usize = 1_048_576;

/// A fraud that counts, and whom it counts for.
type Counted = Vec<(EntityKind, Name)>;

/// The frauds that count, by event.
#[derive(Debug, Default)]
pub struct Labels {
    counted: BTreeMap<String, Counted>,
    order: VecDeque<String>,
}

impl Oracle {
    /// A label known from here on. Whether it changed a count.
    pub fn apply_label(&mut self, label: &Label) -> bool {
        let event = label.event_id.as_str().to_owned();
        match label.kind {
            LabelKind::Fraud => self.count_fraud(event, label),
            LabelKind::Legitimate => self.take_back(&event, label),
            LabelKind::Suspect => false,
        }
    }

    fn count_fraud(&mut self, event: String, label: &Label) -> bool {
        if self.labels.counted.contains_key(&event) {
            return false;
        }
        let hour = label.event_time.millis_floor().div_euclid(HOUR_MS);
        let known_us = label.known_at.micros();
        let greatest_ms = self.greatest_ms;
        let named = self.named_by(label);
        for (kind, name) in named.clone() {
            let place = self.place(kind, name);
            let entity = &mut self.entities[place];
            entity.frauds.push((event.clone(), hour));
            let newest_us = entity
                .fraud_known_us
                .map_or(known_us, |us| us.max(known_us));
            entity.fraud_known_us = Some(newest_us);
            entity.named_ms = greatest_ms;
        }
        self.labels.counted.insert(event.clone(), named);
        self.labels.order.push_back(event);
        if self.labels.order.len() > REMEMBERED_MAX
            && let Some(oldest) = self.labels.order.pop_front()
        {
            self.labels.counted.remove(&oldest);
        }
        true
    }

    fn take_back(&mut self, event: &str, label: &Label) -> bool {
        let Some(named) = self.labels.counted.remove(event) else {
            return false;
        };
        self.labels.order.retain(|counted| counted != event);
        for (kind, name) in named {
            let place = self.place(kind, name);
            let entity = &mut self.entities[place];
            entity.frauds.retain(|(counted, _)| counted != event);
        }
        // It keeps alive whom it names itself.
        for (kind, name) in self.named_by(label) {
            let place = self.place(kind, name);
            self.entities[place].named_ms = self.greatest_ms;
        }
        true
    }

    /// Whom a label names: with the merchant, the category that it was last seen with.
    fn named_by(&mut self, label: &Label) -> Vec<(EntityKind, Name)> {
        let one = |text: &str| Some(vec![text.to_owned()]);
        let card = label.card_token.as_ref();
        let merchant = label.merchant_id.as_ref();
        let terminal = label.terminal_id.as_ref();
        let merchant = merchant.and_then(|id| one(id.as_str()));
        let mcc = merchant.clone().and_then(|name| {
            let place = self.place(EntityKind::Merchant, name);
            self.entities[place].mcc.clone()
        });
        let named = [
            (EntityKind::Account, one(label.account_id.as_str())),
            (EntityKind::Card, card.and_then(|id| one(id.as_str()))),
            (EntityKind::Merchant, merchant),
            (
                EntityKind::Terminal,
                terminal.and_then(|id| one(id.as_str())),
            ),
            (EntityKind::Mcc, mcc),
        ];
        let named = named.into_iter();
        named
            .filter_map(|(kind, name)| Some((kind, name?)))
            .collect()
    }
}
