//! Whole sources: samples, bad inputs, breaks, and the same items whatever the pieces.

use std::fs::{self, File};
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use sentinel_domain::Field;

use super::*;

mod bad_inputs;
mod label_order;
mod seen_cells;

/// The repository's fixtures, found upwards of this crate.
fn fixtures() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let above = here.ancestors().map(|folder| folder.join("fixtures"));
    above
        .into_iter()
        .find(|folder| folder.join("mappings").is_dir())
        .unwrap()
}

fn mapping(name: &str) -> Mapping {
    let path = fixtures().join("mappings").join(format!("{name}.toml"));
    Mapping::parse(&fs::read_to_string(path).unwrap()).unwrap()
}

fn csv(mapping: Option<Mapping>) -> SourceOptions {
    SourceOptions {
        mapping,
        ..SourceOptions::new("test.csv", Format::Csv)
    }
}

fn json_lines() -> SourceOptions {
    SourceOptions::new("test.jsonl", Format::JsonLines)
}

/// Every item with the raw bytes of its row, in batches of a size.
fn all(reader: impl Read, options: SourceOptions, items_max: usize) -> Vec<(SourceItem, Vec<u8>)> {
    let mut source = FileSource::open(reader, options).unwrap();
    let mut batch = SourceBatch::default();
    let mut items = Vec::new();
    while source.next_batch(&mut batch, items_max).unwrap() {
        assert!((1..=items_max).contains(&batch.items.len()));
        for item in &batch.items {
            let mut item = item.clone();
            let raw = match &mut item {
                SourceItem::Transaction { raw, .. } | SourceItem::Rejected { raw, .. } => {
                    let bytes = batch.raw(raw).to_vec();
                    *raw = 0..0;
                    bytes
                }
                SourceItem::Label { .. } => Vec::new(),
            };
            items.push((item, raw));
        }
    }
    assert!(
        !source.next_batch(&mut batch, items_max).unwrap(),
        "the end is the end"
    );
    items
}

/// Items in short: `row id`, `label id`, `row! rejection`.
fn short(items: &[(SourceItem, Vec<u8>)]) -> Vec<String> {
    let line = |(item, _): &(SourceItem, Vec<u8>)| match item {
        SourceItem::Transaction {
            row, transaction, ..
        } => format!("{row} {}", transaction.event_id),
        SourceItem::Label { label, .. } => format!("label {}", label.event_id),
        SourceItem::Rejected { row, rejection, .. } => format!("{row}! {rejection}"),
    };
    items.iter().map(line).collect()
}

fn object(id: &str, seconds: i64) -> String {
    format!(
        r#"{{"event_id":"{id}","event_type":"card_auth","event_time":{},"account_id":"a","amount_minor":1,"currency":"EUR"}}"#,
        seconds * 1_000_000
    )
}

/// Gives its bytes in pieces of one size, then an error.
struct Pieces<'a>(&'a [u8], usize, Option<io::Error>);

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(out.len()).min(self.0.len());
        if count == 0 {
            return self.2.take().map_or(Ok(0), Err);
        }
        let (now, later) = self.0.split_at(count);
        out[..count].copy_from_slice(now);
        self.0 = later;
        Ok(count)
    }
}

#[test]
fn every_sample_is_read_whole_and_the_same_in_any_batches_and_pieces() {
    for (name, rows, frauds) in [
        ("handbook", 48, 4),
        ("sparkov", 44, 3),
        ("paysim", 40, 2),
        ("ulb", 30, 2),
        ("ieee-cis", 32, 3),
    ] {
        let path = fixtures().join("samples").join(format!("{name}.csv"));
        let options = || csv(Some(mapping(name)));
        let items = all(File::open(&path).unwrap(), options(), 7);
        let count =
            |wanted: fn(&SourceItem) -> bool| items.iter().filter(|(i, _)| wanted(i)).count();
        assert_eq!(
            count(|i| matches!(i, SourceItem::Transaction { .. })),
            rows,
            "{name}: {:?}",
            short(&items)
        );
        assert_eq!(
            count(|i| matches!(i, SourceItem::Label { .. })),
            frauds,
            "{name}"
        );
        let bytes = fs::read(&path).unwrap();
        for (piece, items_max) in [(1, 1), (13, 2), (4_096, 1_000)] {
            assert!(
                all(Pieces(&bytes, piece, None), options(), items_max) == items,
                "{name} {piece}"
            );
        }
    }
}

