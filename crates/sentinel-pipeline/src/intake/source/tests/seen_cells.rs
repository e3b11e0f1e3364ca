//! Cells are shown before the item of their row, also where a label goes between.

use super::*;

const HEADER: &str = "time_s,card,merchant,category,amount_cents,merch_lat,merch_lon,fraud";

/// The cells that were shown, a row each, and the items in short.
fn shown(text: &str, options: SourceOptions) -> (Vec<String>, Vec<String>) {
    let mut source = FileSource::open(text.as_bytes(), options).unwrap();
    let mut batch = SourceBatch::default();
    let (mut cells, mut order) = (Vec::new(), Vec::new());
    let mut see = |columns: &[String], row: &Row<'_>| {
        let pair = |(number, column)| format!("{column}={}", row.cell(number).unwrap_or("-"));
        let pairs: Vec<String> = columns.iter().enumerate().map(pair).collect();
        cells.push(pairs.join(" "));
    };
    while source.next_batch_seeing(&mut batch, 1, &mut see).unwrap() {
        order.extend(batch.items.iter().map(|item| match item {
            SourceItem::Transaction { row, .. } => format!("row {row}"),
            SourceItem::Label { .. } => "label".to_owned(),
            SourceItem::Rejected { row, .. } => format!("refused {row}"),
        }));
    }
    (cells, order)
}

#[test]
fn each_row_of_a_table_is_shown_once_before_its_item() {
    let text = format!(
        "{HEADER}\n1,a,m,x,100,0,0,1\n1,2,3\n2000000,\"b,c\",m,y,much,0,0,0\n2000001,d,m,z,5,0,0,0\n"
    );
    let (cells, order) = shown(&text, csv(Some(mapping("sparkov"))));
    // The second row has too few cells to be shown; the label goes before the fourth.
    assert_eq!(cells.len(), 3, "{cells:?}");
    assert!(cells[0].starts_with("time_s=1 card=a "), "{cells:?}");
    assert!(cells[1].contains("card=b,c") && cells[1].contains("amount_cents=much"));
    assert_eq!(order, ["row 2", "refused 3", "refused 4", "label", "row 5"]);
}

#[test]
fn of_an_object_the_mapped_keys_are_shown_and_of_a_canonical_one_nothing() {
    let path = fixtures().join("mappings/sparkov.toml");
    let any_format = fs::read_to_string(path)
        .unwrap()
        .replace("format = \"csv\"", "");
    let options = SourceOptions {
        mapping: Some(Mapping::parse(&any_format).unwrap().without_extras()),
        ..json_lines()
    };
    let text =
        r#"{"time_s":1,"card":"a","merchant":"m","category":"x","amount_cents":7,"fraud":1,"z":2}"#;
    let (cells, _) = shown(text, options);
    assert_eq!(
        cells,
        ["amount_cents=7 card=a category=x merch_lat=- merch_lon=- merchant=m time_s=1"]
    );
    let canonical = r#"{"event_id":"e","event_type":"card_auth","event_time":1770000000000000,"account_id":"a","amount_minor":1,"currency":"USD"}"#;
    let (cells, order) = shown(canonical, json_lines());
    assert_eq!((cells.len(), order), (0, vec!["row 1".to_owned()]));
}
