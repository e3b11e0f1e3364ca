//! A small data directory of the first format, as it lies in `tests/fixtures`: it opens to the state of then.
//!
//! Its windows have no marks between their parts, as those of then.
//!
//! `SENTINEL_FIXTURES=make` makes it anew, which is right only where nobody has one of these: an old form stays
//! readable, and stays as a fixture. A raised engine semantics refuses it by its head; then it stays as what is refused,
//! and one of the new semantics is made beside it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

use sentinel_domain::{Activation, ActivationKind, ContentHash, Entry, Offset, SubjectKind};
use sentinel_eventlog::{EmbeddedOptions, EventLog};
use sentinel_features::EntityKind;
use sentinel_pipeline::worker::Worker;
use sentinel_pipeline::{RecordedLogs, SnapshotError, SnapshotFolder};
use sentinel_synth::Random;

use super::files::with_head;
use super::{content, decided, kept, read_back, walk, written};
use crate::contents::{LOG, activations, append, empty_log, stream};
use crate::orders::{WATCHING, erase};
use crate::overrides::overriding;

/// Where the snapshot stands: some of the log stands behind it.
const NEXT: Offset = Offset(48);

fn place() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/data-1")
}

fn snapshot_of(folder: &Path) -> PathBuf {
    folder.join(format!("snapshots/{:020}.snapshot", NEXT.0))
}

/// Small contents: what ships is a hundred times as long.
fn contents() -> Vec<Activation> {
    let mut features = "sentinel-features 2\n".to_owned();
    for kind in EntityKind::ALL {
        if !["account", "card", "account_merchant"].contains(&kind.as_str()) {
            features.push_str(&format!("without {kind}\n"));
        }
    }
    let model = "sentinel-model 2\nname small\nversion 1\ncards 0\nfeatures 2\nfeature card_count_5m\n\
        feature account_sum_1h\nmembers 1\nmember gradient-boosting\nweight 1\nmap 1 0\nbase -2.125\ntrees 1\ntree 5\n\
        split 0 2.5 right 1 2\nleaf -0.25 10\nsplit 1 9000.5 right 3 4\nleaf 0.5 10\nleaf 2.25 10\ncalibration 1 1\n\
        knots 1\nknot 0 0\nanchors -1 0 1 2\nspread 0.5\nsupports 2\nsupport -4 0\nsupport 4 900\n";
    let model = format!("{model}hash {}\n", ContentHash::of(model.as_bytes()));
    let rates =
        "name = \"small\"\nversion = 1\nreference = \"USD\"\n[rates]\nEUR = \"1.100000000\"\n";
    let policy = sentinel_rules::SHIPPED_POLICY;
    let lists = "name = \"desk\"\nversion = 1\n[[list]]\nname = \"watched\"\nentries = [{ value = \"account-1\" }]\n";
    vec![
        content(ActivationKind::Features, 1, &features),
        content(ActivationKind::Rates, 1, rates),
        content(ActivationKind::Model, 1, &model),
        content(ActivationKind::Rules, 1, WATCHING),
        content(ActivationKind::Policy, 1, policy),
        content(ActivationKind::Lists, 1, lists),
    ]
}

/// Payments, some of them late or again, what was learnt of them, an erasure, an override, ticks, and nonsense.
fn little_log(folder: &Path) -> EventLog {
    let options = EmbeddedOptions::new(LOG);
    let (log, _) = EventLog::open(&folder.join("log"), options).unwrap();
    append(&log, activations(contents()));
    let entries = stream(41, 40);
    let (time, first) = entries[0].clone();
    let Entry::Transaction(first) = first else {
        panic!("a payment comes first");
    };
    append(&log, entries);
    let order = overriding("o1", first.event_id.as_str(), 6);
    append(
        &log,
        [
            (time, Entry::Override(Box::new(order))),
            (time, Entry::Tick),
            (time, erase(SubjectKind::Account, &first.account_id.0)),
            (time, Entry::Transaction(first)),
        ],
    );
    super::append_bytes(&log, b"\xff\xff");
    append(&log, stream(42, 20));
    log.flush().unwrap();
    log
}

