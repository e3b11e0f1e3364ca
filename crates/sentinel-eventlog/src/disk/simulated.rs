//! A disk in memory that does what disks may do: lose, tear and reorder what was not synced, fill up, fail.
//!
//! For each file it knows what is on the platter and which writes came since the last sync, for each
//! directory likewise which names came and went. [`SimulatedDisk::crash`] keeps any of that: sector by
//! sector, length and content apart, each name apart. Every operation is counted, so that a fault can be
//! put at exactly one of them, and the same seed gives the same run.
//!
//! As on Linux, a failed sync drops the pages: they can still be read until the power goes, no later sync
//! writes them, and the error is told once. What it does not do: give wrong bytes back for synced data
//! (that is damage, [`SimulatedDisk::overwrite`]), show what a deleted file held, or be slow.

#![allow(
    clippy::cast_possible_truncation,
    reason = "a position in a file that lies in memory fits the machine's words"
)]

mod dice;
mod inode;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use dice::Dice;
use inode::Inode;
use tree::Tree;

use super::{Opening, PlantedBug, Room};

/// What goes wrong at one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The device fails once. A write may have been done in part; a sync drops what it should write.
    Failure,
    /// There is no room, for this one operation.
    NoSpace,
    /// The power goes in the middle of it; nothing works until [`SimulatedDisk::crash`].
    PowerOff,
}

impl Fault {
    /// One of them.
    pub fn any(dice: &mut Dice) -> Self {
        match dice.below(3) {
            0 => Self::Failure,
            1 => Self::NoSpace,
            _ => Self::PowerOff,
        }
    }
}

/// A disk in memory. A clone is the same disk.
#[derive(Clone)]
pub struct SimulatedDisk {
    platter: Arc<Mutex<Platter>>,
}

struct Platter {
    tree: Tree,
    operations: u64,
    faults: BTreeMap<u64, Fault>,
    powered: bool,
    /// Handles of an earlier boot are dead.
    boot: u64,
    locked: BTreeSet<u64>,
    capacity_bytes: u64,
    planted: Option<PlantedBug>,
    dice: Dice,
}

/// An open file of a simulated disk.
pub(crate) struct SimulatedFile {
    disk: SimulatedDisk,
    node: u64,
    boot: u64,
}

/// A lock on a file of a simulated disk.
pub(crate) struct SimulatedLock {
    disk: SimulatedDisk,
    node: u64,
    boot: u64,
}

fn failure(fault: Fault) -> io::Error {
    match fault {
        Fault::Failure => io::Error::from_raw_os_error(5),
        Fault::NoSpace => io::Error::from_raw_os_error(28),
        Fault::PowerOff => io::Error::other("the power is off"),
    }
}

impl Platter {
    /// Counts an operation and says what goes wrong with it.
    fn begin(&mut self, boot: u64) -> io::Result<Option<Fault>> {
        if !self.powered || boot != self.boot {
            return Err(failure(Fault::PowerOff));
        }
        self.operations += 1;
        let fault = self.faults.remove(&self.operations);
        if fault == Some(Fault::PowerOff) {
            self.powered = false;
        }
        Ok(fault)
    }

    /// As [`Platter::begin`], for what is done as a whole or not at all: where the power goes, either.
    fn begin_whole(&mut self) -> io::Result<Option<Fault>> {
        match self.begin(self.boot)? {
            Some(Fault::PowerOff) if self.dice.chance(1, 2) => Ok(Some(Fault::PowerOff)),
            Some(fault) => Err(failure(fault)),
            None => Ok(None),
        }
    }

    fn file(&mut self, node: u64) -> io::Result<&mut Inode> {
        self.tree
            .file(node)
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    /// How many of `wanted` bytes more there is room for.
    fn grant(&self, wanted: u64) -> u64 {
        wanted.min(self.capacity_bytes.saturating_sub(self.tree.used_bytes()))
    }
}

/// The answer to an operation that was done, though the power may be gone now.
fn done<T>(value: T, fault: Option<Fault>) -> io::Result<T> {
    fault.map_or(Ok(value), |fault| Err(failure(fault)))
}

impl SimulatedDisk {
    /// An empty disk without bounds. The seed decides what faults leave behind.
    pub fn new(seed: u64) -> Self {
        let platter = Platter {
            tree: Tree::default(),
            operations: 0,
            faults: BTreeMap::new(),
            powered: true,
            boot: 0,
            locked: BTreeSet::new(),
            capacity_bytes: u64::MAX,
            planted: None,
            dice: Dice::new(seed),
        };
        Self {
            platter: Arc::new(Mutex::new(platter)),
        }
    }

