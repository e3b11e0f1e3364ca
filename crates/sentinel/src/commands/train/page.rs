//! The page of a training, as every [page](mod@crate::page) is: one file, self-contained, light and dark.

use std::fmt::Write;

use super::report::{Importance, RiskStep, StoryReport, Threshold, TrainingReport};
use crate::page::chart::{self, Columns, bar};
use crate::page::plot::{Axis, Plot, plot};
use crate::page::{self, details, escape, grouped, legend, percent, put, table};

/// Features shown at once; further ones open on demand.
const FEATURES_SHOWN: usize = 20;

/// The page.
pub fn page(report: &TrainingReport) -> String {
    let title = format!("Model {}", report.model.name);
    let lead = format!(
        "Trained by sentinel train on {}. Figures are of {} rows that the model did not learn from, {} to {}.",
        report.input,
        grouped(report.rows.validation as f64),
        short(&report.rows.validation_from),
        short(&report.rows.validation_to)
    );
    let mut page = page::start(&title, &lead);
    tiles(report, &mut page);
    curves(report, &mut page);
    thresholds(report, &mut page);
    numbers(report, &mut page);
    importance(report, &mut page);
    stories(report, &mut page);
    card(report, &mut page);
    page::end(&mut page);
    page
}

fn tiles(report: &TrainingReport, page: &mut String) {
    let fraud = report.rows.validation_fraud as f64 / report.rows.validation.max(1) as f64;
    page::tiles(
        page,
        [
            (
                format!("{:.4}", report.auc),
                "area under the ROC curve".to_owned(),
            ),
            (
                format!("{:.4}", report.average_precision),
                format!("average precision; by chance {fraud:.4}"),
            ),
            (
                percent(report.recall_at_fpr.one_percent),
                "of fraud found at 1 % false positives".to_owned(),
            ),
            (
                percent(report.recall_at_fpr.one_per_mille),
                "of fraud found at 0.1 % false positives".to_owned(),
            ),
            (
                grouped(report.rows.trained as f64),
                format!(
                    "rows learned from, {} fraud",
                    grouped(report.rows.trained_fraud as f64)
                ),
            ),
        ],
    );
}

/// The operating characteristic, and precision over recall.
fn curves(report: &TrainingReport, page: &mut String) {
    let tiers = || report.thresholds.iter().filter(|one| one.tier.is_some());
    let name = |one: &Threshold| {
        format!(
            "tier {} from risk {:.2}: recall {}, precision {}, false positives {}",
            one.tier.unwrap_or_default(),
            one.risk,
            percent(one.recall),
            percent(one.precision),
            percent(one.false_positive_rate)
        )
    };
    let chance: Vec<(f64, f64)> = (0..=40)
        .map(|step| libm::pow(10.0, f64::from(step) / 10.0 - 4.0))
        .map(|rate| (rate, rate))
        .collect();
    page.push_str("<h2>What it finds</h2>\n<div class=\"pair\">\n<div class=\"card\"><h3>Receiver operating characteristic</h3>\n");
    legend(
        page,
        &[
            ("model", "the model"),
            ("point", "where tiers begin"),
            ("even", "by chance"),
        ],
    );
    page.push_str(&plot(&Plot {
        title: "Share of fraud found over the share of false positives, on a logarithmic axis",
        x: Axis {
            name: "false positives among legitimate payments",
            logarithmic_from: Some(1e-4),
        },
        y: Axis {
            name: "fraud found",
            logarithmic_from: None,
        },
        curves: &[("even", chance), ("model", report.roc.clone())],
        points: &tiers()
            .map(|one| (one.false_positive_rate, one.recall, name(one)))
            .collect::<Vec<_>>(),
    }));
    points(page, ["false positives", "fraud found"], &report.roc);
    page.push_str("</div>\n<div class=\"card\"><h3>Precision over recall</h3>\n");
    legend(
        page,
        &[("model", "the model"), ("point", "where tiers begin")],
    );
    page.push_str(&plot(&Plot {
        title: "Share of alerts that are fraud over the share of fraud found",
        x: Axis {
            name: "fraud found",
            logarithmic_from: None,
        },
        y: Axis {
            name: "precision",
            logarithmic_from: None,
        },
        curves: &[("model", report.precision_recall.clone())],
        points: &tiers()
            .map(|one| (one.recall, one.precision, name(one)))
            .collect::<Vec<_>>(),
    }));
    points(page, ["fraud found", "precision"], &report.precision_recall);
    page.push_str("</div>\n</div>\n");
}

/// Some points of a curve, as numbers.
fn points(page: &mut String, head: [&str; 2], points: &[(f64, f64)]) {
    let every = points.len().div_ceil(25).max(1);
    let rows = points.iter().step_by(every);
    details(
        page,
        "Numbers",
        &head,
        rows.map(|point| [percent(point.0), percent(point.1)]),
    );
}

