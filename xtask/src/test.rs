//! Every test there is, in one go, with one count at the end.
//!
//! **Promises** to run all steps even where one fails, so that one run shows everything, to say again at
//! the end what failed (whoever has only the tail of a log finds it there), and to end with a line
//! `N passed, N failed` that adds up what each step reported. **Must never** skip a step: what a step
//! needs and does not find is a failure.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use crate::program;
use crate::python;
use crate::setup::Node;
use crate::workspace::Workspace;
use crate::{codegen, dashboard};

/// Tests that ran.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    passed: u64,
    failed: u64,
}

/// Lines of failures that are kept for the end.
const FAILURE_LINES_MAX: usize = 80;

/// What the runners said of tests that failed: the reports cargo's test binaries print between
/// `failures:` and their result, and the lines with which the other runners name a failed check.
#[derive(Debug, Default)]
pub struct Failures {
    lines: Vec<String>,
    in_report: bool,
}

impl Failures {
    fn take_in(&mut self, line: &str) {
        if line == "failures:" {
            self.in_report = true;
        } else if line.starts_with("test result: ") {
            self.in_report = false;
        } else if (self.in_report && !line.trim().is_empty()) || names_a_failure(line) {
            self.lines.push(line.to_owned());
        }
    }

    /// Prints a failure of a whole step, and keeps it.
    fn say(&mut self, line: String) {
        println!("{line}");
        self.lines.push(line);
    }

    /// Prints them, the first ones where there are too many.
    fn tell(&self) {
        for line in self.lines.iter().take(FAILURE_LINES_MAX) {
            println!("failed: {line}");
        }
        if self.lines.len() > FAILURE_LINES_MAX {
            let more = self.lines.len() - FAILURE_LINES_MAX;
            println!("failed: and {more} lines more, above");
        }
    }
}

/// A line of the browser's checks or of Vitest that names a failed check.
fn names_a_failure(line: &str) -> bool {
    line.trim_start().starts_with("FAIL ")
}

impl Count {
    /// Whether there were tests, and none failed.
    pub fn all_passed(self) -> bool {
        self.passed > 0 && self.failed == 0
    }

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }

    /// A step that only succeeds or fails counts as one test.
    fn of_one(result: &Result<()>) -> Self {
        match result {
            Ok(()) => Self {
                passed: 1,
                failed: 0,
            },
            Err(_) => Self {
                passed: 0,
                failed: 1,
            },
        }
    }
}

/// `cargo xtask test`.
pub fn verb(workspace: &Workspace, _words: &[String]) -> Result<ExitCode> {
    let mut total = Count::default();
    let mut failures = Failures::default();
    let mut add = |(count, lines): (Count, Failures)| {
        total.add(count);
        failures.lines.extend(lines.lines);
    };

    let mut cargo = cargo(workspace);
    cargo.args(["test", "--workspace", "--no-fail-fast"]);
    match python::duckdb_ready(workspace) {
        Ok(python) => drop(cargo.env(python::DUCKDB_VARIABLE, python)),
        // The tests that need it fail and say so; this says why.
        Err(error) => println!("test: no DuckDB: {error:#}"),
    }
    add(counted("workspace", &mut cargo, cargo_count));

    // The heart's own tests of networks: building the whole product once more would double the build.
    let mut networks = self::cargo(workspace);
    networks.args([
        "test",
        "-p",
        "sentinel-scoring",
        "--features",
        "neural",
        "--lib",
        "--no-fail-fast",
    ]);
    networks.args(["--", "network"]);
    add(counted("neural networks", &mut networks, cargo_count));

    add(single("generated documents", codegen::check(workspace)));

    match ready_dashboard(workspace) {
        Ok(node) => {
            let mut npm = node.npm(workspace);
            npm.args(["run", "--silent", "test"]).env("NO_COLOR", "1");
            add(counted("dashboard", &mut npm, vitest_count));
            match dashboard::browser_test(workspace, &node, &workspace.binary("debug")) {
                Ok(mut npm) => add(counted("browser", &mut npm, browser_count)),
                Err(error) => add(single("browser", Err(error))),
            }
        }
        Err(error) => add(single("dashboard", Err(error))),
    }

    failures.tell();
    println!("{} passed, {} failed", total.passed, total.failed);
    Ok(if total.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Cargo in the workspace. What the outer cargo told this program about itself is kept from it, where it
/// would look like a change to build scripts that watch it.
pub fn cargo(workspace: &Workspace) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(workspace.root());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo.env_remove("LD_LIBRARY_PATH");
    cargo
}

fn ready_dashboard(workspace: &Workspace) -> Result<Node> {
    let node = Node::ready(workspace)?;
    dashboard::install_packages(workspace, &node)?;
    Ok(node)
}

/// Reports a step that only succeeds or fails.
fn single(step: &str, result: Result<()>) -> (Count, Failures) {
    let mut failures = Failures::default();
    match &result {
        Ok(()) => println!("test: {step}: ok"),
        Err(error) => failures.say(format!("test: {step}: FAILED: {error:#}")),
    }
    (Count::of_one(&result), failures)
}

/// Runs a step, passes its output on, adds up the lines that count tests and keeps those that tell of
/// failures. A step that fails without having counted a failure, such as one that does not compile, is
/// one failure.
pub fn counted(
    step: &str,
    command: &mut Command,
    count: fn(&str) -> Option<Count>,
) -> (Count, Failures) {
    let mut total = Count::default();
    let mut failures = Failures::default();
    let result = stream(command, |line| {
        println!("{line}");
        failures.take_in(line);
        if let Some(found) = count(line) {
            total.add(found);
        }
    });
    if let Err(error) = &result {
        failures.say(format!("test: {step}: FAILED: {error:#}"));
        total.failed = total.failed.max(1);
    } else if total.passed == 0 {
        failures.say(format!("test: {step}: FAILED: no test was counted"));
        total.failed = total.failed.max(1);
    }
    (total, failures)
}

fn stream(command: &mut Command, mut each_line: impl FnMut(&str)) -> Result<()> {
    println!("$ {}", program::line(command));
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("start {}", program::line(command)))?;
    let stdout = child.stdout.take().context("take the standard output")?;
    for line in BufReader::new(stdout).split(b'\n') {
        each_line(&String::from_utf8_lossy(&line?));
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("{} ended with {status}", program::line(command));
    }
    Ok(())
}

