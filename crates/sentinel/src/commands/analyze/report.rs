//! The page of distributions, as every [page](mod@crate::page) is: one file, self-contained, light and dark.
//!
//! **Must never** show a row of the table.

mod sections;

use super::summary::Summary;
use crate::page::{self, grouped, percent};

/// The page.
pub fn page(summary: &Summary) -> String {
    let title = format!("Distributions of {}", file_name(&summary.input));
    let lead = format!(
        "{}, {} to {}. Made by sentinel analyze; rates are shares of fraud among the payments named.",
        summary.layout,
        short(&summary.first_event),
        short(&summary.last_event)
    );
    let mut page = page::start(&title, &lead);
    tiles(summary, &mut page);
    sections::notes(summary, &mut page);
    sections::time(summary, &mut page);
    sections::amounts(summary, &mut page);
    sections::words(summary, &mut page);
    sections::clients(summary, &mut page);
    sections::numbers(summary, &mut page);
    sections::missing(summary, &mut page);
    page::end(&mut page);
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
    let tiles = [
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
    ];
    page::tiles(page, tiles);
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
