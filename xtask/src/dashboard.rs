//! The dashboard's build: packages when the lock file changed, pages when the sources changed.
//!
//! **Promises** to do nothing where nothing changed. What was installed and built is remembered by
//! content, not by time stamps, since a checkout gives every file a new one.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::program;
use crate::setup::{self, Node};
use crate::workspace::Workspace;

/// Not sources: what `npm` and the build make.
const MADE: &[&str] = &["node_modules", "dist"];

/// `cargo xtask dashboard build | check | test`.
pub fn verb(workspace: &Workspace, words: &[String]) -> Result<ExitCode> {
    let node = Node::ready(workspace)?;
    install_packages(workspace, &node)?;
    match words {
        [only] if only == "build" => build(workspace, &node)?,
        [only] if only == "check" => {
            program::run(node.npm(workspace).args(["run", "--silent", "check"]))?;
        }
        [only] if only == "test" => {
            program::run(node.npm(workspace).args(["run", "--silent", "test"]))?
        }
        _ => bail!("say what to do: dashboard build, check or test"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Installs the packages of the lock file, unless those very ones are there.
pub fn install_packages(workspace: &Workspace, node: &Node) -> Result<()> {
    let lock = workspace.at("dashboard/package-lock.json");
    let wanted = format!(
        "node {}\n{}",
        node.version(),
        fs::read_to_string(&lock).with_context(|| format!("read {}", lock.display()))?
    );
    let stamp = workspace.at("dashboard/node_modules/.installed");
    if fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) {
        return Ok(());
    }
    println!("setup: installing the dashboard's packages");
    program::run(
        node.npm(workspace)
            .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]),
    )?;
    fs::write(&stamp, wanted).with_context(|| format!("write {}", stamp.display()))
}

/// Builds the pages, unless they were built from these very sources.
fn build(workspace: &Workspace, node: &Node) -> Result<()> {
    let folder = workspace.at("dashboard");
    let page = folder.join("dist/index.html");
    let stamp = folder.join("node_modules/.built");
    let sources = fingerprint(&folder)?;
    if built_from(&page, sources)
        .is_some_and(|now| fs::read_to_string(&stamp).is_ok_and(|then| then == now))
    {
        println!("dashboard: up to date");
        return Ok(());
    }
    program::run(node.npm(workspace).args(["run", "--silent", "build"]))?;
    let now = built_from(&page, sources)
        .with_context(|| format!("the build left no {}", page.display()))?;
    fs::write(&stamp, now).with_context(|| format!("write {}", stamp.display()))
}

/// What a stamp holds: the sources, and the moment the page was written, so that a build by hand from
/// other sources is noticed. `None` where there is no page.
fn built_from(page: &Path, sources: u64) -> Option<String> {
    let written = fs::metadata(page).ok()?.modified().ok()?;
    Some(format!("{sources:016x} {written:?}"))
}

/// The browser test against a built binary, ready to start. Screenshots stay in the build folder.
pub fn browser_test(workspace: &Workspace, node: &Node, binary: &Path) -> Result<Command> {
    let screenshots = workspace.target().join("screenshots");
    fs::create_dir_all(&screenshots)
        .with_context(|| format!("make the folder {}", screenshots.display()))?;
    let mut npm = node.npm(workspace);
    npm.args(["run", "--silent", "e2e"])
        .env("SENTINEL_BINARY", binary)
        .env("SENTINEL_SCREENSHOTS", &screenshots)
        .env("CHROMIUM", setup::chromium_ready()?);
    Ok(npm)
}

/// One number over the names and contents of all sources.
fn fingerprint(folder: &Path) -> Result<u64> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        let name = file.strip_prefix(folder).unwrap_or(&file);
        hasher.write(name.as_os_str().as_encoded_bytes());
        let content = fs::read(&file).with_context(|| format!("read {}", file.display()))?;
        hasher.write_usize(content.len());
        hasher.write(&content);
    }
    Ok(hasher.finish())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let made = path
            .file_name()
            .is_some_and(|name| MADE.iter().any(|made| name == *made));
        if made {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_follows_contents_and_names_and_nothing_made() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        fs::create_dir(at("src")).unwrap();
        fs::create_dir(at("dist")).unwrap();
        fs::write(at("src/main.tsx"), "one").unwrap();
        let first = fingerprint(folder.path()).unwrap();

        fs::write(at("dist/index.html"), "made").unwrap();
        fs::write(at("src/main.tsx"), "one").unwrap();
        assert_eq!(fingerprint(folder.path()).unwrap(), first);

        fs::write(at("src/main.tsx"), "two").unwrap();
        assert_ne!(fingerprint(folder.path()).unwrap(), first);

        fs::write(at("src/main.tsx"), "one").unwrap();
        fs::rename(at("src/main.tsx"), at("src/page.tsx")).unwrap();
        assert_ne!(fingerprint(folder.path()).unwrap(), first);
    }
}