fn thresholds(report: &TrainingReport, page: &mut String) {
    let (currency, exponent) = &report.currency;
    let major = |minor: f64| grouped(minor / libm::pow(10.0, f64::from(*exponent)));
    page.push_str("<h2>Thresholds</h2>\n<div class=\"card wide\">\n");
    put!(
        page,
        "<p class=\"muted\">What happens where payments from a risk on are alerts. Money in {}, a day: of fraud that is \
         caught, of fraud that is missed, of payments that are alerts and no fraud. The slice spans {:.1} days.</p>\n",
        escape(currency),
        report.rows.validation_days
    );
    let rows = report.thresholds.iter().map(|one| {
        let risk = format!("{:.3}", one.risk);
        [
            one.tier
                .map_or(risk.clone(), |tier| format!("{risk} {tier}")),
            percent(one.precision),
            percent(one.recall),
            percent(one.false_positive_rate),
            grouped(one.alerts_a_day),
            major(one.caught_minor_a_day),
            major(one.missed_minor_a_day),
            major(one.false_alarms_minor_a_day),
        ]
    });
    let head = [
        "risk",
        "precision",
        "recall",
        "false positives",
        "alerts a day",
        "caught a day",
        "missed a day",
        "false alarms a day",
    ];
    table(page, &head, rows);
    page.push_str("</div>\n");
}

/// Calibration, and how risk is distributed.
fn numbers(report: &TrainingReport, page: &mut String) {
    page.push_str(
        "<h2>What its numbers mean</h2>\n<div class=\"pair\">\n\
         <div class=\"card\"><h3>Calibration</h3>\n",
    );
    calibration(report, page);
    page.push_str("</div>\n<div class=\"card\"><h3>Risk</h3>\n");
    risk(report, page);
    page.push_str("</div>\n</div>\n");
}

fn calibration(report: &TrainingReport, page: &mut String) {
    let least = 1e-4;
    let groups: Vec<(f64, f64, String)> = report
        .calibration
        .iter()
        .map(|group| {
            let told = format!(
                "{} rows: predicted {}, observed {}",
                grouped(group.rows as f64),
                percent(group.predicted),
                percent(group.observed)
            );
            (group.predicted, group.observed, told)
        })
        .collect();
    legend(
        page,
        &[
            ("point", "rows of like probability"),
            ("even", "as predicted"),
        ],
    );
    page.push_str(&plot(&Plot {
        title: "Observed share of fraud over the predicted probability, both on logarithmic axes",
        x: Axis {
            name: "predicted probability",
            logarithmic_from: Some(least),
        },
        y: Axis {
            name: "observed share of fraud",
            logarithmic_from: Some(least),
        },
        curves: &[("even", vec![(least, least), (1.0, 1.0)])],
        points: &groups,
    }));
    let rows = report.calibration.iter().map(|group| {
        [
            percent(group.predicted),
            percent(group.observed),
            grouped(group.rows as f64),
            grouped(group.fraud as f64),
        ]
    });
    details(
        page,
        "Numbers",
        &["predicted", "observed", "rows", "fraud"],
        rows,
    );
}

fn risk(report: &TrainingReport, page: &mut String) {
    let names: Vec<String> = report
        .risk
        .iter()
        .map(|step| format!("{:.2}", step.risk))
        .collect();
    let shares = |count: fn(&RiskStep) -> usize| -> Vec<f64> {
        let all: usize = report.risk.iter().map(count).sum();
        report
            .risk
            .iter()
            .map(|step| count(step) as f64 / all.max(1) as f64)
            .collect()
    };
    for (class, title, values) in [
        (
            "bar-fraud",
            "Share of fraud by risk",
            shares(|step| step.fraud),
        ),
        (
            "volume",
            "Share of legitimate payments by risk",
            shares(|step| step.legitimate),
        ),
    ] {
        put!(page, "<p class=\"muted\">{title}</p>\n");
        page.push_str(&chart::columns(&Columns {
            title,
            names: &names,
            class,
            values: &values,
            mean: None,
        }));
    }
    let rows = report.risk.iter().map(|step| {
        [
            format!("{:.3}", step.risk),
            grouped(step.fraud as f64),
            grouped(step.legitimate as f64),
        ]
    });
    details(page, "Numbers", &["risk from", "fraud", "legitimate"], rows);
}

fn importance(report: &TrainingReport, page: &mut String) {
    page.push_str(
        "<h2>What it looks at</h2>\n<div class=\"card wide\">\n<p class=\"muted\">By the share of the loss that \
         splits on a feature took away in training, and by how far the feature moves the log-odds of a payment on \
         average, up or down (half of the payments fraud).</p>\n",
    );
    let (shown, further) = report
        .importance
        .split_at(report.importance.len().min(FEATURES_SHOWN));
    features(report, shown, page);
    if !further.is_empty() {
        put!(page, "<details><summary>{} more</summary>\n", further.len());
        features(report, further, page);
        page.push_str("</details>\n");
    }
    page.push_str("</div>\n");
}

