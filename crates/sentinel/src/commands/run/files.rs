//! The files of a run, before any of them is touched: none may be read and written, or written twice.

use std::path::{Path, PathBuf};

use super::RunArguments;
use crate::commands::usage;

/// What a file is the same file by: device and inode where it exists, else folder and name.
#[derive(Debug, PartialEq, Eq)]
enum Identity {
    Existing(u64, u64),
    Named(PathBuf),
}

/// Refuses a run that would write over what it reads, or write two things into one file.
pub fn check(arguments: &RunArguments, dead_letters: &Path) -> anyhow::Result<()> {
    if arguments.input.is_dir() {
        return Err(usage(format!(
            "--input {} is a directory",
            arguments.input.display()
        )));
    }
    let content = &arguments.content;
    let read = [
        ("--input", Some(&arguments.input)),
        ("--mapping", arguments.mapping.as_ref()),
        ("--labels", arguments.labels.as_ref()),
        ("--model", content.model.as_ref()),
        ("--rules", content.rules.as_ref()),
        ("--policy", content.policy.as_ref()),
        ("--rates", content.rates.as_ref()),
        ("--features", content.features.as_ref()),
    ];
    let letters = dead_letters.to_owned();
    let written = [
        ("--output", Some(&arguments.output)),
        ("--dead-letters", Some(&letters)),
        ("--summary-json", arguments.summary_json.as_ref()),
    ];
    let mut taken = Vec::new();
    for (flag, path) in read
        .into_iter()
        .filter_map(|(flag, path)| Some((flag, path?)))
    {
        taken.extend(identity(path).map(|identity| (flag, identity)));
    }
    for (flag, path) in written
        .into_iter()
        .filter_map(|(flag, path)| Some((flag, path?)))
    {
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        if parent.is_some_and(|parent| !parent.is_dir()) && arguments.data_dir.as_deref() != parent
        {
            return Err(usage(format!(
                "{flag} {}: there is no such folder",
                path.display()
            )));
        }
        let Some(identity) = identity(path) else {
            continue;
        };
        if let Some((other, _)) = taken.iter().find(|(_, have)| *have == identity) {
            return Err(usage(format!(
                "{flag} and {other} name one file, {}: it would be overwritten; name another",
                path.display()
            )));
        }
        taken.push((flag, identity));
    }
    Ok(())
}

/// `None` for standard streams and devices: those hold nothing that could be lost.
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    if path.as_os_str() == "-" {
        return None;
    }
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => Some(Identity::Existing(found.dev(), found.ino())),
        Ok(_) => None,
        Err(_) => {
            let parent = path
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty());
            let folder = parent.unwrap_or(Path::new(".")).canonicalize().ok();
            let folder = folder.unwrap_or_else(|| parent.unwrap_or(Path::new(".")).to_owned());
            Some(Identity::Named(folder.join(path.file_name()?)))
        }
    }
}
