//! Tiers, precedence and the order of reasons; what a policy file must be.

use super::*;
use crate::schema::Schema;

const SHIPPED: &str = crate::SHIPPED_POLICY;

/// One rule per effect, named after it.
fn rules() -> RuleSet {
    let effects = [
        ("challenge", "verdict"),
        ("review", "verdict"),
        ("decline", "verdict"),
        ("low", "tier"),
        ("medium", "tier"),
        ("high", "tier"),
        ("critical", "tier"),
    ];
    let rule = |(word, key): (&str, &str)| {
        format!(
            "[[rule]]\nid = '{word}'\nversion = 2\ndescription = ''\nwhen = 'true'\n{key} = '{word}'\n\
             reason = 'because {word}'\n"
        )
    };
    let text: String = effects.into_iter().map(rule).collect();
    let text = format!("name = 'effects'\nversion = 1\n{text}");
    RuleSet::compile(&text, &Schema::new(&[])).unwrap()
}

fn judge(risk: f64, words: &str) -> Judgement {
    let rules = rules();
    let hits: Vec<Hit> = words
        .split_whitespace()
        .map(|word| Hit {
            rule: rules
                .rules()
                .iter()
                .position(|rule| rule.id == word)
                .unwrap(),
            evidence: vec![(Text::from("five"), 5.0)],
            reason: format!("because {word}"),
        })
        .collect();
    Policy::parse(SHIPPED).unwrap().judge(risk, &rules, &hits)
}

#[test]
fn a_risk_on_a_bound_is_in_the_upper_tier() {
    let policy = Policy::parse(SHIPPED).unwrap();
    let cases = [
        (f64::NEG_INFINITY, Tier::Minimal),
        (0.0, Tier::Minimal),
        (0.5_f64.next_down(), Tier::Minimal),
        (0.5, Tier::Low),
        (0.55_f64.next_down(), Tier::Low),
        (0.55, Tier::Medium),
        (0.70_f64.next_down(), Tier::Medium),
        (0.70, Tier::High),
        (0.85_f64.next_down(), Tier::High),
        (0.85, Tier::Critical),
        (1.0, Tier::Critical),
        (f64::NAN, Tier::Critical),
    ];
    for (risk, tier) in cases {
        assert_eq!(policy.tier_of(risk), tier, "{risk}");
    }
}

#[test]
fn precedence() {
    // Risk, rules that hit, tier, verdict.
    let cases = [
        (0.10, "", "minimal", "approve"),
        (0.52, "", "low", "approve"),
        (0.60, "", "medium", "challenge"),
        (0.75, "", "high", "review"),
        (0.90, "", "critical", "decline"),
        // A rule speaks where the tier approves, the most severe one wins.
        (0.10, "challenge", "minimal", "challenge"),
        (0.10, "review", "minimal", "review"),
        (0.52, "challenge review", "low", "review"),
        // Between tier and rules the more severe wins, both ways.
        (0.60, "review", "medium", "review"),
        (0.75, "challenge", "high", "review"),
        (0.90, "review", "critical", "decline"),
        // A decline rule outranks the tier.
        (0.10, "decline", "minimal", "decline"),
        (0.60, "challenge decline", "medium", "decline"),
        (0.75, "decline", "high", "decline"),
        // Rules raise the tier and never lower it.
        (0.10, "low", "low", "approve"),
        (0.10, "medium", "medium", "challenge"),
        (0.10, "high low", "high", "review"),
        (0.10, "critical", "critical", "decline"),
        (0.75, "low", "high", "review"),
        (0.90, "medium", "critical", "decline"),
        // A raised tier outranks as the model's own does.
        (0.10, "medium review", "medium", "review"),
        (0.10, "low review", "low", "review"),
        (0.10, "decline medium", "medium", "decline"),
    ];
    for (risk, words, tier, verdict) in cases {
        let judgement = judge(risk, words);
        let found = (judgement.tier.as_str(), judgement.verdict.as_str());
        assert_eq!(found, (tier, verdict), "risk {risk}, rules {words:?}");
    }
}

#[test]
fn the_tier_of_the_model_is_kept_beside_the_raised_one() {
    let judgement = judge(0.52, "high");
    assert_eq!(
        (judgement.model_tier, judgement.tier),
        (Tier::Low, Tier::High)
    );
}

