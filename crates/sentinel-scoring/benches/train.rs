//! What training costs: `cargo bench -p sentinel-scoring --bench train -- DIR [OPTION=VALUE ...]`.
//!
//! `DIR` holds `train.x`, `train.y`, `test.x`, `test.y`: 32-bit floats, little-endian, row after row, a
//! label of 0 or 1 a row. Prints the processor time of one thread for binning and all trees (what comes
//! after the last tree, calibration, is not in it) and writes `test.margin`, 64-bit floats, one a test
//! row, and the trees as LightGBM text, `model.txt`. `cargo xtask measure training` makes the files and compares with LightGBM. Linux only: it reads
//! `/proc/thread-self`. Judges nothing; tests never assert on time.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measurement for people: it reads files and asks the machine for the time"
)]

use std::path::{Path, PathBuf};

use sentinel_scoring::export::lightgbm;
use sentinel_scoring::train::{Options, TrainingSet, train};

// As the binary has it.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|first| first.parse().ok());
    nanos.unwrap_or(0.0) / 1e9
}

fn floats(file: &Path) -> Vec<f32> {
    let bytes = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|word| f32::from_le_bytes(*word)).collect()
}

/// One option by its name.
fn set_option(options: &mut Options, name: &str, value: &str) {
    match name {
        "trees" => options.trees_max = value.parse().unwrap(),
        "leaves" => options.leaves_max = value.parse().unwrap(),
        "depth" => options.depth_max = value.parse().unwrap(),
        "rate" => options.learning_rate = value.parse().unwrap(),
        "rows_per_leaf" => options.rows_per_leaf_min = value.parse().unwrap(),
        "lambda" => options.lambda = value.parse().unwrap(),
        "negative_share" => options.negative_share = value.parse().unwrap(),
        "bins" => options.bins_max = value.parse().unwrap(),
        "bagging" => options.bagging_share = value.parse().unwrap(),
        "features_per_tree" => options.features_per_tree = value.parse().unwrap(),
        "fraud_weight" => options.fraud_weight = value.parse().unwrap(),
        "seed" => options.seed = value.parse().unwrap(),
        _ => panic!("there is no option {name}"),
    }
}

fn main() {
    let mut folder = PathBuf::new();
    let mut options = Options {
        trees_max: 200,
        leaves_max: 31,
        depth_max: 64,
        lambda: 0.0,
        early_stopping_rounds: 0,
        forest_weight: 0.0,
        ..Options::default()
    };
    let mut categories = Vec::new();
    for word in std::env::args().skip(1) {
        match word.split_once('=') {
            Some(("categorical", list)) => {
                categories = list.split(',').map(|word| word.parse().unwrap()).collect();
            }
            Some((name, value)) => set_option(&mut options, name, value),
            // `cargo bench` adds a flag of its own.
            None if word.starts_with("--") => {}
            None => folder = PathBuf::from(word),
        }
    }
    let (rows, labels) = (
        floats(&folder.join("train.x")),
        floats(&folder.join("train.y")),
    );
    let columns = rows.len() / labels.len();
    let set = TrainingSet {
        features: (0..columns).map(|column| format!("f{column}")).collect(),
        validation_from: labels.len(),
        fraud: labels.iter().map(|label| *label > 0.5).collect(),
        rows,
        categorical: (0..columns)
            .map(|column| categories.contains(&column))
            .collect(),
        ..TrainingSet::default()
    };
    let before = cpu_seconds();
    let mut first = before;
    let mut last = before;
    let (model, report) = train(&set, &options, &mut |progress| {
        last = cpu_seconds();
        if progress.trees == 1 {
            first = last;
        }
    })
    .unwrap();
    println!(
        "{{\"cpu_s\": {:.3}, \"first_tree_s\": {:.3}, \"rows\": {}, \"columns\": {columns}, \"trees\": {}}}",
        last - before,
        first - before,
        report.rows,
        report.trees
    );
    let names: Vec<&str> = set.features.iter().map(String::as_str).collect();
    let scorer = model.bind(&names).unwrap();
    let mut margins = Vec::new();
    let mut slots = Vec::new();
    for row in floats(&folder.join("test.x")).chunks_exact(columns) {
        slots.clear();
        slots.extend(row.iter().map(|value| f64::from(*value)));
        margins.extend(scorer.score(&slots).log_odds.to_f64().to_le_bytes());
    }
    std::fs::write(folder.join("test.margin"), margins).unwrap();
    std::fs::write(folder.join("model.txt"), lightgbm::write(&model).unwrap()).unwrap();
}
