//! The parts of the page, from the top down.

use std::fmt::Write;

use crate::commands::analyze::mixture;
use crate::commands::analyze::summary::{Amounts, Band, Level, Missing, Slot, Summary, Words};
use crate::page::chart::{self, Columns, Density, amount_text, bar};
use crate::page::{self, details, escape, grouped, percent, put, table};

/// Levels of a column shown at once; further ones open on demand.
const LEVELS_SHOWN: usize = 10;

/// Levels of a column in the page at all.
const LEVELS_MAX: usize = 60;

/// Columns of words that come first.
const COLUMNS_FIRST: [&str; 6] = [
    "product",
    "card_brand",
    "card_funding",
    "device_type",
    "email_domain",
    "recipient_email_domain",
];

/// Columns of words shown at once.
const COLUMNS_SHOWN: usize = 16;

/// Columns with gaps shown at once.
const GAPS_SHOWN: usize = 30;

/// Bins of the drawing of amounts.
const BINS: usize = 90;

/// What was left out, and rows that were refused.
pub fn notes(summary: &Summary, page: &mut String) {
    if summary.notes.is_empty() && summary.refused.is_empty() {
        return;
    }
    page.push_str("<h2>Notes</h2>\n<div class=\"card\"><ul class=\"notes\">\n");
    for refused in &summary.refused {
        put!(
            page,
            "<li>{} rows refused, first in line {}: {}</li>\n",
            refused.rows,
            refused.first_line,
            escape(&refused.detail)
        );
    }
    for note in &summary.notes {
        put!(page, "<li>{}</li>\n", escape(note));
    }
    page.push_str("</ul></div>\n");
}

/// By hour, by weekday, by day.
pub fn time(summary: &Summary, page: &mut String) {
    page.push_str("<h2>Time</h2>\n");
    slots(
        page,
        summary,
        ("By hour of the day", "hour"),
        &summary.hours,
    );
    if summary.days.len() > 1 {
        slots(page, summary, ("By day", "day"), &summary.days);
    }
    slots(page, summary, ("By weekday", "weekday"), &summary.weekdays);
}

fn slots(page: &mut String, summary: &Summary, (title, of): (&str, &str), slots: &[Slot]) {
    let names: Vec<String> = slots.iter().map(|slot| slot.name.clone()).collect();
    let shares: Vec<f64> = slots.iter().map(|slot| slot.share).collect();
    let rates: Vec<f64> = slots.iter().map(|slot| slot.fraud_rate).collect();
    put!(page, "<div class=\"card wide\"><h3>{title}</h3>\n");
    legend(page, summary.labelled, &[("volume", "share of payments")]);
    page.push_str("<div class=\"pair\">");
    page.push_str(&chart::columns(&Columns {
        title: &format!("Share of payments by {of}"),
        names: &names,
        class: "volume",
        values: &shares,
        mean: None,
    }));
    if summary.labelled {
        page.push_str(&chart::columns(&Columns {
            title: &format!("Fraud rate by {of}; the dotted line is the rate of all"),
            names: &names,
            class: "bar-fraud",
            values: &rates,
            mean: Some(summary.fraud_rate),
        }));
    }
    page.push_str("</div>\n");
    let head = [of, "payments", "share", "fraud rate"];
    let rows = slots.iter().map(|slot| {
        [
            slot.name.clone(),
            grouped(slot.rows as f64),
            percent(slot.share),
            percent(slot.fraud_rate),
        ]
    });
    details(page, "Numbers", &head, rows);
    page.push_str("</div>\n");
}

/// What a drawing shows, and the rate of fraud where it is known.
fn legend(page: &mut String, labelled: bool, entries: &[(&str, &str)]) {
    let fraud = [("fraud", "fraud rate; dotted: of all")];
    let fraud = if labelled { fraud.as_slice() } else { &[] };
    let entries: Vec<(&str, &str)> = entries.iter().chain(fraud).copied().collect();
    page::legend(page, &entries);
}

