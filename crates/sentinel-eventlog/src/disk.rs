//! The disk: every access of the embedded log to directories and files goes through here.
//!
//! Two kinds: the files of the operating system, and, for simulations only (feature `simulation`, never
//! in the shipped binary), a disk in memory that loses what was not synced. A closed set behind one type:
//! on the real disk each call is the call of the standard library and nothing else.
//!
//! Must never retry, buffer or hide an error: what a failed call means is for the log to decide.

#[cfg(any(test, feature = "simulation"))]
pub mod simulated;

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

#[cfg(any(test, feature = "simulation"))]
use simulated::{SimulatedDisk, SimulatedFile, SimulatedLock};

/// Where the files of a log lie.
#[derive(Debug, Clone, Default)]
pub enum Disk {
    /// The file systems of this machine.
    #[default]
    Real,
    /// A disk in memory, for simulations.
    #[cfg(any(test, feature = "simulation"))]
    Simulated(SimulatedDisk),
}

/// How a file is opened. Always for reading; the rest as said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// An existing file, only to be read.
    Read,
    /// An existing file, to be written too.
    Write,
    /// A new file, or an existing one made empty.
    Empty,
    /// A new file; one that is there already is an error.
    New,
}

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    /// What this process may still write, in bytes.
    pub free_bytes: u64,
    /// The size of the file system in bytes.
    pub total_bytes: u64,
}

/// Mistakes that a simulation can have the log make, to show that it would find them. The real disk plants none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlantedBug {
    /// Content is acknowledged and never forced to the disk.
    SkipFileSync,
    /// New names are never forced to the disk.
    SkipDirectorySync,
    /// An unfinished tail stays where it is.
    LeaveTornTail,
    /// The end moves before the sync.
    AcknowledgeBeforeSync,
    /// What a failed sync left in memory is taken for written.
    TrustUnsyncedTail,
}

/// An open file.
#[derive(Debug)]
pub(crate) enum DiskFile {
    Real(File),
    #[cfg(any(test, feature = "simulation"))]
    Simulated(SimulatedFile),
}

/// A lock that stands until it is released or dropped.
#[derive(Debug)]
pub(crate) enum DiskLock {
    Real(File),
    #[cfg(any(test, feature = "simulation"))]
    Simulated(SimulatedLock),
}

impl Disk {
    /// Whether a directory is there.
    pub(crate) fn is_directory(&self, path: &Path) -> bool {
        match self {
            Self::Real => path.is_dir(),
            #[cfg(any(test, feature = "simulation"))]
            Self::Simulated(disk) => disk.is_directory(path),
        }
    }

    /// Makes one directory; its parent must be there. One that is there already is no error.
    pub(crate) fn create_directory(&self, path: &Path) -> io::Result<()> {
        match self {
            Self::Real => match std::fs::create_dir(path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {
                    Ok(())
                }
                result => result,
            },
            #[cfg(any(test, feature = "simulation"))]
            Self::Simulated(disk) => disk.create_directory(path),
        }
    }

