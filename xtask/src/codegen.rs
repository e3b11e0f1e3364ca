//! Generated parts of documents: what the binary says of itself, copied into the book between markers.
//!
//! A block `<!-- begin: sentinel run --help -->` … `<!-- end -->` holds the output of that command.
//! **Promises** that a block is never out of date after `make test`: the test compares, `make codegen`
//! rewrites. **Must never** touch a line outside a block.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use crate::program;
use crate::tree::Tree;
use crate::workspace::Workspace;

const BEGIN: &str = "<!-- begin: sentinel ";
const BEGIN_END: &str = " -->";
const END: &str = "<!-- end -->";

/// The page that has a block for every command.
const COMMANDS_PAGE: &str = "docs/book/src/reference/cli.md";

/// `cargo xtask codegen`: rewrites every block; a command without one is an error.
pub fn verb(workspace: &Workspace, _words: &[String]) -> Result<ExitCode> {
    for stale in stale_pages(workspace)? {
        fs::write(workspace.at(&stale.page), stale.wanted)
            .with_context(|| format!("write {}", stale.page))?;
        println!("codegen: {} rewritten", stale.page);
    }
    check(workspace)?;
    Ok(ExitCode::SUCCESS)
}

/// Fails where a block is out of date or a command has none.
pub fn check(workspace: &Workspace) -> Result<()> {
    if let Some(stale) = stale_pages(workspace)?.first() {
        bail!("{} is out of date; run `make codegen`", stale.page);
    }
    let page = fs::read_to_string(workspace.at(COMMANDS_PAGE))
        .with_context(|| format!("read {COMMANDS_PAGE}"))?;
    let help = said_by(&workspace.binary("debug"), "--help")?;
    for command in commands_in(&help) {
        if !page.contains(&format!("{BEGIN}{command} ")) {
            bail!(
                "{COMMANDS_PAGE} has no block for `sentinel {command}`; add one and run `make codegen`"
            );
        }
    }
    Ok(())
}

struct StalePage {
    page: String,
    wanted: String,
}

fn stale_pages(workspace: &Workspace) -> Result<Vec<StalePage>> {
    let binary = workspace.binary("debug");
    let tree = Tree::of_repository(workspace.root())?;
    let mut stale = Vec::new();
    for file in tree.below("docs/").filter(|file| file.ends_with(&[".md"])) {
        let wanted = rewrite(&file.text, |words| said_by(&binary, words))
            .with_context(|| format!("generate the blocks of {}", file.path))?;
        if wanted != file.text {
            stale.push(StalePage {
                page: file.path.clone(),
                wanted,
            });
        }
    }
    Ok(stale)
}

/// What the binary prints, away from any terminal, so that its width does not matter.
fn said_by(binary: &Path, words: &str) -> Result<String> {
    if !binary.is_file() {
        bail!(
            "{} is missing; `cargo test --workspace` builds it",
            binary.display()
        );
    }
    program::output(
        Command::new(binary)
            .args(words.split(' '))
            .env_remove("COLUMNS")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null()),
    )
}

/// The text with the content of every block replaced by what `says` gives for its words.
fn rewrite(text: &str, says: impl Fn(&str) -> Result<String>) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        let begins = line
            .strip_prefix(BEGIN)
            .and_then(|rest| rest.strip_suffix(BEGIN_END));
        let Some(words) = begins else { continue };
        if !lines.any(|line| line == END) {
            bail!("the block of `sentinel {words}` has no `{END}`");
        }
        let said = says(words)?;
        out.push_str("```text\n");
        for said_line in said.trim_end().lines() {
            out.push_str(said_line.trim_end());
            out.push('\n');
        }
        out.push_str("```\n");
        out.push_str(END);
        out.push('\n');
    }
    Ok(out)
}

/// The commands that a help text lists, `help` itself left out.
fn commands_in(help: &str) -> Vec<&str> {
    help.lines()
        .skip_while(|line| line.trim() != "Commands:")
        .skip(1)
        .take_while(|line| !line.trim().is_empty())
        // Continuation lines of a description are indented further than a name.
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_replaced_and_nothing_else_is() {
        let page = "# CLI\n<!-- begin: sentinel run --help -->\nold\nolder\n<!-- end -->\nafter\n";
        let rewritten = rewrite(page, |words| Ok(format!("said {words}  \n\n"))).unwrap();
        assert_eq!(
            rewritten,
            "# CLI\n<!-- begin: sentinel run --help -->\n```text\nsaid run --help\n```\n<!-- end -->\nafter\n"
        );
        let again = rewrite(&rewritten, |words| Ok(format!("said {words}"))).unwrap();
        assert_eq!(again, rewritten);
    }

    #[test]
    fn a_block_without_an_end_is_an_error() {
        let page = "<!-- begin: sentinel run --help -->\nold\n";
        let error = rewrite(page, |_| Ok(String::new())).unwrap_err();
        assert!(error.to_string().contains("run --help"), "{error}");
    }

    #[test]
    fn commands_are_read_from_a_help_text() {
        let help = "Usage: sentinel\n\nCommands:\n  run    Decide on a file,\n           line by line\n  serve  Decide over HTTP\n  help   Print this\n\nOptions:\n  -h  Help\n";
        assert_eq!(commands_in(help), ["run", "serve"]);
    }
}
