//! The folder of snapshots: one file each, named after the first offset that is not in it.
//!
//! Promises that a file under a snapshot's name was written and synced whole, and that the newest one that
//! fits is used: what is wrong with a newer one is told, and a damaged one is set aside. The two newest are kept, so that one that turns out
//! to be damaged does not cost the history; where a log loses its beginning, so are stepping stones ([`crate::retention`]).
//! Must never remove one before a newer one is in its place, nor the one that stands for what a log has lost.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant as Stopwatch, SystemTime};

use sentinel_domain::{Instant, Offset};
use sentinel_eventlog::EventLog;

use super::SnapshotError;
use super::format::{Section, SectionReader, SectionWriter, Stopping};
use super::head::{FORMAT_VERSION, Head};
use super::pace::Pace;
use crate::backfill::Backfilled;
use crate::partition::PartitionState;
use crate::partition::codec::read_skipped;
use crate::planted::{self, Mistake};
use crate::retention::{Lengths, Retention};

/// How many are kept.
pub const KEPT: usize = 2;

const EXTENSION: &str = "snapshot";
/// What is being written, or was when its process was killed.
const UNFINISHED_EXTENSION: &str = "unfinished";
/// What was found damaged.
const DAMAGED_EXTENSION: &str = "damaged";

/// A folder of snapshots.
#[derive(Debug, Clone)]
pub struct SnapshotFolder {
    path: PathBuf,
    stopping: Stopping,
    retention: Retention,
    gives_way: bool,
}

/// A snapshot that fits to a log, by its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stone {
    /// The first entry that is not in it.
    pub next: Offset,
    /// When the entry before it was appended.
    pub last_log_time: Instant,
}

impl Stone {
    /// The first entry that its log must hold: the last one before it, by which it knows the log.
    pub fn needs(&self) -> Offset {
        Offset(self.next.0.saturating_sub(1))
    }
}

/// A snapshot that a state was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The file.
    pub file: PathBuf,
    /// The first entry that is not in it.
    pub offset: Offset,
    /// Its length.
    pub bytes: u64,
    /// When it was written.
    pub written_at: SystemTime,
}

/// A snapshot that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub file: PathBuf,
    /// The first entry that is not in it.
    pub offset: Offset,
    /// Its length.
    pub bytes: u64,
}

/// Twice the newest snapshot, and what the log keeps free by default: a twentieth of the disk, 256 MiB at most.
fn room_needed(newest_bytes: u64, disk_bytes: u64) -> u64 {
    let reserve_bytes = (disk_bytes / 20).min(256 * 1024 * 1024);
    newest_bytes.saturating_mul(2).saturating_add(reserve_bytes)
}