#[test]
fn every_hit_is_reported_even_where_it_was_outranked() {
    let judgement = judge(0.90, "challenge review low");
    let ids: Vec<_> = judgement
        .rules
        .iter()
        .map(|hit| hit.rule_id.as_str())
        .collect();
    assert_eq!(ids, ["challenge", "review", "low"]);
    for hit in &judgement.rules {
        assert_eq!((hit.outcome, hit.version), (RuleOutcome::Hit, 2));
        assert_eq!(hit.evidence, [(Text::from("five"), 5.0)]);
    }
}

#[test]
fn reasons_come_most_severe_first_and_else_in_the_order_of_the_set() {
    let judgement = judge(0.10, "challenge review decline low medium high critical");
    let codes: Vec<_> = judgement
        .reasons_from_rules
        .iter()
        .map(|reason| reason.code.as_str())
        .collect();
    let expected = [
        "rule:decline",
        "rule:critical",
        "rule:review",
        "rule:high",
        "rule:challenge",
        "rule:medium",
        "rule:low",
    ];
    assert_eq!(codes, expected);
    let first = &judgement.reasons_from_rules[0];
    assert_eq!(
        (first.text.as_str(), first.contribution),
        ("because decline", LogOdds::ZERO)
    );
}

#[test]
fn without_hits_nothing_is_said() {
    let judgement = judge(0.90, "");
    assert_eq!(
        (judgement.reasons_from_rules, judgement.rules),
        (Vec::new(), Vec::new())
    );
}

#[test]
#[should_panic(expected = "the rule set that found them")]
fn a_hit_of_another_set_stops_the_process() {
    let none = RuleSet::compile("name = 'none'\nversion = 1", &Schema::new(&[])).unwrap();
    let hit = Hit {
        rule: 0,
        evidence: Vec::new(),
        reason: String::new(),
    };
    Policy::parse(SHIPPED).unwrap().judge(0.1, &none, &[hit]);
}

#[test]
fn faults_of_a_policy_file_are_told_with_their_place() {
    // What is replaced in the shipped file, by what, and the fault with its excerpt.
    let cases = [
        (
            "medium = 0.55",
            "medium = 0.45",
            "this bound must be above 0.5 and at most 1",
            "0.45",
        ),
        (
            "critical = 0.85",
            "critical = 1.5",
            "this bound must be above 0.7 and at most 1",
            "1.5",
        ),
        (
            "low = 0.50",
            "low = 0.0",
            "this bound must be above 0 and at most 1",
            "0.0",
        ),
        (
            "high = 0.70",
            "high = nan",
            "this bound must be above 0.55 and at most 1",
            "nan",
        ),
        (
            "high = 0.70",
            "high = '0.7'",
            "invalid type: string \"0.7\", expected f64",
            "'0.7'",
        ),
        (
            "high = \"review\"",
            "high = \"hold\"",
            "`hold` is no verdict",
            "\"hold\"",
        ),
        (
            "high = \"review\"",
            "high = \"approve\"",
            "`approve` is milder than `challenge` of the tier below",
            "\"approve\"",
        ),
        ("version = 1", "version = 0", "versions count from 1", "0"),
        ("name = \"default\"", "name = \"\"", "`` is no name", "\"\""),
        ("[bounds]", "[bound]", "unknown field `bound`", "bound"),
    ];
    for (replaced, by, message, excerpt) in cases {
        assert!(SHIPPED.contains(replaced), "{replaced}");
        let diagnostics = Policy::parse(&SHIPPED.replacen(replaced, by, 1)).unwrap_err();
        assert!(
            diagnostics[0].message.starts_with(message),
            "{by}: {}",
            diagnostics[0]
        );
        assert_eq!(diagnostics[0].excerpt(), excerpt, "{by}");
    }
}

#[test]
fn another_policy_judges_otherwise() {
    let strict = SHIPPED
        .replacen("low = \"approve\"", "low = \"challenge\"", 1)
        .replacen("low = 0.50", "low = 0.2", 1);
    let policy = Policy::parse(&strict).unwrap();
    assert_eq!(policy.judge(0.3, &rules(), &[]).verdict, Verdict::Challenge);
    assert_eq!((policy.name(), policy.version()), ("default", 1));
}
