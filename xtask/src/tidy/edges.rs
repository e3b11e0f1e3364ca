//! Crate edges: who may import whom, as `ARCHITECTURE.md` draws it.
//!
//! Rooms know the vocabulary and never each other; the pipeline ties them; the binary ties everything.
//! Read from the manifests, since an import without a dependency does not compile.

use toml::{Table, Value};

use super::Report;
use crate::tree::{Tree, TreeFile};

const DOMAIN: &[&str] = &["sentinel-domain"];

/// Each crate with what it may import. A crate that is not listed may not exist.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("sentinel-domain", &[]),
    ("sentinel-eventlog", DOMAIN),
    ("sentinel-features", DOMAIN),
    ("sentinel-scoring", DOMAIN),
    ("sentinel-rules", DOMAIN),
    ("sentinel-store", DOMAIN),
    ("sentinel-archive", DOMAIN),
    ("sentinel-delivery", DOMAIN),
    ("sentinel-synth", DOMAIN),
    (
        "sentinel-pipeline",
        &[
            "sentinel-domain",
            "sentinel-eventlog",
            "sentinel-features",
            "sentinel-scoring",
            "sentinel-rules",
            "sentinel-store",
            "sentinel-archive",
            "sentinel-delivery",
        ],
    ),
    (
        "sentinel-api",
        &[
            "sentinel-domain",
            "sentinel-features",
            "sentinel-rules",
            "sentinel-scoring",
            "sentinel-store",
            "sentinel-archive",
            "sentinel-pipeline",
        ],
    ),
    ("sentinel", EVERY_CRATE),
];

const EVERY_CRATE: &[&str] = &[
    "sentinel-domain",
    "sentinel-eventlog",
    "sentinel-features",
    "sentinel-scoring",
    "sentinel-rules",
    "sentinel-store",
    "sentinel-archive",
    "sentinel-delivery",
    "sentinel-pipeline",
    "sentinel-api",
    "sentinel-synth",
];

/// What the tests of any crate may import besides.
const TESTS_MAY_IMPORT: &str = "sentinel-synth";

/// Tests of the doors open a real pipeline, so they may open what it runs on.
const TESTS_OF_THE_DOORS: (&str, &[&str]) =
    ("sentinel-api", &["sentinel-eventlog", "sentinel-delivery"]);

/// A crate's manifest, read.
pub(super) struct Manifest<'a> {
    /// The file.
    pub file: &'a TreeFile,
    /// The folder below `crates/`.
    pub folder: &'a str,
    table: Table,
}

/// A dependency as a manifest names it.
pub(super) struct Dependency {
    /// The package's name.
    pub name: String,
    /// Whether only tests and benches see it.
    pub for_tests: bool,
    /// Whether its version stands in the root manifest.
    pub of_workspace: bool,
    /// The line it stands on.
    pub line: usize,
}

/// Every manifest below `crates/` that can be read; one that cannot is reported by [`crate_manifests`].
pub(super) fn manifests(tree: &Tree) -> impl Iterator<Item = Manifest<'_>> {
    manifest_files(tree).filter_map(|(folder, file)| {
        let table = file.text.parse().ok()?;
        Some(Manifest {
            file,
            folder,
            table,
        })
    })
}

fn manifest_files(tree: &Tree) -> impl Iterator<Item = (&str, &TreeFile)> {
    tree.below("crates/").filter_map(|file| {
        let folder = file
            .path
            .strip_prefix("crates/")?
            .strip_suffix("/Cargo.toml")?;
        (!folder.contains('/')).then_some((folder, file))
    })
}

