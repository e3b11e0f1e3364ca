//! Folders that are there whole or not at all, as `whole_file` has files.
//!
//! Promises that nobody ever finds half a folder under its name, and that what ended early leaves nothing behind; a
//! kill leaves the part, which the next one names. Must never remove what it did not make.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::commands::usage;

/// A folder under another name until it is whole.
pub struct WholeFolder {
    name: PathBuf,
    /// What it is called until then.
    part: Option<PathBuf>,
}

impl WholeFolder {
    /// Makes the folder; nothing, or an empty folder, may stand under its name.
    pub fn create(name: &Path) -> anyhow::Result<(Self, PathBuf)> {
        let mut part = name.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        if part.exists() {
            return Err(usage(format!(
                "{} is there already, perhaps of an attempt that was killed; remove it if so",
                part.display()
            )));
        }
        std::fs::create_dir_all(&part)
            .map_err(|error| usage(format!("make {}: {error}", part.display())))?;
        let folder = Self {
            name: name.to_owned(),
            part: Some(part.clone()),
        };
        Ok((folder, part))
    }

    /// Gives it its name, durably; what is in it was synced before.
    pub fn keep(mut self) -> anyhow::Result<()> {
        let Some(part) = &self.part else {
            return Ok(());
        };
        std::fs::rename(part, &self.name)
            .with_context(|| format!("name {}", self.name.display()))?;
        self.part = None;
        let parent = self.name.parent();
        let parent = parent.filter(|parent| !parent.as_os_str().is_empty());
        sync_folder(parent.unwrap_or(Path::new(".")))
    }
}

impl Drop for WholeFolder {
    /// Whatever ended early leaves no part behind.
    fn drop(&mut self) {
        if let Some(part) = &self.part {
            let _ = std::fs::remove_dir_all(part);
        }
    }
}

/// Makes names in a folder durable.
pub fn sync_folder(folder: &Path) -> anyhow::Result<()> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.with_context(|| format!("sync {}", folder.display()))
}
