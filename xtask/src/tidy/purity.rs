//! Purity: the heart asks the world nothing.
//!
//! Clippy enforces the bans; this file makes sure that the bans are there, that no dependency brings the
//! world in by another door, and that no product code waves a ban aside.

use toml::{Table, Value};

use super::{Report, edges};
use crate::tree::{Tree, TreeFile};

/// The crates of the heart.
const PURE: &[&str] = &[
    "sentinel-domain",
    "sentinel-features",
    "sentinel-scoring",
    "sentinel-rules",
];

/// What the heart may be built from.
const DEPENDENCIES: &[&str] = &[
    "sentinel-domain",
    "blake3",
    "compact_str",
    "foldhash",
    "hashbrown",
    "jiff",
    "libm",
    "thiserror",
];

/// What one crate of the heart may be built from besides: rules, definitions of features and profiles are
/// texts that people write; networks are evaluated by tract where the feature `neural` asks for it.
const FURTHER_DEPENDENCIES: &[(&str, &[&str])] = &[
    ("sentinel-features", &["strsim", "toml"]),
    ("sentinel-rules", &["serde", "strsim", "toml"]),
    ("sentinel-scoring", &["tract-onnx"]),
    ("sentinel-synth", &["serde", "serde_json"]),
];

/// Thresholds of the root, repeated since the nearest `clippy.toml` replaces it.
const THRESHOLDS: &[(&str, Value)] = &[
    ("too-many-lines-threshold", Value::Integer(70)),
    ("allow-unwrap-in-tests", Value::Boolean(true)),
    ("allow-expect-in-tests", Value::Boolean(true)),
    ("allow-panic-in-tests", Value::Boolean(true)),
    ("allow-indexing-slicing-in-tests", Value::Boolean(true)),
    ("allow-print-in-tests", Value::Boolean(true)),
];

const BANNED_METHODS: &[&str] = &[
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "std::thread::spawn",
    "std::thread::scope",
    "std::thread::current",
    "std::env::var",
    "std::env::args",
    "std::fs::read",
    "std::fs::write",
    "std::fs::read_to_string",
    "std::fs::File::open",
    "std::fs::File::create",
    "f64::mul_add",
    "f32::mul_add",
    "f64::sin",
    "f64::cos",
    "f64::tan",
    "f64::asin",
    "f64::acos",
    "f64::atan2",
    "f64::exp",
    "f64::ln",
    "f64::log2",
    "f64::log10",
    "f64::powf",
    "f64::powi",
];

const BANNED_TYPES: &[&str] = &[
    "std::collections::HashMap",
    "std::collections::HashSet",
    "std::hash::RandomState",
    "std::net::TcpStream",
    "std::net::UdpSocket",
    "std::fs::File",
];

/// Each pure crate carries every ban and every threshold.
pub fn bans(tree: &Tree, report: &mut Report<'_>) {
    for package in PURE {
        if !tree.has(&format!("crates/{package}")) {
            continue;
        }
        let path = format!("crates/{package}/clippy.toml");
        let Some(file) = tree.file(&path) else {
            report.add(&path, 1, "is missing; copy that of crates/sentinel-domain");
            continue;
        };
        let Ok(settings) = file.text.parse::<Table>() else {
            report.add(&path, 1, "cannot be read");
            continue;
        };
        for (name, wanted) in THRESHOLDS {
            if settings.get(*name) != Some(wanted) {
                report.add(&path, 1, format!("add `{name} = {wanted}`"));
            }
        }
        for (section, banned) in [
            ("disallowed-methods", BANNED_METHODS),
            ("disallowed-types", BANNED_TYPES),
        ] {
            let have = banned_paths(&settings, section);
            for path_banned in banned.iter().filter(|path| !have.contains(path)) {
                report.add(&path, 1, format!("ban {path_banned} under {section}"));
            }
        }
    }
}

/// The paths of a list whose members are either a path or a table with one.
fn banned_paths<'a>(settings: &'a Table, section: &str) -> Vec<&'a str> {
    let listed = settings.get(section).and_then(Value::as_array);
    let path = |item: &'a Value| item.as_str().or_else(|| item.get("path")?.as_str());
    listed.into_iter().flatten().filter_map(path).collect()
}