    /// The paths of what is in a directory, in no order.
    pub(crate) fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        match self {
            Self::Real => std::fs::read_dir(directory)?
                .map(|entry| entry.map(|entry| entry.path()))
                .collect(),
            #[cfg(any(test, feature = "simulation"))]
            Self::Simulated(disk) => disk.list(directory),
        }
    }

    /// Makes creations, renames and removals in a directory durable.
    pub(crate) fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        match self {
            Self::Real => File::open(directory).and_then(|opened| opened.sync_all()),
            #[cfg(any(test, feature = "simulation"))]
            Self::Simulated(disk) => disk.sync_directory(directory),
        }
    }

    /// Opens or makes a file.
    pub(crate) fn open(&self, path: &Path, opening: Opening) -> io::Result<DiskFile> {
        match self {
            Self::Real => OpenOptions::new()
                .read(true)
                .write(opening != Opening::Read)
                .create(opening == Opening::Empty)
                .truncate(opening == Opening::Empty)
                .create_new(opening == Opening::New)
                .open(path)
                .map(DiskFile::Real),
            #[cfg(any(test, feature = "simulation"))]
            Self::Simulated(disk) => disk.open(path, opening).map(DiskFile::Simulated),
        }
    }

    /// Gives a file another name, in place of the file that has it.
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        match self {
            Self::Real => std::fs::rename(from, to),
            #[cfg(any(test, feature = "simulation"))]
            Self::Simulated(disk) => disk.rename(from, to),
        }
    }

    /// Removes a file.
    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        match self {
            Self::Real => std::fs::remove_file(path),
            #[cfg(any(test, feature = "simulation"))]
            Self::Simulated(disk) => disk.remove(path),
        }
    }

    /// Locks a file, making it where it is not there. `None` where another holder has it.
    pub(crate) fn lock(&self, path: &Path) -> io::Result<Option<DiskLock>> {
        match self {
            Self::Real => {
                let file = OpenOptions::new()
                    .create(true)
                    .write(true)
                    .truncate(false)
                    .open(path)?;
                match file.try_lock() {
                    Ok(()) => Ok(Some(DiskLock::Real(file))),
                    Err(TryLockError::WouldBlock) => Ok(None),
                    Err(TryLockError::Error(error)) => Err(error),
                }
            }
            #[cfg(any(test, feature = "simulation"))]
            Self::Simulated(disk) => Ok(disk.lock(path)?.map(DiskLock::Simulated)),
        }
    }

    /// How much room the file system of a directory has.
    pub(crate) fn room(&self, directory: &Path) -> io::Result<Room> {
        match self {
            Self::Real => {
                let found = rustix::fs::statvfs(directory)?;
                Ok(Room {
                    free_bytes: found.f_bavail.saturating_mul(found.f_frsize),
                    total_bytes: found.f_blocks.saturating_mul(found.f_frsize),
                })
            }
            #[cfg(any(test, feature = "simulation"))]
            Self::Simulated(disk) => disk.room(),
        }
    }

    /// Whether the log shall make this mistake. Never on the real disk.
    pub(crate) fn planted(&self, bug: PlantedBug) -> bool {
        match self {
            Self::Real => {
                let _ = bug;
                false
            }
            #[cfg(any(test, feature = "simulation"))]
            Self::Simulated(disk) => disk.planted() == Some(bug),
        }
    }

    /// Whether answers may depend on a clock.
    pub(crate) fn has_time(&self) -> bool {
        matches!(self, Self::Real)
    }
}

impl DiskFile {
    /// Reads some bytes from a position; 0 at the end of the file.
    pub(crate) fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        match self {
            Self::Real(file) => file.read_at(buffer, at),
            #[cfg(any(test, feature = "simulation"))]
            Self::Simulated(file) => file.read_at(buffer, at),
        }
    }

    /// Reads until the buffer is full or the file ends; gives how much was read.
    pub(crate) fn read_at_most(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
            match self.read_at(room, at + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    /// Writes bytes at a position, all or an error; after an error some of them may be there.
    pub(crate) fn write_all_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        match self {
            Self::Real(file) => file.write_all_at(bytes, at),
            #[cfg(any(test, feature = "simulation"))]
            Self::Simulated(file) => file.write_all_at(bytes, at),
        }
    }

    /// Shortens or lengthens the file.
    pub(crate) fn set_len(&self, bytes: u64) -> io::Result<()> {
        match self {
            Self::Real(file) => file.set_len(bytes),
            #[cfg(any(test, feature = "simulation"))]
            Self::Simulated(file) => file.set_len(bytes),
        }
    }

    /// The length of the file in bytes.
    pub(crate) fn bytes_len(&self) -> io::Result<u64> {
        match self {
            Self::Real(file) => file.metadata().map(|metadata| metadata.len()),
            #[cfg(any(test, feature = "simulation"))]
            Self::Simulated(file) => file.bytes_len(),
        }
    }

    /// Forces content and length to the disk.
    pub(crate) fn sync_data(&self) -> io::Result<()> {
        match self {
            Self::Real(file) => file.sync_data(),
            #[cfg(any(test, feature = "simulation"))]
            Self::Simulated(file) => file.sync_data(),
        }
    }
}

impl DiskLock {
    /// Lets somebody else have it.
    pub(crate) fn release(&self) -> io::Result<()> {
        match self {
            Self::Real(file) => file.unlock(),
            #[cfg(any(test, feature = "simulation"))]
            Self::Simulated(lock) => {
                lock.release();
                Ok(())
            }
        }
    }
}