impl SnapshotFolder {
    /// A folder, which need not be there before something is written.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            stopping: Stopping::default(),
            retention: Retention::default(),
            gives_way: false,
        }
    }

    /// The same folder, whose reading and writing leave processor and disk to others for as long as they took them:
    /// somebody waits for decisions, and for syncs of the log.
    pub(crate) fn giving_way(&self) -> Self {
        Self {
            gives_way: true,
            ..self.clone()
        }
    }

    fn pace(&self) -> Option<Pace> {
        self.gives_way.then(Pace::begin)
    }

    /// The same folder, which keeps stepping stones for a log of which so much is kept.
    pub(crate) fn retaining(self, retention: Retention) -> Self {
        Self { retention, ..self }
    }

    /// The same folder, whose reading and writing end with [`SnapshotError::Stopped`] once that is true.
    pub(crate) fn until(self, stopping: Stopping) -> Self {
        Self { stopping, ..self }
    }

    /// Those that fit to a log by their heads, the oldest first.
    pub(crate) fn stones(&self, log: &EventLog) -> Result<Vec<Stone>, SnapshotError> {
        let mut stones: Vec<Stone> = self
            .list()?
            .into_iter()
            .filter_map(|(offset, file)| stone(log, offset, &file))
            .collect();
        stones.reverse();
        Ok(stones)
    }

    /// The state of the newest snapshot that stands at `at` or before it and fits to the log, or the one before the log's
    /// first entry; `None` where the log has lost its beginning and none stands for it. Nothing is set aside.
    pub fn state_at(
        &self,
        log: &EventLog,
        at: Offset,
    ) -> Result<Option<PartitionState>, SnapshotError> {
        for (offset, file) in self.list()?.into_iter().filter(|(next, _)| *next <= at) {
            let sections = SectionReader::open(&file, Stopping::clone(&self.stopping));
            match sections.and_then(|sections| read(log, offset, sections, at)) {
                Ok((state, _)) => return Ok(Some(state)),
                Err(error) => {
                    tracing::warn!(%error, "a snapshot cannot be used; trying an older one")
                }
            }
        }
        let is_whole = log.start() == Offset(0);
        Ok(is_whole.then(|| PartitionState::new(log.log_id(), log.partition())))
    }

    /// The first entry of a log that can be computed again: its first, or where it has lost that, the one behind the
    /// oldest snapshot that can be read to its end; `None` where there is no such.
    pub fn first_replayable(&self, log: &EventLog) -> Result<Option<Offset>, SnapshotError> {
        if log.start() == Offset(0) {
            return Ok(Some(Offset(0)));
        }
        let files = self.list()?.into_iter().rev();
        let mut whole = files.filter(|(offset, file)| self.fault(log, *offset, file).is_none());
        Ok(whole.next().map(|(offset, _)| offset))
    }

    /// The same by the heads alone, which are read at once: what one holds may be damaged all the same.
    pub fn first_by_heads(&self, log: &EventLog) -> Result<Option<Offset>, SnapshotError> {
        if log.start() == Offset(0) {
            return Ok(Some(Offset(0)));
        }
        Ok(self.stones(log)?.first().map(|oldest| oldest.next))
    }

    /// Why a snapshot cannot be used with a log, whatever is recorded; found by reading it to its end.
    pub(crate) fn fault(
        &self,
        log: &EventLog,
        named: Offset,
        file: &Path,
    ) -> Option<SnapshotError> {
        let sections = SectionReader::open(file, Stopping::clone(&self.stopping));
        let read = sections.and_then(|sections| read(log, named, sections, Offset(u64::MAX)));
        read.err()
    }

    /// What the entries before the newest snapshot that fits to a log say to skip, and where it stands; `None` where there
    /// is no such snapshot.
    pub(crate) fn newest_skips(
        &self,
        log: &EventLog,
    ) -> Result<Option<(Vec<Offset>, Offset)>, SnapshotError> {
        let skips = |(offset, file): (Offset, PathBuf)| {
            let (head, mut sections) = fitting(log, offset, &file)?;
            let skipped = read_skipped(&head, &mut sections).ok()?;
            Some((skipped, offset))
        };
        Ok(self.list()?.into_iter().find_map(skips))
    }

    /// Which engine made the newest snapshot that belongs to a log by its name, whether it can be used or not.
    pub(crate) fn newest_semantics(&self, log: &EventLog) -> Result<Option<u32>, SnapshotError> {
        let semantics = |(_, file): (Offset, PathBuf)| {
            let mut sections = SectionReader::open(&file, Stopping::default()).ok()?;
            let head = Head::decode(&sections.expect(Section::Head).ok()?).ok()?;
            let is_ours = head.format == FORMAT_VERSION && head.log == log.log_id();
            is_ours.then_some(head.engine_semantics)
        };
        Ok(self.list()?.into_iter().find_map(semantics))
    }

    /// Its snapshots, the newest first; whether they can be used is seen when they are read.
    pub fn list(&self) -> Result<Vec<(Offset, PathBuf)>, SnapshotError> {
        let mut found: Vec<(Offset, PathBuf)> = self
            .files()?
            .into_iter()
            .filter_map(|path| Some((offset_of(&path)?, path)))
            .collect();
        found.sort_by_key(|(offset, _)| std::cmp::Reverse(*offset));
        Ok(found)
    }

    /// The state of the newest snapshot that fits to a log and covers nothing at or behind `covered`; a new
    /// state where there is none and the log is whole. `refused` hears what is wrong with newer ones.
    pub fn newest_state(
        &self,
        log: &EventLog,
        covered: Offset,
        refused: &mut dyn FnMut(&SnapshotError),
    ) -> Result<(PartitionState, Option<Found>), SnapshotError> {
        let files = self.list()?;
        for (offset, file) in &files {
            let sections = SectionReader::open(file, Stopping::clone(&self.stopping));
            let sections = sections.map(|sections| sections.at(self.pace()));
            match sections.and_then(|sections| read(log, *offset, sections, covered)) {
                Ok((state, found)) => return Ok((state, Some(found))),
                Err(SnapshotError::Stopped) => return Err(SnapshotError::Stopped),
                Err(error) => {
                    refused(&error);
                    if matches!(error, SnapshotError::Damaged { .. }) {
                        set_aside(file);
                    }
                }
            }
        }
        if log.start() > Offset(0) {
            return Err(SnapshotError::NothingFits {
                start: log.start(),
                folder: self.path.clone(),
                tried: files.len(),
            });
        }
        let state = PartitionState::new(log.log_id(), log.partition());
        Ok((state, None))
    }

    /// Writes a state that has taken in a log up to where it stands, and removes what is older than the
    /// newest two. `None` where the log has not begun. What the state covers must be on the disk in the
    /// decision log before.
    pub fn write(
        &self,
        state: &PartitionState,
        log: &EventLog,
    ) -> Result<Option<Written>, SnapshotError> {
        let offset = state.next();
        let features = state.engine().set().state_hash();
        let Some(head) = Head::of(log, offset, features)
            .map_err(|source| SnapshotError::Log { offset, source })?
        else {
            return Ok(None);
        };
        self.make_folder()?;
        self.check_room()?;
        let file = self.path.join(format!("{:020}.{EXTENSION}", offset.0));
        let unfinished = file.with_extension(UNFINISHED_EXTENSION);
        let stopping = Stopping::clone(&self.stopping);
        let place = (unfinished.as_path(), self.gives_way);
        let written = write_file(place, (stopping, self.pace()), |out| {
            state.write(&head, out)
        });
        let written = match written {
            Err(_) if planted::is(Mistake::HalfSnapshot) => Ok(0),
            written => written,
        };
        let bytes = written.map_err(|error| {
            // The next one that is made tries again.
            let _ = fs::remove_file(&unfinished);
            match self.stopping.load(Relaxed) {
                true => SnapshotError::Stopped,
                false => error,
            }
        })?;
        fs::rename(&unfinished, &file).map_err(SnapshotError::io("name snapshot", &file))?;
        sync_folder(&self.path)?;
        self.remove_old(log, offset)?;
        Ok(Some(Written {
            file,
            offset,
            bytes,
        }))
    }

    /// Refuses where one twice as large as the newest would take what the log keeps for itself.
    fn check_room(&self) -> Result<(), SnapshotError> {
        let newest = self.list()?.into_iter().next();
        let newest_bytes = newest.and_then(|(_, file)| fs::metadata(file).ok());
        let newest_bytes = newest_bytes.map_or(0, |found| found.len());
        let found = rustix::fs::statvfs(&self.path)
            .map_err(|error| SnapshotError::io("look for room in", &self.path)(error.into()))?;
        let free_bytes = found.f_bavail.saturating_mul(found.f_frsize);
        let disk_bytes = found.f_blocks.saturating_mul(found.f_frsize);
        let needed_bytes = room_needed(newest_bytes, disk_bytes);
        if free_bytes >= needed_bytes {
            return Ok(());
        }
        Err(SnapshotError::NoRoom {
            folder: self.path.clone(),
            free_bytes,
            needed_bytes,
        })
    }

    /// The oldest entry that both logs must keep, so that a start works with the older of the two newest
    /// snapshots too: the last entry before it, by which it knows its log, and what the newest backfill
    /// read, where a start with that snapshot fills those features again. Everything, as long as there are
    /// not two. To be asked where no feature set waits to be filled: its owner reads from the log's start.
    pub fn needed_from(
        &self,
        log: &EventLog,
        backfilled: Option<Backfilled>,
    ) -> Result<Offset, SnapshotError> {
        let mut files = self.list()?;
        files.retain(|(offset, _)| *offset <= log.end());
        let Some((older, _)) = files.get(KEPT - 1) else {
            return Ok(log.start());
        };
        let last = Offset(older.0.saturating_sub(1));
        let filled_again = backfilled.filter(|one| one.to >= *older);
        Ok(filled_again.map_or(last, |one| last.min(one.from)))
    }

    /// Removes what killed processes left unfinished.
    pub fn remove_unfinished(&self) -> Result<(), SnapshotError> {
        for path in self.files()? {
            if path
                .extension()
                .is_some_and(|it| it == UNFINISHED_EXTENSION)
            {
                fs::remove_file(&path).map_err(SnapshotError::io("remove", &path))?;
                tracing::info!(file = %path.display(), "removed a snapshot that was never finished");
            }
        }
        Ok(())
    }

    fn remove_old(&self, log: &EventLog, newest: Offset) -> Result<(), SnapshotError> {
        let files = self.list()?;
        let stays = self.steps(log)?;
        // One beyond the newest belongs to a log that has been cut since.
        let old = files.iter().filter(|(offset, _)| *offset <= newest);
        for (offset, path) in old.skip(KEPT) {
            if stays.contains(offset) {
                continue;
            }
            fs::remove_file(path).map_err(SnapshotError::io("remove old snapshot", path))?;
        }
        Ok(())
    }

    /// Removes those that stand before an offset: the log is about to be cut behind them.
    pub(crate) fn remove_before(&self, offset: Offset) -> Result<(), SnapshotError> {
        for (_, path) in self.list()?.into_iter().filter(|(next, _)| *next < offset) {
            fs::remove_file(&path).map_err(SnapshotError::io("remove old snapshot", &path))?;
        }
        Ok(())
    }

    /// The stepping stones: the oldest, where the log is not or will not be whole, and from each the next that is far
    /// enough. Which they are follows from older ones alone, so it does not change when newer ones are made.
    fn steps(&self, log: &EventLog) -> Result<Vec<Offset>, SnapshotError> {
        if self.retention.is_everything() && log.start() == Offset(0) {
            return Ok(Vec::new());
        }
        let fault = |source| SnapshotError::Log {
            offset: log.start(),
            source,
        };
        let lengths = Lengths::of(log).map_err(fault)?;
        let mut last: Option<Stone> = None;
        let mut steps = Vec::new();
        for stone in self.stones(log)? {
            if last.is_none_or(|last| self.retention.is_step(&last, &stone, &lengths)) {
                steps.push(stone.next);
                last = Some(stone);
            }
        }
        Ok(steps)
    }

    fn files(&self) -> Result<Vec<PathBuf>, SnapshotError> {
        let fault = |error| SnapshotError::io("list the folder", &self.path)(error);
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(fault(error)),
        };
        entries
            .map(|entry| entry.map(|entry| entry.path()).map_err(fault))
            .collect()
    }

    fn make_folder(&self) -> Result<(), SnapshotError> {
        if self.path.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(&self.path).map_err(SnapshotError::io("make the folder", &self.path))?;
        match self.path.parent() {
            Some(parent) => sync_folder(parent),
            None => Ok(()),
        }
    }
}

