//! `sentinel backup`: a data directory, copied while its server runs.
//!
//! ```text
//!  snapshots ─▶ store ─▶ messages, dead letters ─▶ decision log ─▶ transaction log ─▶ checked ─▶ backup.json
//! ```
//!
//! What follows from the log is copied before the log, so the copy of the log holds every entry that anything else in
//! the backup speaks of. Promises that a backup under its name is whole: each file stands in `backup.json` with its
//! length and hash. Must never touch what it copies.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use sentinel_domain::{ContentHash, ContentHasher};
use sentinel_eventlog::{Durability, EmbeddedOptions, EventLog};
use sentinel_store::Store;
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::commands::usage;
use crate::compose::{DECISIONS, LOG, RUN_MANIFEST, SNAPSHOTS, STORE};
use crate::whole_folder::{WholeFolder, sync_folder};

/// The file that says what a backup holds.
pub const MANIFEST: &str = "backup.json";

/// Files that grow line by line.
const LINES: [&str; 2] = ["alerts.jsonl", "dead-letters.jsonl"];

/// Bytes copied at once.
const PIECE_BYTES: usize = 1 << 20;

/// Bytes that are searched for the end of a line at once.
const LINE_SEARCH_BYTES: u64 = 1 << 16;

/// How often a copy is made anew because the logs lost their beginning meanwhile.
const TRIES: u32 = 5;

/// What a log says of its own reach.
const EXTENT: &str = "EXTENT";

/// Arguments of `sentinel backup`.
#[derive(Args, Debug)]
#[command(after_help = "Restore it with `sentinel restore BACKUP --data-dir DIR`.")]
pub struct BackupArguments {
    /// Where the backup goes: a folder that is not there yet.
    #[arg(value_name = "BACKUP")]
    pub to: PathBuf,
    /// The data directory; its server may run.
    #[arg(long, value_name = "DIR", default_value = "sentinel-data")]
    pub data_dir: PathBuf,
}

/// What a backup holds.
#[derive(Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of this file.
    pub format: u32,
    /// When it was begun.
    pub made_at: String,
    /// The generation of the log.
    pub log_id: String,
    /// Entries of the transaction log.
    pub entries: u64,
    /// Outcomes of the decision log.
    pub decided: u64,
    /// Every file but this one.
    pub files: Vec<ManifestFile>,
}

/// One file.
#[derive(Debug, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Its path within.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// BLAKE3 over it.
    pub hash: String,
}

/// The form that is written, and the only one that is read.
pub const FORMAT: u32 = 1;

/// Runs the command.
pub fn backup(arguments: &BackupArguments) -> anyhow::Result<ExitCode> {
    crate::diagnostics::start("warn");
    let (from, to) = (&arguments.data_dir, &arguments.to);
    if !from.join(LOG).is_dir() {
        return Err(usage(format!(
            "{} holds no log; name the --data-dir of a run or server",
            from.display()
        )));
    }
    if to.exists() {
        return Err(usage(format!(
            "{} is there already; name a folder that is not",
            to.display()
        )));
    }
    let (whole, part) = WholeFolder::create(to)?;
    let manifest = fill_while_kept(from, &part)?;
    let bytes: u64 = manifest.files.iter().map(|file| file.bytes).sum();
    whole.keep()?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "backup     {}: {} files, {bytes} bytes\nlog        {} entries, {} of them with their outcome",
        to.display(),
        manifest.files.len(),
        manifest.entries,
        manifest.decided
    )
    .context("write the result")?;
    Ok(ExitCode::SUCCESS)
}

/// Fills the folder. Where the server dropped old entries of a log meanwhile, what was copied may have a gap: then it is
/// copied anew.
fn fill_while_kept(from: &Path, to: &Path) -> anyhow::Result<Manifest> {
    for _ in 1..TRIES {
        let before = starts(from)?;
        let filled = fill(from, to);
        if starts(from)? == before {
            return filled;
        }
        for entry in std::fs::read_dir(to).with_context(|| format!("list {}", to.display()))? {
            let path = entry
                .with_context(|| format!("list {}", to.display()))?
                .path();
            let removed = match path.is_dir() {
                true => std::fs::remove_dir_all(&path),
                false => std::fs::remove_file(&path),
            };
            removed.with_context(|| format!("remove {}", path.display()))?;
        }
    }
    fill(from, to)
}

