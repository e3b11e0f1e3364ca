//! The layout of IEEE-CIS with invented rows, whose shares follow from the row number.

use serde_json::{Value, json};

use super::{Folder, analyze, level, named, near, read, result};
use crate::process::{stderr, text};

const ROWS: usize = 1_000;

/// Columns of the transaction table, those of the shipped mapping and some of V.
fn header() -> String {
    let mut columns: Vec<String> =
        "TransactionID,isFraud,TransactionDT,TransactionAmt,ProductCD,card1,\
        card2,card3,card4,card5,card6,addr1,addr2,dist1,dist2,P_emaildomain,R_emaildomain"
            .split(',')
            .map(|name| name.trim().to_owned())
            .collect();
    for (letter, count) in [("C", 14), ("D", 15), ("M", 9), ("V", 3)] {
        columns.extend((1..=count).map(|number| format!("{letter}{number}")));
    }
    columns.join(",")
}

fn fraud(row: usize) -> bool {
    row.is_multiple_of(20)
}

/// One row: every third is product C, every fourth has a distance, every 20th is fraud, amounts run up.
fn row(row: usize) -> String {
    let product = if row.is_multiple_of(3) { "C" } else { "W" };
    let brand = ["visa", "mastercard", "discover", ""][row % 4];
    let funding = if row.is_multiple_of(2) {
        "debit"
    } else {
        "credit"
    };
    let distance = if row.is_multiple_of(4) { "8.0" } else { "" };
    let email = if row.is_multiple_of(5) {
        "NaN"
    } else {
        "one.example"
    };
    let second = 86_400 + row * 3_600;
    let amount = format!("{}.{:03}", row + 1, row % 10);
    let client = row % 250;
    let mut cells = vec![
        (3_000_000 + row).to_string(),
        u8::from(fraud(row)).to_string(),
        second.to_string(),
        amount,
        product.to_owned(),
        (1_000 + client).to_string(),
        "321.0".to_owned(),
        "150.0".to_owned(),
        brand.to_owned(),
        "226.0".to_owned(),
        funding.to_owned(),
        "204.0".to_owned(),
        "87.0".to_owned(),
        distance.to_owned(),
        String::new(),
        email.to_owned(),
        String::new(),
    ];
    cells.extend((0..14).map(|_| "1.0".to_owned()));
    cells.extend((0..15).map(|_| "0.0".to_owned()));
    cells.extend((0..9).map(|_| "T".to_owned()));
    cells.extend((0..3).map(|number| {
        if number == 1 {
            String::new()
        } else {
            "1.0".to_owned()
        }
    }));
    cells.join(",")
}

fn table(rows: impl Iterator<Item = usize>) -> String {
    let mut text = header();
    for number in rows {
        text.push('\n');
        text.push_str(&row(number));
    }
    text.push('\n');
    text
}

/// Every fifth transaction has an identity; every second of those a mobile.
fn identities(rows: impl Iterator<Item = usize>) -> String {
    let mut text = "TransactionID,id_01,id_02,id_12,DeviceType,DeviceInfo\n".to_owned();
    for row in rows.filter(|row| row.is_multiple_of(5)) {
        let device = if row.is_multiple_of(2) {
            "mobile"
        } else {
            "desktop"
        };
        let second = if row.is_multiple_of(10) { "7.0" } else { "" };
        let id = 3_000_000 + row;
        text.push_str(&format!(
            "{id},-5.0,{second},NotFound,{device},Model {}\n",
            row % 3
        ));
    }
    text
}

#[test]
fn shares_rates_and_gaps_are_those_of_the_rows() {
    let folder = Folder::new();
    let table = folder.file("t.csv", table(0..ROWS));
    let identity = folder.file("i.csv", identities(0..ROWS));
    let found = result(&[&table, "--identity", &identity]);
    assert_eq!(found["layout"], "IEEE-CIS");
    assert_eq!(found["rows"], ROWS);
    assert_eq!(found["fraud"], ROWS / 20);
    assert_eq!(found["labelled"], true);
    let word = |column: &str, word: Value, share: f64, rate: f64| {
        let level = level(&found, column, &word);
        near(column, &level["share"], share, 1e-12);
        near(column, &level["fraud_rate"], rate, 1e-12);
    };
    let of = |holds: &dyn Fn(usize) -> bool| {
        let those: Vec<usize> = (0..ROWS).filter(|row| holds(*row)).collect();
        let frauds = those.iter().filter(|row| fraud(**row)).count();
        (
            those.len() as f64 / ROWS as f64,
            frauds as f64 / those.len() as f64,
        )
    };
    let (share, rate) = of(&|row| row % 3 == 0);
    word("product", json!("C"), share, rate);
    word("card_brand", json!("discover"), 0.25, 0.0);
    word("card_brand", Value::Null, 0.25, 0.0);
    word("card_brand", json!("visa"), 0.25, 0.2);
    word("card_funding", json!("debit"), 0.5, 0.1);
    word("email_domain", Value::Null, 0.2, 0.25);
    word("device_type", Value::Null, 0.8, 0.0);
    let (share, rate) = of(&|row| row % 10 == 0);
    word("device_type", json!("mobile"), share, rate);
    word("device_type", json!("desktop"), 0.1, 0.0);
    word("id_12", json!("NotFound"), 0.2, 0.25);
    for (column, rate) in [
        ("dist1", 0.75),
        ("dist2", 1.0),
        ("R_emaildomain", 1.0),
        ("P_emaildomain", 0.2),
        ("V2", 1.0),
        ("V3", 0.0),
        ("id_01", 0.8),
        ("id_02", 0.9),
        ("DeviceInfo", 0.8),
    ] {
        near(
            column,
            &named(&found["missing"], column)["missing_rate"],
            rate,
            1e-12,
        );
    }
    near(
        "log of dist1",
        &named(&found["numbers"], "dist1")["log_mean"],
        8_f64.ln(),
        1e-8,
    );
}