/// The offset that a file's name tells; `None` where it is no snapshot's name.
fn offset_of(path: &Path) -> Option<Offset> {
    let digits = path.file_name()?.to_str()?.strip_suffix(EXTENSION)?;
    let digits = digits.strip_suffix('.')?;
    let is_name = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_name.then(|| digits.parse().ok().map(Offset))?
}

/// A file behind its head; `None` where it cannot be used with a log.
fn fitting(log: &EventLog, named: Offset, file: &Path) -> Option<(Head, SectionReader)> {
    let mut sections = SectionReader::open(file, Stopping::default()).ok()?;
    let head = Head::decode(&sections.expect(Section::Head).ok()?).ok()?;
    let fits = head.next == named && head.misfit(log).is_ok_and(|misfit| misfit.is_none());
    fits.then_some((head, sections))
}

fn stone(log: &EventLog, named: Offset, file: &Path) -> Option<Stone> {
    let (head, _) = fitting(log, named, file)?;
    Some(Stone {
        next: named,
        last_log_time: head.last_log_time,
    })
}

fn read(
    log: &EventLog,
    named: Offset,
    mut sections: SectionReader,
    covered: Offset,
) -> Result<(PartitionState, Found), SnapshotError> {
    let head = sections.expect(Section::Head)?;
    let head = Head::decode(&head).map_err(|detail| sections.damaged(detail))?;
    let misfit = head.misfit(log).map_err(|source| SnapshotError::Log {
        offset: head.next,
        source,
    })?;
    if let Some(detail) = misfit {
        return Err(sections.unfit(detail));
    }
    if head.next != named {
        return Err(sections.damaged(format!("it stands at {}, not at its name", head.next)));
    }
    if head.next > covered && !planted::is(Mistake::SnapshotTooFar) {
        return Err(sections.unfit(format!(
            "it stands at {named}, and decisions are recorded and followed up to {covered} only"
        )));
    }
    let state = PartitionState::read(&head, &mut sections)?;
    let (file, bytes) = sections.finish()?;
    let written_at = fs::metadata(&file).and_then(|metadata| metadata.modified());
    let found = Found {
        offset: head.next,
        bytes,
        written_at: written_at.map_err(SnapshotError::io("look at snapshot", &file))?,
        file,
    };
    Ok((state, found))
}

