//! Documents: every link leads somewhere, every page is reached, every promise of a sample is kept.

use super::Report;
use crate::tree::{Tree, TreeFile};

const BOOK: &str = "docs/book/src/";
const SUMMARY: &str = "docs/book/src/SUMMARY.md";
const RECORDS: &str = "docs/adr/";
const RECORD_LIST: &str = "docs/adr/README.md";
const MAPPINGS: &str = "fixtures/mappings/";

/// A link of a document, as written.
struct Link<'a> {
    line: usize,
    target: &'a str,
}

/// Every relative link resolves, its anchor included; pages of the book link within the book.
pub fn links(tree: &Tree, report: &mut Report<'_>) {
    for file in documents(tree) {
        for link in links_of(file) {
            if link.target.contains("://") || link.target.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = link.target.split_once('#').unwrap_or((link.target, ""));
            let Some(target) = resolve(&file.path, path) else {
                let advice = format!(
                    "{} leaves the repository; link relative to this file",
                    link.target
                );
                report.add(&file.path, link.line, advice);
                continue;
            };
            if !tree.has(&target) {
                report.add(
                    &file.path,
                    link.line,
                    format!("{} leads nowhere", link.target),
                );
            } else if file.path.starts_with(BOOK) && !target.starts_with(BOOK) {
                let advice = format!(
                    "{} leaves the book, which is read without the repository; name the file in words",
                    link.target
                );
                report.add(&file.path, link.line, advice);
            } else if !anchor.is_empty() && !has_anchor(tree, &target, anchor) {
                report.add(
                    &file.path,
                    link.line,
                    format!("no heading #{anchor} in {target}"),
                );
            }
        }
    }
}

/// Every decision record is in the list of records.
pub fn decision_records(tree: &Tree, report: &mut Report<'_>) {
    let listed = targets_of(tree, RECORD_LIST);
    for file in tree.below(RECORDS) {
        let is_record = file.name().starts_with(|c: char| c.is_ascii_digit());
        if is_record && file.ends_with(&[".md"]) && !listed.contains(&file.path) {
            report.add(&file.path, 1, format!("add a line for it to {RECORD_LIST}"));
        }
    }
}

/// Every page of the book is in its table of contents.
pub fn book_pages(tree: &Tree, report: &mut Report<'_>) {
    let listed = targets_of(tree, SUMMARY);
    for file in tree.below(BOOK).filter(|file| file.ends_with(&[".md"])) {
        if file.path != SUMMARY && !listed.contains(&file.path) {
            report.add(&file.path, 1, format!("add a line for it to {SUMMARY}"));
        }
    }
}

/// Documents that sources name by path exist.
pub fn named_documents(tree: &Tree, report: &mut Report<'_>) {
    for file in tree
        .files()
        .filter(|file| file.ends_with(&[".rs", ".ts", ".tsx"]))
    {
        for (number, line) in file.lines() {
            for path in line.split(|c: char| !c.is_ascii_alphanumeric() && !"/._-".contains(c)) {
                let path = path.trim_end_matches('.');
                let named = path.starts_with("docs/") && path.ends_with(".md");
                // A planted path in a test of this workbench is no promise.
                if named && !tree.has(path) && !file.path.starts_with("xtask/") {
                    report.add(&file.path, number, format!("{path} does not exist"));
                }
            }
        }
    }
}

/// Every mapping has a sample of its own name.
pub fn mapping_samples(tree: &Tree, report: &mut Report<'_>) {
    for mapping in tree
        .below(MAPPINGS)
        .filter(|file| file.ends_with(&[".toml"]))
    {
        let set = mapping.name().trim_end_matches(".toml");
        let has_sample = tree
            .below("fixtures/")
            .any(|file| file.path != mapping.path && file.name().split('.').next() == Some(set));
        if !has_sample {
            let advice = format!(
                "add a small sample of our own making, named {set}.csv or {set}.jsonl, below fixtures/"
            );
            report.add(&mapping.path, 1, advice);
        }
    }
}

fn documents(tree: &Tree) -> impl Iterator<Item = &TreeFile> {
    tree.files().filter(|file| file.ends_with(&[".md"]))
}

/// The files that a document links to.
fn targets_of(tree: &Tree, document: &str) -> Vec<String> {
    let links = tree.file(document).map(links_of).unwrap_or_default();
    links
        .iter()
        .filter_map(|link| resolve(document, link.target.split('#').next()?))
        .collect()
}