/// The names of the oldest segments of both logs.
fn starts(from: &Path) -> anyhow::Result<[Option<OsString>; 2]> {
    let oldest = |log: &str| -> std::io::Result<Option<OsString>> {
        let path = from.join(log);
        if !path.is_dir() {
            return Ok(None);
        }
        let mut oldest = None;
        for entry in std::fs::read_dir(path)? {
            let name = entry?.file_name();
            if Path::new(&name).extension().is_some_and(|it| it == "log") {
                oldest = Some(oldest.map_or(name.clone(), |known: OsString| known.min(name)));
            }
        }
        Ok(oldest)
    };
    let told = || format!("list the logs of {}", from.display());
    Ok([
        oldest(DECISIONS).with_context(told)?,
        oldest(LOG).with_context(told)?,
    ])
}

fn fill(from: &Path, to: &Path) -> anyhow::Result<Manifest> {
    let made_at = clock::now().to_string();
    let snapshots = to.join(SNAPSHOTS);
    std::fs::create_dir(&snapshots).with_context(|| format!("make {}", snapshots.display()))?;
    copy_folder(&from.join(SNAPSHOTS), &snapshots, "snapshot")?;
    copy_store(&from.join(STORE), &to.join(STORE))?;
    for name in LINES {
        copy_if_there(&from.join(name), &to.join(name), Ends::AtALine)?;
    }
    copy_if_there(
        &from.join(RUN_MANIFEST),
        &to.join(RUN_MANIFEST),
        Ends::Anywhere,
    )?;
    for log in [DECISIONS, LOG] {
        let (from, to) = (from.join(log), to.join(log));
        std::fs::create_dir(&to).with_context(|| format!("make {}", to.display()))?;
        // First what the log vouches for: the segments, copied after it, must hold at least that.
        copy_if_there(&from.join(EXTENT), &to.join(EXTENT), Ends::Anywhere)?;
        copy_folder(&from, &to, "log")?;
    }
    let (log_id, entries) = check_log(&to.join(LOG))?;
    let (decisions_id, decided) = check_log(&to.join(DECISIONS))?;
    anyhow::ensure!(
        log_id == decisions_id && decided <= entries,
        "the logs of {} do not belong together: {entries} entries of log {log_id}, {decided} outcomes of {decisions_id}",
        from.display()
    );
    let mut files = Vec::new();
    list(to, to, &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let manifest = Manifest {
        format: FORMAT,
        made_at,
        log_id,
        entries,
        decided,
        files,
    };
    let path = to.join(MANIFEST);
    let mut file = File::create_new(&path).with_context(|| format!("make {}", path.display()))?;
    let text = serde_json::to_string_pretty(&manifest).context("spell the manifest")?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("write {}", path.display()))?;
    sync_folder(to)?;
    Ok(manifest)
}

/// Where a copy of a file may end that is written to meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Anywhere,
    AtALine,
}

/// Files of one ending, in the order of their names: segments in the order in which they were begun.
fn copy_folder(from: &Path, to: &Path, ending: &str) -> anyhow::Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    let mut names = Vec::new();
    for entry in std::fs::read_dir(from).with_context(|| format!("list {}", from.display()))? {
        let name = entry
            .with_context(|| format!("list {}", from.display()))?
            .file_name();
        if Path::new(&name)
            .extension()
            .is_some_and(|found| found == ending)
        {
            names.push(name);
        }
    }
    names.sort();
    for name in names {
        copy_if_there(&from.join(&name), &to.join(&name), Ends::Anywhere)?;
    }
    sync_folder(to)
}

