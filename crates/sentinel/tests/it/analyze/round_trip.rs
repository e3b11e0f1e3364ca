//! A stream of the generator is described as the profile it came from, in whatever file it stands.

use std::fmt::Write as _;
use std::fs::File;
use std::sync::Arc;

use parquet::basic::{Compression, ConvertedType, Repetition, Type as Physical, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use sentinel_domain::Instant;
use sentinel_pipeline::intake::json;
use sentinel_synth::profile::{Level, Part};
use sentinel_synth::{Drift, Options, Profile, Stream};
use serde_json::Value;

use super::{Folder, analyze, read, result};
use crate::process::{json_lines, stderr, text};

const ROWS: u32 = 100_000;

/// A stream of a profile over whole days as files: payments, and ids of frauds; and the share of payments
/// without a card, such as transfers. Each payment stands in it once.
fn generate(folder: &Folder, profile: &Profile, days: f64) -> (String, String, f64) {
    let start = Instant::parse_rfc3339("2026-01-05T00:00:00Z").unwrap();
    let options = Options {
        payments_per_second: f64::from(ROWS) / (days * 86_400.0),
        customers: 40_000,
        repeat_share: 0.0,
        // A profile says how things are, not how they change.
        drift: Drift::NONE,
        ..Options::of_profile(11, start, profile.clone())
    };
    let (mut payments, mut labels) = (Vec::new(), String::from("event_id,kind\n"));
    let mut without_card = 0_u32;
    for generated in Stream::new(options).take(ROWS as usize) {
        json::write_transaction(&generated.transaction, &mut payments);
        payments.push(b'\n');
        without_card += u32::from(generated.transaction.card_token.is_none());
        if let Some(label) = generated.label {
            writeln!(labels, "{},fraud", label.event_id).unwrap();
        }
    }
    (
        folder.file("p.jsonl", payments),
        folder.file("l.csv", labels),
        f64::from(without_card) / f64::from(ROWS),
    )
}

/// The rates of the generator: amounts are in US dollars only by those that they were made with.
fn rates() -> String {
    let mut text = "name = \"synth\"\nversion = 1\nreference = \"USD\"\n[rates]\n".to_owned();
    let rates = sentinel_synth::reference_rates();
    for (currency, rate) in rates
        .iter()
        .filter(|(currency, _)| currency.as_str() != "USD")
    {
        let (whole, fraction) = (rate / 1_000_000_000, rate % 1_000_000_000);
        writeln!(text, "{currency} = \"{whole}.{fraction:09}\"").unwrap();
    }
    text
}

fn close(what: &str, value: f64, wanted: f64, tolerance: f64) {
    assert!(
        (value - wanted).abs() <= tolerance,
        "{what}: {value}, generated from {wanted}"
    );
}

/// Levels of at least a hundredth have shares within `share` of each other. Those of at least a twentieth have
/// rates within `rate`: fraud comes in episodes, so below that a few of them make the rate.
fn close_levels(what: &str, found: &[Level], wanted: &[Level], (share, rate): (f64, f64)) {
    for level in wanted.iter().filter(|level| level.share >= 0.01) {
        let have = found.iter().find(|one| one.level == level.level);
        let have = have.unwrap_or_else(|| panic!("{what}: {:?} is not found", level.level));
        let name = format!("{what} {:?}", level.level);
        close(&name, have.share, level.share, share);
        if level.share >= 0.05 {
            let name = format!("fraud of {name}");
            close(&name, have.fraud_rate, level.fraud_rate, rate);
        }
    }
}

/// The share of a mixture below an amount.
fn below(mixture: &[Part], amount: f64) -> f64 {
    let share = |part: &Part| {
        let distance = (amount.ln() - part.log_mean) / part.log_deviation;
        part.weight * 0.5 * libm::erfc(-distance / std::f64::consts::SQRT_2)
    };
    mixture.iter().map(share).sum()
}

fn comes_back(name: &str, days: f64) {
    let folder = Folder::new();
    let profile = Profile::shipped(name).unwrap();
    let (payments, labels, without_card) = generate(&folder, &profile, days);
    let out = folder.path("found.json");
    let rates = folder.file("rates.toml", rates());
    let ended = analyze(&[
        &payments,
        "--labels",
        &labels,
        "--rates",
        &rates,
        "--out",
        text(&out),
    ]);
    assert!(ended.status.success(), "{}", stderr(&ended));
    let found = Profile::from_json(&read(&out)).unwrap();
    let rate = profile.fraud_rate;
    close("fraud", found.fraud_rate, rate, 0.08 * rate);
    for hour in 0..24 {
        let (have, want) = (&found.hours, &profile.hours);
        close(
            "volume of an hour",
            have.volume[hour],
            want.volume[hour],
            0.004,
        );
        // A quiet hour has some forty frauds, a dozen in a row.
        let rate = want.fraud_rate[hour];
        let rows = f64::from(ROWS) * want.volume[hour];
        let noise = 1.5 * (12.0 * rate / rows).sqrt();
        let tolerance = noise.max(0.03);
        close("fraud of an hour", have.fraud_rate[hour], rate, tolerance);
    }
    words_come_back(&found, &profile);
    for (field, rate) in &profile.missing_rates {
        // A payment without a card has no card prefix either.
        let wanted = match field.as_str() {
            "card_bin" => without_card + (1.0 - without_card) * rate,
            _ => *rate,
        };
        close(field, found.missing_rates[field], wanted, 0.02);
    }
    for (name, number) in &profile.numbers {
        close(
            name,
            found.numbers[name].missing_rate,
            number.missing_rate,
            0.01,
        );
        close(name, found.numbers[name].log_mean, number.log_mean, 0.05);
        close(
            name,
            found.numbers[name].log_deviation,
            number.log_deviation,
            0.05,
        );
    }
    amounts_come_back(&found, &profile);
}

fn words_come_back(found: &Profile, profile: &Profile) {
    close_levels("product", &found.product, &profile.product, (0.01, 0.025));
    close_levels(
        "brand",
        &found.card_brand,
        &profile.card_brand,
        (0.015, 0.025),
    );
    close_levels(
        "funding",
        &found.card_funding,
        &profile.card_funding,
        (0.015, 0.02),
    );
    close_levels(
        "email",
        &found.email_domain,
        &profile.email_domain,
        (0.025, 0.03),
    );
    let recipients = (
        &found.recipient_email_domain,
        &profile.recipient_email_domain,
    );
    close_levels("recipient", recipients.0, recipients.1, (0.01, 0.04));
    close_levels(
        "device",
        &found.device_type,
        &profile.device_type,
        (0.01, 0.03),
    );
    close_levels(
        "M4",
        &found.attributes["M4"],
        &profile.attributes["M4"],
        (0.01, 0.03),
    );
}

fn amounts_come_back(found: &Profile, profile: &Profile) {
    let (have, want) = (&found.amounts, &profile.amounts);
    for quartile in 0..3 {
        let wanted = want.quartiles[quartile];
        close("quartile", have.quartiles[quartile], wanted, 0.05 * wanted);
    }
    // The mean hangs on a few large amounts, and what stories take is the generator's own.
    close("mean amount", have.mean, want.mean, 0.2 * want.mean);
    if let Some(small) = &want.small {
        let rate = have.small.as_ref().unwrap().fraud_rate;
        close("fraud of small amounts", rate, small.fraud_rate, 0.03);
    }
    for (share, amount) in [0.25, 0.5, 0.75].into_iter().zip(have.quartiles) {
        close(
            "mixture below a quartile",
            below(&have.mixture, amount),
            share,
            0.02,
        );
    }
}

#[test]
fn the_default_profile_comes_back() {
    comes_back("default", 10.0);
}

#[test]
fn the_profile_of_ieee_cis_comes_back() {
    comes_back("ieee-cis", 182.0);
}

/// Canonical payments without attributes, as objects.
fn objects() -> Vec<Value> {
    let lines = String::from_utf8(json_lines(5, 3_000)).unwrap();
    let object = |line: &str| {
        let mut object: Value = serde_json::from_str(line).unwrap();
        object.as_object_mut().unwrap().remove("attributes");
        object
    };
    lines.lines().map(object).collect()
}

fn columns(objects: &[Value]) -> Vec<String> {
    let mut names: Vec<String> = objects
        .iter()
        .flat_map(|one| one.as_object().unwrap().keys().cloned())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn cell(object: &Value, name: &str) -> Option<String> {
    match &object[name] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn csv(objects: &[Value]) -> String {
    let names = columns(objects);
    let mut text = names.join(",") + "\n";
    for object in objects {
        let cells = names.iter().map(|name| match cell(object, name) {
            Some(cell) => format!("\"{}\"", cell.replace('"', "\"\"")),
            None => String::new(),
        });
        text.push_str(&cells.collect::<Vec<_>>().join(","));
        text.push('\n');
    }
    text
}

/// Numbers as INT64, texts as UTF-8, both with gaps, in groups of 1,000 rows.
fn write_parquet(path: &std::path::Path, objects: &[Value]) {
    let names = columns(objects);
    let numeric = |name: &str| objects.iter().any(|object| object[name].is_number());
    let fields = names.iter().map(|name| {
        let (physical, converted) = if numeric(name) {
            (Physical::INT64, ConvertedType::NONE)
        } else {
            (Physical::BYTE_ARRAY, ConvertedType::UTF8)
        };
        let builder = Type::primitive_type_builder(name, physical);
        let builder = builder
            .with_repetition(Repetition::OPTIONAL)
            .with_converted_type(converted);
        Arc::new(builder.build().unwrap())
    });
    let schema = Type::group_type_builder("payments")
        .with_fields(fields.collect())
        .build()
        .unwrap();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let file = File::create(path).unwrap();
    let mut writer =
        SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties)).unwrap();
    for group in objects.chunks(1_000) {
        let mut rows = writer.next_row_group().unwrap();
        for name in &names {
            let levels: Vec<i16> = group
                .iter()
                .map(|object| i16::from(!object[name].is_null()))
                .collect();
            let mut column = rows.next_column().unwrap().unwrap();
            if numeric(name) {
                let values: Vec<i64> = group
                    .iter()
                    .filter_map(|object| object[name].as_i64())
                    .collect();
                column
                    .typed::<Int64Type>()
                    .write_batch(&values, Some(&levels), None)
                    .unwrap();
            } else {
                let texts = group.iter().filter_map(|object| object[name].as_str());
                let values: Vec<ByteArray> = texts.map(ByteArray::from).collect();
                column
                    .typed::<ByteArrayType>()
                    .write_batch(&values, Some(&levels), None)
                    .unwrap();
            }
            column.close().unwrap();
        }
        rows.close().unwrap();
    }
    writer.close().unwrap();
}

#[test]
fn neither_order_nor_format_nor_packing_changes_the_result() {
    let folder = Folder::new();
    let mut payments = objects();
    let lines = |payments: &[Value]| {
        payments
            .iter()
            .map(|one| one.to_string() + "\n")
            .collect::<String>()
    };
    let json = result(&[&folder.file("p.jsonl", lines(&payments))]);
    assert_eq!(json["rows"], 3_000);
    let packed = zstd::encode_all(lines(&payments).as_bytes(), 1).unwrap();
    assert!(
        result(&[&folder.file("p.jsonl.zst", packed)]) == json,
        "packed"
    );
    assert!(
        result(&[&folder.file("p.csv", csv(&payments))]) == json,
        "CSV"
    );
    write_parquet(&folder.path("p.parquet"), &payments);
    assert!(
        result(&[text(&folder.path("p.parquet"))]) == json,
        "Parquet"
    );
    payments.reverse();
    assert!(
        result(&[&folder.file("r.jsonl", lines(&payments))]) == json,
        "reversed"
    );
    assert!(
        result(&[&folder.file("r.csv", csv(&payments))]) == json,
        "reversed CSV"
    );
}

#[test]
fn labels_are_taken_from_any_list_of_ids() {
    let folder = Folder::new();
    let payments = objects();
    let text = payments
        .iter()
        .map(|one| one.to_string() + "\n")
        .collect::<String>();
    let table = folder.file("p.jsonl", text);
    let ids: Vec<&str> = payments
        .iter()
        .step_by(30)
        .map(|one| one["event_id"].as_str().unwrap())
        .collect();
    let fraud = |labels: &str| result(&[&table, "--labels", labels])["fraud"].clone();
    // A payment that stands in the stream twice counts twice.
    let rows_of = |ids: &[&str]| {
        let named = |one: &&Value| ids.contains(&one["event_id"].as_str().unwrap());
        payments.iter().filter(named).count()
    };
    let rows = rows_of(&ids);
    let bare = folder.file("a.csv", format!("event_id\n{}\n", ids.join("\n")));
    assert_eq!(fraud(&bare), rows);
    let lines = ids
        .iter()
        .map(|id| format!("{{\"event_id\":\"{id}\",\"kind\":\"fraud\",\"story\":\"x\"}}\n"));
    let lines = lines.collect::<String>();
    assert_eq!(fraud(&folder.file("b.jsonl", &lines)), rows);
    let corrected = lines + &format!("{{\"event_id\":\"{}\",\"kind\":\"legit\"}}\n", ids[0]);
    assert_eq!(
        fraud(&folder.file("c.jsonl", corrected)),
        rows_of(&ids[1..])
    );
    let columns = ids
        .iter()
        .enumerate()
        .map(|(row, id)| format!("{id},{}\n", row % 2));
    let columns = format!("event_id,is_fraud\n{}", columns.collect::<String>());
    let second: Vec<&str> = ids.iter().skip(1).step_by(2).copied().collect();
    assert_eq!(fraud(&folder.file("d.csv", columns)), rows_of(&second));
    let unlabelled = result(&[&table]);
    assert_eq!(unlabelled["labelled"], false);
    assert!(
        unlabelled["notes"]
            .to_string()
            .contains("nothing says what is fraud")
    );
}
