//! The page of distributions: one file that a browser shows without asking anybody for anything.
//!
//! **Promises** no script, no font, no request; light and dark as the reader's system has it; every
//! drawing with its numbers in a table, so that nothing is told by picture or colour alone. Words of the
//! table are escaped wherever they stand. **Must never** show a row of the table.

mod chart;
mod sections;

use self::chart::{escape, grouped, percent, put};
use super::summary::Summary;
use std::fmt::Write;

const STYLE: &str = include_str!("report/page.css");

/// The page.
pub fn page(summary: &Summary) -> String {
    let title = format!("Distributions of {}", file_name(&summary.input));
    let mut page = String::new();
    put!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{0}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{0}</h1>\n",
        escape(&title)
    );
    put!(
        page,
        "<p class=\"muted\">{}, {} to {}. Made by sentinel analyze; rates are shares of fraud among the \
         payments named.</p>\n",
        escape(summary.layout),
        escape(&short(&summary.first_event)),
        escape(&short(&summary.last_event))
    );
    tiles(summary, &mut page);
    sections::notes(summary, &mut page);
    sections::time(summary, &mut page);
    sections::amounts(summary, &mut page);
    sections::words(summary, &mut page);
    sections::clients(summary, &mut page);
    sections::numbers(summary, &mut page);
    sections::missing(summary, &mut page);
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn tiles(summary: &Summary, page: &mut String) {
    let fraud = if summary.labelled {
        percent(summary.fraud_rate)
    } else {
        "not known".to_owned()
    };
    let amounts = &summary.amounts;
    let median = amounts.quantiles.iter().find(|one| one.share == 0.5);
    let median = median.map_or(0.0, |one| one.amount);
    let about = if summary.clients.exact { "" } else { "about " };
    page.push_str("<div class=\"tiles\">\n");
    for (value, name) in [
        (grouped(summary.rows as f64), "transactions".to_owned()),
        (
            fraud,
            format!("fraud, {} transactions", grouped(summary.fraud as f64)),
        ),
        (
            format!("{median:.2}"),
            format!("{} median, mean {:.2}", amounts.currency, amounts.mean),
        ),
        (
            format!("{about}{}", grouped(summary.clients.count as f64)),
            format!("clients, {:.2} rows each", summary.clients.mean),
        ),
        (
            grouped(summary.refused_rows as f64),
            "rows refused".to_owned(),
        ),
    ] {
        put!(
            page,
            "<div class=\"card tile\"><b>{}</b><span>{}</span></div>\n",
            escape(&value),
            escape(&name)
        );
    }
    page.push_str("</div>\n");
}

/// An instant without its seconds.
fn short(instant: &str) -> String {
    match instant.get(..16) {
        Some(minutes) => minutes.replace('T', " "),
        None => instant.to_owned(),
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
