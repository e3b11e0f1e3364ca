//! The training matrix: the rows of the serving path bit for bit, in Parquet and in CSV.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use sentinel_domain::{Activation, ActivationKind, Entry, Instant, LogId, Outcome};
use sentinel_eventlog::{EventLog, MemoryOptions, Payloads, RecordBatch, encode_entry};
use sentinel_features::FeatureSet;
use sentinel_pipeline::PartitionState;
use sentinel_pipeline::backfill::History;
use sentinel_pipeline::intake::json;
use sentinel_pipeline::intake::source::{
    FileSource, Format, SourceBatch, SourceItem, SourceOptions,
};
use sentinel_pipeline::mapping::Mapping;
use sentinel_pipeline::rates::SHIPPED_RATES;
use sentinel_rules::{SHIPPED_POLICY, SHIPPED_RULES};
use sentinel_synth::{Options, Stream};
use tempfile::TempDir;

use crate::process::{repository, sentinel, stderr, text};

/// Rows by event id: the time, the label, and the bits of every feature.
type Matrix = BTreeMap<String, (i64, i64, Vec<u64>)>;

/// Reads canonical keys and a key that says fraud, known an hour later.
const MAPPING: &str = r#"
[source]
name = "labelled"
format = "jsonl"

[columns]
event_id = "event_id"
event_type = "event_type"
account_id = "account_id"
customer_id = "customer_id"
card_token = "card_token"
merchant_id = "merchant_id"
device_id = "device_id"
ip = "ip"
currency = "currency"

[amount]
column = "amount_minor"
unit = "minor"

[time]
column = "event_time"
unit = "microseconds"
base = "1970-01-01T00:00:00Z"

[label]
column = "fraud"
fraud = ["1"]
delay = "1h"
"#;

/// Traffic of about half a day with late rows, rows that come twice, and fraud beside each row.
fn write_table(path: &Path, rows: usize) {
    let start = Instant::parse_rfc3339("2026-02-02T08:00:00Z").unwrap();
    let options = Options {
        payments_per_second: 0.2,
        late_share: 0.05,
        late_micros_max: 7_200_000_000,
        repeat_share: 0.01,
        ..Options::new(11, start)
    };
    let mut bytes = Vec::new();
    for generated in Stream::new(options).take(rows) {
        json::write_transaction(&generated.transaction, &mut bytes);
        assert_eq!(bytes.pop(), Some(b'}'));
        let fraud = u8::from(generated.label.is_some());
        bytes.extend_from_slice(format!(",\"fraud\":{fraud}}}\n").as_bytes());
    }
    std::fs::write(path, bytes).unwrap();
}

/// The entries that the table gives.
fn entries_of(table: &Path) -> Vec<(Instant, Entry)> {
    let options = SourceOptions {
        mapping: Some(Mapping::parse(MAPPING).unwrap()),
        ..SourceOptions::new("table", Format::JsonLines)
    };
    let mut source = FileSource::open(File::open(table).unwrap(), options).unwrap();
    let (mut batch, mut entries) = (SourceBatch::default(), Vec::new());
    while source.next_batch(&mut batch, 1_000).unwrap() {
        for item in batch.items.drain(..) {
            entries.push(match item {
                SourceItem::Transaction {
                    log_time,
                    transaction,
                    ..
                } => (log_time, Entry::Transaction(transaction)),
                SourceItem::Label { log_time, label } => (log_time, Entry::Label(label)),
                SourceItem::Rejected { rejection, .. } => panic!("rejected: {rejection:?}"),
            });
        }
    }
    entries
}

/// Everything that ships, with these rates.
fn activations(rates: &str) -> Vec<(Instant, Entry)> {
    let model = std::fs::read(repository("fixtures/models/default.model")).unwrap();
    let features = FeatureSet::shipped().to_text().into_bytes();
    let contents = [
        (ActivationKind::Features, features),
        (ActivationKind::Rates, rates.into()),
        (ActivationKind::Model, model),
        (ActivationKind::Rules, SHIPPED_RULES.into()),
        (ActivationKind::Policy, SHIPPED_POLICY.into()),
    ];
    let activation = |(kind, content)| {
        let activation = Activation {
            kind,
            name: "default".into(),
            version: 1,
            content,
        };
        let entry = Entry::Activation(Box::new(activation));
        (Instant::from_micros(Instant::RANGE_MICROS.start), entry)
    };
    contents.map(activation).to_vec()
}

