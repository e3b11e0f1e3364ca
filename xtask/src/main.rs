//! The workbench: what the doors of the `Makefile` call when one line is not enough.
//!
//! **Enters:** a verb. **Leaves:** a set-up machine, a built dashboard, a list of broken house rules, a
//! measurement. **Promises** to say each program it starts, to be repeatable, and never to skip a check
//! in silence. **Must never** hold product code or be needed to run the product: `cargo build` alone is
//! enough for that.
//!
//! Start reading at [`tidy`] for the rules of the house, at [`setup`] for what a fresh machine needs.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a workbench talks to the person at the terminal"
)]

mod program;
mod workspace;
mod python;
mod setup;
mod dashboard;
mod tree;
mod tidy;
mod codegen;
mod test;
mod measure;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// A verb, what follows it, what it does, and the function behind it.
type Verb = (
    &'static str,
    &'static str,
    &'static str,
    fn(&Workspace, &[String]) -> Result<ExitCode>,
);

/// Every verb, in the order of a day's work.
const VERBS: &[Verb] = &[
    (
        "setup",
        "--demo | --test",
        "make the machine ready: Node, packages, Chromium, DuckDB, strace, faketime",
        setup::verb,
    ),
    (
        "dashboard",
        "build | check | test",
        "build the dashboard where its sources changed, or check it",
        dashboard::verb,
    ),
    ("tidy", "", "check the rules of the house", tidy::verb),
    (
        "test",
        "",
        "run every test: workspace, documents, dashboard, browser",
        test::verb,
    ),
    (
        "codegen",
        "",
        "rewrite the parts of documents that the binary says of itself",
        codegen::verb,
    ),
    (
        "bench",
        "",
        "measure the feature engine, and the main job on the tables in SENTINEL_DATA",
        measure::bench,
    ),
    (
        "measure",
        "parity|scoring|training|separability",
        "imported models, scoring and training beside other libraries; how well fraud of the generator is told apart",
        measure::measure,
    ),
    (
        "campaign",
        "",
        "long checks: windows, SQL, crashes, and the main job killed on the tables in SENTINEL_DATA",
        measure::campaign,
    ),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&words) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(words: &[String]) -> Result<ExitCode> {
    let Some((name, rest)) = words.split_first() else {
        print!("{}", usage());
        return Ok(ExitCode::from(2));
    };
    let Some((_, _, _, run)) = VERBS.iter().find(|(verb, ..)| verb == name) else {
        bail!("no verb {name:?}\n\n{}", usage());
    };
    let workspace = Workspace::open().context("find the workspace")?;
    run(&workspace, rest)
}

fn usage() -> String {
    let mut text = String::from("cargo xtask VERB\n\n");
    for (verb, follows, does, _) in VERBS {
        let call = format!("{verb} {follows}");
        text.push_str(&format!("  {call:<32} {does}\n"));
    }
    text
}
