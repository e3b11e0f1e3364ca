//! The bytes of a snapshot: sections one after the other, and a hash over all of them.
//!
//! ```text
//!  "SENTSNP\n"
//!  kind u32 │ length u32 │ crc32c of kind, length and content │ content      head
//!  …                                                                         counts, contents, switches,
//!  …                                                                         ids, windows in pieces
//!  kind u32 │ length u32 │ crc32c │ BLAKE3 of every byte before this section  end, and nothing behind it
//! ```
//!
//! All numbers have their little end first. Sections come in the order of their kinds; a kind that is large
//! comes as several of about 128 KiB, so that neither writing nor reading needs the whole at once.
//!
//! Promises that a changed, missing or added byte is told with its section's place. Must never set memory
//! aside for what the file is too short for.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use sentinel_domain::ContentHasher;

use super::SnapshotError;
use super::pace::Pace;

/// How a snapshot begins.
const MAGIC: &[u8; 8] = b"SENTSNP\n";

/// Kind, length and checksum of a section.
const SECTION_HEAD_BYTES: usize = 12;

/// The longest section: what is kept of one entity lies in one.
const SECTION_BYTES_MAX: usize = 256 * 1024 * 1024;

/// What a section holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Section {
    /// Of which log, up to where, for which engine.
    Head = 1,
    /// What the windows have taken in.
    Counts = 2,
    /// An active content.
    Content = 3,
    /// An activation that took effect.
    Switch = 4,
    /// Event ids that are remembered.
    EventIds = 5,
    /// Label ids that are remembered.
    LabelIds = 6,
    /// A piece of the windows.
    Windows = 7,
    /// The hash.
    End = 8,
}

impl Section {
    const ALL: [Self; 8] = [
        Self::Head,
        Self::Counts,
        Self::Content,
        Self::Switch,
        Self::EventIds,
        Self::LabelIds,
        Self::Windows,
        Self::End,
    ];

    fn from_code(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|one| *one as u32 == code)
    }
}

/// Says that nobody wants what is being read or written any more.
pub(crate) type Stopping = Arc<AtomicBool>;

/// Writes sections. The first failure is kept and told at the end: whoever makes the bytes does no IO.
pub(crate) struct SectionWriter<W> {
    out: W,
    stopping: Stopping,
    hasher: ContentHasher,
    bytes: u64,
    pace: Option<Pace>,
    failed: Option<std::io::Error>,
}

impl<W: Write> SectionWriter<W> {
    /// Begins a snapshot.
    pub fn new(out: W, stopping: Stopping) -> Self {
        let mut writer = Self {
            out,
            stopping,
            hasher: ContentHasher::default(),
            bytes: 0,
            pace: None,
            failed: None,
        };
        writer.put(MAGIC);
        writer
    }

    /// Gives way to others between sections, or does not.
    pub fn at(self, pace: Option<Pace>) -> Self {
        Self { pace, ..self }
    }

    /// Writes a section.
    pub fn section(&mut self, kind: Section, content: &[u8]) {
        debug_assert!(content.len() <= SECTION_BYTES_MAX, "sections are bounded");
        if let Some(pace) = &mut self.pace {
            pace.between();
        }
        if self.stopping.load(Relaxed) {
            self.failed
                .get_or_insert(std::io::ErrorKind::Interrupted.into());
        }
        let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
        let head = head_of(kind as u32, length);
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&head), content);
        self.put(&head);
        self.put(&checksum.to_le_bytes());
        self.put(content);
    }

    /// Writes the end; what was written to and how many bytes.
    pub fn finish(mut self) -> std::io::Result<(W, u64)> {
        let hash = self.hasher.finish();
        self.section(Section::End, &hash.0);
        match self.failed {
            None => Ok((self.out, self.bytes)),
            Some(error) => Err(error),
        }
    }

    /// Whether going on is of no use.
    pub fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    fn put(&mut self, bytes: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        self.failed = self.out.write_all(bytes).err();
    }
}

fn head_of(kind: u32, length: u32) -> [u8; 8] {
    let mut head = [0; 8];
    let (first, second) = head.split_at_mut(4);
    first.copy_from_slice(&kind.to_le_bytes());
    second.copy_from_slice(&length.to_le_bytes());
    head
}

/// Reads sections, each checked before it is given.
pub(crate) struct SectionReader {
    file: PathBuf,
    input: BufReader<File>,
    stopping: Stopping,
    hasher: ContentHasher,
    /// Where the next section begins, and where the one read last does.
    at: u64,
    last_at: u64,
    file_bytes: u64,
    /// A section that was read and not asked for yet.
    ahead: Option<(Section, Vec<u8>)>,
    order: Section,
    pace: Option<Pace>,
}