/// Density, quantiles, mixture, fraud by size.
pub fn amounts(summary: &Summary, page: &mut String) {
    let amounts = &summary.amounts;
    put!(
        page,
        "<h2>Amounts</h2>\n<div class=\"card wide\"><h3>Distribution, {} on a logarithmic axis</h3>\n",
        amounts.currency
    );
    let fraud = ("fraud", "payments that are fraud");
    let mut entries = vec![("volume", "all payments"), ("fit", "fitted mixture")];
    if summary.labelled {
        entries.push(fraud);
    }
    legend(page, false, &entries);
    page.push_str("<div class=\"pair\"><div>");
    page.push_str(&density(summary));
    put!(
        page,
        "<p class=\"muted\">Mean {:.2}, standard deviation {:.2}, from {:.2} to {:.2}. Quantiles are within {} of \
         themselves.</p>\n",
        amounts.mean,
        amounts.deviation,
        amounts.minimum,
        amounts.maximum,
        percent(amounts.quantile_relative_error)
    );
    page.push_str("</div>\n<div>");
    quantiles(amounts, page);
    page.push_str(
        "</div></div></div>\n<div class=\"pair\">\n<div class=\"card\"><h3>By size</h3>\n",
    );
    level_table(page, summary.labelled, &bands(amounts));
    page.push_str("</div>\n<div class=\"card\"><h3>Fitted log-normal mixture</h3>\n");
    let parts = amounts.mixture.iter().map(|part| {
        [
            format!("{:.2}", libm::exp(part.log_mean)),
            percent(part.weight),
            format!("{:.3}", part.log_mean),
            format!("{:.3}", part.log_deviation),
        ]
    });
    let head = ["median", "weight", "log mean", "log deviation"];
    table(page, &head, parts);
    page.push_str("</div>\n</div>\n");
}

fn quantiles(amounts: &Amounts, page: &mut String) {
    let quantiles = amounts.quantiles.iter().map(|one| {
        let fraud = one
            .fraud_amount
            .map_or("-".to_owned(), |amount| format!("{amount:.2}"));
        [
            format!("{:.0} %", one.share * 100.0),
            format!("{:.2}", one.amount),
            fraud,
        ]
    });
    table(page, &["share below", "all", "fraud"], quantiles);
}

/// Bands that hold a payment, as levels of a column.
fn bands(amounts: &Amounts) -> Vec<Level> {
    let level = |band: &Band| Level {
        level: Some(match band.below {
            Some(below) => format!("{} to {}", amount_text_of(band.from), amount_text_of(below)),
            None => format!("{} and more", amount_text_of(band.from)),
        }),
        rows: band.rows,
        share: band.share,
        fraud_rate: band.fraud_rate,
        mean_amount: 0.0,
    };
    let held = amounts.bands.iter().filter(|band| band.rows > 0);
    held.map(level).collect()
}

fn amount_text_of(amount: f64) -> String {
    if amount == 0.0 {
        "0".to_owned()
    } else {
        amount_text(amount)
    }
}

fn density(summary: &Summary) -> String {
    let (all, fraud) = &summary.amounts.log_bins;
    let (Some((low, _)), Some((high, _))) = (all.first(), all.last()) else {
        return String::new();
    };
    let wide = ((high - low) / (BINS as f64 - 1.0)).max(0.02);
    let first = low - wide / 2.0;
    let binned = |bins: &[(f64, f64)]| {
        let mut values = vec![0.0; BINS];
        let rows: f64 = bins.iter().map(|(_, rows)| rows).sum();
        for (log, rows_here) in bins {
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "not below the first bin, and cut at the last"
            )]
            let bin = (((log - first) / wide) as usize).min(BINS - 1);
            if let Some(value) = values.get_mut(bin) {
                *value += rows_here / rows.max(1.0);
            }
        }
        values
    };
    let parts: Vec<mixture::Part> = summary
        .amounts
        .mixture
        .iter()
        .map(|part| mixture::Part {
            weight: part.weight,
            mean: part.log_mean,
            deviation: part.log_deviation,
        })
        .collect();
    let fitted = (0..BINS).map(|bin| {
        let middle = first + (bin as f64 + 0.5) * wide;
        let density: f64 = parts.iter().map(|part| part.density(middle)).sum();
        density * wide
    });
    let mut curves = vec![("fit", fitted.collect())];
    if !fraud.is_empty() {
        curves.push(("fraud", binned(fraud)));
    }
    chart::density(&Density {
        title: "Share of payments by amount, with the fitted mixture and the amounts of fraud",
        bins: (first, wide),
        volume: &binned(all),
        curves: &curves,
    })
}

