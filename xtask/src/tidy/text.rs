//! Text: what no tracked file may say.
//!
//! The patterns are put together from pieces, so that this file does not break its own rules.

use super::Report;
use crate::tree::{Tree, TreeFile};

/// Folders of one machine.
const MACHINE_PATHS: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/tmp/", "plan"),
    concat!("../", "shared"),
];

/// Hosts that packages come from: a lock file or script that names one ties every user to it.
const REGISTRY_HOSTS: &[&str] = &[
    concat!("registry.", "npmjs.org"),
    concat!("registry.", "yarnpkg.com"),
    concat!("static.", "crates.io"),
    concat!("index.", "crates.io"),
    concat!("pypi.", "org"),
    concat!("files.", "pythonhosted.org"),
    concat!("repo1.", "maven.org"),
    concat!("proxy.", "golang.org"),
    concat!("deb.", "debian.org"),
];

const RUST_LEFT_OVERS: &[&str] = &[
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("db", "g!("),
    concat!("#[ig", "nore"),
];

const SCRIPT_LEFT_OVERS: &[&str] = &[
    concat!("debug", "ger;"),
    concat!("it.on", "ly("),
    concat!("test.on", "ly("),
    concat!("describe.on", "ly("),
    concat!("it.sk", "ip("),
    concat!("test.sk", "ip("),
    concat!("describe.sk", "ip("),
];

const NOTES_TO_SELF: &[&str] = &[concat!("FIX", "ME"), concat!("TO", "DO")];

const SCRIPTS: &[&str] = &[".ts", ".tsx", ".mts", ".mjs", ".js"];

/// No path that exists on one machine only.
pub fn machine_paths(tree: &Tree, report: &mut Report<'_>) {
    for file in tree.files() {
        for (number, line) in file.lines() {
            if let Some(found) = MACHINE_PATHS.iter().find(|path| has_path(line, path)) {
                let advice = format!(
                    "{found} is a path of one machine; take it as an argument or leave it out"
                );
                report.add(&file.path, number, advice);
            }
        }
    }
}

/// Whether a line holds a path from its root on, rather than further down in another path.
fn has_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        !before
            .is_some_and(|c| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '}' | ')'))
    })
}

/// No host of a package registry, lock files included.
pub fn registry_hosts(tree: &Tree, report: &mut Report<'_>) {
    for file in tree.files() {
        if file.name() == "package-lock.json" {
            resolved_addresses(file, report);
            continue;
        }
        for (number, line) in file.lines() {
            if let Some(host) = REGISTRY_HOSTS.iter().find(|host| line.contains(**host)) {
                let advice =
                    format!("{host} is a registry; which one is used is set on the machine");
                report.add(&file.path, number, advice);
            }
        }
    }
}

/// An npm lock file keeps addresses unless told not to; once per file is enough.
fn resolved_addresses(file: &TreeFile, report: &mut Report<'_>) {
    let mut resolved = file
        .lines()
        .filter(|(_, line)| line.trim_start().starts_with("\"resolved\""));
    if let Some((number, _)) = resolved.next() {
        let count = resolved.count() + 1;
        let advice = format!(
            "{count} addresses of a registry; put `omit-lockfile-registry-resolved=true` into .npmrc and write the lock file anew"
        );
        report.add(&file.path, number, advice);
    }
}

/// Nothing is left for later in silence.
pub fn left_overs(tree: &Tree, report: &mut Report<'_>) {
    for file in tree.files() {
        let rust = file.ends_with(&[".rs"]);
        if !rust && !file.ends_with(SCRIPTS) {
            continue;
        }
        let banned = if rust {
            RUST_LEFT_OVERS
        } else {
            SCRIPT_LEFT_OVERS
        };
        for (number, line) in file.lines() {
            for found in banned.iter().filter(|word| line.contains(**word)) {
                report.add(&file.path, number, format!("finish or remove `{found}`"));
            }
            for found in NOTES_TO_SELF.iter().filter(|word| has_word(line, word)) {
                let advice = format!("{found}: do it now, or write an issue and remove the note");
                report.add(&file.path, number, advice);
            }
        }
    }
}

fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .any(|found| found == word)
}

#[cfg(test)]
mod tests {
    use super::super::examine_with;
    use super::*;

    #[test]
    fn paths_of_one_machine_are_found_wherever_they_start() {
        for path in MACHINE_PATHS {
            let text = format!("first\nrun it in {path}x\n");
            let found = examine_with(machine_paths, &[("docs/a.md", &text)]);
            assert_eq!(found.len(), 1, "{path}: {found:#?}");
            assert!(found[0].starts_with("docs/a.md:2: "), "{found:#?}");
        }
        let inner = format!(
            "see docs{}page and GET /api{}x\n",
            MACHINE_PATHS[2], MACHINE_PATHS[0]
        );
        assert_eq!(
            examine_with(machine_paths, &[("docs/a.md", &inner)]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn registries_are_found_in_text_and_lock_files() {
        let address = format!("https://{}/left-pad", REGISTRY_HOSTS[0]);
        let lock =
            format!("{{\n  \"resolved\": \"{address}\",\n  \"resolved\": \"{address}\"\n}}\n");
        let note = format!("from {address}\n");
        let files = [
            ("dashboard/package-lock.json", lock.as_str()),
            ("docs/a.md", note.as_str()),
            ("docs/b.md", "published on crates.io and npm\n"),
        ];
        let found = examine_with(registry_hosts, &files);
        assert_eq!(found.len(), 2, "{found:#?}");
        assert!(
            found[0].starts_with("dashboard/package-lock.json:2: 2 addresses"),
            "{found:#?}"
        );
        assert!(found[1].starts_with("docs/a.md:1: "), "{found:#?}");
    }

    #[test]
    fn left_overs_are_found_by_the_language_they_are_written_in() {
        for word in RUST_LEFT_OVERS {
            let text = format!("//! head\n{word}\n");
            assert_eq!(
                examine_with(left_overs, &[("a.rs", &text)]).len(),
                1,
                "{word}"
            );
        }
        for word in SCRIPT_LEFT_OVERS {
            assert_eq!(
                examine_with(left_overs, &[("a.test.ts", word)]).len(),
                1,
                "{word}"
            );
        }
        for word in NOTES_TO_SELF {
            let text = format!("// {word}: later\n");
            assert_eq!(
                examine_with(left_overs, &[("a.tsx", &text)]).len(),
                1,
                "{word}"
            );
            assert_eq!(
                examine_with(left_overs, &[("a.md", &text)]),
                Vec::<String>::new()
            );
        }
    }
}