/// How many of the entries from `from` on are applied at once: at most 64, and no label between
/// transactions, so that the run they make is the one whose rows the partition shows.
fn batch_of(entries: &[(Instant, Entry)], from: usize) -> usize {
    let rest = &entries[from..];
    let is_transaction = |entry: &&(Instant, Entry)| matches!(entry.1, Entry::Transaction(_));
    rest.iter().take_while(is_transaction).count().clamp(1, 64)
}

/// The rows on which the partition of a server with these rates decides, and the event ids of frauds.
fn served(table: &Path, rates: &str) -> Matrix {
    let mut entries = activations(rates);
    let contents = entries.len();
    entries.extend(entries_of(table));
    let log = EventLog::memory(MemoryOptions {
        log_id: LogId([5; 16]),
        bytes_max: 1 << 30,
    });
    let mut payloads = Payloads::default();
    for (time, entry) in &entries {
        payloads.push_at(*time, |out| encode_entry(entry, out));
    }
    log.append(Instant::default(), None, &payloads).unwrap();

    let mut state = PartitionState::new(log.log_id(), log.partition());
    let mut progress = |_: u64, _: u64| ControlFlow::Continue(());
    let mut history = History::new(&log, &mut progress);
    let (mut batch, mut matrix) = (RecordBatch::default(), Matrix::new());
    let (mut at, mut repeated, mut late, mut too_late) = (0, 0, 0, 0);
    while at < entries.len() {
        let count = batch_of(&entries, at);
        log.read(state.next(), count, &mut batch).unwrap();
        let mut settled = Vec::new();
        state.apply(&batch, &mut history, &mut settled).unwrap();
        at += count;
        let mut row = 0;
        for one in settled {
            match (one.outcome, one.transaction) {
                (Outcome::Decided(_), Some(transaction)) => {
                    late += usize::from(state.rows().applied[row].late);
                    too_late += usize::from(state.rows().applied[row].too_late);
                    let bits = state.rows().row(row).iter().map(|value| value.to_bits());
                    let time = transaction.event_time.micros();
                    let id = transaction.event_id.to_string();
                    matrix.insert(id, (time, 0, bits.collect()));
                    row += 1;
                }
                (Outcome::Repeated { .. }, _) => repeated += 1,
                (Outcome::Applied | Outcome::Ignored | Outcome::Activated(_), _) => {}
                (other, _) => panic!("{other:?}"),
            }
        }
    }
    let mut frauds = 0;
    for (_, entry) in &entries[contents..] {
        if let Entry::Label(label) = entry {
            matrix.get_mut(label.event_id.as_str()).unwrap().1 = 1;
            frauds += 1;
        }
    }
    let seen = [late, too_late, repeated, frauds];
    assert!(seen.iter().all(|count| *count > 5), "{seen:?}");
    matrix
}

fn export(table: &Path, mapping: &Path, output: &Path, more: &[&str]) {
    let ended = sentinel()
        .args(["features", "export", "--input", text(table)])
        .args(["--mapping", text(mapping), "--output", text(output)])
        .args(more)
        .output()
        .unwrap();
    assert!(ended.status.success(), "{}", stderr(&ended));
    assert!(ended.stdout.is_empty());
}

/// Names of the columns, and the rows.
fn read_parquet(path: &Path) -> (Vec<String>, Matrix) {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr();
    let columns = schema.columns().iter();
    let names = columns.map(|column| column.name().to_owned()).collect();
    let mut matrix = Matrix::new();
    for row in reader.get_row_iter(None).unwrap() {
        let row = row.unwrap();
        let mut cells = row.get_column_iter().map(|(_, field)| field);
        let (Some(Field::Str(id)), Some(Field::Long(time)), Some(Field::Int(label))) =
            (cells.next(), cells.next(), cells.next())
        else {
            panic!("columns of another type in front");
        };
        let bits = cells.map(|field| match field {
            Field::Double(value) => value.to_bits(),
            other => panic!("a feature is {other:?}"),
        });
        let row = (*time, i64::from(*label), bits.collect());
        assert!(
            matrix.insert(id.clone(), row).is_none(),
            "{id} stands twice"
        );
    }
    (names, matrix)
}