/// Copies what a file holds now. One that is gone (a snapshot that a newer one has replaced) is left out.
fn copy_if_there(from: &Path, to: &Path, ends: Ends) -> anyhow::Result<()> {
    let mut source = match File::open(from) {
        Ok(source) => source,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("open {}", from.display())),
    };
    let copied = || format!("copy {} to {}", from.display(), to.display());
    let bytes = source.metadata().with_context(copied)?.len();
    let mut file = File::options()
        .create_new(true)
        .read(true)
        .write(true)
        .open(to)
        .with_context(copied)?;
    std::io::copy(&mut (&mut source).take(bytes), &mut file).with_context(copied)?;
    if ends == Ends::AtALine {
        let whole = end_of_last_line(&file, bytes).with_context(copied)?;
        file.set_len(whole).with_context(copied)?;
    }
    file.sync_all().with_context(copied)
}

/// Where the last whole line of a file of that length ends.
fn end_of_last_line(file: &File, bytes: u64) -> std::io::Result<u64> {
    let mut end = bytes;
    let mut piece = Vec::new();
    while end > 0 {
        let from = end.saturating_sub(LINE_SEARCH_BYTES);
        piece.resize(usize::try_from(end - from).unwrap_or_default(), 0);
        file.read_exact_at(&mut piece, from)?;
        if let Some(last) = piece.iter().rposition(|byte| *byte == b'\n') {
            return Ok(from + last as u64 + 1);
        }
        end = from;
    }
    Ok(0)
}

fn copy_store(from: &Path, to: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(
        from.exists(),
        "{} is missing: start the server once, which makes it again from the log, and stop it",
        from.display()
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the runtime")?;
    runtime.block_on(async {
        let copied = Store::copy(from, to).await;
        copied.with_context(|| format!("copy the store {}", from.display()))
    })?;
    let synced = File::open(to).and_then(|file| file.sync_all());
    synced.with_context(|| format!("sync {}", to.display()))
}

/// Reads a copied log from end to end: its id and how many entries it has. An append that was under way when it was
/// copied is cut off; nobody had an answer to it.
fn check_log(folder: &Path) -> anyhow::Result<(String, u64)> {
    let context = || format!("check the copied log {}", folder.display());
    let options = EmbeddedOptions {
        durability: Durability::Never,
        ..EmbeddedOptions::default()
    };
    let (log, report) = EventLog::open(folder, options).with_context(context)?;
    let read = log.walk(log.start(), &mut |_| {});
    let end = read.map_err(|(_, error)| error).with_context(context)?;
    log.close().with_context(context)?;
    if let Some(torn) = report.torn {
        std::fs::remove_file(&torn.kept_as).with_context(context)?;
    }
    Ok((log.log_id().to_string(), end.0))
}

/// Every file below a folder but lock files, with its hash.
fn list(root: &Path, folder: &Path, files: &mut Vec<ManifestFile>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))? {
        let entry = entry.with_context(|| format!("list {}", folder.display()))?;
        let path = entry.path();
        if path.is_dir() {
            list(root, &path, files)?;
            continue;
        }
        if entry.file_name() == "LOCK" {
            std::fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
            continue;
        }
        let (bytes, hash) = hash_of(&path)?;
        let within = path.strip_prefix(root).unwrap_or(&path);
        files.push(ManifestFile {
            path: within.to_string_lossy().into_owned(),
            bytes,
            hash: hash.to_string(),
        });
    }
    Ok(())
}

/// The length and the hash of a file.
pub fn hash_of(path: &Path) -> anyhow::Result<(u64, ContentHash)> {
    let reading = || format!("read {}", path.display());
    let mut file = File::open(path).with_context(reading)?;
    let mut hasher = ContentHasher::default();
    let mut piece = vec![0; PIECE_BYTES];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut piece).with_context(reading)?;
        if read == 0 {
            return Ok((bytes, hasher.finish()));
        }
        hasher.update(piece.get(..read).unwrap_or_default());
        bytes += read as u64;
    }
}
