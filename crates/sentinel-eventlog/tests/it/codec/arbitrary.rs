//! Arbitrary entries and outcomes: every field there or not, every word, every bound.

use std::sync::Arc;

use proptest::option::of;
use proptest::prelude::*;
use sentinel_domain::draft::AMOUNT_MINOR_MAX;
use sentinel_domain::label::{LabelKind, LabelSource};
use sentinel_domain::rejection::RejectionCode;
use sentinel_domain::transaction::{
    CardBrand, CardFunding, Channel, CheckResult, EntryMode, EventType, ThreeDs,
};
use sentinel_domain::{
    AccountId, Activation, ActivationKind, Attributes, CardToken, ContentHash, Contribution,
    Coordinates, CounterpartyId, Country, Currency, CustomerId, Decision, Degradation, DeviceId,
    Entry, Erasure, EventId, Instant, IpAddress, Label, LabelId, LogOdds, MerchantId, Money,
    Offset, Outcome, Override, Reason, Rejection, RuleHit, RuleOutcome, Scalar, Score, SessionId,
    Subject, SubjectKind, TerminalId, Text, Tier, Transaction, Verdict, Versions,
};

use super::{LOG_TIME, POSITION};

fn id() -> impl Strategy<Value = Text> {
    prop_oneof!["[a-z0-9]{1,12}", "[ -~]{1,64}", "[é€😀]{1,16}"].prop_map(Text::from)
}

fn name() -> impl Strategy<Value = Text> {
    "[ -~]{1,256}".prop_map(Text::from)
}

fn instant() -> impl Strategy<Value = Instant> {
    Instant::RANGE_MICROS.prop_map(Instant::from_micros)
}

fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![
        0..=100_000_i64,
        0..=AMOUNT_MINOR_MAX,
        Just(AMOUNT_MINOR_MAX)
    ]
}

fn currency() -> impl Strategy<Value = Currency> {
    prop::sample::select(vec!["USD", "EUR", "JPY", "KWD", "AED", "ZWG"])
        .prop_map(|code| Currency::parse(code).unwrap())
}

fn country() -> impl Strategy<Value = Country> {
    "[A-Z]{2}".prop_map(|code| Country::parse(&code).unwrap())
}

fn word<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(all)
}

fn ip() -> impl Strategy<Value = IpAddress> {
    any::<std::net::IpAddr>().prop_map(|ip| IpAddress::new(ip.to_canonical().to_string()))
}

fn coordinates() -> impl Strategy<Value = Coordinates> {
    (-900_000_000..=900_000_000, -1_800_000_000..=1_800_000_000)
        .prop_map(|(lat, lon)| Coordinates::new(lat, lon).unwrap())
}

fn scalar() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        any::<bool>().prop_map(Scalar::Boolean),
        any::<i64>().prop_map(Scalar::Integer),
        any::<f64>()
            .prop_filter("finite", |value| value.is_finite())
            .prop_map(Scalar::Number),
        "[ -~]{0,256}".prop_map(|text| Scalar::Text(text.into())),
    ]
}

fn attributes() -> impl Strategy<Value = Attributes> {
    let pairs = prop_oneof![
        prop::collection::vec((id(), scalar()), 0..6),
        prop::collection::vec((id(), scalar()), 64)
    ];
    pairs.prop_map(|pairs| {
        let mut attributes = Attributes::default();
        for (name, value) in pairs {
            assert!(attributes.insert(name, value));
        }
        attributes
    })
}

