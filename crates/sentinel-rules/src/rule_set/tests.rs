//! What a rule file must be, where its faults are shown, and what a hit carries.

use sentinel_domain::{Currency, Instant};

use super::*;
use crate::{NO_LISTS, trial};

const HEAD: &str = "name = 'trial'\nversion = 1\n";

/// A file with one rule, its lines replaced by key.
fn file(changes: &[(&str, &str)]) -> String {
    let mut lines: BTreeMap<&str, &str> = BTreeMap::from([
        ("id", "id = 'large'"),
        ("version", "version = 3"),
        ("description", "description = 'large'"),
        ("when", "when = 'amount > 1000'"),
        ("effect", "verdict = 'review'"),
        ("reason", "reason = 'of {amount}'"),
    ]);
    lines.extend(changes.iter().copied());
    let keys = ["id", "version", "description", "when", "effect", "reason"];
    let body: Vec<&str> = keys.iter().map(|key| lines[key]).collect();
    format!("{HEAD}[[rule]]\n{}\n", body.join("\n"))
}

fn first_fault(text: &str) -> String {
    let diagnostics = RuleSet::compile(text, &trial::schema()).unwrap_err();
    diagnostics[0].to_string()
}

fn hits(text: &str, row: &[f64]) -> Vec<Hit> {
    let rules = RuleSet::compile(text, &trial::schema()).unwrap();
    let transaction = trial::transaction();
    let inputs = Inputs {
        row,
        transaction: &transaction,
        amount_reference_minor: Some(120_050),
        reference: Currency::USD,
        lists: &NO_LISTS,
        log_time: Instant::default(),
    };
    let mut hits = vec![Hit {
        rule: 99,
        evidence: Vec::new(),
        reason: String::new(),
    }];
    rules.evaluate(&inputs, &mut hits);
    hits
}

#[test]
fn a_fault_in_an_expression_is_shown_in_its_line_of_the_file() {
    let text = file(&[("when", "when = \"channel == \\\"web\\\" && amout > 5\"")]);
    let expected = r#"line 7, column 31: unknown name `amout`
  |
7 | when = "channel == \"web\" && amout > 5"
  |                               ^^^^^
  = help: did you mean `amount`?"#;
    assert_eq!(first_fault(&text), expected);
}

#[test]
fn a_fault_in_a_condition_of_several_lines_is_shown_in_the_right_one() {
    let text = file(&[("when", "when = '''\namount > 5\n  && fiv > 3\n'''")]);
    let expected = "line 9, column 6: unknown name `fiv`
  |
9 |   && fiv > 3
  |      ^^^
  = help: did you mean `five`?";
    assert_eq!(first_fault(&text), expected);
}

#[test]
fn faults_of_the_file_are_told_with_their_place() {
    let cases: &[(String, &str, &str)] = &[
        ("name = 'a'".to_owned(), "line 1", "missing field `version`"),
        ("name = ".to_owned(), "line 1", "expected"),
        (
            file(&[("effect", "verdikt = 'review'")]),
            "line 8",
            "unknown field `verdikt`",
        ),
        (file(&[("effect", "")]), "line 4", "this rule has no effect"),
        (
            file(&[("effect", "verdict = 'review'\ntier = 'low'")]),
            "line 9",
            "a rule has a verdict or a tier, not both",
        ),
        (
            file(&[("effect", "verdict = 'approve'")]),
            "line 8",
            "`approve` is no verdict of a rule",
        ),
        (
            file(&[("effect", "verdict = 'block'")]),
            "line 8",
            "`block` is no verdict of a rule",
        ),
        (
            file(&[("effect", "tier = 'minimal'")]),
            "line 8",
            "`minimal` is no tier",
        ),
        (
            file(&[("id", "id = 'Large'")]),
            "line 4",
            "`Large` is no id",
        ),
        (file(&[("id", "id = ''")]), "line 4", "`` is no id"),
        (
            file(&[("version", "version = 0")]),
            "line 5",
            "versions count from 1",
        ),
        (
            file(&[("version", "version = -1")]),
            "line 5",
            "invalid value",
        ),
        (file(&[("when", "")]), "line 3", "missing field `when`"),
        (file(&[("when", "when = 5")]), "line 7", "invalid type"),
        (
            file(&[("reason", "reason = 'of {amonut}'")]),
            "line 9, column 15",
            "unknown name `amonut`",
        ),
        (
            format!("name = ' '\nversion = 1\n{}", ""),
            "line 1",
            "` ` is no name",
        ),
    ];
    for (text, place, message) in cases {
        let fault = first_fault(text);
        assert!(fault.starts_with(place), "{fault}");
        assert!(fault.contains(message), "{fault}");
    }
}

