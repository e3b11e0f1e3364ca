//! Each file of `fixtures/formats/bad`: what is said of each bad row, on which line, and that every good
//! row around it still comes through.

use super::*;

/// A file, the items it gives in short (only the start of a message need be stated), in order.
const CASES: &[(&str, &[&str])] = &[
    (
        "missing-field.jsonl",
        &[
            "1 good-1",
            "2! missing_field in account_id: is required",
            "3! missing_field in currency: is required",
            "4! missing_field in event_id: is empty",
            "5! missing_field in lon_e7: is required where lat_e7 is given",
            "6 good-2",
        ],
    ),
    (
        "wrong-type.jsonl",
        &[
            "1 good-1",
            "2! wrong_type in amount_minor: is the number 12, expected an integer in minor units",
            "3! wrong_type in amount_minor: is the text \"1250\", expected an integer",
            "4! wrong_type in event_time: is the text \"yesterday\", expected microseconds",
            "5! wrong_type in account_id: is the integer 17, expected a text",
            "6! wrong_type in merchant_id: is an object, expected a single value",
            "7! wrong_type in attributes: is an array, expected an object of single values",
            "8! wrong_type in attributes.tags: is an array, expected a single value",
            "9 good-2",
        ],
    ),
    (
        "negative-amount.jsonl",
        &[
            "1 good-1",
            "2! negative_amount in amount_minor: is -1; a refund or reversal is an event_type",
            "3 good-2",
        ],
    ),
    (
        "unknown-currency.jsonl",
        &[
            "1 good-1",
            "2! unknown_currency in currency: \"EURO\" is not an ISO 4217 code",
            "3! unknown_currency in currency: \"ZZZ\" is not an ISO 4217 code",
            "4 good-2",
        ],
    ),
    (
        "unknown-field.jsonl",
        &[
            "1 good-1",
            "2! unknown_field in ammount: is not a field of a transaction",
            "3! unknown_field in user_id: is not a field of a transaction; did you mean \"account_id\"?",
            "4! unknown_field in colour: is not a field of a transaction; further facts go under",
            "5 good-2",
        ],
    ),
    (
        "repeated-key.jsonl",
        &[
            "1 good-1",
            "2! bad_json in amount_minor: is given twice in one object",
            "3! bad_json in attributes.a: is given twice in one object",
            "4 good-2",
        ],
    ),
    (
        "bad-json.jsonl",
        &[
            "1 good-1",
            "2! bad_json: EOF while parsing",
            "3! bad_json: expected ident at column 2",
            "4! bad_json: invalid type: sequence, expected a JSON object",
            "5! bad_json: trailing characters at column ",
            "7 good-2",
        ],
    ),
    (
        "bad-utf8.jsonl",
        &[
            "1 good-1",
            "2! bad_utf8 in account_id: byte 100 of the object is not UTF-8",
            "3! bad_utf8: byte 9 of the object is not UTF-8",
            "4 good-2",
        ],
    ),
    // Whether a repeat is a conflict is decided where decisions are remembered, not here.
    (
        "same-id-other-body.jsonl",
        &["1 pay-1", "2 pay-1", "3 pay-1"],
    ),
    (
        "future-event.jsonl",
        &[
            "1 good-1",
            "2 good-2",
            "3! future_event in event_time: is 2026-03-01T12:05:00.000001Z, more than 5 minutes ahead of \
             2026-03-01T12:00:00Z",
            "4 good-3",
        ],
    ),
    (
        "wrong-cells.csv",
        &[
            "2 good-1",
            "3! bad_row: has 3 cells; the header has 7",
            "4! bad_row: has 8 cells; the header has 7",
            "5 good-2",
        ],
    ),
    (
        "bad-utf8.csv",
        &[
            "2 good-1",
            "3! bad_utf8 in merchant_name: the bytes of column 7 are not UTF-8",
            "4 good-2",
        ],
    ),
    (
        "stray-quote.csv",
        &[
            "2 good-1",
            "3! bad_row: has 8 cells over 3 lines",
            "4 good-2",
            "5 good-3",
            "7! wrong_type in amount_minor: is the text \"12.50\", expected an integer in minor units",
            "8 good-4",
        ],
    ),
    (
        "wrong-values.csv",
        &[
            "2 good-1",
            "3! unknown_value in event_type: \"gift\" is not one of card_auth, card_capture",
            "4! missing_field in amount_minor: is required",
            "5! negative_amount in amount_minor: is -5",
            "6 good-2",
        ],
    ),
];

