//! The embedded log against the memory log, which is the model: the same steps, the same answers.

use proptest::prelude::*;
use sentinel_domain::{Instant, Offset};
use sentinel_eventlog::{EventLog, SourceProgress};

use crate::contract::{ROOMY, embedded_in_many_segments, memory};
use crate::{batch_of, everything, read_from};

/// One step of somebody's work with a log.
#[derive(Debug, Clone)]
enum Step {
    Append {
        now: i64,
        source: u64,
        records: Vec<String>,
    },
    Flush,
    TruncateBefore(u64),
    Cut(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let append = (
        0..50_i64,
        1..4_u64,
        prop::collection::vec("[a-z]{0,12}", 0..6),
    )
        .prop_map(|(now, source, records)| Step::Append {
            now,
            source,
            records,
        });
    let step = prop_oneof![
        6 => append,
        1 => Just(Step::Flush),
        1 => (0..60_u64).prop_map(Step::TruncateBefore),
        1 => (0..60_u64).prop_map(Step::Cut),
    ];
    prop::collection::vec(step, 1..25)
}

/// Does a step; where the log ends afterwards, and whether it was refused.
fn take(log: &EventLog, step: &Step) -> (Offset, bool) {
    let refused = match step {
        Step::Append {
            now,
            source,
            records,
        } => {
            let next = log.source_next(*source) + records.len() as u64;
            let progress = SourceProgress {
                source: *source,
                next,
            };
            let payloads = batch_of(records.iter().map(String::as_str));
            let now = Instant::from_micros(*now);
            log.append(now, Some(progress), &payloads).unwrap();
            false
        }
        Step::Flush => log.flush().is_err(),
        Step::TruncateBefore(offset) => {
            log.flush().unwrap();
            log.truncate_before(Offset(*offset)).is_err()
        }
        Step::Cut(end) => log.cut(Offset(*end)).is_err(),
    };
    (log.appended_end(), refused)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_embedded_log_does_what_the_model_does(steps in steps()) {
        let (model, _) = memory(ROOMY);
        let (log, _directory) = embedded_in_many_segments(ROOMY);
        for step in &steps {
            // The embedded log drops whole segments only, so it can be cut where the model cannot.
            if matches!(step, Step::Cut(end) if Offset(*end) < model.start()) {
                continue;
            }
            prop_assert_eq!(take(&log, step), take(&model, step), "{:?}", step);
        }
        log.flush().unwrap();
        prop_assert!(log.start() <= model.start());
        prop_assert_eq!(read_from(&log, model.start(), 3), everything(&model));
        prop_assert_eq!(log.last_log_time(), model.last_log_time());
        for source in 1..4 {
            prop_assert_eq!(log.source_next(source), model.source_next(source));
        }
    }
}