impl SectionReader {
    /// Opens a file and reads how it begins.
    pub fn open(path: &Path, stopping: Stopping) -> Result<Self, SnapshotError> {
        let file = File::open(path).map_err(SnapshotError::io("open snapshot", path))?;
        let metadata = file
            .metadata()
            .map_err(SnapshotError::io("look at snapshot", path))?;
        let mut reader = Self {
            file: path.to_owned(),
            input: BufReader::with_capacity(256 * 1024, file),
            stopping,
            hasher: ContentHasher::default(),
            at: 0,
            last_at: 0,
            file_bytes: metadata.len(),
            ahead: None,
            order: Section::Head,
            pace: None,
        };
        let mut magic = [0; MAGIC.len()];
        reader.fill(&mut magic)?;
        if magic != *MAGIC {
            return Err(reader.damaged("it does not begin as a snapshot does"));
        }
        Ok(reader)
    }

    /// Gives way to others between sections, or does not.
    pub fn at(self, pace: Option<Pace>) -> Self {
        Self { pace, ..self }
    }

    /// Whether it gives way to others.
    pub fn gives_way(&self) -> bool {
        self.pace.is_some()
    }

    /// The length of the file.
    pub fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// The next section, where it is of this kind.
    pub fn next(&mut self, kind: Section, into: &mut Vec<u8>) -> Result<bool, SnapshotError> {
        if self.ahead.is_none() {
            self.ahead = Some(self.read_section()?);
        }
        match self.ahead.take_if(|(found, _)| *found == kind) {
            Some((_, content)) => {
                *into = content;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// The next section, which must be of this kind.
    pub fn expect(&mut self, kind: Section) -> Result<Vec<u8>, SnapshotError> {
        let mut content = Vec::new();
        if self.next(kind, &mut content)? {
            Ok(content)
        } else {
            Err(self.damaged(format!("no section {kind:?} where one belongs")))
        }
    }

    /// Reads the end: the hash must match, and nothing may follow. The file and its length.
    pub fn finish(mut self) -> Result<(PathBuf, u64), SnapshotError> {
        // The hash is over what lies before the section that holds it: that has not been hashed yet.
        let hash = self.expect(Section::End)?;
        if hash != self.hasher.finish().0 {
            return Err(self.damaged("the hash of the whole does not match"));
        }
        if self.at != self.file_bytes {
            self.last_at = self.at;
            let more = self.file_bytes - self.at;
            return Err(self.damaged(format!("{more} bytes follow its end")));
        }
        Ok((self.file, self.at))
    }

    /// Where the section read last begins.
    pub fn last_at(&self) -> u64 {
        self.last_at
    }

    /// What is wrong with the section read last.
    pub fn damaged(&self, detail: impl Into<String>) -> SnapshotError {
        self.damaged_at(self.last_at, detail)
    }

    /// What is wrong with a section that was read before.
    pub fn damaged_at(&self, offset_bytes: u64, detail: impl Into<String>) -> SnapshotError {
        SnapshotError::Damaged {
            file: self.file.clone(),
            offset_bytes,
            detail: detail.into(),
        }
    }

    /// What the operating system refused.
    pub fn io(&self, attempt: &'static str, error: std::io::Error) -> SnapshotError {
        SnapshotError::io(attempt, &self.file)(error)
    }

    /// It is whole and cannot be used here.
    pub fn unfit(&self, detail: impl Into<String>) -> SnapshotError {
        SnapshotError::Unfit {
            file: self.file.clone(),
            detail: detail.into(),
        }
    }

    fn read_section(&mut self) -> Result<(Section, Vec<u8>), SnapshotError> {
        if self.stopping.load(Relaxed) {
            return Err(SnapshotError::Stopped);
        }
        if let Some(pace) = &mut self.pace {
            pace.between();
        }
        self.last_at = self.at;
        let before = self.hasher.clone();
        let mut head = [0; SECTION_HEAD_BYTES];
        self.fill(&mut head)?;
        let [k0, k1, k2, k3, l0, l1, l2, l3, c0, c1, c2, c3] = head;
        let kind = u32::from_le_bytes([k0, k1, k2, k3]);
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        let left = self.file_bytes.saturating_sub(self.at);
        let bytes = usize::try_from(length).unwrap_or(usize::MAX);
        if u64::from(length) > left || bytes > SECTION_BYTES_MAX {
            return Err(self.damaged(format!("a section of {length} bytes, and {left} are left")));
        }
        let mut content = vec![0; bytes];
        self.fill(&mut content)?;
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&head_of(kind, length)), &content);
        if checksum != u32::from_le_bytes([c0, c1, c2, c3]) {
            return Err(self.damaged("the checksum of a section does not match"));
        }
        let Some(kind) = Section::from_code(kind).filter(|kind| *kind >= self.order) else {
            return Err(self.damaged(format!("a section of kind {kind} out of its place")));
        };
        self.order = kind;
        if kind == Section::End {
            self.hasher = before;
        }
        Ok((kind, content))
    }

    fn fill(&mut self, into: &mut [u8]) -> Result<(), SnapshotError> {
        match self.input.read_exact(into) {
            Ok(()) => {
                self.hasher.update(into);
                self.at += into.len() as u64;
                Ok(())
            }
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                Err(self.damaged("it ends in the middle of a section"))
            }
            Err(error) => Err(SnapshotError::io("read snapshot", &self.file)(error)),
        }
    }
}