#[test]
fn time_amounts_and_clients_are_those_of_the_rows() {
    let folder = Folder::new();
    let found = result(&[&folder.file("t.csv", table(0..ROWS))]);
    // A row an hour, from midnight on the day after the base.
    assert_eq!(found["first_event"], "2017-12-02T00:00:00Z");
    assert_eq!(found["hours"][0]["rows"], 42);
    assert_eq!(found["hours"][23]["rows"], 41);
    assert_eq!(found["days"].as_array().unwrap().len(), 42);
    assert_eq!(found["days"][0]["rows"], 24);
    let at_four: Vec<usize> = (0..ROWS).filter(|row| row % 24 == 4).collect();
    let frauds = at_four.iter().filter(|row| fraud(**row)).count();
    let rate = frauds as f64 / at_four.len() as f64;
    near("04:00", &found["hours"][4]["fraud_rate"], rate, 1e-12);
    // Thousandths are rounded half to even: .000 to .009 gives 0 or 1 cent.
    let cents: Vec<f64> = (0..ROWS)
        .map(|row| (row + 1) as f64 + if row % 10 > 5 { 0.01 } else { 0.0 })
        .collect();
    let amounts = &found["amounts"];
    near(
        "mean",
        &amounts["mean"],
        cents.iter().sum::<f64>() / ROWS as f64,
        1e-9,
    );
    assert_eq!(
        (&amounts["minimum"], &amounts["maximum"]),
        (&json!(1.0), &json!(1000.01))
    );
    for (place, quarters) in [(3, 1), (4, 2), (5, 3)] {
        let wanted = cents[quarters * ROWS / 4 - 1];
        near(
            "quantile",
            &amounts["quantiles"][place]["amount"],
            wanted,
            0.001 * wanted,
        );
    }
    // Amounts below ten are rows 0 to 8, of which row 0 is fraud.
    near("small", &amounts["small_fraud_rate"], 1.0 / 9.0, 1e-12);
    let clients = &found["clients"];
    assert_eq!(
        (&clients["count"], &clients["exact"]),
        (&json!(250), &json!(true))
    );
    assert_eq!(clients["sizes"], json!([{"payments": 4.0, "clients": 250}]));
}

#[test]
fn the_order_of_both_tables_changes_nothing() {
    let folder = Folder::new();
    let forward = result(&[
        &folder.file("t.csv", table(0..ROWS)),
        "--identity",
        &folder.file("i.csv", identities(0..ROWS)),
    ]);
    let backward = result(&[
        &folder.file("u.csv", table((0..ROWS).rev())),
        "--identity",
        &folder.file("j.csv", identities((0..ROWS).rev())),
    ]);
    assert!(forward == backward, "{forward}\n{backward}");
}

#[test]
fn broken_rows_are_counted_and_told_and_cost_nothing_else() {
    let folder = Folder::new();
    let mut text = table(0..100);
    text.push_str("1,2,3\n");
    text.push_str(&row(100).replace(",101.000,", ",much,"));
    text.push('\n');
    let table = folder.file("t.csv", text);
    let found = result(&[&table]);
    assert_eq!(
        (&found["rows"], &found["refused_rows"]),
        (&json!(100), &json!(2))
    );
    let told = stderr(&analyze(&[&table]));
    assert!(told.contains("2 rows are no transaction"), "{told}");
    assert!(
        told.contains("first in line 102") && told.contains("\"much\""),
        "{told}"
    );
}

#[test]
fn the_profile_is_one_the_generator_reads_and_the_report_asks_nobody() {
    let folder = Folder::new();
    let mut text = table(0..ROWS);
    text = text.replace("one.example", "<script>alert(1)</script>");
    let table = folder.file("t.csv", text);
    let identity = folder.file("i.csv", identities(0..ROWS));
    let (out, report) = (folder.path("ieee.json"), folder.path("ieee.html"));
    let files = [
        "--identity",
        &identity,
        "--out",
        text_of(&out),
        "--report",
        text_of(&report),
    ];
    result(&[&[table.as_str()], files.as_slice()].concat());
    let profile = sentinel_synth::Profile::from_json(&read(&out)).unwrap();
    assert_eq!(profile.name, "ieee");
    assert_eq!(profile.fraud_rate, 0.05);
    let other = profile
        .card_brand
        .iter()
        .find(|level| level.level.as_deref() == Some("other"));
    assert_eq!(
        other.map(|level| level.share),
        Some(0.25),
        "discover is another brand"
    );
    assert_eq!(profile.missing_rates["billing_country"], 0.0);
    assert!(profile.attributes.contains_key("M4") && !profile.attributes.contains_key("id_12"));
    assert_eq!(profile.numbers["dist1"].missing_rate, 0.75);
    let page = read(&report);
    for forbidden in ["<script", "http", "src=", "url(", "@import", "<link"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(page.contains("&lt;script&gt;alert(1)"));
    assert!(page.contains("prefers-color-scheme: dark"));
    assert_eq!(
        page.matches("<svg viewBox=\"0 0 540").count(),
        page.matches("role=\"img\" aria-label=").count()
    );
    for row in [0, 500, 999] {
        let id = (3_000_000 + row).to_string();
        assert!(
            !page.contains(&id) && !read(&out).contains(&id),
            "no row is told"
        );
    }
}

fn text_of(path: &std::path::Path) -> &str {
    text(path)
}