    fn platter(&self) -> MutexGuard<'_, Platter> {
        self.platter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many operations were done so far.
    pub fn operations(&self) -> u64 {
        self.platter().operations
    }

    /// Has an operation go wrong, counted from the first one ever (1).
    pub fn fault_at(&self, operation: u64, fault: Fault) {
        self.platter().faults.insert(operation, fault);
    }

    /// Takes back all faults that have not happened.
    pub fn clear_faults(&self) {
        self.platter().faults.clear();
    }

    /// Whether the power is on.
    pub fn powered(&self) -> bool {
        self.platter().powered
    }

    /// The most bytes that all files together may have.
    pub fn set_capacity_bytes(&self, capacity_bytes: u64) {
        self.platter().capacity_bytes = capacity_bytes;
    }

    /// The length of all files together, in bytes.
    pub fn used_bytes(&self) -> u64 {
        self.platter().tree.used_bytes()
    }

    /// The power went and is back: of what was not synced, any part is there. Open files are dead.
    pub fn crash(&self, seed: u64) {
        let mut platter = self.platter();
        let mut dice = Dice::new(seed);
        platter.tree.crash(&mut dice);
        platter.restart();
    }

    /// The process was killed and the machine went on: nothing is lost, open files are dead.
    pub fn kill(&self) {
        self.platter().restart();
    }

    /// The bytes of a file as a reader would find them; `None` where there is none.
    pub fn bytes_of(&self, path: &Path) -> Option<Vec<u8>> {
        let mut platter = self.platter();
        let node = platter.tree.find(path).ok()?;
        Some(platter.tree.file(node)?.current().to_vec())
    }

    /// Damage: puts other bytes in the place of a file's, or makes one, durable at once.
    pub fn overwrite(&self, path: &Path, bytes: Vec<u8>) -> io::Result<()> {
        let mut platter = self.platter();
        let node = match platter.tree.find(path) {
            Ok(node) => node,
            Err(_) => platter.tree.create_file(path)?,
        };
        *platter.file(node)? = Inode::durable(bytes);
        platter.tree.sync_all_names();
        Ok(())
    }

    /// Damage: a file is gone, durable at once.
    pub fn lose(&self, path: &Path) -> io::Result<()> {
        let mut platter = self.platter();
        platter.tree.remove(path)?;
        platter.tree.sync_all_names();
        Ok(())
    }

    /// A disk of its own with what this one holds, all of it durable.
    pub fn copy(&self, seed: u64) -> Self {
        let copy = Self::new(seed);
        copy.platter().tree = self.platter().tree.settled();
        copy
    }

    /// Has the log make a mistake on this disk.
    pub fn plant(&self, bug: PlantedBug) {
        self.platter().planted = Some(bug);
    }

    pub(crate) fn planted(&self) -> Option<PlantedBug> {
        self.platter().planted
    }

    pub(super) fn is_directory(&self, path: &Path) -> bool {
        let platter = self.platter();
        platter
            .tree
            .find(path)
            .is_ok_and(|node| platter.tree.is_directory(node))
    }

    pub(super) fn create_directory(&self, path: &Path) -> io::Result<()> {
        let mut platter = self.platter();
        let fault = platter.begin_whole()?;
        done(platter.tree.create_directory(path)?, fault)
    }

    pub(super) fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        let mut platter = self.platter();
        let fault = platter.begin_whole()?;
        done(platter.tree.list(directory)?, fault)
    }

