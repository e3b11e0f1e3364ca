//! One decision: a few windows counted by loops, the model's three leaves, the rules one by one, the policy.
//!
//! A payment more than an hour behind the partition leaves the windows as they were, and is answered with what is in
//! them: nothing, where the entity has been idle for so long (25 hours) that no other payment could see its events.

use sentinel_domain::{
    Decision, Degradation, Instant, Label, LabelKind, LogOdds, RejectionCode, Subject, SubjectKind,
    Tier, Transaction, Verdict,
};

use super::outcome::{Expected, InForce};
use crate::simulation::contents::{Model, OWN_AT, OWN_FROM_DOLLARS, Rates, Rules};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const IDLE_MS: i64 = 25 * HOUR_MS;

/// A transaction that was seen for the first time.
#[derive(Debug, Clone)]
pub(super) struct Admitted {
    time_ms: i64,
    account: String,
    card: Option<String>,
    /// In cents of a dollar.
    amount: Option<i64>,
    is_too_late: bool,
}

/// Frauds that are known: the event and the account, each event once.
#[derive(Debug, Default)]
pub(super) struct Frauds(Vec<(String, String)>);

impl Frauds {
    /// A label speaks: of a fraud, or takes it back; a suspicion is no fraud yet.
    pub fn learn(&mut self, label: &Label) {
        let event = label.event_id.as_str();
        let is_known = self.0.iter().any(|(known, _)| known == event);
        match label.kind {
            LabelKind::Fraud if !is_known => {
                let account = label.account_id.as_str().to_owned();
                self.0.push((event.to_owned(), account));
            }
            LabelKind::Legitimate => self.0.retain(|(known, _)| known != event),
            LabelKind::Fraud | LabelKind::Suspect => {}
        }
    }

    fn of(&self, account: &str) -> u64 {
        let of_account = self.0.iter().filter(|(_, whose)| whose == account);
        u64::try_from(of_account.count()).unwrap()
    }
}

/// From here on nothing is known of somebody: what he did stays in what others have counted, without his name.
pub(super) fn erase(subject: &Subject, all: &mut [Admitted], frauds: &mut Frauds) {
    let name = subject.value.as_str();
    match subject.kind {
        SubjectKind::Account => {
            let his = all.iter_mut().filter(|one| one.account == name);
            his.for_each(|one| one.account = NOBODY.to_owned());
            let his = frauds.0.iter_mut().filter(|(_, whose)| whose == name);
            his.for_each(|(_, whose)| *whose = NOBODY.to_owned());
        }
        SubjectKind::Card => {
            let its = |one: &&mut Admitted| one.card.as_deref() == Some(name);
            all.iter_mut().filter(its).for_each(|one| one.card = None);
        }
        other => panic!("nobody erases a {other} here"),
    }
}

/// No account is called so.
const NOBODY: &str = "";

/// What must be decided.
#[derive(Debug, Clone)]
pub(in crate::simulation) struct Expectation {
    versions: [u32; 5],
    pub degraded: Vec<Degradation>,
    pub said: Word,
}

/// What a decision says.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::simulation) struct Word {
    pub log_odds: LogOdds,
    pub tier: Tier,
    pub verdict: Verdict,
    /// The rules that hit, each with the value that it compared.
    pub hits: Vec<(String, f64)>,
}

/// Money in another currency, to the nearest cent, ties to even.
fn dollars(rates: &Rates, transaction: &Transaction) -> Option<i64> {
    let rate = i128::from(*rates.get(&transaction.currency)?);
    let exact = i128::from(transaction.amount_minor) * rate;
    let (whole, rest) = (exact / 1_000_000_000, exact % 1_000_000_000);
    let up = rest > 500_000_000 || (rest == 500_000_000 && whole % 2 == 1);
    i64::try_from(whole + i128::from(up)).ok()
}

/// The values that model and rules ask for.
struct Values {
    card_count_5m: Option<u64>,
    card_sum_1h: Option<i64>,
    account_count_24h: u64,
    account_sum_1h: i64,
    own: Option<u64>,
    frauds: u64,
    amount: Option<i64>,
    is_listed: bool,
}

