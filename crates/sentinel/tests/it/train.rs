//! `sentinel train`: which rows learn, and what the report says.

use serde_json::Value;

use crate::evaluate::{table, table_rows};
use crate::process::{Folder, repository, sentinel, stderr, text};

/// Trains on a table of forty days; the report and its page.
fn trained(folder: &Folder, more: &[&str]) -> (Value, String) {
    let input = folder.file("t.csv", table(&table_rows(8, 40)));
    let mapping = repository("fixtures/mappings/handbook.toml");
    let (model, report) = (folder.path("my.model"), folder.path("report"));
    let ended = sentinel()
        .args([
            "train",
            "--input",
            &input,
            "--mapping",
            text(&mapping),
            "--trees",
            "8",
        ])
        .args(["--out", text(&model), "--report", text(&report)])
        .args(more)
        .output()
        .unwrap();
    assert!(ended.status.success(), "{}", stderr(&ended));
    let read = |name: &str| std::fs::read_to_string(report.join(name)).unwrap();
    (
        serde_json::from_str(&read("report.json")).unwrap(),
        read("report.html"),
    )
}

#[test]
fn rows_whose_label_is_not_known_in_time_are_left_out() {
    let folder = Folder::new();
    let rows_of = |delay: &str| {
        let (report, _) = trained(
            &folder,
            &["--label-delay", delay, "--validation-share", "0.3"],
        );
        let count = |key: &str| report["rows"][key].as_u64().unwrap();
        ["trained", "gap", "validation", "unsettled"].map(count)
    };
    let all = 40 * 90;
    assert_eq!(rows_of("0"), [all * 7 / 10, 0, all * 3 / 10, 0]);
    let [learned, gap, judged, unsettled] = rows_of("5d");
    assert_eq!(learned + gap + judged + unsettled, all);
    // About five days of ninety rows each, between both parts and at the end.
    assert!(
        (400..=500).contains(&gap) && (400..=500).contains(&unsettled),
        "{gap} {unsettled}"
    );
}

#[test]
fn the_report_agrees_with_itself_and_the_model() {
    let folder = Folder::new();
    let (report, page) = trained(&folder, &[]);
    let model = std::fs::read_to_string(folder.path("my.model")).unwrap();
    let thresholds = report["thresholds"].as_array().unwrap();
    let number = |one: &Value, key: &str| one[key].as_f64().unwrap();
    for pair in thresholds.windows(2) {
        assert!(number(&pair[0], "risk") < number(&pair[1], "risk"));
        assert!(number(&pair[0], "recall") >= number(&pair[1], "recall"));
        assert!(number(&pair[0], "alerts_a_day") >= number(&pair[1], "alerts_a_day"));
        let money =
            |one: &Value| number(one, "caught_minor_a_day") + number(one, "missed_minor_a_day");
        assert!(
            (money(&pair[0]) - money(&pair[1])).abs() < 1e-6,
            "money is caught or missed"
        );
    }
    for tier in ["low", "medium", "high", "critical"] {
        assert!(thresholds.iter().any(|one| one["tier"] == tier), "{tier}");
    }
    let groups = report["calibration"].as_array().unwrap();
    let rows: u64 = groups
        .iter()
        .map(|group| group["rows"].as_u64().unwrap())
        .sum();
    assert_eq!(rows, report["rows"]["validation"].as_u64().unwrap());
    let steps = report["risk"].as_array().unwrap();
    let fraud: u64 = steps
        .iter()
        .map(|step| step["fraud"].as_u64().unwrap())
        .sum();
    assert_eq!(fraud, report["rows"]["validation_fraud"].as_u64().unwrap());
    let last = report["roc"].as_array().unwrap().last().unwrap();
    assert_eq!((number_at(last, 0), number_at(last, 1)), (1.0, 1.0));
    assert!(
        report["importance"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| number(one, "contribution") > 0.0)
    );
    for entry in report["card"].as_array().unwrap() {
        let line = format!(
            "{} {}",
            entry["key"].as_str().unwrap(),
            entry["value"].as_str().unwrap()
        );
        assert!(model.contains(&line), "{line} stands in the model");
    }
    let hash = report["model"]["hash"].as_str().unwrap();
    for part in [
        hash,
        "Receiver operating characteristic",
        "Thresholds",
        "Calibration",
        "t.csv",
    ] {
        assert!(page.contains(part), "{part}");
    }
    for foreign in ["<script", "http://", "https://", "@import", "url("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

fn number_at(pair: &Value, place: usize) -> f64 {
    pair[place].as_f64().unwrap()
}

#[test]
fn the_report_is_one_file_where_one_is_named() {
    let folder = Folder::new();
    let input = folder.file("t.csv", table(&table_rows(8, 40)));
    for name in ["only.json", "only.html"] {
        let path = folder.path(name);
        let mapping = repository("fixtures/mappings/handbook.toml");
        let ended = sentinel()
            .args([
                "train",
                "--input",
                &input,
                "--mapping",
                text(&mapping),
                "--trees",
                "2",
            ])
            .args(["--out", text(&folder.path("m")), "--report", text(&path)])
            .output()
            .unwrap();
        assert!(ended.status.success(), "{}", stderr(&ended));
        assert!(path.is_file(), "{name}");
    }
}
