//! `sentinel evaluate` on small tables of the handbook's shape, made here: the split, the labels it may use,
//! the figures against plain loops over the file of scores, and what cannot be evaluated.

mod mistakes;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::process::Output;

use sentinel_synth::Random;
use serde_json::Value;

use crate::process::{Folder, repository, sentinel, stderr, text};

/// Runs `sentinel evaluate` with these arguments.
pub fn evaluate(arguments: &[&str]) -> Output {
    sentinel().arg("evaluate").args(arguments).output().unwrap()
}

/// The report of an evaluation that succeeds.
fn report(arguments: &[&str]) -> Value {
    let ended = evaluate(&[arguments, &["-o", "json"]].concat());
    assert!(ended.status.success(), "{arguments:?}: {}", stderr(&ended));
    serde_json::from_slice(&ended.stdout).unwrap()
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct TableRow {
    pub tx_id: u64,
    pub time_s: u64,
    pub customer: u64,
    pub terminal: u64,
    pub cents: u64,
    pub fraud: bool,
}

const DAY_S: u64 = 86_400;

/// So many days of a small world: some customers have a bad week, in which they pay much.
pub fn table_rows(seed: u64, days: u64) -> Vec<TableRow> {
    let mut random = Random::new(seed);
    let mut rows = Vec::new();
    let bad_week: Vec<u64> = (0..60).map(|_| random.below(days)).collect();
    for day in 0..days {
        let mut times: Vec<u64> = (0..90).map(|_| random.below(DAY_S)).collect();
        times.sort_unstable();
        for time in times {
            let customer = random.below(60);
            let began = usize::try_from(customer)
                .map(|place| bad_week[place])
                .unwrap();
            let bad = (began..began + 7).contains(&day) && customer.is_multiple_of(2);
            let fraud = bad && random.chance(0.5);
            let cents = 500 + random.below(9_500) + if fraud { random.below(30_000) } else { 0 };
            rows.push(TableRow {
                tx_id: rows.len() as u64,
                time_s: day * DAY_S + time,
                customer,
                terminal: random.below(40),
                cents,
                fraud,
            });
        }
    }
    rows
}

/// The table as the handbook spells it.
pub fn table(rows: &[TableRow]) -> String {
    let mut text =
        String::from("tx_id,time_s,customer_id,terminal_id,amount_cents,fraud,scenario\n");
    for row in rows {
        let TableRow {
            tx_id,
            time_s,
            customer,
            terminal,
            cents,
            fraud,
        } = row;
        let fraud = u8::from(*fraud);
        writeln!(
            text,
            "{tx_id},{time_s},{customer},{terminal},{cents},{fraud},0"
        )
        .unwrap();
    }
    text
}

fn mapping() -> String {
    text(&repository("fixtures/mappings/handbook.toml")).to_owned()
}

/// The scores of a file by their transaction.
fn scores_of(path: &std::path::Path) -> BTreeMap<u64, f64> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("event_id,score"));
    let pair = |line: &str| {
        let (id, score) = line.split_once(',').unwrap();
        (id.parse().unwrap(), score.parse().unwrap())
    };
    lines.map(pair).collect()
}

/// The test rows of the handbook's fold, by its script: all of them, and those that count.
fn test_rows(rows: &[TableRow], start: u64) -> (BTreeSet<u64>, Vec<TableRow>) {
    let day = |row: &TableRow| row.time_s / DAY_S;
    let mut known: BTreeSet<u64> = BTreeSet::new();
    let in_train = |row: &&TableRow| (start..start + 7).contains(&day(row)) && row.fraud;
    known.extend(rows.iter().filter(in_train).map(|row| row.customer));
    let (mut all, mut counted) = (BTreeSet::new(), Vec::new());
    for n in 0..7 {
        let later = rows
            .iter()
            .filter(|row| day(row) == start + 7 + n - 1 && row.fraud);
        known.extend(later.map(|row| row.customer));
        for row in rows.iter().filter(|row| day(row) == start + 14 + n) {
            all.insert(row.tx_id);
            if !known.contains(&row.customer) {
                counted.push(*row);
            }
        }
    }
    (all, counted)
}