fn read_text(path: &Path) -> (Vec<String>, Matrix) {
    let file = std::fs::read_to_string(path).unwrap();
    let mut lines = file.lines();
    let names = lines
        .next()
        .unwrap()
        .split(',')
        .map(str::to_owned)
        .collect();
    let mut matrix = Matrix::new();
    for line in lines {
        let mut cells = line.split(',');
        let id = cells.next().unwrap().to_owned();
        let time = cells.next().unwrap().parse().unwrap();
        let label = cells.next().unwrap().parse().unwrap();
        let bits = cells.map(|cell| match cell {
            "" => f64::NAN.to_bits(),
            number => number.parse::<f64>().unwrap().to_bits(),
        });
        matrix.insert(id, (time, label, bits.collect()));
    }
    (names, matrix)
}

fn assert_same(names: &[String], one: &Matrix, other: &Matrix, what: &str) {
    assert_eq!(one.len(), other.len(), "{what}");
    for ((id, one), (other_id, other)) in one.iter().zip(other) {
        assert_eq!((id, one.0, one.1), (other_id, other.0, other.1), "{what}");
        assert_eq!(one.2.len(), other.2.len(), "{what}");
        let differs = one
            .2
            .iter()
            .zip(&other.2)
            .position(|(one, other)| one != other);
        if let Some(at) = differs {
            let [one, other] = [one, other].map(|row| f64::from_bits(row.2[at]));
            panic!("{what}: {id}: {} is {one} and {other}", names[at + 3]);
        }
    }
}

#[test]
fn exported_rows_are_the_served_ones_bit_for_bit() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (table, mapping) = (path("table.jsonl"), path("mapping.toml"));
    write_table(&table, 8_000);
    std::fs::write(&mapping, MAPPING).unwrap();
    export(&table, &mapping, &path("matrix.parquet"), &[]);
    export(&table, &mapping, &path("matrix.csv"), &[]);
    assert!(!path("matrix.parquet.part").exists());

    let served = served(&table, SHIPPED_RATES);
    let (names, matrix) = read_parquet(&path("matrix.parquet"));
    let set = FeatureSet::shipped();
    let expected = ["event_id", "event_time", "label"]
        .into_iter()
        .chain(set.names());
    assert!(names.iter().map(String::as_str).eq(expected));
    assert_same(&names, &served, &matrix, "served and Parquet");
    let (names_of_text, of_text) = read_text(&path("matrix.csv"));
    assert_eq!(names, names_of_text);
    assert_same(&names, &matrix, &of_text, "Parquet and CSV");
}

/// The frauds of a table as labels that are known three hours later, the last first.
fn write_labels(table: &Path, path: &Path) {
    let table = std::fs::read_to_string(table).unwrap();
    let mut lines = Vec::new();
    for line in table.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        if row["fraud"] != 1 {
            continue;
        }
        let mut label = serde_json::json!({
            "label_id": format!("{}-fraud", row["event_id"].as_str().unwrap()),
            "kind": "fraud",
            "source": "chargeback",
            "known_at": row["event_time"].as_i64().unwrap() + 3 * 3_600_000_000,
        });
        for key in [
            "event_id",
            "event_time",
            "amount_minor",
            "currency",
            "account_id",
            "card_token",
            "merchant_id",
        ] {
            if let Some(value) = row.get(key) {
                label[key] = value.clone();
            }
        }
        lines.push(label.to_string());
    }
    lines.reverse();
    std::fs::write(path, lines.join("\n")).unwrap();
}