#[test]
fn samples_become_what_their_mapping_says() {
    let first = |name: &str| {
        let path = fixtures().join("samples").join(format!("{name}.csv"));
        let items = all(File::open(path).unwrap(), csv(Some(mapping(name))), 1_000);
        let (
            SourceItem::Transaction {
                row: 2,
                transaction,
                ..
            },
            _,
        ) = items.into_iter().next().unwrap()
        else {
            panic!("the first row of {name} is no transaction");
        };
        let mut out = Vec::new();
        json::write_transaction(&transaction, &mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(
        first("handbook"),
        r#"{"event_id":"0","event_type":"card_auth","event_time":1522541400000000,"account_id":"6","amount_minor":8105,"currency":"USD","card_token":"card-6","merchant_id":"8","terminal_id":"8"}"#
    );
    assert_eq!(
        first("sparkov"),
        r#"{"event_id":"sparkov-0","event_type":"card_auth","event_time":1700000000000000,"account_id":"1","amount_minor":3956,"currency":"USD","card_token":"card-1","merchant_id":"103","channel":"pos","lat_e7":385010000,"lon_e7":-85020000,"attributes":{"category":"gas_transport"}}"#
    );
    assert_eq!(
        first("paysim"),
        r#"{"event_id":"paysim-0","event_type":"cash","event_time":1483232400000000,"account_id":"C1002","amount_minor":116518,"currency":"USD","channel":"app","counterparty_id":"C596666920","attributes":{"type":"CASH_IN"}}"#
    );
    assert!(first("ulb").starts_with(
        r#"{"event_id":"ulb-0","event_type":"card_auth","event_time":1377993600000000,"account_id":"ulb","amount_minor":18223,"currency":"EUR","attributes":{"v1":-0.2536,"v10":-0.385,"#
    ));
    assert!(first("ieee-cis").starts_with(
        r#"{"event_id":"3000000","event_type":"card_auth","event_time":1512172800000000,"account_id":"5189-226.0","amount_minor":11800,"currency":"USD","card_token":"5189-546.0-150.0-144.0","card_bin":"5189","card_brand":"visa","card_funding":"credit","channel":"web","email_domain":"example.com","attributes":{"C1":0.0,"#
    ));
    assert_eq!(mapping("ulb").constant_entities(), [Field::AccountId]);
    for name in ["handbook", "sparkov", "paysim", "ieee-cis"] {
        assert_eq!(mapping(name).constant_entities(), [], "{name}");
    }
}

#[test]
fn a_mapping_reads_objects_as_it_reads_rows() {
    let sample = fs::read_to_string(fixtures().join("samples/sparkov.csv")).unwrap();
    let mut rows = sample.lines();
    let header: Vec<&str> = rows.next().unwrap().split(',').collect();
    let objects: Vec<String> = rows
        .map(|row| {
            let pairs =
                header
                    .iter()
                    .zip(row.split(','))
                    .map(|(key, cell)| match cell.parse::<f64>() {
                        Ok(_) => format!("\"{key}\":{cell}"),
                        Err(_) => format!("\"{key}\":\"{cell}\""),
                    });
            format!(
                "{{\"ignored\":[{{}}],{}}}",
                pairs.collect::<Vec<_>>().join(",")
            )
        })
        .collect();
    let text = fs::read_to_string(fixtures().join("mappings/sparkov.toml")).unwrap();
    let mapping = Mapping::parse(&text.replace("\"csv\"", "\"jsonl\"")).unwrap();
    let options = SourceOptions {
        mapping: Some(mapping),
        ..json_lines()
    };
    let objects = all(Cursor::new(objects.join("\n")), options, 100);
    let table = all(
        Cursor::new(sample),
        csv(Some(self::mapping("sparkov"))),
        100,
    );
    let transactions = |items: &[(SourceItem, Vec<u8>)]| {
        let inner = items.iter().map(|(item, _)| match item {
            SourceItem::Transaction {
                transaction,
                log_time,
                ..
            } => format!("{log_time} {transaction:?}"),
            SourceItem::Label { label, log_time } => format!("{log_time} {label:?}"),
            SourceItem::Rejected { rejection, .. } => panic!("{rejection}"),
        });
        inner.collect::<Vec<_>>()
    };
    assert_eq!(transactions(&objects), transactions(&table));
}

#[test]
fn canonical_tables_and_objects_need_no_mapping() {
    let table = "\u{feff}event_id,event_type,event_time,account_id,amount_minor,currency,mcc\r\n\r\n\
        e1,card_auth,2026-03-01T10:00:00Z,a,5,EUR,\r\n\
        \"e2\",cash,1772359200000000,a,7,EUR,6011\r\n";
    let items = all(Cursor::new(table), csv(None), 10);
    assert_eq!(short(&items), ["3 e1", "4 e2"]);
    assert_eq!(items[1].1, b"\"e2\",cash,1772359200000000,a,7,EUR,6011");
    let objects = format!("\u{feff}{}\r\n\r\n  \n{}", object("e1", 5), object("e2", 6));
    assert_eq!(
        short(&all(Cursor::new(objects), json_lines(), 10)),
        ["1 e1", "4 e2"]
    );
}

#[test]
fn log_time_is_the_running_maximum_of_event_time() {
    let objects: Vec<String> = [10, 30, 20, 40]
        .iter()
        .map(|t| object(&format!("e{t}"), *t))
        .collect();
    let times: Vec<i64> = all(Cursor::new(objects.join("\n")), json_lines(), 10)
        .iter()
        .map(|(item, _)| match item {
            SourceItem::Transaction { log_time, .. } => log_time.micros() / 1_000_000,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(times, [10, 30, 30, 40]);
}

#[test]
fn a_line_of_ten_megabytes_is_refused_and_costs_only_itself() {
    let long = "x".repeat(10_000_000);
    let text = format!("{}\n{long}\r\n{}\n", object("e1", 1), object("e2", 2));
    let items = all(Cursor::new(&text), json_lines(), 10);
    let expected = [
        "1 e1",
        "2! line_too_long: is 10000000 bytes long, at most 1048576; 10000000 kept",
        "3 e2",
    ];
    assert_eq!(short(&items), expected);
    assert_eq!(items[1].1, long.as_bytes());
    let options = SourceOptions {
        kept_bytes_max: 1_000,
        ..json_lines()
    };
    let items = all(Pieces(text.as_bytes(), 65_537, None), options, 10);
    assert_eq!(
        short(&items)[1],
        "2! line_too_long: is 10000000 bytes long, at most 1048576; 1000 kept"
    );
    assert_eq!(items[1].1.len(), 1_000);
}

#[test]
fn an_over_long_row_of_a_table_is_refused_and_counts_as_a_row() {
    let mapping = || {
        let text = fs::read_to_string(fixtures().join("mappings/ulb.toml")).unwrap();
        let features = text.find("[features]").unwrap()..text.find("[label]").unwrap();
        Mapping::parse(&text.replace(&text[features], "")).unwrap()
    };
    let text = format!(
        "time_s,amount_cents,fraud\n1,5,0\n2,{},0\n\"3\",\"5\n{}\n4,5,0\n",
        "9".repeat(200),
        "8".repeat(200)
    );
    let options = SourceOptions {
        line_bytes_max: 100,
        ..csv(Some(mapping()))
    };
    assert_eq!(
        short(&all(Cursor::new(text), options, 10)),
        [
            "2 ulb-0",
            "3! line_too_long: is 204 bytes long, at most 100; 204 kept",
            "4! bad_row: a quote opens on this line and does not close",
            "5! line_too_long: is 200 bytes long, at most 100; 200 kept",
            "6 ulb-4",
        ]
    );
}

#[test]
fn a_batch_ends_early_when_its_bytes_are_many() {
    let line = format!("{}{}", " ".repeat(1_000_000), object("e", 1));
    let text = format!("{line}\n").repeat(12);
    let mut source = FileSource::open(Cursor::new(text), json_lines()).unwrap();
    let mut batch = SourceBatch::default();
    let mut sizes = Vec::new();
    while source.next_batch(&mut batch, 1_000).unwrap() {
        sizes.push(batch.items.len());
    }
    assert_eq!(sizes, [5, 5, 2]);
}

/// Truncated at several places, a compressed file gives the rows before the break, then one rejection
/// with the partial row and the line it was reached at.
fn check_truncated(compressed: &[u8], whole: &str, open: fn(Vec<u8>) -> Box<dyn Read>) {
    let lines: Vec<&str> = whole.lines().collect();
    for cut in [
        compressed.len() / 3,
        compressed.len() / 2,
        compressed.len() - 3,
    ] {
        let items = all(open(compressed[..cut].to_vec()), json_lines(), 100);
        let (last, rows) = items.split_last().unwrap();
        let SourceItem::Rejected { row, rejection, .. } = &last.0 else {
            panic!("cut at {cut}: {:?}", last.0);
        };
        assert_eq!(rejection.code, Code::BadCompression);
        assert_eq!(*row, rows.len() as u64 + 1);
        assert!(rejection.detail.starts_with(&format!(
            "the compressed input ends or is damaged at line {row}: "
        )));
        assert!(
            lines
                .get(rows.len())
                .is_none_or(|line| line.as_bytes().starts_with(&last.1))
        );
        for ((_, raw), line) in rows.iter().zip(&lines) {
            assert_eq!(raw, line.as_bytes());
        }
    }
}

#[test]
fn truncated_compression_gives_the_rows_before_the_break_and_names_the_line() {
    let objects: Vec<String> = (0..5_000)
        .map(|n| object(&format!("e{}", n * 7_919 % 100_003), n))
        .collect();
    let whole = objects.join("\n");
    let zstd = zstd::encode_all(whole.as_bytes(), 3).unwrap();
    check_truncated(&zstd, &whole, |bytes| {
        Box::new(zstd::Decoder::new(Cursor::new(bytes)).unwrap())
    });
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    io::Write::write_all(&mut encoder, whole.as_bytes()).unwrap();
    let gzip = encoder.finish().unwrap();
    check_truncated(&gzip, &whole, |bytes| {
        Box::new(flate2::read::GzDecoder::new(Cursor::new(bytes)))
    });
}

#[test]
fn damage_in_the_middle_of_compressed_input_is_named_too() {
    let objects: Vec<String> = (0..5_000).map(|n| object(&format!("e{n}"), n)).collect();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    io::Write::write_all(&mut encoder, objects.join("\n").as_bytes()).unwrap();
    let mut damaged = encoder.finish().unwrap();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 40_000].fill(0xAA);
    let items = all(
        flate2::read::GzDecoder::new(Cursor::new(damaged)),
        json_lines(),
        1_000,
    );
    let Some((SourceItem::Rejected { rejection, .. }, _)) = items.last() else {
        panic!("damage went unnoticed");
    };
    assert_eq!(rejection.code, Code::BadCompression, "{rejection}");
}

#[test]
fn an_error_of_the_device_comes_after_the_items_before_it() {
    let text = format!("{}\n{}\n{{", object("e1", 1), object("e2", 2));
    let error = Some(io::Error::from_raw_os_error(5));
    let mut source = FileSource::open(Pieces(text.as_bytes(), 1_000, error), json_lines()).unwrap();
    let mut batch = SourceBatch::default();
    assert!(source.next_batch(&mut batch, 10).unwrap());
    assert_eq!(batch.items.len(), 2);
    assert_eq!(source.bytes_read(), text.len() as u64);
    let error = source.next_batch(&mut batch, 10).unwrap_err();
    assert_eq!(error.to_string(), "read test.jsonl after line 2");
    assert!(
        io::Error::other("x").raw_os_error().is_none(),
        "what a decompressor says has no number"
    );
}

fn opening_fails(text: &[u8], options: SourceOptions) -> String {
    let Err(error) = FileSource::open(text, options) else {
        panic!("opened");
    };
    let cause = std::error::Error::source(&error).map_or(String::new(), |c| format!(": {c}"));
    format!("{error}{cause}")
}

#[test]
fn what_cannot_be_opened_says_why() {
    let header = "read the header of test.csv: ";
    assert_eq!(
        opening_fails(b"", csv(None)),
        format!("{header}the input holds nothing")
    );
    assert_eq!(
        opening_fails(b"\n\r\n", csv(None)),
        format!("{header}the input holds nothing")
    );
    assert_eq!(
        opening_fails(b"event_id,\xFF\n", csv(None)),
        format!("{header}column 2 is not UTF-8")
    );
    assert_eq!(
        opening_fails(b"event_id,\"x\n1,2", csv(None)),
        format!("{header}a quote opens on this line and does not close")
    );
    let short = SourceOptions {
        line_bytes_max: 4,
        ..csv(None)
    };
    assert_eq!(
        opening_fails(b"event_id,x\n", short),
        format!("{header}it is longer than 4 bytes")
    );
    let mapped = SourceOptions {
        mapping: Some(mapping("ulb")),
        ..json_lines()
    };
    assert_eq!(
        opening_fails(b"{}", mapped),
        "open test.jsonl: the mapping \"ulb\" is for another format than the file has"
    );
    assert!(all(Cursor::new(""), json_lines(), 10).is_empty());
}