/// A card for each column of words: those that the product has names for first, the rest by name.
pub fn words(summary: &Summary, page: &mut String) {
    page.push_str(
        "<h2>Categories</h2>\n<p class=\"muted\">Each column with its most frequent levels: their share of \
         payments, and the share of fraud among them.</p>\n",
    );
    let place = |words: &&Words| {
        let named = COLUMNS_FIRST.iter().position(|name| *name == words.name);
        (named.unwrap_or(COLUMNS_FIRST.len()), words.name.clone())
    };
    let mut columns: Vec<&Words> = summary.words.iter().collect();
    columns.sort_by_key(place);
    let (shown, further) = columns.split_at(columns.len().min(COLUMNS_SHOWN));
    word_cards(summary, shown, page);
    if !further.is_empty() {
        let told = format!("{} more columns", further.len());
        put!(page, "<details><summary>{told}</summary>\n");
        word_cards(summary, further, page);
        page.push_str("</details>\n");
    }
}

fn word_cards(summary: &Summary, columns: &[&Words], page: &mut String) {
    page.push_str("<div class=\"grid\">\n");
    for words in columns {
        let plural = if words.count == 1 { "" } else { "s" };
        put!(
            page,
            "<div class=\"card\"><h3>{} <span class=\"muted\">{} level{plural}</span></h3>\n",
            escape(&words.name),
            grouped(words.count as f64)
        );
        let mut levels: Vec<Level> = words.levels.iter().take(LEVELS_MAX).cloned().collect();
        if words.levels.len() <= LEVELS_MAX {
            levels.extend(words.others.clone());
        }
        let (shown, further) = levels.split_at(levels.len().min(LEVELS_SHOWN));
        level_table(page, summary.labelled, shown);
        if !further.is_empty() {
            let left_out = words.levels.len().saturating_sub(LEVELS_MAX);
            let of = if left_out > 0 {
                format!(" (of {})", further.len() + left_out)
            } else {
                String::new()
            };
            let told = format!("{} more{of}", further.len());
            put!(page, "<details><summary>{told}</summary>\n");
            level_table(page, summary.labelled, further);
            page.push_str("</details>\n");
        }
        page.push_str("</div>\n");
    }
    page.push_str("</div>\n");
}