#[test]
fn labels_beside_a_table_are_known_when_those_inside_it_are() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (table, labels) = (path("table.jsonl"), path("labels.jsonl"));
    write_table(&table, 4_000);
    write_labels(&table, &labels);
    // Longer than a row is late: a label inside a table cannot come before its row, one beside it can.
    let mapping = MAPPING.replace("delay = \"1h\"", "delay = \"3h\"");
    std::fs::write(path("inside.toml"), &mapping).unwrap();
    let (without, _) = mapping.split_once("[label]").unwrap();
    std::fs::write(path("beside.toml"), without).unwrap();
    let rows = |mapping: &str, more: &[&str]| {
        let output = path(mapping).with_extension("parquet");
        export(&table, &path(mapping), &output, more);
        read_parquet(&output)
    };
    let (names, inside) = rows("inside.toml", &[]);
    let (_, beside) = rows("beside.toml", &["--labels", text(&labels)]);
    assert_same(&names, &inside, &beside, "inside and beside");
    assert!(beside.values().any(|(_, label, _)| *label == 1));
}

/// Rates by which nearly every amount is another.
fn other_rates() -> String {
    let rates = SHIPPED_RATES.replace("EUR = \"1.", "EUR = \"3.");
    assert_ne!(rates, SHIPPED_RATES);
    rates
}

#[test]
fn rows_under_rates_of_a_file_are_those_of_a_server_that_has_them() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (table, mapping, rates) = (
        path("table.jsonl"),
        path("mapping.toml"),
        path("rates.toml"),
    );
    write_table(&table, 3_000);
    std::fs::write(&mapping, MAPPING).unwrap();
    std::fs::write(&rates, other_rates()).unwrap();
    let output = path("matrix.parquet");
    export(&table, &mapping, &output, &["--rates", text(&rates)]);
    let (names, matrix) = read_parquet(&output);
    let served_then = served(&table, &other_rates());
    assert_same(&names, &served_then, &matrix, "served and Parquet");
    let shipped = served(&table, SHIPPED_RATES);
    let both = matrix.values().zip(shipped.values());
    let others = both.filter(|(one, other)| one != other);
    assert!(others.count() > 500, "the rates matter");
}

#[test]
fn a_model_is_trained_under_the_rates_of_a_file() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (table, mapping) = (path("table.jsonl"), path("mapping.toml"));
    write_table(&table, 3_000);
    std::fs::write(&mapping, MAPPING).unwrap();
    std::fs::write(path("other.toml"), other_rates()).unwrap();
    std::fs::write(path("same.toml"), SHIPPED_RATES).unwrap();
    let trained = |rates: Option<&str>| {
        let model = path("trained.model");
        let mut command = sentinel();
        command.args([
            "train",
            "--input",
            text(&table),
            "--mapping",
            text(&mapping),
        ]);
        command.args(["--trees", "6", "--out", text(&model)]);
        if let Some(rates) = rates {
            command.arg("--rates").arg(path(rates));
        }
        let ended = command.output().unwrap();
        assert!(ended.status.success(), "{}", stderr(&ended));
        std::fs::read(model).unwrap()
    };
    let shipped = trained(None);
    assert!(trained(Some("same.toml")) == shipped);
    assert!(trained(Some("other.toml")) != shipped);
}

#[test]
fn what_cannot_be_exported_is_wrong_usage_and_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let table = folder.path().join("table.jsonl");
    write_table(&table, 10);
    let refuses = |input: &str, output: &str, word: &str| {
        let output = folder.path().join(output);
        let ended = sentinel()
            .args([
                "features",
                "export",
                "--input",
                input,
                "--output",
                text(&output),
            ])
            .output()
            .unwrap();
        assert_eq!(ended.status.code(), Some(2), "{}", stderr(&ended));
        assert!(stderr(&ended).contains(word), "{}", stderr(&ended));
    };
    refuses(text(&table), "matrix.xlsx", ".parquet or .csv");
    refuses(text(&table), "nowhere/matrix.csv", "nowhere");
    refuses(text(&table), "table.jsonl", "names the input");
    refuses("-", "matrix.csv", "read twice");
    refuses("nothing.jsonl", "matrix.csv", "nothing.jsonl");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}