/// Files that cannot be opened at all, and what is said.
const UNOPENED: &[(&str, &str)] = &[
    (
        "unknown-column.csv",
        "open test.csv: read the header: the column \"ammount\" is not a field of a transaction",
    ),
    (
        "no-account.csv",
        "open test.csv: read the header: there is no column account_id",
    ),
    (
        "absent-column.csv",
        "open test.csv: fit the mapping to the header: columns.account_id (line 6) names the column \
         \"custmer_id\", which is not there; did you mean \"customer_id\"?; the columns are id, when, \
         customer_id, cents",
    ),
];

fn folder() -> PathBuf {
    fixtures().join("formats/bad")
}

#[test]
fn every_bad_row_is_named_and_every_good_row_comes_through() {
    for (name, expected) in CASES {
        let mut options = if name.ends_with(".csv") {
            csv(None)
        } else {
            json_lines()
        };
        options.now = Instant::parse_rfc3339("2026-03-01T12:00:00Z");
        let bytes = fs::read(folder().join(name)).unwrap();
        let items = all(Cursor::new(&bytes), options, 3);
        let found = short(&items);
        assert_eq!(found.len(), expected.len(), "{name}: {found:#?}");
        for (found, expected) in found.iter().zip(*expected) {
            assert!(
                found.starts_with(expected),
                "{name}\n found: {found}\nexpected: {expected}"
            );
        }
        for (item, raw) in &items {
            let (SourceItem::Transaction { row, .. } | SourceItem::Rejected { row, .. }) = item
            else {
                panic!("{name} has labels");
            };
            let line = bytes
                .split(|b| *b == b'\n')
                .nth(usize::try_from(*row).unwrap() - 1)
                .unwrap();
            assert!(
                raw.starts_with(line),
                "{name}, line {row}: the bytes are kept"
            );
        }
    }
}

#[test]
fn what_cannot_be_opened_is_named_too() {
    for (name, expected) in UNOPENED {
        let path = folder().join(name);
        let mapping = fs::read_to_string(path.with_extension("toml")).ok();
        let mapping = mapping.map(|text| Mapping::parse(&text).unwrap());
        let said = opening_fails(&fs::read(path).unwrap(), csv(mapping));
        assert!(
            said.starts_with(expected),
            "{name}\n found: {said}\nexpected: {expected}"
        );
    }
}

#[test]
fn every_file_of_the_folder_is_walked() {
    let mut files: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".toml"))
        .collect();
    files.sort();
    let walked = CASES
        .iter()
        .map(|(name, _)| *name)
        .chain(UNOPENED.iter().map(|(name, _)| *name));
    let mut walked: Vec<&str> = walked.collect();
    walked.sort_unstable();
    assert_eq!(files, walked);
}

#[test]
fn the_same_id_with_another_body_has_another_fingerprint() {
    let bytes = fs::read(folder().join("same-id-other-body.jsonl")).unwrap();
    let items = all(Cursor::new(bytes), json_lines(), 10);
    let prints: Vec<_> = items
        .iter()
        .map(|(item, _)| match item {
            SourceItem::Transaction { transaction, .. } => transaction.fingerprint(&mut Vec::new()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(prints[0], prints[1]);
    assert_ne!(prints[0], prints[2]);
}