fn make() {
    let folder = place();
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let log = little_log(&folder);
    let state = decided(&log, NEXT, &mut Random::new(1));
    let bytes = written(&state, &log, &folder.join("snapshots"));
    std::fs::write(snapshot_of(&folder), unmarked(&bytes)).unwrap();
    log.close().unwrap();
    drop((state, log));
    std::fs::remove_file(folder.join("log/LOCK")).unwrap();
}

static MADE: Once = Once::new();

/// A copy that may be written to.
fn opened() -> (tempfile::TempDir, EventLog, Vec<u8>) {
    if std::env::var("SENTINEL_FIXTURES").is_ok_and(|value| value == "make") {
        MADE.call_once(make);
    }
    let folder = tempfile::tempdir().unwrap();
    for name in ["log", "snapshots"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        for file in std::fs::read_dir(place().join(name)).unwrap() {
            let file = file.unwrap();
            let copy = folder.path().join(name).join(file.file_name());
            std::fs::copy(file.path(), copy).unwrap();
        }
    }
    let options = EmbeddedOptions::default();
    let (log, _) = EventLog::open(&folder.path().join("log"), options).unwrap();
    let bytes = std::fs::read(snapshot_of(folder.path())).unwrap();
    (folder, log, bytes)
}

/// As it was written before an empty section stood before each part of the windows.
fn unmarked(bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (bytes[..8].to_vec(), 8);
    while at < bytes.len() {
        let length = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
        let section = &bytes[at..at + 12 + length];
        if length > 0 {
            out.extend_from_slice(section);
        }
        at += section.len();
    }
    with_head(&out, |_| ())
}

#[test]
fn a_snapshot_of_the_first_format_is_the_state_that_its_log_gives() {
    let (folder, log, bytes) = opened();
    assert_eq!(log.log_id(), LOG);
    assert!(log.end() > NEXT.plus(20));
    let random = &mut Random::new(2);
    let mut state = read_back(&log, &folder.path().join("snapshots"));
    assert_eq!(state.next(), NEXT);
    let other = |name: &str| folder.path().join(name);
    let again = written(&state, &log, &other("again"));
    assert!(unmarked(&again) == bytes, "read back");
    let computed = decided(&log, NEXT, random);
    assert!(
        written(&computed, &log, &other("computed")) == again,
        "decided"
    );
    let taken_in = kept(&log, NEXT, random);
    assert!(
        written(&taken_in, &log, &other("kept")) == again,
        "taken in"
    );
    // And it goes on as one that was never away.
    walk(&mut state, &log, log.end(), random);
    let whole = decided(&log, log.end(), random);
    assert!(
        written(&state, &log, &other("end")) == written(&whole, &log, &other("whole")),
        "gone on"
    );
}

#[test]
fn a_snapshot_of_a_later_format_is_refused_and_the_start_goes_by_the_log() {
    let (folder, log, bytes) = opened();
    let later = with_head(&bytes, |head| {
        head[..4].copy_from_slice(&2_u32.to_le_bytes())
    });
    let file = snapshot_of(folder.path());
    std::fs::write(&file, &later).unwrap();
    let mut told = Vec::new();
    let snapshots = SnapshotFolder::new(&folder.path().join("snapshots"));
    let mut refused = |error: &SnapshotError| told.push(error.to_string());
    let found = snapshots.newest_state(&log, log.end(), &mut refused);
    let (state, found) = found.unwrap();
    assert_eq!((state.next(), found), (Offset(0), None));
    let expected = format!(
        "snapshot {} does not fit: it is of format 2, not 1",
        file.display()
    );
    assert_eq!(told, [expected]);
    assert!(file.exists(), "the release that made it can use it");
    let logs = RecordedLogs::new(log.clone(), empty_log());
    let mut worker = Worker::recording_from(state, logs, Arc::default()).unwrap();
    worker.catch_up(&mut |_, _| {}).unwrap();
    let computed = decided(&log, log.end(), &mut Random::new(3));
    let [one, other] = ["one", "other"].map(|name| folder.path().join(name));
    assert!(written(worker.state(), &log, &one) == written(&computed, &log, &other));
}