fn features(report: &TrainingReport, features: &[Importance], page: &mut String) {
    let greatest =
        |of: fn(&Importance) -> f64| report.importance.iter().map(of).fold(0.0, f64::max);
    let (gain, contribution) = (greatest(|one| one.gain), greatest(|one| one.contribution));
    page.push_str(
        "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">feature</th>\
         <th scope=\"col\" colspan=\"2\">gain</th><th scope=\"col\" colspan=\"2\">moves the log-odds by</th></tr></thead><tbody>\n",
    );
    for one in features {
        put!(
            page,
            "<tr><td>{}</td><td class=\"bar\">{}</td><td class=\"number\">{}</td><td class=\"bar\">{}</td>\
             <td class=\"number\">{:.3}</td></tr>\n",
            escape(&one.feature),
            bar("bar-accent", one.gain, gain),
            percent(one.gain),
            bar("volume", one.contribution, contribution),
            one.contribution
        );
    }
    page.push_str("</tbody></table></div>\n");
}

fn stories(report: &TrainingReport, page: &mut String) {
    if report.stories.is_empty() {
        return;
    }
    page.push_str(
        "<h2>Stories</h2>\n<div class=\"card wide\">\n<p class=\"muted\">What is found at the bound of the tier \
         medium, by the model alone: rules and policy are not asked here, sentinel evaluate asks them.</p>\n",
    );
    let share = |share: Option<f64>| share.map_or("-".to_owned(), percent);
    let name = |story: &StoryReport| story.story.replace('_', " ");
    let found = |story: &StoryReport| [grouped(story.fraud as f64), share(story.detection)];
    // Labels of a file name stories of fraud only: there nothing is legitimate.
    if report.stories.iter().all(|story| story.legitimate == 0) {
        let rows = report.stories.iter().map(|story| {
            let [fraud, found] = found(story);
            [name(story), fraud, found]
        });
        table(page, &["story", "fraud", "found"], rows);
    } else {
        let rows = report.stories.iter().map(|story| {
            let [fraud, found] = found(story);
            let legitimate = grouped(story.legitimate as f64);
            [
                name(story),
                fraud,
                found,
                legitimate,
                share(story.false_positive_rate),
            ]
        });
        let head = [
            "story or look-alike",
            "fraud",
            "found",
            "legitimate",
            "false positives",
        ];
        table(page, &head, rows);
    }
    page.push_str("</div>\n");
}

/// How the model came about.
fn card(report: &TrainingReport, page: &mut String) {
    let rows = &report.rows;
    page.push_str(
        "<h2>Model card</h2>\n<div class=\"pair\">\n<div class=\"card\"><h3>Model and rows</h3>\n",
    );
    let facts = [
        (
            "name",
            format!("{}, version {}", report.model.name, report.model.version),
        ),
        ("file", report.model.file.clone()),
        ("hash", report.model.hash.clone()),
        ("trees", grouped(report.trees as f64)),
        ("features", grouped(report.model.features as f64)),
        (
            "learned from",
            format!(
                "{} rows, {} fraud",
                grouped(rows.trained as f64),
                grouped(rows.trained_fraud as f64)
            ),
        ),
        ("from", short(&rows.trained_from)),
        ("left out before the slice", grouped(rows.gap as f64)),
        (
            "judged by",
            format!(
                "{} rows, {} fraud",
                grouped(rows.validation as f64),
                grouped(rows.validation_fraud as f64)
            ),
        ),
        ("left out at the end", grouped(rows.unsettled as f64)),
        ("log-loss", format!("{:.5}", report.log_loss)),
        ("training", format!("{:.1} s", report.training_seconds)),
    ];
    facts_table(
        page,
        facts
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value)),
    );
    page.push_str("</div>\n<div class=\"card\"><h3>On its card</h3>\n");
    let entries = report
        .card
        .iter()
        .map(|entry| (entry.key.replace('_', " "), entry.value.clone()));
    facts_table(page, entries);
    page.push_str("</div>\n</div>\n");
}

fn facts_table(page: &mut String, facts: impl Iterator<Item = (String, String)>) {
    page.push_str("<table><tbody>\n");
    for (name, value) in facts {
        put!(
            page,
            "<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n",
            escape(&name),
            escape(&value)
        );
    }
    page.push_str("</tbody></table>\n");
}

/// An instant without its seconds.
fn short(instant: &str) -> String {
    match instant.get(..16) {
        Some(minutes) => minutes.replace('T', " "),
        None => instant.to_owned(),
    }
}
