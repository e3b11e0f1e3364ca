//! The rules of the house as code: each rule looks over the whole tree and says what to do where it is
//! broken.
//!
//! **Promises** one line per finding, `file:line: rule: what to do`, and failure where there is one.
//! **Must never** repeat what the compiler, clippy or rustfmt already check.
//!
//! To add a rule: one function in the file it belongs to, one line in [`RULES`], one planted violation
//! in a test.

mod edges;
mod purity;
mod files;
mod text;
mod documents;

use std::fmt;
use std::process::ExitCode;

use anyhow::Result;

use crate::tree::Tree;
use crate::workspace::Workspace;

/// One broken rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    file: String,
    /// Counted from 1; 0 speaks of the whole file.
    line: usize,
    rule: &'static str,
    advice: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line.max(1);
        write!(f, "{}:{line}: {}: {}", self.file, self.rule, self.advice)
    }
}

/// Where a rule reports to: knows the rule's name, so that a rule only says where and what.
pub struct Report<'a> {
    rule: &'static str,
    findings: &'a mut Vec<Finding>,
}

impl Report<'_> {
    /// Reports one finding.
    pub fn add(&mut self, file: &str, line: usize, advice: impl Into<String>) {
        self.findings.push(Finding {
            file: file.to_owned(),
            line,
            rule: self.rule,
            advice: advice.into(),
        });
    }
}

type Rule = fn(&Tree, &mut Report<'_>);

/// Every rule of the house.
const RULES: &[(&str, Rule)] = &[
    ("crate-edges", edges::crate_edges),
    ("crate-manifests", edges::crate_manifests),
    ("root-manifest", edges::root_manifest),
    ("purity-bans", purity::bans),
    ("purity-dependencies", purity::dependencies),
    ("purity-exceptions", purity::exceptions),
    ("module-heads", files::module_heads),
    ("file-lengths", files::file_lengths),
    ("file-names", files::file_names),
    ("file-sizes", files::file_sizes),
    ("machine-paths", text::machine_paths),
    ("registry-hosts", text::registry_hosts),
    ("left-overs", text::left_overs),
    ("links", documents::links),
    ("decision-records", documents::decision_records),
    ("book-pages", documents::book_pages),
    ("named-documents", documents::named_documents),
    ("mapping-samples", documents::mapping_samples),
];

/// `cargo xtask tidy`.
pub fn verb(workspace: &Workspace, _words: &[String]) -> Result<ExitCode> {
    let tree = Tree::of_repository(workspace.root())?;
    let findings = examine(&tree);
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!(
            "tidy: {} rules hold over {} files",
            RULES.len(),
            tree.files().count()
        );
        return Ok(ExitCode::SUCCESS);
    }
    println!("tidy: {} findings", findings.len());
    Ok(ExitCode::FAILURE)
}

fn examine(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, rule) in RULES {
        rule(
            tree,
            &mut Report {
                rule: name,
                findings: &mut findings,
            },
        );
    }
    findings.sort();
    findings
}

/// Runs one rule over a planted tree and gives its findings as `file:line: advice`.
#[cfg(test)]
fn examine_with(rule: Rule, files: &[(&str, &str)]) -> Vec<String> {
    let pairs = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    let tree = Tree::of_files(pairs);
    let mut findings = Vec::new();
    rule(
        &tree,
        &mut Report {
            rule: "planted",
            findings: &mut findings,
        },
    );
    findings
        .iter()
        .map(|found| format!("{}:{}: {}", found.file, found.line, found.advice))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_sorted_and_say_file_line_rule_and_advice() {
        let tree = Tree::of_files([
            ("crates/b/src/mod.rs".to_owned(), b"//! b\n".to_vec()),
            ("crates/a/src/lib.rs".to_owned(), b"fn f() {}\n".to_vec()),
        ]);
        let lines: Vec<String> = examine(&tree).iter().map(Finding::to_string).collect();
        assert!(lines.is_sorted(), "{lines:#?}");
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with("crates/a/src/lib.rs:1: module-heads: ")),
            "{lines:#?}"
        );
    }
}
