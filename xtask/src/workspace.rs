//! The workspace on disk: where its root and its build output are.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// The folder that holds the workspace manifest.
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Finds the workspace by the place this crate was built from, or by walking up from the current
    /// folder where the checkout was moved since.
    pub fn open() -> Result<Self> {
        let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
        let here = std::env::current_dir()?;
        let candidates = here.ancestors().chain(built_from);
        for candidate in candidates {
            if candidate.join("xtask/Cargo.toml").is_file() {
                return Ok(Self {
                    root: candidate.to_path_buf(),
                });
            }
        }
        bail!("no folder above {} holds xtask/Cargo.toml", here.display())
    }

    /// The root folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path below the root.
    pub fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// The folder of build output, shared with cargo.
    pub fn target(&self) -> PathBuf {
        match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => self.root.join(folder),
            None => self.at("target"),
        }
    }

    /// The product's binary of a profile: `debug` or `release`.
    pub fn binary(&self, profile: &str) -> PathBuf {
        self.target().join(profile).join("sentinel")
    }
}