/// Those of an entity's events that lie in the window which ends at its newest.
fn window(all: &[Admitted], is_its: impl Fn(&Admitted) -> bool, length_ms: i64) -> Vec<&Admitted> {
    let its: Vec<&Admitted> = all
        .iter()
        .filter(|one| !one.is_too_late && is_its(one))
        .collect();
    let newest_ms = its.iter().map(|one| one.time_ms).max().unwrap_or(0);
    let partition_ms = all.iter().map(|one| one.time_ms).max().unwrap_or(0);
    let is_idle = partition_ms - newest_ms >= IDLE_MS;
    its.into_iter()
        .filter(|one| !is_idle && newest_ms - one.time_ms < length_ms)
        .collect()
}

fn sum(events: &[&Admitted]) -> i64 {
    events.iter().filter_map(|one| one.amount).sum()
}

impl Values {
    fn of(one: &Admitted, all: &[Admitted], frauds: &Frauds, is_listed: bool) -> Self {
        let of_account = |other: &Admitted| other.account == one.account;
        let of_card = |other: &Admitted| other.card == one.card;
        let with_card = one.card.is_some();
        let is_large = |other: &&&Admitted| {
            other
                .amount
                .is_some_and(|amount| amount >= OWN_FROM_DOLLARS * 100)
        };
        let count = |events: usize| u64::try_from(events).unwrap();
        Self {
            card_count_5m: with_card.then(|| count(window(all, of_card, 5 * MINUTE_MS).len())),
            card_sum_1h: with_card.then(|| sum(&window(all, of_card, HOUR_MS))),
            account_count_24h: count(window(all, of_account, 24 * HOUR_MS).len()),
            account_sum_1h: sum(&window(all, of_account, HOUR_MS)),
            own: with_card.then(|| {
                let day = window(all, of_card, 24 * HOUR_MS);
                count(day.iter().filter(is_large).count())
            }),
            frauds: frauds.of(&one.account),
            amount: one.amount,
            is_listed,
        }
    }

    /// The rules that hold, in their order: what each compared, and what it asks for.
    #[allow(
        clippy::cast_precision_loss,
        reason = "counts and cents of a small world"
    )]
    fn hits(&self, rules: &Rules) -> Vec<(&'static str, f64, Option<Tier>, Option<Verdict>)> {
        let mut hits = Vec::new();
        if let Some(count) = self.card_count_5m.filter(|count| *count >= rules.burst_at) {
            hits.push(("burst", count as f64, Some(Tier::Medium), None));
        }
        if let Some(sum) = self.card_sum_1h.filter(|sum| *sum > rules.spend_over) {
            hits.push(("spend", sum as f64, None, Some(Verdict::Review)));
        }
        if self.account_count_24h >= rules.busy_at {
            let count = self.account_count_24h as f64;
            hits.push(("busy", count, Some(Tier::Low), None));
        }
        if self.frauds >= rules.frauds_at {
            let frauds = self.frauds as f64;
            hits.push(("fraud", frauds, None, Some(Verdict::Challenge)));
        }
        let over = rules.large_over * 100;
        if let Some(amount) = self.amount.filter(|amount| *amount > over) {
            let major = amount as f64 / 100.0;
            hits.push(("large", major, Some(Tier::Critical), None));
        }
        let count = self.card_count_5m.filter(|count| *count >= 1);
        if let Some(count) = count.filter(|_| self.is_listed) {
            hits.push(("listed", count as f64, None, Some(Verdict::Challenge)));
        }
        let own = self.own.filter(|own| rules.asks_own && *own >= OWN_AT);
        if let Some(own) = own {
            hits.push(("own", own as f64, None, Some(Verdict::Decline)));
        }
        hits
    }
}