/// Area and average precision by counting pairs.
fn by_pairs(rows: &[(f64, bool)]) -> (f64, f64) {
    let of = |kind: bool| {
        rows.iter()
            .filter(move |row| row.1 == kind)
            .map(|row| row.0)
    };
    let (mut wins, mut precision) = (0.0, 0.0);
    for score in of(true) {
        for other in of(false) {
            wins += if score > other {
                1.0
            } else if score == other {
                0.5
            } else {
                0.0
            };
        }
        let above = |kind: bool| of(kind).filter(|other| *other >= score).count() as f64;
        precision += above(true) / (above(true) + above(false));
    }
    let fraud = of(true).count() as f64;
    (wins / fraud / of(false).count() as f64, precision / fraud)
}

fn near(found: &Value, expected: f64) {
    let found = found.as_f64().unwrap();
    assert!(
        (found - expected).abs() < 1e-12,
        "{found} is not {expected}"
    );
}

/// Few small trees: these tests are about the protocol.
const QUICK: [&str; 4] = ["--trees", "8", "--leaves", "6"];

#[test]
fn protocol_a_asks_the_rows_of_the_script_and_gives_the_figures_of_its_scores() {
    let folder = Folder::new();
    let rows = table_rows(3, 40);
    let input = folder.file("t.csv", table(&rows));
    let scores = folder.path("scores.csv");
    let mapping = mapping();
    let arguments = [
        "--input",
        &input,
        "--mapping",
        &mapping,
        "--protocol",
        "handbook-a",
        "--start",
        "2018-04-11",
    ];
    let told = report(&[&arguments[..], &QUICK, &["--scores", text(&scores)]].concat());
    let (all, counted) = test_rows(&rows, 10);
    let scores = scores_of(&scores);
    assert_eq!(
        scores.keys().copied().collect::<BTreeSet<_>>(),
        all,
        "dropped rows have a score too"
    );
    assert!(counted.len() < all.len(), "some cards are known");
    let scored: Vec<(f64, bool)> = counted
        .iter()
        .map(|row| (scores[&row.tx_id], row.fraud))
        .collect();
    let (auc, average_precision) = by_pairs(&scored);
    near(&told["auc"], auc);
    near(&told["average_precision"], average_precision);
    assert_eq!(told["test"]["rows"], counted.len());
    assert_eq!(told["test"]["dropped"], all.len() - counted.len());
    assert_eq!(
        told["test"]["fraud"],
        counted.iter().filter(|row| row.fraud).count()
    );
    let week: Vec<&TableRow> = rows
        .iter()
        .filter(|row| (10..17).contains(&(row.time_s / DAY_S)))
        .collect();
    assert_eq!(told["train"]["rows"], week.len());
    assert_eq!(
        told["train"]["fraud"],
        week.iter().filter(|row| row.fraud).count()
    );
    for key in ["card_precision_100", "seed", "training_seconds"] {
        assert!(told[key].is_number(), "{key}: {told}");
    }
    assert!(
        told["recall_at_fpr"]["0.01"].is_number() && told["recall_at_fpr"]["0.001"].is_number()
    );
    assert_eq!(told["model"]["hash"].as_str().unwrap().len(), 64);
    // The same day by its number, and the same seed: the same bytes but for the time it took.
    let again = report(&[&arguments[..7], &["10"], &QUICK].concat());
    assert_eq!(
        (&again["auc"], &again["model"]),
        (&told["auc"], &told["model"])
    );
}

#[test]
fn protocol_b_is_four_folds_with_mean_and_deviation() {
    let folder = Folder::new();
    let rows = table_rows(5, 46);
    let input = folder.file("t.csv", table(&rows));
    let mapping = mapping();
    let told_of = |protocol: &str, start: &str, train: &str| {
        let arguments = [
            "--input",
            &input,
            "--mapping",
            &mapping,
            "--protocol",
            protocol,
        ];
        report(
            &[
                &arguments[..],
                &["--start", start, "--train", train],
                &QUICK,
            ]
            .concat(),
        )
    };
    for train in ["7d", "history"] {
        let told = told_of("handbook-b", "3", train);
        let folds = told["folds"].as_array().unwrap();
        assert_eq!(folds.len(), 4);
        let values: Vec<f64> = folds
            .iter()
            .map(|fold| fold["auc"].as_f64().unwrap())
            .collect();
        let mean = values.iter().sum::<f64>() / 4.0;
        near(&told["auc"], mean);
        let square = values
            .iter()
            .map(|value| (value - mean) * (value - mean))
            .sum::<f64>();
        near(&told["sd"]["auc"], (square / 4.0).sqrt());
        // Each fold is what protocol A gives on its own, though one walk served all.
        for (fold, start) in folds.iter().zip(["3", "10", "17", "24"]) {
            let alone = told_of("handbook-a", start, train);
            for key in ["auc", "average_precision", "model", "train", "test"] {
                assert_eq!(fold[key], alone[key], "{train} from {start}: {key}");
            }
        }
    }
}

