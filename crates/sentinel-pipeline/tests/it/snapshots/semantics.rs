//! What an engine of other semantics has recorded is gone on with by nobody, and that is said before anything is computed.

use std::sync::Arc;

use sentinel_domain::{Offset, Outcome, Versions};
use sentinel_eventlog::{OutcomeEncoder, Record};
use sentinel_pipeline::active::ENGINE_SEMANTICS;
use sentinel_pipeline::recorded::SemanticsError;
use sentinel_pipeline::{PipelineError, RecordedLogs, SnapshotFolder};
use sentinel_synth::Random;

use super::files::with_head;
use super::restart::Data;
use super::{kept, written};
use crate::contents::{empty_log, log_of};

const EARLIER: u32 = ENGINE_SEMANTICS - 1;

/// The outcome as an engine of earlier semantics would have recorded it.
fn of_before(logs: &RecordedLogs, encoder: &mut OutcomeEncoder, record: &Record<'_>) -> Vec<u8> {
    let (outcome, latency_us) = logs.decode(record).unwrap();
    logs.learn(&outcome);
    let Outcome::Activated(versions) = outcome else {
        return record.payload.to_vec();
    };
    let versions = Versions {
        engine_semantics: EARLIER,
        ..(*versions).clone()
    };
    let mut bytes = Vec::new();
    encoder.encode(
        &Outcome::Activated(Arc::new(versions)),
        latency_us,
        &mut bytes,
    );
    bytes
}

fn is_refused(error: &SemanticsError) {
    let SemanticsError::Other { recorded, here } = error else {
        panic!("{error}");
    };
    assert_eq!((*recorded, *here), (EARLIER, ENGINE_SEMANTICS));
    let told = error.to_string();
    for words in [
        format!("decided by engine semantics {EARLIER}, and this release has {ENGINE_SEMANTICS}"),
        format!("Go on with a release of semantics {EARLIER}"),
        "`sentinel log copy` fills a new data directory".to_owned(),
    ] {
        assert!(told.contains(&words), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_log_of_another_engine_is_refused_by_name_and_left_as_it_is() {
    let data = Data::new();
    let end = data.fed(1, 200).await;
    let mut encoder = OutcomeEncoder::default();
    let logs = RecordedLogs::new(empty_log(), empty_log());
    data.rewrite_outcomes(&mut |record| of_before(&logs, &mut encoder, record));
    for snapshots in [None, Some(data.at_stops())] {
        match data.try_start(snapshots).await.map(drop) {
            Err(PipelineError::Semantics(error)) => is_refused(&error),
            other => panic!("{other:?}"),
        }
    }
    let [transactions, decisions] = data.logs();
    assert_eq!((transactions.end(), decisions.end()), (end, end));
    // Where nothing is recorded the log is decided anew.
    drop([transactions, decisions]);
    std::fs::remove_dir_all(data.folder.path().join("decisions")).unwrap();
    let running = data.start(None).await;
    running.pipeline.stop().await.unwrap();
    data.compare_all();
}

#[test]
fn a_log_without_its_beginning_is_refused_by_the_head_of_its_newest_snapshot() {
    let random = &mut Random::new(31);
    let log = log_of(31, 300);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let logs = RecordedLogs::new(log.clone(), empty_log()).with_snapshots(path);
    written(&kept(&log, Offset(100), random), &log, path);
    let bytes = written(&kept(&log, Offset(200), random), &log, path);
    let of_before = with_head(&bytes, |head| {
        head[4..8].copy_from_slice(&EARLIER.to_le_bytes());
    });
    let file = path.join(format!("{:020}.snapshot", 200));
    std::fs::write(&file, of_before).unwrap();
    logs.check_semantics().unwrap();
    log.truncate_before(Offset(99)).unwrap();
    is_refused(&logs.check_semantics().unwrap_err());
    std::fs::write(&file, bytes).unwrap();
    logs.check_semantics().unwrap();
    let first = SnapshotFolder::new(path).first_replayable(&log).unwrap();
    assert_eq!(first, Some(Offset(100)));
}
