//! The shipped rules and policy: they compile against the shipped features' names and say what they are
//! meant to say.

use sentinel_domain::transaction::EventType;
use sentinel_domain::{AccountId, Currency, EventId, Instant, Money, Tier, Transaction, Verdict};
use sentinel_rules::{
    Effect, Inputs, Judgement, NO_LISTS, Policy, RuleSet, SHIPPED_POLICY, SHIPPED_RULES, Schema,
};

const FEATURES: [&str; 5] = [
    "account_count_1m",
    "account_speed_kmh",
    "account_distance_km",
    "card_count_5m",
    "device_distinct_accounts_24h",
];

fn rules() -> RuleSet {
    let compiled = RuleSet::compile(SHIPPED_RULES, &Schema::new(&FEATURES));
    compiled.unwrap_or_else(|faults| panic!("{}", faults[0]))
}

fn policy() -> Policy {
    Policy::parse(SHIPPED_POLICY).unwrap_or_else(|faults| panic!("{}", faults[0]))
}

/// The judgement on a harmless model's word, with the named features present.
fn judge(amount_minor: i64, features: &[(&str, f64)]) -> Judgement {
    let row = FEATURES.map(|name| {
        let given = features.iter().find(|(given, _)| *given == name);
        given.map_or(f64::NAN, |(_, value)| *value)
    });
    let amount = Money {
        minor: amount_minor,
        currency: Currency::USD,
    };
    let (event, account) = (EventId::new("e"), AccountId::new("a"));
    let transaction = Transaction::required(
        event,
        EventType::CardAuth,
        Instant::default(),
        account,
        amount,
    );
    let inputs = Inputs {
        row: &row,
        transaction: &transaction,
        amount_reference_minor: Some(amount_minor),
        reference: Currency::USD,
        lists: &NO_LISTS,
        log_time: Instant::default(),
    };
    let (rules, mut hits) = (rules(), Vec::new());
    rules.evaluate(&inputs, &mut hits);
    policy().judge(0.01, &rules, &hits)
}

fn reasons(judgement: &Judgement) -> Vec<(&str, &str)> {
    let reasons = judgement.reasons_from_rules.iter();
    reasons
        .map(|reason| (reason.code.as_str(), reason.text.as_str()))
        .collect()
}

#[test]
fn both_files_are_the_first_version_of_the_default() {
    assert_eq!((rules().name(), rules().version()), ("default", 1));
    assert_eq!((policy().name(), policy().version()), ("default", 1));
}

#[test]
fn the_policy_has_the_promised_bounds_and_verdicts() {
    let policy = policy();
    let tiers = [0.49, 0.50, 0.55, 0.70, 0.85].map(|risk| policy.tier_of(risk));
    assert_eq!(tiers.as_slice(), Tier::ALL);
    let verdicts = tiers.map(|tier| policy.verdict_of(tier));
    let (approve, decline) = (Verdict::Approve, Verdict::Decline);
    assert_eq!(
        verdicts,
        [
            approve,
            approve,
            Verdict::Challenge,
            Verdict::Review,
            decline
        ]
    );
}

#[test]
fn velocity_raises_the_tier_by_exactly_one_rule() {
    for count in 0..=20_u8 {
        let judgement = judge(1_000, &[("account_count_1m", f64::from(count))]);
        let expected = match count {
            0..=2 => Tier::Minimal,
            3..=5 => Tier::Low,
            6..=7 => Tier::Medium,
            8..=9 => Tier::High,
            _ => Tier::Critical,
        };
        assert_eq!(judgement.tier, expected, "{count}");
        assert_eq!(judgement.rules.len(), usize::from(count >= 3), "{count}");
    }
    let judgement = judge(1_000, &[("account_count_1m", 7.0)]);
    let text = "7 transactions of this account within 60 s";
    assert_eq!(reasons(&judgement), [("rule:velocity_medium", text)]);
}

#[test]
fn an_amount_above_5000_is_reviewed() {
    assert_eq!(judge(500_000, &[]).verdict, Verdict::Approve);
    let judgement = judge(612_050, &[]);
    assert_eq!(
        (judgement.verdict, judgement.tier),
        (Verdict::Review, Tier::Minimal)
    );
    let text = "the amount of 6,120.50 USD is above 5,000";
    assert_eq!(reasons(&judgement), [("rule:amount_over_5000", text)]);
    assert_eq!(judgement.rules[0].evidence, [("amount".into(), 6120.5)]);
}

#[test]
fn impossible_travel_is_reviewed() {
    let near = judge(
        1_000,
        &[
            ("account_speed_kmh", 2_000.0),
            ("account_distance_km", 80.0),
        ],
    );
    assert_eq!(near.verdict, Verdict::Approve);
    let far = judge(
        1_000,
        &[
            ("account_speed_kmh", 1_843.21),
            ("account_distance_km", 5_837.4),
        ],
    );
    assert_eq!(far.verdict, Verdict::Review);
    let text = "5,837.4 km from the account's last payment, at 1,843.21 km/h";
    assert_eq!(reasons(&far), [("rule:impossible_travel", text)]);
}

#[test]
fn card_testing_and_shared_devices_are_challenged() {
    let testing = judge(199, &[("card_count_5m", 6.0)]);
    assert_eq!(
        (testing.verdict, testing.tier),
        (Verdict::Challenge, Tier::Medium)
    );
    let text = "6 payments with this card within 5 minutes, this one of only 1.99 USD";
    assert_eq!(reasons(&testing), [("rule:card_testing", text)]);
    assert_eq!(
        judge(500, &[("card_count_5m", 6.0)]).verdict,
        Verdict::Approve
    );

    let shared = judge(2_000, &[("device_distinct_accounts_24h", 5.0)]);
    assert_eq!(
        (shared.verdict, shared.tier),
        (Verdict::Challenge, Tier::Minimal)
    );
}

#[test]
fn nothing_is_known_and_nothing_hits() {
    assert_eq!(judge(1_000, &[]).rules, []);
}

#[test]
fn every_shipped_rule_is_described() {
    for rule in rules().rules() {
        assert!(rule.description.ends_with('.'), "{}", rule.id);
        assert!(!rule.reason.is_empty() && rule.version == 1, "{}", rule.id);
        assert_ne!(
            rule.effect,
            Effect::Verdict(Verdict::Decline),
            "{} is too hard for a default",
            rule.id
        );
    }
}