/// Every `[text](target)` and `[name]: target` outside code.
fn links_of(file: &TreeFile) -> Vec<Link<'_>> {
    let mut links = Vec::new();
    for (line, text) in prose_lines(file) {
        if text.starts_with('[')
            && let Some((_, target)) = text.split_once("]: ")
        {
            let target = target.split(' ').next().unwrap_or(target);
            links.push(Link { line, target });
        }
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("](") {
            let in_code = before.matches('`').count() % 2 == 1;
            let end = after.find(')').unwrap_or(after.len());
            let (target, following) = after.split_at(end);
            if !in_code {
                let target = target.split(' ').next().unwrap_or(target);
                links.push(Link { line, target });
            }
            rest = following;
        }
    }
    links
}

/// Lines outside fenced code.
fn prose_lines(file: &TreeFile) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    file.lines().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        if fence {
            fenced = !fenced;
        }
        !fence && !fenced
    })
}

/// The path that a link of a document names; `None` where it leaves the repository.
fn resolve(document: &str, link: &str) -> Option<String> {
    if link.is_empty() {
        return Some(document.to_owned());
    }
    if link.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// Whether a heading gives this anchor. Only documents have headings; anything else has lines.
fn has_anchor(tree: &Tree, target: &str, anchor: &str) -> bool {
    let Some(file) = tree.file(target).filter(|file| file.ends_with(&[".md"])) else {
        return true;
    };
    prose_lines(file)
        .filter(|(_, line)| line.starts_with('#'))
        .any(|(_, line)| anchor_of(line) == anchor)
}

/// The anchor of a heading: lower case, blanks to hyphens, other marks left out.
fn anchor_of(heading: &str) -> String {
    heading
        .trim_start_matches('#')
        .trim()
        .chars()
        .filter_map(|c| match c {
            ' ' | '-' => Some('-'),
            '_' => Some('_'),
            c if c.is_alphanumeric() => Some(c.to_ascii_lowercase()),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::examine_with;
    use super::*;

    #[test]
    fn links_that_lead_nowhere_are_found_and_code_is_no_link() {
        let page = "[a](b.md) [gone](gone.md) `[c](code.md)`\n```\n[d](code.md)\n```\n[e](b.md#two-words) [f](b.md#three)\n[g](https://example.com) [h](/docs) [i](../../x.md)\n";
        let files = [("docs/a.md", page), ("docs/b.md", "# B\n## Two `words`!\n")];
        let found = examine_with(links, &files);
        let starts = [
            "docs/a.md:1: gone.md leads nowhere",
            "docs/a.md:5: no heading #three",
            "docs/a.md:6: /docs leaves",
            "docs/a.md:6: ../../x.md leaves",
        ];
        assert_eq!(found.len(), starts.len(), "{found:#?}");
        for (have, start) in found.iter().zip(starts) {
            assert!(
                have.starts_with(start),
                "{have} does not start with {start}"
            );
        }
    }

    #[test]
    fn a_page_of_the_book_stays_in_the_book() {
        let files = [
            ("docs/book/src/a.md", "[log](../../adr/0001-log.md)\n"),
            ("docs/adr/0001-log.md", "# 1\n"),
        ];
        let found = examine_with(links, &files);
        assert!(found[0].contains("leaves the book"), "{found:#?}");
    }

    #[test]
    fn unlisted_records_and_pages_are_found() {
        let files = [
            (RECORD_LIST, "- [one](0001-one.md)\n"),
            ("docs/adr/0001-one.md", ""),
            ("docs/adr/0002-two.md", ""),
            (SUMMARY, "- [a](concepts/a.md)\n"),
            ("docs/book/src/concepts/a.md", ""),
            ("docs/book/src/concepts/b.md", ""),
        ];
        let records = examine_with(decision_records, &files);
        assert_eq!(records.len(), 1, "{records:#?}");
        assert!(
            records[0].starts_with("docs/adr/0002-two.md"),
            "{records:#?}"
        );
        let pages = examine_with(book_pages, &files);
        assert_eq!(pages.len(), 1, "{pages:#?}");
        assert!(
            pages[0].starts_with("docs/book/src/concepts/b.md"),
            "{pages:#?}"
        );
    }

    #[test]
    fn a_document_named_in_a_comment_must_exist() {
        let source = "//! See `docs/adr/0001-one.md` (and docs/adr/0009-gone.md).\n";
        let files = [
            ("crates/a/src/lib.rs", source),
            ("docs/adr/0001-one.md", ""),
        ];
        let found = examine_with(named_documents, &files);
        assert_eq!(
            found,
            ["crates/a/src/lib.rs:1: docs/adr/0009-gone.md does not exist"]
        );
    }

    #[test]
    fn a_mapping_without_a_sample_is_found() {
        let files = [
            ("fixtures/mappings/ulb.toml", ""),
            ("fixtures/mappings/paysim.toml", ""),
            ("fixtures/samples/paysim.csv", ""),
        ];
        let found = examine_with(mapping_samples, &files);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(
            found[0].starts_with("fixtures/mappings/ulb.toml"),
            "{found:#?}"
        );
    }
}