fn level_table(page: &mut String, labelled: bool, levels: &[Level]) {
    let most = |value: fn(&Level) -> f64| levels.iter().map(value).fold(0.0, f64::max);
    let (share_max, rate_max) = (most(|level| level.share), most(|level| level.fraud_rate));
    page.push_str(
        "<table><thead><tr><th scope=\"col\">level</th><th scope=\"col\" colspan=\"2\">share</th>",
    );
    if labelled {
        page.push_str("<th scope=\"col\" colspan=\"2\">fraud</th>");
    }
    page.push_str("</tr></thead><tbody>\n");
    for level in levels {
        let (class, word) = match &level.level {
            Some(word) => ("", word.as_str()),
            None => (" class=\"none\"", "missing"),
        };
        put!(
            page,
            "<tr{class}><td>{}</td><td class=\"bar\">{}</td><td class=\"number\">{}</td>",
            escape(word),
            bar("volume", level.share, share_max),
            percent(level.share)
        );
        if labelled {
            put!(
                page,
                "<td class=\"bar\">{}</td><td class=\"number\">{}</td>",
                bar("bar-fraud", level.fraud_rate, rate_max),
                percent(level.fraud_rate)
            );
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table>\n");
}

/// How many rows clients have, and how many names there are of other kinds.
pub fn clients(summary: &Summary, page: &mut String) {
    let clients = &summary.clients;
    page.push_str(
        "<h2>Clients</h2>\n<div class=\"card wide\"><h3>Clients by their number of payments</h3>\n",
    );
    let all: u64 = clients.sizes.iter().map(|size| size.clients).sum();
    let shares: Vec<f64> = clients
        .sizes
        .iter()
        .map(|size| size.clients as f64 / all.max(1) as f64)
        .collect();
    let names: Vec<String> = clients
        .sizes
        .iter()
        .map(|size| grouped(size.payments))
        .collect();
    page.push_str("<div class=\"pair\"><div>");
    page.push_str(&chart::columns(&Columns {
        title: "Share of clients by how many payments they make",
        names: &names,
        class: "volume",
        values: &shares,
        mean: None,
    }));
    let about = if clients.exact {
        String::new()
    } else {
        format!(
            "; a sample, the number of clients is known to {}",
            percent(clients.relative_error)
        )
    };
    put!(
        page,
        "<p class=\"muted\">{} clients with {:.2} payments on average: median {}, 90 % up to {}, 99 % up to {}, the \
         busiest {}. {} pay once; the busiest hundredth makes {} of the payments{about}.</p>\n",
        grouped(clients.count as f64),
        clients.mean,
        clients.median,
        clients.p90,
        clients.p99,
        grouped(clients.max as f64),
        percent(clients.single_share),
        percent(clients.top_hundredth_share)
    );
    page.push_str("</div>\n<div>");
    entities(summary, page);
    page.push_str("</div></div></div>\n");
}

fn entities(summary: &Summary, page: &mut String) {
    page.push_str("<h3>Others that are named</h3>\n");
    let rows = summary.entities.iter().map(|one| {
        [
            one.name.to_owned(),
            grouped(one.count as f64),
            if one.relative_error > 0.0 {
                percent(one.relative_error)
            } else {
                "exact".to_owned()
            },
            grouped(one.rows as f64),
        ]
    });
    table(
        page,
        &["field", "different", "standard error", "rows"],
        rows,
    );
}

/// Columns of numbers.
pub fn numbers(summary: &Summary, page: &mut String) {
    if summary.numbers.is_empty() {
        return;
    }
    page.push_str("<h2>Numbers</h2>\n<div class=\"card\">\n");
    let rows = summary.numbers.iter().map(|one| {
        [
            one.name.clone(),
            percent(one.missing_rate),
            format!("{:.2}", one.minimum),
            format!("{:.2}", one.maximum),
            percent(one.positive_share),
            format!("{:.3}", one.log_mean),
            format!("{:.3}", one.log_deviation),
        ]
    });
    let head = [
        "column",
        "missing",
        "least",
        "greatest",
        "above zero",
        "log mean",
        "log deviation",
    ];
    table(page, &head, rows);
    page.push_str("</div>\n");
}

/// Columns with gaps, the emptiest first.
pub fn missing(summary: &Summary, page: &mut String) {
    let mut gaps: Vec<&Missing> = summary
        .missing
        .iter()
        .filter(|one| one.missing_rate > 0.0)
        .collect();
    gaps.sort_by(|a, b| {
        b.missing_rate
            .total_cmp(&a.missing_rate)
            .then(a.name.cmp(&b.name))
    });
    let half = gaps.iter().filter(|one| one.missing_rate > 0.5).count();
    put!(
        page,
        "<h2>Missing values</h2>\n<p class=\"muted\">{} of {} columns have gaps, {half} are more than half \
         empty.</p>\n",
        gaps.len(),
        summary.missing.len()
    );
    if gaps.is_empty() {
        return;
    }
    let (shown, further) = gaps.split_at(gaps.len().min(GAPS_SHOWN));
    page.push_str("<div class=\"grid\">\n");
    for some in shown.chunks(GAPS_SHOWN.div_ceil(2)) {
        page.push_str("<div class=\"card\">\n");
        gap_table(page, some);
        page.push_str("</div>\n");
    }
    page.push_str("</div>\n");
    if !further.is_empty() {
        put!(
            page,
            "<details><summary>{} more</summary><div class=\"card\">\n",
            further.len()
        );
        gap_table(page, further);
        page.push_str("</div></details>\n");
    }
}

fn gap_table(page: &mut String, gaps: &[&Missing]) {
    page.push_str(
        "<table><thead><tr><th scope=\"col\">column</th><th scope=\"col\" colspan=\"2\">missing</th></tr></thead><tbody>\n",
    );
    for one in gaps {
        put!(
            page,
            "<tr><td>{}</td><td class=\"bar\">{}</td><td class=\"number\">{}</td></tr>\n",
            escape(&one.name),
            bar("volume", one.missing_rate, 1.0),
            percent(one.missing_rate)
        );
    }
    page.push_str("</tbody></table>\n");
}
