//! The directory of a log: which files it holds, who holds it.
//!
//! Promises that what it makes is durable before it is used: a directory is synced after each name that
//! comes or goes. Must never touch a file that is not the log's.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::extent::Extent;
use super::segment::UNFINISHED_EXTENSION;
use crate::disk::{Disk, DiskLock, PlantedBug};
use crate::error::LogError;

/// The file whose lock stands for the directory.
const LOCK_FILE: &str = "LOCK";

/// Answers of a directory that others look after.
const SYNC_NOT_FOR_US: [io::ErrorKind; 3] = [
    io::ErrorKind::PermissionDenied,
    io::ErrorKind::InvalidInput,
    io::ErrorKind::Unsupported,
];

/// A path on a disk.
#[derive(Debug)]
pub(super) struct LogDirectory {
    pub disk: Disk,
    pub path: PathBuf,
    /// As the file says, or is about to.
    extent: Mutex<Option<Extent>>,
}

impl LogDirectory {
    /// The directory, made with its parents if it was not there.
    pub(super) fn make(disk: &Disk, path: &Path) -> Result<Self, LogError> {
        make_with_parents(disk, path)?;
        Ok(Self {
            disk: disk.clone(),
            path: path.to_owned(),
            extent: Mutex::default(),
        })
    }

    /// The directory of a log that is only looked at.
    pub(super) fn to_read(disk: &Disk, path: &Path) -> Self {
        Self {
            disk: disk.clone(),
            path: path.to_owned(),
            extent: Mutex::default(),
        }
    }

    /// What has to be in the directory, as its file says; `None` where it has none.
    pub(super) fn read_extent(&self) -> Result<Option<Extent>, LogError> {
        let extent = Extent::read(&self.disk, &self.path)?;
        *self.extent() = extent;
        Ok(extent)
    }

    fn extent(&self) -> MutexGuard<'_, Option<Extent>> {
        self.extent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the extent anew, before anybody builds on it or takes something away.
    pub(super) fn tell_extent(&self, extent: Extent) -> Result<(), LogError> {
        let mut told = self.extent();
        if *told == Some(extent) {
            return Ok(());
        }
        extent.write(&self.disk, &self.path)?;
        self.sync()?;
        *told = Some(extent);
        Ok(())
    }

    /// The last segment has at least so many bytes on disk.
    pub(super) fn tell_last(&self, last: u64, last_bytes: u64) -> Result<(), LogError> {
        let start = self.extent().map_or(0, |told| told.start);
        self.tell_extent(Extent {
            start,
            last,
            last_bytes,
        })
    }

    /// The oldest segment is about to be this one.
    pub(super) fn tell_start(&self, start: u64) -> Result<(), LogError> {
        let told = *self.extent();
        match told {
            Some(told) if told.last >= start => self.tell_extent(Extent { start, ..told }),
            // The last one could not be told when the disk was full, and goes with the others.
            Some(_) => self.tell_extent(Extent {
                start,
                last: start,
                last_bytes: 0,
            }),
            None => Ok(()),
        }
    }

    /// Makes the directory's own name durable, and those of its parents: for a log that is about to begin.
    /// Whether they are old or were made a moment ago, perhaps by a process that died, nobody can tell.
    pub(super) fn sync_parents(&self) -> Result<(), LogError> {
        for parent in self.path.ancestors().skip(1) {
            let parent = if parent.as_os_str().is_empty() {
                Path::new(".")
            } else {
                parent
            };
            match self.disk.sync_directory(parent) {
                // Not made by us, or on a file system that knows no such thing.
                Err(error) if SYNC_NOT_FOR_US.contains(&error.kind()) => break,
                synced => synced.map_err(LogError::io("sync directory", parent))?,
            }
        }
        Ok(())
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
        if self.disk.planted(PlantedBug::SkipDirectorySync) {
            return Ok(());
        }
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

fn make_with_parents(disk: &Disk, path: &Path) -> Result<(), LogError> {
    if path.as_os_str().is_empty() || disk.is_directory(path) {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_with_parents(disk, parent)?;
    }
    disk.create_directory(path)
        .map_err(LogError::io("create directory", path))
}