/// `test result: ok. 12 passed; 0 failed; …`, once per test binary.
pub fn cargo_count(line: &str) -> Option<Count> {
    let counts = line.strip_prefix("test result: ")?;
    Some(Count {
        passed: number_before(counts, "passed")?,
        failed: number_before(counts, "failed")?,
    })
}

/// `      Tests  1 failed | 12 passed (13)`, once at the end.
fn vitest_count(line: &str) -> Option<Count> {
    let counts = line.trim_start().strip_prefix("Tests ")?;
    Some(Count {
        passed: number_before(counts, "passed").unwrap_or(0),
        failed: number_before(counts, "failed").unwrap_or(0),
    })
}

/// `5 passed, 0 failed`, the last line.
fn browser_count(line: &str) -> Option<Count> {
    let (passed, failed) = line.strip_suffix(" failed")?.split_once(" passed, ")?;
    Some(Count {
        passed: passed.parse().ok()?,
        failed: failed.parse().ok()?,
    })
}

fn number_before(text: &str, word: &str) -> Option<u64> {
    let words: Vec<&str> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let at = words.iter().position(|found| *found == word)?;
    words.get(at.checked_sub(1)?)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_of_failures_are_kept_and_nothing_else() {
        let mut failures = Failures::default();
        let output = "test a::b ... FAILED\n\nfailures:\n\n---- a::b stdout ----\nthread panicked\n\n\nfailures:\n    a::b\n\n\
                      test result: FAILED. 1 passed; 1 failed\ntest c ... ok\n  FAIL  the sheet opens";
        output.lines().for_each(|line| failures.take_in(line));
        let kept = [
            "---- a::b stdout ----",
            "thread panicked",
            "    a::b",
            "  FAIL  the sheet opens",
        ];
        assert_eq!(failures.lines, kept);
    }

    #[test]
    fn counts_are_read_from_what_the_runners_print() {
        let both = |passed, failed| Some(Count { passed, failed });
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!(cargo_count(line), both(12, 3));
        assert_eq!(cargo_count("test result of something else"), None);
        assert_eq!(vitest_count("      Tests  31 passed (31)"), both(31, 0));
        assert_eq!(
            vitest_count("      Tests  1 failed | 30 passed (31)"),
            both(30, 1)
        );
        assert_eq!(vitest_count(" Test Files  4 passed (4)"), None);
        assert_eq!(browser_count("5 passed, 1 failed"), both(5, 1));
        assert_eq!(browser_count("all passed, none failed"), None);
    }

    #[test]
    fn a_step_that_fails_without_a_count_is_one_failure() {
        let mut broken = Command::new("sh");
        broken.args(["-c", "exit 101"]);
        let (count, _) = counted("broken", &mut broken, cargo_count);
        assert_eq!(
            count,
            Count {
                passed: 0,
                failed: 1
            }
        );
    }

    #[test]
    fn a_step_that_counts_nothing_is_a_failure() {
        let mut empty = Command::new("sh");
        empty.args(["-c", "echo nothing to do"]);
        let (count, _) = counted("empty", &mut empty, cargo_count);
        assert_eq!(
            count,
            Count {
                passed: 0,
                failed: 1
            }
        );
    }

    #[test]
    fn a_step_adds_up_all_its_lines() {
        let mut step = Command::new("sh");
        step.args(["-c", "echo 'test result: ok. 2 passed; 0 failed; x'; echo 'test result: ok. 3 passed; 0 failed; x'"]);
        let (count, _) = counted("two binaries", &mut step, cargo_count);
        assert_eq!(
            count,
            Count {
                passed: 5,
                failed: 0
            }
        );
    }
}
