//! `sentinel restore`: a data directory from a backup.
//!
//! Promises that every file of the backup is what it was when the backup was made, or that nothing is restored.
//! Must never write into a folder that holds something.

use std::fs::File;
use std::io::Write;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use super::backup::{FORMAT, MANIFEST, Manifest, hash_of};
use crate::commands::usage;
use crate::whole_folder::{WholeFolder, sync_folder};

/// Arguments of `sentinel restore`.
#[derive(Args, Debug)]
pub struct RestoreArguments {
    /// The backup.
    #[arg(value_name = "BACKUP")]
    pub from: PathBuf,
    /// The data directory to make; it must be absent or empty.
    #[arg(long, value_name = "DIR", default_value = "sentinel-data")]
    pub data_dir: PathBuf,
}

/// Runs the command.
pub fn restore(arguments: &RestoreArguments) -> anyhow::Result<ExitCode> {
    crate::diagnostics::start("warn");
    let (from, to) = (&arguments.from, &arguments.data_dir);
    let manifest = manifest_of(from)?;
    check_empty(to)?;
    check_files(from, &manifest)?;
    // A half would be taken for a data directory.
    let (whole, part) = WholeFolder::create(to)?;
    let mut folders = vec![part.clone()];
    for file in &manifest.files {
        let (source, target) = (from.join(&file.path), part.join(&file.path));
        let copied = || format!("copy {} to {}", source.display(), target.display());
        if let Some(folder) = target.parent()
            && !folders.iter().any(|known| known == folder)
        {
            std::fs::create_dir_all(folder).with_context(copied)?;
            folders.push(folder.to_owned());
        }
        std::fs::copy(&source, &target).with_context(copied)?;
        File::open(&target)
            .and_then(|file| file.sync_all())
            .with_context(copied)?;
    }
    folders
        .iter()
        .rev()
        .try_for_each(|folder| sync_folder(folder))?;
    whole.keep()?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "restored   {}: {} entries, {} of them with their outcome, as of {}\nnext       sentinel verify --data-dir {}",
        to.display(),
        manifest.entries,
        manifest.decided,
        manifest.made_at,
        to.display()
    )
    .context("write the result")?;
    Ok(ExitCode::SUCCESS)
}

fn manifest_of(from: &Path) -> anyhow::Result<Manifest> {
    let path = from.join(MANIFEST);
    let text = std::fs::read(&path).map_err(|error| {
        usage(format!(
            "{} is no backup: read {}: {error}",
            from.display(),
            path.display()
        ))
    })?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| usage(format!("read {}: {error}", path.display())))?;
    if manifest.format != FORMAT {
        return Err(usage(format!(
            "{} has format {}, this program reads format {FORMAT}",
            path.display(),
            manifest.format
        )));
    }
    // A path of a manifest that somebody wrote must not lead out of the folder.
    let leads_out = |path: &str| {
        let mut parts = Path::new(path).components();
        path.is_empty() || !parts.all(|part| matches!(part, Component::Normal(_)))
    };
    match manifest.files.iter().find(|file| leads_out(&file.path)) {
        Some(file) => Err(usage(format!(
            "{} names {:?}, which is no file within the backup",
            path.display(),
            file.path
        ))),
        None => Ok(manifest),
    }
}

/// Nothing may lie there.
pub fn check_empty(to: &Path) -> anyhow::Result<()> {
    let mut entries = match std::fs::read_dir(to) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(usage(format!("list {}: {error}", to.display()))),
    };
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(usage(format!(
            "{} holds something; name a --data-dir that is absent or empty",
            to.display()
        ))),
    }
}

/// Holds every file against the manifest before anything is written.
fn check_files(from: &Path, manifest: &Manifest) -> anyhow::Result<()> {
    for file in &manifest.files {
        let path = from.join(&file.path);
        let (bytes, hash) = hash_of(&path)?;
        anyhow::ensure!(
            bytes == file.bytes && hash.to_string() == file.hash,
            "{} is damaged: it has {bytes} bytes and hash {hash}, the backup was made with {} bytes and hash {}; nothing \
             was restored",
            path.display(),
            file.bytes,
            file.hash
        );
    }
    Ok(())
}
