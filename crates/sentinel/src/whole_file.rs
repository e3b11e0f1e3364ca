//! Files that are there whole or not at all.
//!
//! Promises that nobody ever reads half a file under its name, and that what ended early leaves nothing
//! behind. Must never take the place of what is no plain file, such as a device or a pipe with a name:
//! those are written as they are.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::commands::usage;

/// A file under another name until it is whole. What is no plain file, such as a pipe with a name, is
/// written as it is.
pub struct WholeFile {
    /// As it was given.
    name: PathBuf,
    /// What it is called until it is whole, and where it goes then: a link stays one.
    part: Option<(PathBuf, PathBuf)>,
}

impl WholeFile {
    /// Makes the file that `flag` names.
    pub fn create(flag: &str, name: &Path) -> anyhow::Result<(Self, File)> {
        let special = std::fs::metadata(name).is_ok_and(|found| !found.is_file());
        let part = (!special).then(|| {
            let whole = std::fs::canonicalize(name).unwrap_or_else(|_| name.to_owned());
            let mut part = whole.as_os_str().to_owned();
            part.push(".part");
            (PathBuf::from(part), whole)
        });
        let opened = match &part {
            Some((part, _)) => File::create(part),
            None => File::options().write(true).open(name),
        };
        let file =
            opened.map_err(|error| usage(format!("write {flag} {}: {error}", name.display())))?;
        let name = name.to_owned();
        Ok((Self { name, part }, file))
    }

    /// The name it will have.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// Gives it its name.
    pub fn keep(mut self) -> anyhow::Result<()> {
        match self.part.take() {
            Some((part, whole)) => std::fs::rename(&part, whole)
                .with_context(|| format!("write {}", self.name.display())),
            None => Ok(()),
        }
    }
}

impl Drop for WholeFile {
    /// Whatever ended early leaves no part behind.
    fn drop(&mut self) {
        if let Some((part, _)) = &self.part {
            let _ = std::fs::remove_file(part);
        }
    }
}
