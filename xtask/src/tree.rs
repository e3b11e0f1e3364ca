//! The tree: every file that is, or is about to be, part of the repository, read once.
//!
//! **Promises** sorted paths with `/` between folders, and text only where the bytes are text.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::program;

/// A file of the tree.
pub struct TreeFile {
    /// Relative to the root.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its content where it is UTF-8 without zero bytes, else empty.
    pub text: String,
}

impl TreeFile {
    /// The lines, counted from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line))
    }

    /// The path from the last `/` on.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Whether the path ends in one of these.
    pub fn ends_with(&self, endings: &[&str]) -> bool {
        endings.iter().any(|ending| self.path.ends_with(ending))
    }
}

/// All files, by path.
pub struct Tree {
    files: BTreeMap<String, TreeFile>,
    folders: BTreeSet<String>,
}

impl Tree {
    /// What git tracks below `root`, and what it would track after `git add`.
    pub fn of_repository(root: &Path) -> Result<Self> {
        let listed = program::output(Command::new("git").current_dir(root).args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]))?;
        let mut files = Vec::new();
        for path in listed.split('\0').filter(|path| !path.is_empty()) {
            let full = root.join(path);
            // Deleted but not yet committed, or a link to a folder.
            if !full.is_file() {
                continue;
            }
            let content = fs::read(&full).with_context(|| format!("read {path}"))?;
            files.push((path.to_owned(), content));
        }
        Ok(Self::of_files(files))
    }

    /// A tree from pairs of path and content.
    pub fn of_files(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let mut tree = Self {
            files: BTreeMap::new(),
            folders: BTreeSet::new(),
        };
        for (path, content) in files {
            let mut folder = path.as_str();
            while let Some((above, _)) = folder.rsplit_once('/') {
                tree.folders.insert(above.to_owned());
                folder = above;
            }
            let bytes = content.len() as u64;
            let text = match String::from_utf8(content) {
                Ok(text) if !text.contains('\0') => text,
                _ => String::new(),
            };
            tree.files
                .insert(path.clone(), TreeFile { path, bytes, text });
        }
        tree
    }

    /// Every file, sorted by path.
    pub fn files(&self) -> impl Iterator<Item = &TreeFile> {
        self.files.values()
    }

    /// The files below a folder, named with its final `/`.
    pub fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a TreeFile> {
        self.files()
            .filter(move |file| file.path.starts_with(folder))
    }

    /// One file.
    pub fn file(&self, path: &str) -> Option<&TreeFile> {
        self.files.get(path)
    }

    /// Whether a path names a file or a folder.
    pub fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        path.is_empty() || self.files.contains_key(path) || self.folders.contains(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_gives_tracked_and_new_files_but_no_ignored_ones() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        program::output(Command::new("git").current_dir(root).args(["init", "-q"])).unwrap();
        fs::create_dir_all(root.join("src/deep")).unwrap();
        fs::write(root.join(".gitignore"), "/made\n").unwrap();
        fs::write(root.join("made"), "x").unwrap();
        fs::write(root.join("src/deep/new.rs"), "//! new\nfn f() {}\n").unwrap();
        fs::write(root.join("picture.png"), [0x89, 0, 0xff]).unwrap();

        let tree = Tree::of_repository(root).unwrap();
        let paths: Vec<&str> = tree.files().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, [".gitignore", "picture.png", "src/deep/new.rs"]);
        assert!(tree.has("src/deep") && tree.has("src/") && !tree.has("made"));
        assert_eq!(tree.file("picture.png").unwrap().text, "");
        assert_eq!(tree.file("src/deep/new.rs").unwrap().lines().count(), 2);
    }
}
