//! The directory of a log: which files it holds, who holds it.
//!
//! Promises that what it makes is durable before it is used: a directory is synced after each name that
//! comes or goes. Must never touch a file that is not the log's.

use std::path::{Path, PathBuf};

use super::segment::UNFINISHED_EXTENSION;
use crate::disk::{Disk, DiskLock};
use crate::error::LogError;

/// The file whose lock stands for the directory.
const LOCK_FILE: &str = "LOCK";

/// A path on a disk.
#[derive(Debug, Clone)]
pub(super) struct LogDirectory {
    pub disk: Disk,
    pub path: PathBuf,
}

impl LogDirectory {
    /// The directory, made durable with its parents if it was not there.
    pub(super) fn make(disk: &Disk, path: &Path) -> Result<Self, LogError> {
        make_durable(disk, path)?;
        Ok(Self {
            disk: disk.clone(),
            path: path.to_owned(),
        })
    }

    /// Takes the lock that keeps every other process out.
    pub(super) fn lock(&self) -> Result<DiskLock, LogError> {
        let path = self.path.join(LOCK_FILE);
        let lock = self.disk.lock(&path).map_err(LogError::io("lock", &path))?;
        lock.ok_or_else(|| LogError::Locked {
            directory: self.path.clone(),
        })
    }

    /// Makes creations, renames and removals durable.
    pub(super) fn sync(&self) -> Result<(), LogError> {
        self.disk
            .sync_directory(&self.path)
            .map_err(LogError::io("sync directory", &self.path))
    }

    /// Removes a segment file.
    pub(super) fn remove_segment(&self, path: &Path) -> Result<(), LogError> {
        self.disk
            .remove(path)
            .map_err(LogError::io("remove segment", path))
    }

    /// The file of the segment with this base offset.
    pub(super) fn segment_path(&self, base: u64) -> PathBuf {
        self.path.join(format!("{base:020}.log"))
    }

    /// The base offsets of all segments, ascending, and the segments that were never finished.
    pub(super) fn list(&self) -> Result<(Vec<u64>, Vec<PathBuf>), LogError> {
        let (mut bases, mut unfinished) = (Vec::new(), Vec::new());
        let listed = self.disk.list(&self.path);
        for path in listed.map_err(LogError::io("list directory", &self.path))? {
            let (Some(stem), Some(extension)) = (
                path.file_stem().and_then(|stem| stem.to_str()),
                path.extension().and_then(|extension| extension.to_str()),
            ) else {
                continue;
            };
            let base = stem.parse::<u64>().ok().filter(|_| stem.len() == 20);
            match (base, extension) {
                (Some(base), "log") => bases.push(base),
                (Some(_), UNFINISHED_EXTENSION) => unfinished.push(path),
                _ => {}
            }
        }
        bases.sort_unstable();
        Ok((bases, unfinished))
    }
}

fn make_durable(disk: &Disk, path: &Path) -> Result<(), LogError> {
    if disk.is_directory(path) {
        return Ok(());
    }
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        make_durable(disk, parent)?;
    }
    disk.create_directory(path)
        .map_err(LogError::io("create directory", path))?;
    let parent = parent.unwrap_or(Path::new("."));
    disk.sync_directory(parent)
        .map_err(LogError::io("sync directory", parent))
}