#[test]
fn a_label_that_is_too_young_changes_nothing() {
    let folder = Folder::new();
    let rows = table_rows(9, 40);
    let mapping = mapping();
    let hash = |name: &str, rows: &[TableRow], delay: &str| {
        let input = folder.file(name, table(rows));
        let scores = folder.path("scores.csv");
        let arguments = [
            "--input",
            &input,
            "--mapping",
            &mapping,
            "--protocol",
            "time-split",
        ];
        let more = [
            "--split-at",
            "2018-04-29",
            "--label-delay",
            delay,
            "--scores",
            text(&scores),
        ];
        let told = report(&[&arguments[..], &more, &QUICK].concat());
        (
            told["model"]["hash"].clone(),
            scores_of(&scores),
            told["train"]["rows"].clone(),
        )
    };
    // All labels of the last seven days before the split are turned round, and those after it.
    let turned = |from: u64, to: u64| -> Vec<TableRow> {
        let turn = |row: &TableRow| TableRow {
            fraud: row.fraud != (from * DAY_S..to * DAY_S).contains(&row.time_s),
            ..*row
        };
        rows.iter().map(turn).collect()
    };
    let plain = hash("plain.csv", &rows, "7d");
    let young = hash("young.csv", &turned(21, 28), "7d");
    assert_eq!(plain.0, young.0, "the model is the same, to the byte");
    assert_eq!(plain.2, 21 * 90);
    let first_known = 28 * DAY_S;
    let early = |scores: &BTreeMap<u64, f64>| -> Vec<f64> {
        let before = |id: &u64| rows[usize::try_from(*id).unwrap()].time_s < first_known + 600;
        scores
            .iter()
            .filter(|(id, _)| before(id))
            .map(|(_, score)| *score)
            .collect()
    };
    assert_eq!(early(&plain.1).first(), early(&young.1).first());
    // Where labels are known at once, the same change is learned.
    let at_once = hash("plain.csv", &rows, "0");
    assert_eq!(at_once.2, 28 * 90);
    assert_ne!(hash("young.csv", &turned(21, 28), "0").0, at_once.0);
    assert_ne!(
        hash("old.csv", &turned(14, 21), "7d").0,
        plain.0,
        "an older label counts"
    );
}

#[test]
fn a_split_by_row_counts_the_rows_of_the_table() {
    let folder = Folder::new();
    let rows = table_rows(4, 12);
    let mut lines: Vec<String> = table(&rows).lines().map(str::to_owned).collect();
    // A row that is refused counts, a blank line does not.
    lines.insert(11, "x,y,z,0,0,0,0".to_owned());
    lines.insert(30, String::new());
    let input = folder.file("t.csv", lines.join("\n"));
    let scores = folder.path("scores.csv");
    let mapping = mapping();
    let arguments = [
        "--input",
        &input,
        "--mapping",
        &mapping,
        "--protocol",
        "time-split",
        "--split-at",
        "900",
    ];
    let told = report(
        &[
            &arguments[..],
            &["--label-delay", "0", "--scores", text(&scores)],
            &QUICK,
        ]
        .concat(),
    );
    let ids: BTreeSet<u64> = scores_of(&scores).into_keys().collect();
    assert_eq!(ids, (899..rows.len() as u64).collect());
    assert_eq!(told["train"]["rows"], 899);
    // One account for each customer, so cards are looked at; the time-split drops none.
    assert_eq!(told["test"]["dropped"], 0);
}