prop_compose! {
    fn payment_fields()(
        required in (id(), word(EventType::ALL), instant(), id(), amount(), currency()),
        customer_id in of(id()),
        account_opened_at in of(instant()),
        billing_amount_minor in of(amount()),
        billing_currency in of(currency()),
        card in (of(id()), of("[0-9]{4,8}"), of(word(CardBrand::ALL)), of(word(CardFunding::ALL)), of(country())),
        merchant in (of(id()), of(name()), of(0..=9_999_u16), of(country()), of(id())),
    ) -> Transaction {
        let (event_id, event_type, event_time, account_id, minor, currency) = required;
        let amount = Money { minor, currency };
        Transaction {
            customer_id: customer_id.map(CustomerId),
            account_opened_at,
            billing_amount_minor,
            billing_currency,
            card_token: card.0.map(CardToken),
            card_bin: card.1.map(Text::from),
            card_brand: card.2,
            card_funding: card.3,
            card_country: card.4,
            merchant_id: merchant.0.map(MerchantId),
            merchant_name: merchant.1,
            mcc: merchant.2,
            merchant_country: merchant.3,
            terminal_id: merchant.4.map(TerminalId),
            ..Transaction::required(EventId(event_id), event_type, event_time, AccountId(account_id), amount)
        }
    }
}

prop_compose! {
    fn transaction()(
        payment in payment_fields(),
        channel in of(word(Channel::ALL)),
        entry_mode in of(word(EntryMode::ALL)),
        counterparty in (of(id()), of(country())),
        device in (of(id()), of(id()), of(ip())),
        email in (of(id()), of(name())),
        coordinates in of(coordinates()),
        countries in (of(country()), of(country())),
        checks in (of(word(CheckResult::ALL)), of(word(CheckResult::ALL)), of(word(ThreeDs::ALL))),
        utc_offset_minutes in of(-840..=840_i16),
        attributes in attributes(),
    ) -> Transaction {
        Transaction {
            channel,
            entry_mode,
            counterparty_id: counterparty.0.map(CounterpartyId),
            counterparty_country: counterparty.1,
            device_id: device.0.map(DeviceId),
            session_id: device.1.map(SessionId),
            ip: device.2,
            email_hash: email.0,
            email_domain: email.1,
            coordinates,
            billing_country: countries.0,
            shipping_country: countries.1,
            avs_result: checks.0,
            cvv_result: checks.1,
            three_ds: checks.2,
            utc_offset_minutes,
            attributes,
            ..payment
        }
    }
}

prop_compose! {
    fn label()(
        label_id in name(),
        ids in (id(), id()),
        kind in word(LabelKind::ALL),
        source in word(LabelSource::ALL),
        times in (instant(), instant()),
        amount_minor in amount(),
        currency in currency(),
        entities in (of(id()), of(id()), of(id())),
    ) -> Label {
        Label {
            label_id: LabelId(label_id),
            event_id: EventId(ids.0),
            kind,
            source,
            known_at: times.0,
            event_time: times.1,
            amount_minor,
            currency,
            account_id: AccountId(ids.1),
            card_token: entities.0.map(CardToken),
            merchant_id: entities.1.map(MerchantId),
            terminal_id: entities.2.map(TerminalId),
        }
    }
}

prop_compose! {
    fn activation()(
        kind in word(ActivationKind::ALL),
        name in "[ -~]{0,256}",
        version in any::<u32>(),
        content in prop::collection::vec(any::<u8>(), 0..2_000),
    ) -> Activation {
        Activation { kind, name: name.into(), version, content }
    }
}

pub(super) fn entry() -> impl Strategy<Value = Entry> {
    prop_oneof![
        3 => transaction().prop_map(|value| Entry::Transaction(Box::new(value))),
        1 => label().prop_map(|value| Entry::Label(Box::new(value))),
        1 => activation().prop_map(|value| Entry::Activation(Box::new(value))),
        1 => (prop::sample::select(SubjectKind::ALL), "[a-z0-9]{1,64}", ".{0,40}").prop_map(|(kind, value, reason)| {
            Entry::Erase(Box::new(Erasure {
                subject: Subject { kind, value: value.into() },
                reason: reason.into(),
            }))
        }),
        1 => Just(Entry::Tick),
        1 => (id(), id(), any::<u64>(), word(Verdict::ALL), name(), ".{0,40}").prop_map(
            |(override_id, event_id, decision, verdict, by, reason)| {
                Entry::Override(Box::new(Override {
                    override_id,
                    event_id: EventId(event_id),
                    decision: Offset(decision),
                    verdict,
                    by,
                    reason: reason.into(),
                }))
            }
        ),
        1 => any::<u64>().prop_map(|offset| Entry::Skip { offset: Offset(offset) }),
    ]
}

