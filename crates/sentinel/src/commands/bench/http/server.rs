//! The server's process, where it runs on this machine: its processor time and memory.

use std::path::PathBuf;

/// A process whose figures the system tells.
pub struct ServerProcess {
    folder: PathBuf,
}

impl ServerProcess {
    /// The process of that number. The error says why there are no figures of it.
    pub fn find(pid: u32) -> Result<Self, String> {
        let folder = PathBuf::from(format!("/proc/{pid}"));
        match std::fs::read_dir(folder.join("task")) {
            Ok(_) => Ok(Self { folder }),
            Err(error) => Err(format!("--server-pid {pid}: no such process here: {error}")),
        }
    }

    /// Nanoseconds of processor time that its threads of now have had.
    pub fn cpu_ns(&self) -> u64 {
        let threads = std::fs::read_dir(self.folder.join("task"));
        let threads = threads.into_iter().flatten().flatten();
        let of_thread = |path: PathBuf| {
            let text = std::fs::read_to_string(path.join("schedstat")).unwrap_or_default();
            let first = text
                .split_whitespace()
                .next()
                .and_then(|word| word.parse().ok());
            first.unwrap_or(0_u64)
        };
        threads.map(|thread| of_thread(thread.path())).sum()
    }

    /// Bytes of it that lie in memory.
    pub fn resident_bytes(&self) -> u64 {
        super::super::machine::resident_bytes_of(&self.folder)
    }
}