#[test]
fn a_given_model_is_asked_and_decides() {
    let folder = Folder::new();
    let rows = table_rows(6, 40);
    let input = folder.file("t.csv", table(&rows));
    let (mapping, model, scores) = (
        mapping(),
        folder.path("my.model"),
        folder.path("scores.csv"),
    );
    let trained = sentinel()
        .args([
            "train",
            "--input",
            &input,
            "--mapping",
            &mapping,
            "--out",
            text(&model),
        ])
        .args(QUICK)
        .output()
        .unwrap();
    assert!(trained.status.success(), "{}", stderr(&trained));
    let arguments = [
        "--input",
        &input,
        "--mapping",
        &mapping,
        "--model",
        text(&model),
        "--scores",
        text(&scores),
    ];
    let told = report(&arguments);
    assert_eq!(told["protocol"], "all");
    assert!(told["training_seconds"].is_null() && told["train"].is_null());
    // Known in the end: what is a week older than the last event.
    let last = rows.last().unwrap().time_s;
    let settled = rows
        .iter()
        .filter(|row| row.time_s + 7 * DAY_S <= last)
        .count();
    assert_eq!(told["test"]["rows"], settled);
    assert_eq!(scores_of(&scores).len(), settled);
    decided_as_by_run(
        &folder,
        (&input, &mapping, text(&model)),
        &scores_of(&scores),
        &told,
    );
    assert_eq!(told["decisions"]["fraud"], told["test"]["fraud"]);
    let by_protocol = report(
        &[
            &arguments[..6],
            &["--protocol", "handbook-a", "--start", "10"],
        ]
        .concat(),
    );
    assert_eq!(by_protocol["test"]["rows"], test_rows(&rows, 10).1.len());
    assert_eq!(by_protocol["model"], told["model"]);
}

/// The scores and verdicts of a report are those that `sentinel run` gives.
fn decided_as_by_run(
    folder: &Folder,
    (input, mapping, model): (&str, &str, &str),
    risks: &BTreeMap<u64, f64>,
    told: &Value,
) {
    let decided = folder.path("decisions.jsonl");
    let run = crate::process::run(&[
        "--input",
        input,
        "--mapping",
        mapping,
        "--model",
        model,
        "--output",
        text(&decided),
    ]);
    assert!(run.status.success(), "{}", stderr(&run));
    let mut verdicts: BTreeMap<String, u64> = BTreeMap::new();
    for decision in crate::process::lines_of(&decided) {
        let id: u64 = decision["event_id"].as_str().unwrap().parse().unwrap();
        if let Some(risk) = risks.get(&id) {
            assert_eq!(decision["risk"].as_f64().unwrap(), *risk, "{decision}");
            *verdicts
                .entry(decision["decision"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
    }
    for (verdict, count) in told["decisions"]["verdicts"].as_object().unwrap() {
        assert_eq!(
            verdicts.get(verdict).copied().unwrap_or(0),
            count.as_u64().unwrap(),
            "{verdict}"
        );
    }
}

#[test]
fn a_world_and_the_file_of_it_are_decided_alike() {
    let folder = Folder::new();
    let (payments, labels) = (folder.path("p.jsonl"), folder.path("l.jsonl"));
    let made = sentinel()
        .args([
            "generate",
            "--seed",
            "5",
            "--count",
            "12000",
            "--output",
            text(&payments),
        ])
        .args(["--labels", text(&labels)])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", stderr(&made));
    let of_file = report(&["--input", text(&payments), "--labels", text(&labels)]);
    let of_world = report(&["--synthetic", "--seed", "5", "--count", "12000"]);
    for key in ["auc", "average_precision", "card_precision_100", "model"] {
        assert_eq!(of_file[key], of_world[key], "{key}");
    }
    assert_eq!(
        of_file["decisions"]["verdicts"],
        of_world["decisions"]["verdicts"]
    );
    assert_eq!(
        of_file["decisions"]["detection"],
        of_world["decisions"]["detection"]
    );
    // Rules hit payments that the model would have approved, and no more than were flagged beside it.
    let decisions = &of_world["decisions"];
    let more = ["detected", "detected_by_model"].map(|key| decisions[key].as_u64().unwrap());
    let rules = decisions["by_rules_alone"].as_array().unwrap();
    let hits: u64 = rules
        .iter()
        .map(|rule| rule["fraud"].as_u64().unwrap())
        .sum();
    assert!(
        more[0] >= more[1] && hits >= more[0] - more[1],
        "{decisions}"
    );
    // A file tells the stories of fraud only; a world also what is honest in them, and what looks like them.
    let tales = |report: &Value| -> BTreeMap<String, (u64, u64)> {
        let tales = report["decisions"]["tales"].as_array().unwrap().iter();
        let counts = |tale: &Value| {
            (
                tale["fraud"].as_u64().unwrap(),
                tale["detected"].as_u64().unwrap(),
            )
        };
        tales
            .map(|tale| (tale["story"].as_str().unwrap().to_owned(), counts(tale)))
            .collect()
    };
    let (file, world) = (tales(&of_file), tales(&of_world));
    assert!(file.len() > 4, "{file:?}");
    for (story, counts) in &file {
        assert_eq!(world.get(story), Some(counts), "{story}");
    }
    assert!(
        world.contains_key("family_card") || world.contains_key("journey"),
        "{world:?}"
    );
}