/// Pure crates are built from a short list.
pub fn dependencies(tree: &Tree, report: &mut Report<'_>) {
    for manifest in edges::manifests(tree) {
        let package = manifest.package();
        if !PURE.contains(&package) {
            continue;
        }
        let further = FURTHER_DEPENDENCIES
            .iter()
            .find(|(name, _)| *name == package);
        for dependency in manifest.dependencies() {
            let name = dependency.name.as_str();
            let allowed = dependency.for_tests
                || DEPENDENCIES.contains(&name)
                || further.is_some_and(|(_, names)| names.contains(&name));
            if !allowed {
                let advice = format!(
                    "{package} is pure and must not depend on {name}; do that work in a crate at the edge"
                );
                report.add(&manifest.file.path, dependency.line, advice);
            }
        }
    }
}

/// No product code of a pure crate switches a ban off.
pub fn exceptions(tree: &Tree, report: &mut Report<'_>) {
    for package in PURE {
        let folder = format!("crates/{package}/src/");
        for file in tree.below(&folder).filter(|file| !is_test(file)) {
            for (number, line) in product_lines(file) {
                if line.contains("clippy::disallowed_") {
                    let advice = "a ban of the heart has no exception in product code; take the value as an argument";
                    report.add(&file.path, number, advice);
                }
            }
        }
    }
}

/// Whether a whole file is test code.
fn is_test(file: &TreeFile) -> bool {
    file.name() == "tests.rs" || file.path.contains("/tests/")
}

/// The lines before the test module.
fn product_lines(file: &TreeFile) -> impl Iterator<Item = (usize, &str)> {
    file.lines()
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
}

#[cfg(test)]
mod tests {
    use super::super::examine_with;
    use super::*;

    /// A complete `clippy.toml`, made from the same lists that the rule checks against.
    fn complete() -> String {
        let mut text = String::new();
        for (name, value) in THRESHOLDS {
            text.push_str(&format!("{name} = {value}\n"));
        }
        for (section, banned) in [
            ("disallowed-methods", BANNED_METHODS),
            ("disallowed-types", BANNED_TYPES),
        ] {
            let paths: Vec<String> = banned
                .iter()
                .map(|path| format!("{{ path = \"{path}\", reason = \"r\" }}"))
                .collect();
            text.push_str(&format!("{section} = [{}]\n", paths.join(", ")));
        }
        text
    }

    fn check_bans(text: &str) -> Vec<String> {
        examine_with(bans, &[("crates/sentinel-scoring/clippy.toml", text)])
    }

    #[test]
    fn a_complete_list_passes_and_each_hole_is_named() {
        assert_eq!(check_bans(&complete()), Vec::<String>::new());
        let without_clock = complete().replace("std::time::SystemTime::now", "std::x");
        assert!(check_bans(&without_clock)[0].contains("ban std::time::SystemTime::now"));
        let longer = complete().replace("threshold = 70", "threshold = 700");
        assert!(check_bans(&longer)[0].contains("too-many-lines-threshold = 70"));
    }

    #[test]
    fn a_pure_crate_without_bans_is_found() {
        let found = examine_with(bans, &[("crates/sentinel-rules/src/lib.rs", "//! rules\n")]);
        assert!(found[0].contains("is missing"), "{found:#?}");
    }

    #[test]
    fn serde_in_the_domain_is_found_and_in_the_rules_allowed() {
        let manifest = |name: &str| {
            format!(
                "[package]\nname = \"{name}\"\n[dependencies]\nlibm.workspace = true\nserde.workspace = true\n[dev-dependencies]\nproptest.workspace = true\n"
            )
        };
        let check = |name: &str| {
            let path = format!("crates/{name}/Cargo.toml");
            examine_with(dependencies, &[(path.as_str(), manifest(name).as_str())])
        };
        let found = check("sentinel-domain");
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(
            found[0].starts_with("crates/sentinel-domain/Cargo.toml:5: "),
            "{found:#?}"
        );
        assert_eq!(check("sentinel-rules"), Vec::<String>::new());
    }

    #[test]
    fn an_exception_is_found_in_product_code_and_allowed_in_tests() {
        let exception = "#[allow(clippy::disallowed_types, reason = \"r\")]\n";
        let product = format!("//! head\n{exception}struct A;\n");
        let inline = format!("//! head\n#[cfg(test)]\nmod tests {{\n{exception}}}\n");
        let files = [
            ("crates/sentinel-features/src/a.rs", product.as_str()),
            ("crates/sentinel-features/src/b.rs", inline.as_str()),
            ("crates/sentinel-features/src/c/tests.rs", product.as_str()),
            ("crates/sentinel-store/src/d.rs", product.as_str()),
        ];
        let found = examine_with(exceptions, &files);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(
            found[0].starts_with("crates/sentinel-features/src/a.rs:2: "),
            "{found:#?}"
        );
    }
}
