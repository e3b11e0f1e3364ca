//! The store's files: what is left of them when the power goes.
//!
//! SQLite with `synchronous = NORMAL` keeps its commits whole and in order, and may lose the last of them with the
//! power. So the files are copied after some commits, and a power cut goes back to a copy. The tables are made once and
//! copied into every life. Must never mix files of two moments.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use sentinel_eventlog::disk::simulated::Dice;
use sentinel_store::Store;
use tokio::runtime::Runtime;

const NAME: &str = "store.sqlite";
const LOG: &str = "store.sqlite-wal";
const INDEX: &str = "store.sqlite-shm";
/// Copies that are kept, the newest last.
const COPIES_MAX: usize = 4;

/// A store's files at one moment: the database and its write-ahead log.
#[derive(Clone)]
struct Files {
    database: Vec<u8>,
    log: Option<Vec<u8>>,
}

/// A store and copies of its files.
pub(super) struct StoreDisk {
    folder: PathBuf,
    store: Store,
    copies: Vec<Files>,
}

/// A store with its tables and no rows.
fn empty() -> &'static [u8] {
    static EMPTY: OnceLock<Vec<u8>> = OnceLock::new();
    EMPTY.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let runtime = super::runtime();
        runtime.block_on(async {
            let store = Store::open(&folder.path().join(NAME)).await.unwrap();
            store.close().await;
        });
        fs::read(folder.path().join(NAME)).unwrap()
    })
}

fn opened(folder: &Path, runtime: &Runtime) -> Store {
    let store = runtime.block_on(Store::open(&folder.join(NAME)));
    store.unwrap()
}

impl StoreDisk {
    /// An empty one in a folder.
    pub fn new(folder: &Path, runtime: &Runtime) -> Self {
        fs::write(folder.join(NAME), empty()).unwrap();
        let mut disk = Self {
            folder: folder.to_owned(),
            store: opened(folder, runtime),
            copies: Vec::new(),
        };
        disk.keep();
        disk
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Keeps a copy of how it is now, between two commits.
    pub fn keep(&mut self) {
        if self.copies.len() >= COPIES_MAX {
            self.copies.remove(0);
        }
        self.copies.push(Files {
            database: fs::read(self.folder.join(NAME)).unwrap(),
            log: fs::read(self.folder.join(LOG)).ok(),
        });
    }

    /// Everything so far was forced to the disk: no power cut takes it back.
    pub fn synced(&mut self) {
        self.copies.clear();
        self.keep();
    }

    /// The power goes: the store is as it was after one of the commits. True where the last ones are gone.
    pub fn power_cut(&mut self, dice: &mut Dice, runtime: &Runtime) -> bool {
        if dice.chance(1, 2) {
            return false;
        }
        let at = usize::try_from(dice.below(self.copies.len() as u64)).unwrap();
        self.copies.truncate(at + 1);
        runtime.block_on(self.store.close());
        let files = &self.copies[at];
        for name in [LOG, INDEX] {
            let _ = fs::remove_file(self.folder.join(name));
        }
        fs::write(self.folder.join(NAME), &files.database).unwrap();
        if let Some(log) = &files.log {
            fs::write(self.folder.join(LOG), log).unwrap();
        }
        self.store = opened(&self.folder, runtime);
        true
    }

    /// Ends its use.
    pub fn close(&self, runtime: &Runtime) {
        runtime.block_on(self.store.close());
    }
}
