//! Dead letters: refused input, kept with its bytes.
//!
//! One JSON object a line: source, row, code, field, detail and the bytes (base64 always, as text too
//! where they are UTF-8). Keyed by (source, row): a restart writes the same lines again, not more.
//!
//! Letters of a running pipeline go through a bounded queue to one thread (`LetterBox`): a slow disk
//! holds up whoever sent the refused body, never the worker.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sentinel_domain::{DeadLetter, Rejection};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

/// Letters that may wait to be written.
const WAITING_MAX: usize = 1_024;

#[derive(Serialize)]
struct Line<'a> {
    source: &'a str,
    row: u64,
    code: &'a str,
    field: &'a str,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    bytes_base64: String,
}

/// A file of dead letters, made when the first one comes.
pub struct DeadLetterFile {
    path: PathBuf,
    append: bool,
    file: Option<BufWriter<File>>,
    written: u64,
}

impl DeadLetterFile {
    /// A file that is written anew: a run over a file finds the same letters every time. An earlier one
    /// goes at once, or an old letter would be taken for a new one; what is no plain file (a link, a
    /// device) is emptied, never removed.
    pub fn anew(path: &Path) -> std::io::Result<Self> {
        match std::fs::symlink_metadata(path) {
            Ok(found) if found.is_file() => std::fs::remove_file(path)?,
            Ok(_) => drop(File::options().write(true).truncate(true).open(path)?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(Self {
            path: path.to_owned(),
            append: false,
            file: None,
            written: 0,
        })
    }

    /// A file that grows: a server's letters come once.
    pub fn growing(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            append: true,
            file: None,
            written: 0,
        }
    }

    /// Where the letters are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many were written by this process.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Keeps a letter.
    pub fn keep(&mut self, letter: &DeadLetter) -> std::io::Result<()> {
        self.keep_parts(&letter.source, letter.row, &letter.rejection, &letter.bytes)
    }

    /// Keeps a letter, from its parts.
    pub fn keep_parts(
        &mut self,
        source: &str,
        row: u64,
        rejection: &Rejection,
        bytes: &[u8],
    ) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            slot => {
                let mut options = File::options();
                options
                    .create(true)
                    .write(true)
                    .append(self.append)
                    .truncate(!self.append);
                slot.insert(BufWriter::new(options.open(&self.path)?))
            }
        };
        let line = Line {
            source,
            row,
            code: rejection.code.as_str(),
            field: &rejection.field,
            detail: &rejection.detail,
            text: std::str::from_utf8(bytes).ok(),
            bytes_base64: STANDARD.encode(bytes),
        };
        serde_json::to_writer(&mut *file, &line)?;
        file.write_all(b"\n")?;
        self.written += 1;
        Ok(())
    }

    /// Hands everything to the disk.
    pub fn sync(&mut self) -> std::io::Result<()> {
        self.flush()?;
        match &self.file {
            Some(file) => file.get_ref().sync_data(),
            None => Ok(()),
        }
    }

    /// Hands everything to the operating system.
    pub fn flush(&mut self) -> std::io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

/// A refused input on its way to the file.
pub(crate) struct Letter {
    row: u64,
    rejection: Rejection,
    bytes: Vec<u8>,
    written: oneshot::Sender<()>,
    receipt: Option<oneshot::Receiver<()>>,
}

/// What comes through the queue.
enum Post {
    Letter(Letter),
    /// What waits behind it is written still; nothing new is taken.
    Last,
}

/// Resolves when the letter is in the file, or could not be written.
pub(crate) type Receipt = oneshot::Receiver<()>;

/// The way in to the thread that writes dead letters; a clone is the same way.
#[derive(Clone)]
pub(crate) struct LetterBox {
    queue: mpsc::Sender<Post>,
    rows: Arc<AtomicU64>,
}