/// Keeps a damaged file under another name, so that it is not counted among those to keep.
fn set_aside(file: &Path) {
    let kept_as = file.with_extension(DAMAGED_EXTENSION);
    match fs::rename(file, &kept_as) {
        Ok(()) => tracing::warn!(kept_as = %kept_as.display(), "the damaged snapshot is set aside"),
        // It is refused again the next time.
        Err(error) => tracing::warn!(%error, "the damaged snapshot could not be set aside"),
    }
}

/// Writes and syncs a file.
fn write_file(
    (path, gives_way): (&Path, bool),
    (stopping, pace): (Stopping, Option<Pace>),
    content: impl FnOnce(&mut SectionWriter<BufWriter<SyncedAsItGrows>>),
) -> Result<u64, SnapshotError> {
    let file = File::create(path).map_err(SnapshotError::io("make", path))?;
    let file = SyncedAsItGrows {
        file,
        unsynced: 0,
        gives_way,
    };
    let fault = |error| SnapshotError::io("write", path)(error);
    let out = BufWriter::with_capacity(256 * 1024, file);
    let mut sections = SectionWriter::new(out, stopping).at(pace);
    content(&mut sections);
    let (mut out, bytes) = sections.finish().map_err(fault)?;
    out.flush().map_err(fault)?;
    let synced = out.get_ref().file.sync_all();
    synced.map_err(SnapshotError::io("sync", path))?;
    Ok(bytes)
}

/// A file that never has much to be forced to the disk: whoever syncs the log meanwhile waits behind no more
/// than this.
struct SyncedAsItGrows {
    file: File,
    unsynced: usize,
    gives_way: bool,
}

const UNSYNCED_BYTES_MAX: usize = 1024 * 1024;

/// The longest pause behind a sync: a disk that is that slow is no reason to wait for ever.
const PAUSE_MAX: Duration = Duration::from_millis(100);

impl Write for SyncedAsItGrows {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let (taken, refused) = bytes.split_at(planted::room(bytes.len()));
        let written = self.file.write(taken)?;
        if !refused.is_empty() {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        self.unsynced += written;
        if self.unsynced >= UNSYNCED_BYTES_MAX {
            self.unsynced = 0;
            let started = Stopwatch::now();
            self.file.sync_data()?;
            if self.gives_way {
                std::thread::sleep(started.elapsed().min(PAUSE_MAX));
            }
        }
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

fn sync_folder(path: &Path) -> Result<(), SnapshotError> {
    let synced = File::open(path).and_then(|folder| folder.sync_all());
    synced.map_err(SnapshotError::io("sync the folder", path))
}

#[cfg(test)]
mod tests;