impl Manifest<'_> {
    /// The package's name.
    pub fn package(&self) -> &str {
        let package = self.table.get("package").and_then(|p| p.get("name"));
        package.and_then(Value::as_str).unwrap_or_default()
    }

    /// Every dependency, those of single targets included.
    pub fn dependencies(&self) -> Vec<Dependency> {
        let targets = self.table.get("target").and_then(Value::as_table);
        let of_targets = targets
            .into_iter()
            .flat_map(|targets| targets.values().filter_map(Value::as_table));
        std::iter::once(&self.table)
            .chain(of_targets)
            .flat_map(|table| self.listed_in(table))
            .collect()
    }

    fn listed_in(&self, table: &Table) -> Vec<Dependency> {
        let mut dependencies = Vec::new();
        for section in ["dependencies", "build-dependencies", "dev-dependencies"] {
            let listed = table.get(section).and_then(Value::as_table);
            for (key, value) in listed.into_iter().flatten() {
                let renamed = value.get("package").and_then(Value::as_str);
                let of_workspace = value.get("workspace").and_then(Value::as_bool);
                dependencies.push(Dependency {
                    name: renamed.unwrap_or(key).to_owned(),
                    for_tests: section == "dev-dependencies",
                    of_workspace: of_workspace == Some(true),
                    line: self.line_of(section, key),
                });
            }
        }
        dependencies
    }

    /// The line of a key within the section that lists it.
    fn line_of(&self, section: &str, key: &str) -> usize {
        let in_section = self
            .file
            .lines()
            .skip_while(|(_, line)| !(line.starts_with('[') && line.contains(section)));
        in_section
            .into_iter()
            .find(|(_, line)| {
                line.strip_prefix(key)
                    .is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
            })
            .map_or(1, |(number, _)| number)
    }
}

/// No crate imports one that the drawing does not allow it to.
pub fn crate_edges(tree: &Tree, report: &mut Report<'_>) {
    for manifest in manifests(tree) {
        let package = manifest.package();
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == package) else {
            let advice = format!(
                "{package:?} is not a crate of ARCHITECTURE.md; draw it there first, then list it in this rule"
            );
            report.add(&manifest.file.path, 1, advice);
            continue;
        };
        for dependency in manifest.dependencies() {
            let name = dependency.name.as_str();
            let ours = name == "sentinel" || name.starts_with("sentinel-");
            let opens =
                TESTS_OF_THE_DOORS.0 == manifest.folder && TESTS_OF_THE_DOORS.1.contains(&name);
            let for_tests = dependency.for_tests && (name == TESTS_MAY_IMPORT || opens);
            if ours && !for_tests && !allowed.contains(&name) {
                let advice = format!(
                    "{package} must not import {name}; pass the values through a crate that may see both"
                );
                report.add(&manifest.file.path, dependency.line, advice);
            }
        }
    }
}

/// Folder and crate share one name; versions and lints stand once, in the root manifest.
pub fn crate_manifests(tree: &Tree, report: &mut Report<'_>) {
    for (_, file) in manifest_files(tree) {
        if let Err(error) = file.text.parse::<Table>() {
            report.add(
                &file.path,
                1,
                format!("cannot be read: {}", error.message()),
            );
        }
    }
    for manifest in manifests(tree) {
        let path = &manifest.file.path;
        if manifest.package() != manifest.folder {
            let advice = format!(
                "the folder {} holds the crate {:?}; give both one name",
                manifest.folder,
                manifest.package()
            );
            report.add(path, 1, advice);
        }
        let lints = manifest.table.get("lints").and_then(|l| l.get("workspace"));
        if lints.and_then(Value::as_bool) != Some(true) {
            report.add(path, 1, "add `[lints] workspace = true`");
        }
        for dependency in manifest.dependencies() {
            if !dependency.of_workspace {
                let advice = format!(
                    "write `{}.workspace = true`; versions stand once, in the root manifest",
                    dependency.name
                );
                report.add(path, dependency.line, advice);
            }
        }
    }
}

