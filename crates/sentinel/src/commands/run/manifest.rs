//! What a run's data directory belongs to: the arguments that shape its log.

use std::path::{Path, PathBuf};

use anyhow::Context;
use sentinel_domain::{ContentHash, Instant, LogId};
use serde::{Deserialize, Serialize};

use super::RunArguments;
use crate::commands::usage;
use crate::compose::{DataDirectory, RUN_MANIFEST};
use crate::content::Contents;

/// The arguments that a log is a function of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    input: String,
    mapping_hash: String,
    /// Empty where there is no labels file, as in every manifest of before there were any.
    #[serde(default)]
    labels_hash: String,
    contents_hash: String,
    reproducible: bool,
    /// The clock against which events from the future are told: a restart takes the first start's.
    now: String,
}

impl Manifest {
    /// The manifest of these arguments.
    pub fn of(arguments: &RunArguments, contents: &Contents, now: Instant) -> anyhow::Result<Self> {
        let hash_of = |path: &Option<PathBuf>| match path {
            Some(path) => {
                crate::content::read(path).map(|bytes| ContentHash::of(&bytes).to_string())
            }
            None => Ok(String::new()),
        };
        Ok(Self {
            input: arguments.input.display().to_string(),
            mapping_hash: hash_of(&arguments.mapping)?,
            labels_hash: hash_of(&arguments.labels)?,
            contents_hash: contents.hash().to_string(),
            reproducible: arguments.reproducible,
            now: now.to_string(),
        })
    }

    /// The log id of a reproducible run: a function of everything that shapes the log but the rows.
    /// The input's folder does not matter.
    pub fn log_id(&self) -> LogId {
        let name = Path::new(&self.input)
            .file_name()
            .map_or_else(Default::default, |name| name.to_string_lossy().into_owned());
        let mut parts = vec![
            name.as_bytes(),
            self.mapping_hash.as_bytes(),
            self.contents_hash.as_bytes(),
        ];
        if !self.labels_hash.is_empty() {
            parts.push(self.labels_hash.as_bytes());
        }
        LogId::derived_from(ContentHash::of_parts(&parts))
    }

    /// The source's name as a number, never zero.
    pub fn source(&self) -> u64 {
        let hash = ContentHash::of(self.input.as_bytes());
        hash.0
            .first_chunk()
            .map_or(1, |bytes| u64::from_le_bytes(*bytes))
            .max(1)
    }

    /// The clock of the run.
    pub fn now(&self) -> Instant {
        Instant::parse_rfc3339(&self.now).unwrap_or_default()
    }

    /// Makes the data directory this run's, or checks that it is. Where the clock was not named, the
    /// first start's is taken.
    pub fn claim(&mut self, directory: &DataDirectory, now_is_named: bool) -> anyhow::Result<()> {
        let path = directory.path(RUN_MANIFEST);
        match std::fs::read(&path) {
            Ok(bytes) => {
                let found: Self = serde_json::from_slice(&bytes)
                    .with_context(|| format!("read {}", path.display()))?;
                if !now_is_named {
                    self.now.clone_from(&found.now);
                }
                if found == *self {
                    return Ok(());
                }
                let what = found.difference(self);
                Err(usage(format!(
                    "the data directory belongs to a run with another {what} ({}); name another \
                     --data-dir, or start with the same arguments",
                    path.display()
                )))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if directory.path("log").is_dir() {
                    return Err(usage(format!(
                        "the data directory holds a log that no run made ({} is missing); name \
                         another --data-dir",
                        path.display()
                    )));
                }
                write_whole(&path, &serde_json::to_vec_pretty(self)?)
            }
            Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
        }
    }

    fn difference(&self, other: &Self) -> &'static str {
        match self {
            _ if self.input != other.input => "--input",
            _ if self.mapping_hash != other.mapping_hash => "--mapping",
            _ if self.labels_hash != other.labels_hash => "--labels",
            _ if self.contents_hash != other.contents_hash => {
                "model, rules, policy, rates or features"
            }
            _ if self.reproducible != other.reproducible => "--reproducible",
            _ => "--now",
        }
    }
}

/// Writes a file so that a crash leaves the old one or the whole new one.
fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let attempt = || format!("write {}", path.display());
    let unfinished = path.with_extension("tmp");
    std::fs::write(&unfinished, bytes).with_context(attempt)?;
    std::fs::File::open(&unfinished)
        .and_then(|file| file.sync_all())
        .with_context(attempt)?;
    std::fs::rename(&unfinished, path).with_context(attempt)?;
    Ok(())
}
