//! Hostile input: any text is compiled or refused with places inside it, and never stops the process.

use proptest::prelude::*;
use proptest::sample::select;
use sentinel_rules::{Diagnostic, Policy, RuleSet, SHIPPED_POLICY, SHIPPED_RULES, Schema};

/// Every fault lies within the text and can be shown.
fn check(text: &str, faults: &[Diagnostic]) -> Result<(), TestCaseError> {
    let lines: Vec<&str> = text.split('\n').collect();
    prop_assert!(!faults.is_empty());
    for fault in faults {
        prop_assert!((1..=lines.len()).contains(&fault.line), "{}", fault);
        let width = lines[fault.line - 1].chars().count();
        prop_assert!((1..=width + 1).contains(&fault.column), "{}", fault);
        prop_assert!(
            fault.length >= 1 && fault.column + fault.length <= width + 2,
            "{}",
            fault
        );
        prop_assert!(!fault.message.is_empty() && fault.to_string().contains('^'));
    }
    Ok(())
}

fn compile(text: &str) -> Result<(), TestCaseError> {
    match RuleSet::compile(text, &Schema::new(&["five", "account_count_1m"])) {
        Ok(_) => Ok(()),
        Err(faults) => check(text, &faults),
    }
}

/// A rule file with this text, quoted, as condition and reason.
fn file(text: &str) -> String {
    let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!(
        "name = 'n'\nversion = 1\n[[rule]]\nid = 'r'\nversion = 1\ndescription = ''\n\
         when = \"\"\"{quoted}\"\"\"\nverdict = 'review'\nreason = \"\"\"{quoted}\"\"\"\n"
    )
}

const PIECES: &[&str] = &[
    "five",
    "amount",
    "channel",
    "has",
    "startsWith",
    "in",
    "true",
    "null",
    "1",
    "2.5",
    "'web'",
    "\"a\"",
    "(",
    ")",
    "[",
    "]",
    ",",
    ".",
    "?",
    ":",
    "!",
    "-",
    "+",
    "*",
    "/",
    "==",
    "!=",
    "<",
    ">=",
    "&&",
    "||",
    "&",
    "=",
    "é",
    "\n",
    "{",
    "}",
    "{{",
    "\\",
    "'",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_as_a_file(text in "\\PC*") {
        compile(&text)?;
    }

    #[test]
    fn any_text_as_a_condition(text in any::<String>()) {
        compile(&file(&text))?;
    }

    #[test]
    fn any_order_of_tokens(pieces in proptest::collection::vec(select(PIECES), 0..30)) {
        compile(&file(&pieces.join(" ")))?;
        compile(&file(&pieces.concat()))?;
    }

    #[test]
    fn a_shipped_file_with_a_piece_replaced(at in 0_usize..4_000, length in 0_usize..20, piece in select(PIECES)) {
        for shipped in [SHIPPED_RULES, SHIPPED_POLICY] {
            let mut characters: Vec<char> = shipped.chars().collect();
            let at = at % characters.len();
            let end = (at + length).min(characters.len());
            characters.splice(at..end, piece.chars());
            let text: String = characters.into_iter().collect();
            compile(&text)?;
            if let Err(faults) = Policy::parse(&text) {
                check(&text, &faults)?;
            }
        }
    }
}