/// Somebody uses each dependency whose version stands in the root manifest.
pub fn root_manifest(tree: &Tree, report: &mut Report<'_>) {
    let read = |path: &str| {
        let file = tree.file(path)?;
        let table = file.text.parse::<Table>().ok()?;
        Some((file, table))
    };
    let Some((root, table)) = read("Cargo.toml") else {
        return;
    };
    let workbench = read("xtask/Cargo.toml").map(|(file, table)| Manifest {
        file,
        folder: "xtask",
        table,
    });
    let used: Vec<String> = manifests(tree)
        .chain(workbench)
        .flat_map(|manifest| manifest.dependencies())
        .map(|dependency| dependency.name)
        .collect();
    let listed = table
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies"))
        .and_then(Value::as_table);
    for name in listed.into_iter().flat_map(Table::keys) {
        if !used.contains(name) {
            let stands = |line: &str| line.split([' ', '.', '=']).next() == Some(name);
            let line = root.lines().find(|(_, line)| stands(line));
            let advice = format!("nobody uses {name}: take its line away, here and in ADR 0009");
            report.add(&root.path, line.map_or(1, |(number, _)| number), advice);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::examine_with;
    use super::*;

    fn manifest(name: &str, rest: &str) -> String {
        format!("[package]\nname = \"{name}\"\n\n[lints]\nworkspace = true\n\n{rest}")
    }

    #[test]
    fn a_room_that_imports_a_room_is_found_on_its_line() {
        let text = manifest(
            "sentinel-rules",
            "[dependencies]\nsentinel-domain.workspace = true\nsentinel-features.workspace = true\n",
        );
        let found = examine_with(crate_edges, &[("crates/sentinel-rules/Cargo.toml", &text)]);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].starts_with(
            "crates/sentinel-rules/Cargo.toml:9: sentinel-rules must not import sentinel-features"
        ));
    }

    #[test]
    fn tests_may_use_synth_and_nothing_else_besides() {
        let text = manifest(
            "sentinel-store",
            "[dev-dependencies]\nsentinel-synth.workspace = true\nsentinel-pipeline.workspace = true\n",
        );
        let found = examine_with(crate_edges, &[("crates/sentinel-store/Cargo.toml", &text)]);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].contains("sentinel-pipeline"));
    }

    #[test]
    fn a_renamed_or_target_dependency_is_still_an_edge() {
        let text = manifest(
            "sentinel-synth",
            "[target.'cfg(unix)'.dependencies]\nlog = { workspace = true, package = \"sentinel-eventlog\" }\n",
        );
        let found = examine_with(crate_edges, &[("crates/sentinel-synth/Cargo.toml", &text)]);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].contains("sentinel-eventlog"));
    }

    #[test]
    fn the_drawn_edges_pass() {
        let pipeline = manifest(
            "sentinel-pipeline",
            "[dependencies]\nsentinel-features.workspace = true\nsentinel-store.workspace = true\nserde.workspace = true\n",
        );
        let binary = manifest(
            "sentinel",
            "[dependencies]\nsentinel-synth.workspace = true\n",
        );
        let files = [
            ("crates/sentinel-pipeline/Cargo.toml", pipeline.as_str()),
            ("crates/sentinel/Cargo.toml", binary.as_str()),
        ];
        assert_eq!(examine_with(crate_edges, &files), Vec::<String>::new());
        assert_eq!(examine_with(crate_manifests, &files), Vec::<String>::new());
    }

    #[test]
    fn a_dependency_that_nobody_uses_is_found() {
        let root =
            "[workspace.dependencies]\nserde = \"1\"\nhyper = { version = \"1\" }\ntoml = \"1\"\n";
        let domain = manifest(
            "sentinel-domain",
            "[dependencies]\nserde.workspace = true\n",
        );
        let workbench = manifest("xtask", "[dependencies]\ntoml.workspace = true\n");
        let files = [
            ("Cargo.toml", root),
            ("crates/sentinel-domain/Cargo.toml", domain.as_str()),
            ("xtask/Cargo.toml", workbench.as_str()),
        ];
        let found = examine_with(root_manifest, &files);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(
            found[0].starts_with("Cargo.toml:3: nobody uses hyper"),
            "{found:#?}"
        );
    }

    #[test]
    fn an_unknown_crate_is_found() {
        let text = manifest("sentinel-extras", "");
        let found = examine_with(crate_edges, &[("crates/sentinel-extras/Cargo.toml", &text)]);
        assert!(found[0].contains("draw it there first"), "{found:#?}");
    }

    #[test]
    fn manifests_with_their_own_name_version_or_lints_are_found() {
        let text = "[package]\nname = \"sentinel-log\"\n[dependencies]\nserde = \"1\"\n";
        let found = examine_with(
            crate_manifests,
            &[("crates/sentinel-eventlog/Cargo.toml", text)],
        );
        assert_eq!(found.len(), 3, "{found:#?}");
        let broken = examine_with(
            crate_manifests,
            &[("crates/sentinel/Cargo.toml", "[package\n")],
        );
        assert_eq!(broken.len(), 1, "{broken:#?}");
    }
}