#[test]
fn an_id_is_used_once() {
    let twice = format!("{}{}", file(&[]), file(&[]).replace(HEAD, ""));
    let fault = first_fault(&twice);
    assert!(
        fault.starts_with("line 11, column 6: the id `large` is used twice"),
        "{fault}"
    );
    assert!(fault.ends_with("it is first used on line 4"), "{fault}");
}

#[test]
fn all_faults_of_a_file_come_in_its_order() {
    let text = file(&[
        ("id", "id = '7'"),
        ("when", "when = 'amout > 5 && fiv > 5'"),
        ("effect", "tier = 'worst'"),
        ("reason", "reason = '{a}{b}'"),
    ]);
    let diagnostics = RuleSet::compile(&text, &trial::schema()).unwrap_err();
    let places: Vec<_> = diagnostics.iter().map(|d| (d.line, d.column)).collect();
    assert_eq!(places, [(4, 6), (7, 9), (7, 22), (8, 8), (9, 12), (9, 15)]);
    assert_eq!(diagnostics[2].excerpt(), "fiv");
}

#[test]
fn too_many_rules_are_refused_and_none_are_fine() {
    let rule = |n: usize| file(&[("id", &format!("id = 'r{n}'"))]).replace(HEAD, "");
    let rules: String = (0..=RULES_MAX).map(rule).collect();
    assert!(first_fault(&format!("{HEAD}{rules}")).contains("more than 1000 rules"));
    let empty = RuleSet::compile(HEAD, &trial::schema()).unwrap();
    assert_eq!(
        (empty.name(), empty.version(), empty.rules().len()),
        ("trial", 1, 0)
    );
}

#[test]
fn a_rule_is_seen_as_it_was_written() {
    let rules = RuleSet::compile(&file(&[]), &trial::schema()).unwrap();
    let expected = Rule {
        id: Text::from("large"),
        version: 3,
        description: "large".to_owned(),
        effect: Effect::Verdict(Verdict::Review),
        reason: "of {amount}".to_owned(),
        condition: "amount > 1000".to_owned(),
    };
    assert_eq!(rules.rules(), [expected]);
}

#[test]
fn a_hit_carries_each_number_that_its_condition_mentions_once() {
    let when =
        "when = \"five > 1 && channel == 'web' && (missing > 3 || amount > five) && mcc in [742]\"";
    let text = file(&[("when", when)]);
    let found = hits(&text, &[5.0, 0.0, f64::NAN]);
    assert_eq!(found.len(), 1, "what was in the buffer is gone");
    let evidence: Vec<_> = found[0]
        .evidence
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    assert_eq!(
        evidence,
        [("five", 5.0), ("amount", 1200.5), ("mcc", 742.0)]
    );
    assert_eq!(found[0].reason, "of 1,200.50 USD");
}

#[test]
fn no_hit_leaves_the_buffer_empty() {
    assert_eq!(hits(&file(&[("when", "when = 'amount > 5000'")]), &[]), []);
}

#[test]
fn the_amount_follows_the_reference_currency() {
    let rules = RuleSet::compile(&file(&[]), &trial::schema()).unwrap();
    let transaction = trial::transaction();
    let reason = |code: &str, minor: Option<i64>| {
        let inputs = Inputs {
            row: &[],
            transaction: &transaction,
            amount_reference_minor: minor,
            reference: Currency::parse(code).unwrap(),
            lists: &NO_LISTS,
            log_time: Instant::default(),
        };
        let mut hits = Vec::new();
        rules.evaluate(&inputs, &mut hits);
        hits.pop().map(|hit| hit.reason)
    };
    assert_eq!(reason("JPY", Some(1_500)).as_deref(), Some("of 1,500 JPY"));
    assert_eq!(
        reason("KWD", Some(1_234_567)).as_deref(),
        Some("of 1,234.567 KWD")
    );
    assert_eq!(
        reason("USD", Some(100_001)).as_deref(),
        Some("of 1,000.01 USD")
    );
    assert_eq!(reason("USD", Some(100_000)), None);
    assert_eq!(reason("USD", None), None, "no rate, no amount");
}

#[test]
fn a_rule_set_can_be_used_from_several_threads() {
    fn usable<T: Send + Sync>() {}
    usable::<RuleSet>();
}
