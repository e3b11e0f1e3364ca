//! What a score and an explanation cost: `cargo bench -p sentinel-scoring --bench score -- DIR`.
//!
//! `DIR` holds `model.txt` (LightGBM's text) and `test.x`: 32-bit floats, little-endian, row after row.
//! Commands come line by line on standard input, so that another program can take turns with others in one
//! run: `score COUNT OF` and `explain COUNT OF` do so many rows one by one, over and over the first so many
//! of the file, and answer with the processor time of this thread in nanoseconds; `write` leaves log-odds and contributions of the first rows beside the
//! model, as 64-bit floats. `forest TREES ROWS SEED` grows an isolation forest on `test.x` and writes its
//! log-odds. `cargo xtask measure scoring` drives it. Linux only: it reads `/proc/thread-self`. Judges
//! nothing; tests never assert on time.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a measurement for people: it reads files and asks the machine for the time"
)]

use std::hint::black_box;
use std::path::{Path, PathBuf};

use sentinel_scoring::import::{Foreign, Options as ImportOptions};
use sentinel_scoring::train::{ForestOptions, Options, TrainingSet, train};
use sentinel_scoring::{ExplainScratch, Model, Scorer};

/// How many rows `write` explains.
const EXPLAINED: usize = 300;

/// The kernel brings this up to date every few milliseconds only: ask for work of a tenth of a second or more.
fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|first| first.parse().ok());
    nanos.unwrap_or(0)
}

fn floats(file: &Path) -> Vec<f64> {
    let bytes = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let (words, _) = bytes.as_chunks::<4>();
    let each = words.iter().map(|word| f32::from_le_bytes(*word));
    each.map(f64::from).collect()
}

fn write(file: &Path, numbers: &[f64]) {
    let bytes: Vec<u8> = numbers.iter().flat_map(|one| one.to_le_bytes()).collect();
    std::fs::write(file, bytes).unwrap();
}

/// The model and its rows.
struct Bench {
    folder: PathBuf,
    scorer: Scorer,
    rows: Vec<f64>,
    width: usize,
    scratch: ExplainScratch,
}

impl Bench {
    fn read(folder: PathBuf) -> Self {
        let text = std::fs::read(folder.join("model.txt")).unwrap();
        let foreign = Foreign::read(&text, None).unwrap_or_else(|error| panic!("{error}"));
        let width = foreign.features().len();
        let schema: Vec<String> = foreign.features().to_vec();
        let schema: Vec<&str> = schema.iter().map(String::as_str).collect();
        let options = ImportOptions {
            name: "bench".to_owned(),
            version: 1,
            sample: None,
            anchor_rates: None,
            missing: None,
            card: Vec::new(),
        };
        let model: Model = foreign.model(&options).unwrap().model;
        let rows = floats(&folder.join("test.x"));
        assert!(rows.len() >= width, "there is a row to score");
        Self {
            scorer: model.bind(&schema).unwrap(),
            folder,
            rows,
            width,
            scratch: ExplainScratch::default(),
        }
    }

    /// So many rows, over and over the first `of`.
    fn rows(&self, count: usize, of: usize) -> impl Iterator<Item = &[f64]> {
        let rows = self.rows.chunks_exact(self.width).take(of);
        rows.cycle().take(count)
    }

    fn score(&self, count: usize, of: usize) -> u64 {
        let started = cpu_ns();
        for row in self.rows(count, of) {
            black_box(self.scorer.score(row));
        }
        cpu_ns() - started
    }

    fn explain(&mut self, count: usize, of: usize) -> u64 {
        let mut scratch = std::mem::take(&mut self.scratch);
        let started = cpu_ns();
        for row in self.rows(count, of) {
            black_box(self.scorer.explain(row, &mut scratch));
        }
        let spent = cpu_ns() - started;
        self.scratch = scratch;
        spent
    }

    fn write(&mut self) {
        let rows = self.rows.chunks_exact(self.width);
        let log_odds: Vec<f64> = rows
            .map(|row| self.scorer.score(row).log_odds.to_f64())
            .collect();
        write(&self.folder.join("test.log_odds"), &log_odds);
        let mut shares = Vec::new();
        for row in self.rows.chunks_exact(self.width).take(EXPLAINED) {
            let mut one = vec![0.0; self.width + 1];
            for share in self.scorer.explain(row, &mut self.scratch) {
                one[usize::from(share.feature)] = share.log_odds.to_f64();
            }
            one[self.width] = self.scorer.base().to_f64();
            shares.extend(one);
        }
        write(&self.folder.join("test.contributions"), &shares);
    }
}

/// Grows a forest on the rows of a folder and writes what it says of them.
fn forest(folder: &Path, width: usize, trees: usize, rows: usize, seed: u64) {
    let values = floats(&folder.join("test.x"));
    let count = values.len() / width;
    let features: Vec<String> = (0..width).map(|column| format!("f{column}")).collect();
    // Labels are only for the maps, which do not change the order.
    let set = TrainingSet {
        rows: values.iter().map(|value| *value as f32).collect(),
        fraud: (0..count).map(|row| row % 2 == 0).collect(),
        validation_from: count,
        features: features.clone(),
        ..TrainingSet::default()
    };
    let options = Options {
        boosted_weight: 0.0,
        forest_weight: 1.0,
        forest: ForestOptions { trees, rows },
        seed,
        ..Options::default()
    };
    let (model, _) = train(&set, &options, &mut |_| ()).unwrap();
    let schema: Vec<&str> = features.iter().map(String::as_str).collect();
    let scorer = model.bind(&schema).unwrap();
    let rows = values.chunks_exact(width);
    let log_odds: Vec<f64> = rows
        .map(|row| scorer.score(row).log_odds.to_f64())
        .collect();
    write(&folder.join("forest.log_odds"), &log_odds);
}

/// The bench, read when first asked for: a forest needs no model.
fn opened<'a>(kept: &'a mut Option<Bench>, folder: &Path) -> &'a mut Bench {
    kept.get_or_insert_with(|| Bench::read(folder.to_path_buf()))
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // Cargo tells every bench that it is one.
    let Some(folder) = words.iter().find(|word| !word.starts_with("--")) else {
        println!("left out: it needs a folder with model.txt and test.x");
        return;
    };
    let folder = PathBuf::from(folder);
    let mut kept = None;
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| words[at].parse::<usize>().unwrap();
        match words.first().copied() {
            Some("score") => println!("{}", opened(&mut kept, &folder).score(number(1), number(2))),
            Some("explain") => println!(
                "{}",
                opened(&mut kept, &folder).explain(number(1), number(2))
            ),
            Some("write") => {
                opened(&mut kept, &folder).write();
                println!("written");
            }
            Some("forest") => {
                let (width, seed) = (number(1), number(4) as u64);
                forest(&folder, width, number(2), number(3), seed);
                println!("grown");
            }
            _ => panic!("there is no command {line:?}"),
        }
    }
}