impl Admitted {
    /// Takes a transaction in and says what must be decided.
    pub fn decide(
        (transaction, log_time): (&Transaction, Instant),
        in_force: &InForce,
        all: &mut Vec<Self>,
        frauds: &Frauds,
    ) -> Expected {
        let InForce {
            features: Some(_),
            rates: Some((rates_version, rates)),
            model: Some((model_version, model)),
            rules: Some((rules_version, rules)),
            policy: Some((policy_version, policy)),
            lists,
        } = in_force
        else {
            return Expected::Refused(RejectionCode::BadEntry);
        };
        let time_ms = transaction.event_time.micros().div_euclid(1_000);
        let greatest_ms = all.iter().map(|one| one.time_ms).max().unwrap_or(time_ms);
        let one = Self {
            time_ms,
            account: transaction.account_id.as_str().to_owned(),
            card: transaction
                .card_token
                .as_ref()
                .map(|card| card.as_str().to_owned()),
            amount: dollars(rates, transaction),
            is_too_late: time_ms < greatest_ms - HOUR_MS,
        };
        let is_behind = all.iter().any(|other| {
            let is_named =
                other.account == one.account || (other.card.is_some() && other.card == one.card);
            is_named && !other.is_too_late && other.time_ms > time_ms
        });
        let flags = [
            (is_behind && !one.is_too_late, Degradation::LateEvent),
            (one.is_too_late, Degradation::TooLateEvent),
            (one.amount.is_none(), Degradation::MissingRate),
        ];
        all.push(one.clone());
        let is_listed = lists.is_some_and(|(_, lists)| {
            let is_over = lists.ends_at.is_some_and(|end| log_time >= end);
            !is_over && one.card == Some(format!("c{}", lists.card))
        });
        let values = Values::of(&one, all, frauds, is_listed);
        let log_odds = model.log_odds(values.card_count_5m, values.account_sum_1h);
        let hits = values.hits(rules);
        let raised = hits.iter().filter_map(|hit| hit.2);
        let tier = raised.fold(Model::tier(log_odds), Tier::max);
        let of_tier = policy[usize::from(tier_place(tier))];
        let asked = hits.iter().filter_map(|hit| hit.3);
        let verdict = asked.fold(of_tier, Verdict::max);
        let word = Word {
            log_odds,
            tier,
            verdict,
            hits: hits.iter().map(|hit| (hit.0.to_owned(), hit.1)).collect(),
        };
        Expected::Decided(Box::new(Expectation {
            versions: [
                *model_version,
                *rules_version,
                *policy_version,
                *rates_version,
                lists.map_or(0, |(version, _)| version),
            ],
            degraded: flags
                .into_iter()
                .filter_map(|(holds, flag)| holds.then_some(flag))
                .collect(),
            said: word,
        }))
    }
}

fn tier_place(tier: Tier) -> u8 {
    match tier {
        Tier::Minimal => 0,
        Tier::Low => 1,
        Tier::Medium => 2,
        Tier::High => 3,
        Tier::Critical => 4,
    }
}

impl Expectation {
    /// What is wrong with a decision, where anything is.
    pub fn fault(&self, found: &Decision) -> Option<String> {
        let versions = &found.versions;
        let versions = [
            versions.model.1,
            versions.rules.1,
            versions.policy.1,
            versions.rates.1,
            versions.lists.1,
        ];
        if versions != self.versions || found.degraded != self.degraded {
            return Some(format!("expected {self:?}, found {found:?}"));
        }
        let shares: LogOdds = found.contributions.iter().map(|one| one.log_odds).sum();
        let is_explained = found.tier >= Tier::Low || found.verdict != Verdict::Approve;
        if is_explained && found.base + shares != found.score.log_odds {
            return Some(format!(
                "the contributions do not give the score: {found:?}"
            ));
        }
        let codes = found.reasons.iter().map(|reason| reason.code.as_str());
        let mut codes: Vec<&str> = codes
            .filter_map(|code| code.strip_prefix("rule:"))
            .collect();
        codes.sort_unstable();
        let mut ids: Vec<&str> = self.said.hits.iter().map(|(id, _)| id.as_str()).collect();
        ids.sort_unstable();
        if codes != ids {
            return Some(format!("reasons {codes:?} for the rules {ids:?}"));
        }
        let hits = found.rules.iter().map(|hit| {
            let value = hit.evidence.first().map_or(f64::NAN, |(_, value)| *value);
            (hit.rule_id.to_string(), value)
        });
        let word = Word {
            log_odds: found.score.log_odds,
            tier: found.tier,
            verdict: found.verdict,
            hits: hits.collect(),
        };
        (word != self.said).then(|| format!("expected {:?}, found {word:?}", self.said))
    }

    /// Whether a rule hits.
    pub fn hits(&self, rule: &str) -> bool {
        self.said.hits.iter().any(|(id, _)| id == rule)
    }

    /// Whether somebody has to see it.
    pub fn is_due(&self) -> bool {
        self.said.tier >= Tier::Low || self.said.verdict != Verdict::Approve
    }
}