    pub(super) fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        let mut platter = self.platter();
        let fault = platter.begin_whole()?;
        done(platter.tree.sync_names(directory)?, fault)
    }

    pub(super) fn open(&self, path: &Path, opening: Opening) -> io::Result<SimulatedFile> {
        let mut platter = self.platter();
        let fault = platter.begin_whole()?;
        let found = platter.tree.find(path);
        let node = match (opening, found) {
            (Opening::New, Ok(_)) => return Err(io::Error::from(io::ErrorKind::AlreadyExists)),
            (Opening::Empty, Ok(node)) => {
                platter.file(node)?.set_len(0);
                node
            }
            (Opening::Read | Opening::Write, found) => found?,
            (Opening::Empty | Opening::New, Err(_)) => platter.tree.create_file(path)?,
        };
        let boot = platter.boot;
        drop(platter);
        let disk = self.clone();
        done(SimulatedFile { disk, node, boot }, fault)
    }

    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut platter = self.platter();
        let fault = platter.begin_whole()?;
        done(platter.tree.rename(from, to)?, fault)
    }

    pub(super) fn remove(&self, path: &Path) -> io::Result<()> {
        let mut platter = self.platter();
        let fault = platter.begin_whole()?;
        done(platter.tree.remove(path)?, fault)
    }

    pub(super) fn lock(&self, path: &Path) -> io::Result<Option<SimulatedLock>> {
        let file = match self.open(path, Opening::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.open(path, Opening::New)?
            }
            opened => opened?,
        };
        let taken = self.platter().locked.insert(file.node);
        Ok(taken.then(|| SimulatedLock {
            disk: self.clone(),
            node: file.node,
            boot: file.boot,
        }))
    }

    /// Asking is no operation: nothing of a log's fate hangs on it.
    pub(super) fn room(&self) -> io::Result<Room> {
        let platter = self.platter();
        if !platter.powered {
            return Err(failure(Fault::PowerOff));
        }
        Ok(Room {
            free_bytes: platter.grant(u64::MAX),
            total_bytes: platter.capacity_bytes,
        })
    }
}

impl Platter {
    fn restart(&mut self) {
        self.powered = true;
        self.boot += 1;
        self.faults.clear();
        self.locked.clear();
    }
}

impl SimulatedFile {
    pub(super) fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let mut platter = self.disk.platter();
        if let Some(fault) = platter.begin(self.boot)? {
            return Err(failure(fault));
        }
        let file = platter.file(self.node)?;
        let start = usize::try_from(at).unwrap_or(usize::MAX);
        let rest = file.current().get(start..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(into), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            into.copy_from_slice(from);
        }
        Ok(count)
    }

    pub(super) fn write_all_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let mut platter = self.disk.platter();
        let mut fault = platter.begin(self.boot)?;
        let mut count = bytes.len();
        if fault.is_some() {
            count = platter.dice.below(count as u64 + 1) as usize;
        }
        let length = platter.file(self.node)?.current().len() as u64;
        let growth = (at + count as u64).saturating_sub(length);
        let granted = platter.grant(growth);
        if granted < growth {
            fault = fault.or(Some(Fault::NoSpace));
            count = count.saturating_sub((growth - granted) as usize);
        }
        let written = bytes.get(..count).unwrap_or_default();
        platter.file(self.node)?.write(at, written);
        done((), fault)
    }

    pub(super) fn set_len(&self, bytes: u64) -> io::Result<()> {
        let mut platter = self.disk.platter();
        match platter.begin(self.boot)? {
            Some(fault) => Err(failure(fault)),
            None => {
                platter.file(self.node)?.set_len(bytes as usize);
                Ok(())
            }
        }
    }

    pub(super) fn bytes_len(&self) -> io::Result<u64> {
        let mut platter = self.disk.platter();
        if let Some(fault) = platter.begin(self.boot)? {
            return Err(failure(fault));
        }
        Ok(platter.file(self.node)?.current().len() as u64)
    }

    pub(super) fn sync_data(&self) -> io::Result<()> {
        let mut platter = self.disk.platter();
        let fault = platter.begin(self.boot)?;
        let mut dice = platter.dice.split();
        let file = platter.file(self.node)?;
        match fault {
            None => file.sync(),
            // What of it is on the platter is for the crash to say.
            Some(Fault::PowerOff) => {}
            Some(Fault::Failure | Fault::NoSpace) => file.drop_pages(&mut dice),
        }
        done((), fault)
    }
}

impl SimulatedLock {
    pub(super) fn release(&self) {
        let mut platter = self.disk.platter();
        if platter.boot == self.boot {
            platter.locked.remove(&self.node);
        }
    }
}

impl Drop for SimulatedLock {
    fn drop(&mut self) {
        self.release();
    }
}

impl fmt::Debug for SimulatedDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimulatedDisk")
    }
}

impl fmt::Debug for SimulatedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimulatedFile({})", self.node)
    }
}

impl fmt::Debug for SimulatedLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimulatedLock({})", self.node)
    }
}

#[cfg(test)]
mod tests;