fn versions() -> impl Strategy<Value = Versions> {
    let hash = || any::<[u8; 32]>().prop_map(ContentHash);
    let part = move || ("[a-z]{0,30}".prop_map(Text::from), any::<u32>(), hash());
    let lists = prop_oneof![
        Just((Text::default(), 0, ContentHash::default())),
        ("[a-z]{0,30}".prop_map(Text::from), 1..=u32::MAX, hash()),
    ];
    (any::<u32>(), hash(), part(), part(), part(), part(), lists).prop_map(
        |(engine_semantics, feature_set, model, rules, policy, rates, lists)| Versions {
            engine_semantics,
            feature_set,
            model,
            rules,
            policy,
            rates,
            lists,
        },
    )
}

fn log_odds() -> impl Strategy<Value = LogOdds> {
    prop_oneof![any::<i64>(), -100_000..100_000_i64].prop_map(LogOdds::from_units)
}

/// Comparable numbers: not-a-number is unequal to itself and has a test of its own.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("comparable", |value| !value.is_nan()),
        0.0..1.0
    ]
}

fn reason() -> impl Strategy<Value = Reason> {
    (id(), "[ -~é]{0,200}", log_odds()).prop_map(|(code, text, contribution)| Reason {
        code,
        text,
        contribution,
    })
}

fn rule_hit() -> impl Strategy<Value = RuleHit> {
    let evidence = prop::collection::vec((id(), number()), 0..4);
    (id(), any::<u32>(), word(RuleOutcome::ALL), evidence).prop_map(
        |(rule_id, version, outcome, evidence)| RuleHit {
            rule_id,
            version,
            outcome,
            evidence,
        },
    )
}

fn contribution() -> impl Strategy<Value = Contribution> {
    (any::<u16>(), log_odds()).prop_map(|(feature, log_odds)| Contribution { feature, log_odds })
}

prop_compose! {
    fn decision()(
        event_id in id(),
        verdict in word(Verdict::ALL),
        tier in word(Tier::ALL),
        score in (log_odds(), number(), number(), number()),
        reasons in prop::collection::vec(reason(), 0..5),
        rules in prop::collection::vec(rule_hit(), 0..5),
        degraded in prop::collection::vec(word(Degradation::ALL), 0..4),
        base in log_odds(),
        contributions in prop::collection::vec(contribution(), 0..40),
        versions in versions(),
    ) -> Decision {
        let (log_odds, probability, risk, confidence) = score;
        Decision {
            position: POSITION,
            log_time: LOG_TIME,
            event_id: EventId(event_id),
            verdict,
            tier,
            score: Score { log_odds, probability, risk, confidence },
            reasons,
            rules,
            degraded,
            base,
            contributions,
            versions: Arc::new(versions),
        }
    }
}

pub(super) fn outcome() -> impl Strategy<Value = Outcome> {
    let rejection = (word(RejectionCode::ALL), "[ -~]{0,40}", "[ -~]{0,90}")
        .prop_map(|(code, field, detail)| Rejection::new(code, field, detail));
    prop_oneof![
        6 => decision().prop_map(|decision| Outcome::Decided(Box::new(decision))),
        1 => any::<u64>().prop_map(|first| Outcome::Repeated { first: Offset(first) }),
        1 => any::<u64>().prop_map(|first| Outcome::Conflicted { first: Offset(first) }),
        1 => Just(Outcome::Applied),
        1 => versions().prop_map(|versions| Outcome::Activated(Arc::new(versions))),
        1 => Just(Outcome::Ignored),
        1 => rejection.prop_map(Outcome::Refused),
    ]
}