impl LetterBox {
    /// Starts the thread. `source` must not come again in the life of the file: with the row it is a
    /// letter's key. The thread ends after [`LetterBox::close`], or when nobody can send any more.
    pub(crate) fn start(
        file: DeadLetterFile,
        source: String,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        let thread = std::thread::Builder::new()
            .name("dead-letters".into())
            .spawn(move || write_letters(file, &source, waiting))?;
        let rows = Arc::default();
        Ok((Self { queue, rows }, thread))
    }

    /// A letter with the next row.
    pub(crate) fn letter(&self, rejection: Rejection, bytes: Vec<u8>) -> Letter {
        let (written, receipt) = oneshot::channel();
        Letter {
            row: self.rows.fetch_add(1, Relaxed) + 1,
            rejection,
            bytes,
            written,
            receipt: Some(receipt),
        }
    }

    /// Keeps a letter: waits for room, then until it is written.
    pub(crate) async fn keep(&self, mut letter: Letter) {
        let receipt = letter.receipt.take();
        if self.queue.send(Post::Letter(letter)).await.is_err() {
            tracing::error!("a dead letter came after the end and was not kept");
        } else if let Some(receipt) = receipt {
            // An error was told by the thread already.
            let _ = receipt.await;
        }
    }

    /// Keeps a letter where there is room for it; never waits.
    pub(crate) fn try_keep(&self, mut letter: Letter) -> Result<Receipt, Letter> {
        let room = match self.queue.try_reserve() {
            Ok(room) => room,
            Err(_) => return Err(letter),
        };
        match letter.receipt.take() {
            Some(receipt) => {
                room.send(Post::Letter(letter));
                Ok(receipt)
            }
            None => Err(letter),
        }
    }

    /// Ends the thread after what was sent before.
    pub(crate) async fn close(&self) {
        // Gone already is fine.
        let _ = self.queue.send(Post::Last).await;
    }
}

fn write_letters(mut file: DeadLetterFile, source: &str, mut waiting: mpsc::Receiver<Post>) {
    let mut written = Vec::new();
    while let Some(first) = waiting.blocking_recv() {
        let mut next = Some(first);
        let mut last = false;
        // What has piled up is handed to the operating system at once.
        while let Some(post) = next.take() {
            match post {
                Post::Letter(letter) => {
                    let kept =
                        file.keep_parts(source, letter.row, &letter.rejection, &letter.bytes);
                    report(kept, &file);
                    written.push(letter.written);
                }
                Post::Last => {
                    last = true;
                    waiting.close();
                }
            }
            next = waiting.try_recv().ok();
        }
        report(file.flush(), &file);
        for written in written.drain(..) {
            // Nobody waiting is fine.
            let _ = written.send(());
        }
        if last {
            return;
        }
    }
}

fn report(done: std::io::Result<()>, file: &DeadLetterFile) {
    if let Err(error) = done {
        tracing::error!(%error, path = %file.path().display(), "a dead letter was not kept");
    }
}

#[cfg(test)]
mod tests {
    use sentinel_domain::RejectionCode;

    use super::*;

    #[tokio::test]
    async fn a_full_queue_hands_the_letter_back_and_the_end_writes_what_was_sent() {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        let letters = LetterBox {
            queue,
            rows: Arc::default(),
        };
        let letter = || {
            let rejection = Rejection::new(RejectionCode::BadJson, "", "no JSON");
            letters.letter(rejection, b"{".to_vec())
        };
        for _ in 0..WAITING_MAX {
            assert!(letters.try_keep(letter()).is_ok());
        }
        let Err(back) = letters.try_keep(letter()) else {
            panic!("there is no room for it");
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("letters.jsonl");
        let file = DeadLetterFile::growing(&path);
        let thread = std::thread::spawn(move || write_letters(file, "rest:now", waiting));
        letters.keep(back).await;
        letters.close().await;
        thread.join().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), WAITING_MAX + 1);
        assert!(
            text.contains("\"source\":\"rest:now\",\"row\":1025,"),
            "{text}"
        );
    }
}
