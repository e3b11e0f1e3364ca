//! Files: how they open, how long they are, what they are called.

use super::Report;
use crate::tree::{Tree, TreeFile};

/// The longest source file, its test module aside.
const SOURCE_LINES_MAX: usize = 600;

/// The largest file of any kind.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Names that say nothing: whatever is in there belongs to a room with a noun.
const EMPTY_NAMES: &[&str] = &[
    "util", "utils", "common", "helper", "helpers", "misc", "shared", "manager", "core", "types",
    "prelude",
];

const SOURCES: &[&str] = &[".rs", ".ts", ".tsx", ".mts"];

/// Every Rust file says at its top what it promises.
pub fn module_heads(tree: &Tree, report: &mut Report<'_>) {
    for file in tree.files().filter(|file| file.ends_with(&[".rs"])) {
        if !file.text.starts_with("//!") {
            let advice = "open the file with `//!`: what it promises, what it must never do";
            report.add(&file.path, 1, advice);
        }
    }
}

/// No source file outgrows what a reader can hold; test modules are not counted.
pub fn file_lengths(tree: &Tree, report: &mut Report<'_>) {
    for file in tree.files().filter(|file| file.ends_with(SOURCES)) {
        let lines = product_line_count(file);
        if lines > SOURCE_LINES_MAX && !is_generated(file) {
            let advice = format!(
                "{lines} lines before its tests, at most {SOURCE_LINES_MAX}; split it by noun"
            );
            report.add(&file.path, SOURCE_LINES_MAX + 1, advice);
        }
    }
}

fn product_line_count(file: &TreeFile) -> usize {
    file.lines()
        .take_while(|(_, line)| *line != "#[cfg(test)]")
        .count()
}

/// Whether a file says in its first lines that a program wrote it.
fn is_generated(file: &TreeFile) -> bool {
    file.lines()
        .take(5)
        .any(|(_, line)| line.contains("@generated") || line.contains("auto-generated"))
}

/// No `mod.rs`, and no file or folder whose name says nothing.
pub fn file_names(tree: &Tree, report: &mut Report<'_>) {
    for file in tree.files().filter(|file| file.ends_with(SOURCES)) {
        if file.name() == "mod.rs" {
            report.add(
                &file.path,
                1,
                "name it after its folder: `name.rs` beside `name/`",
            );
        }
        for part in file.path.split('/') {
            let stem = part.split('.').next().unwrap_or(part);
            let last = stem.rsplit(['_', '-']).next().unwrap_or(stem);
            if EMPTY_NAMES.contains(&stem) || (stem != last && EMPTY_NAMES.contains(&last)) {
                let advice = format!("{part:?} says nothing; name it after the noun it holds");
                report.add(&file.path, 1, advice);
            }
        }
    }
}

/// Large files stay out of the repository.
pub fn file_sizes(tree: &Tree, report: &mut Report<'_>) {
    for file in tree.files().filter(|file| file.bytes > FILE_BYTES_MAX) {
        let advice = format!(
            "{} KiB, at most {}; generate it or make it smaller",
            file.bytes / 1024,
            FILE_BYTES_MAX / 1024
        );
        report.add(&file.path, 1, advice);
    }
}

#[cfg(test)]
mod tests {
    use super::super::examine_with;
    use super::*;

    #[test]
    fn a_file_without_a_head_is_found_tests_included() {
        let files = [
            ("crates/a/src/lib.rs", "//! head\n"),
            ("crates/a/tests/it/main.rs", "mod contract;\n"),
            ("dashboard/src/main.tsx", "import x;\n"),
        ];
        let found = examine_with(module_heads, &files);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].starts_with("crates/a/tests/it/main.rs:1: "));
    }

    #[test]
    fn lines_are_counted_up_to_the_test_module() {
        let line = "let a = 1;\n";
        let long = line.repeat(SOURCE_LINES_MAX + 1);
        let tested = format!("{}#[cfg(test)]\n{}", line.repeat(10), long);
        let generated = format!("// auto-generated from the API\n{long}");
        let files = [
            ("a.rs", long.as_str()),
            ("b.rs", tested.as_str()),
            ("c.ts", generated.as_str()),
            ("d.tsx", long.as_str()),
            ("e.css", long.as_str()),
        ];
        let found = examine_with(file_lengths, &files);
        assert_eq!(found.len(), 2, "{found:#?}");
        assert!(found[0].starts_with("a.rs:601: 601 lines"), "{found:#?}");
        assert!(found[1].starts_with("d.tsx:601: "), "{found:#?}");
    }

    #[test]
    fn empty_names_and_mod_files_are_found() {
        let planted = [
            "crates/a/src/utils.rs",
            "crates/a/src/window/mod.rs",
            "crates/a/src/core/window.rs",
            "crates/a/src/test_helpers.rs",
            "dashboard/src/types.ts",
            "dashboard/src/types.test.ts",
        ];
        for path in planted {
            let found = examine_with(file_names, &[(path, "")]);
            assert_eq!(found.len(), 1, "{path}: {found:#?}");
        }
        let fine = [
            "crates/a/src/common_point.rs",
            "crates/sentinel-scoring/src/score.rs",
            "fixtures/core/sample.csv",
        ];
        for path in fine {
            assert_eq!(
                examine_with(file_names, &[(path, "")]),
                Vec::<String>::new()
            );
        }
    }

    #[test]
    fn a_large_file_is_found() {
        let large = "x".repeat(1024 * 1024 + 1);
        let found = examine_with(file_sizes, &[("fixtures/all.csv", &large)]);
        assert_eq!(found.len(), 1, "{found:#?}");
    }
}
