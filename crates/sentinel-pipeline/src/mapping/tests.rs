//! What a mapping can say, and what is said of one that is wrong.

use std::path::{Path, PathBuf};

use super::*;

const SMALL: &str = r#"[source]
name = "shop"

[columns]
event_id = "id"
account_id = "customer"

[constants]
event_type = "card_auth"
currency = "EUR"

[amount]
column = "cents"
unit = "minor"

[time]
column = "when"
unit = "rfc3339"
"#;

const HEADER: &[&str] = &["id", "customer", "cents", "when", "kind", "extra"];

/// One row through the small mapping with something more in it.
fn read_with(
    more: &str,
    cells: &[&str],
) -> Result<(Box<sentinel_domain::Transaction>, bool), String> {
    read(&format!("{SMALL}{more}"), HEADER, cells)
}

fn read(
    mapping: &str,
    header: &[&str],
    cells: &[&str],
) -> Result<(Box<sentinel_domain::Transaction>, bool), String> {
    let bound = Mapping::parse(mapping).unwrap().bind(header).unwrap();
    let mut places = Vec::new();
    let mut text = String::new();
    for cell in cells {
        let start = text.len();
        text.push_str(cell);
        places.push(Cell {
            start,
            end: text.len(),
        });
    }
    let row = Row {
        number: 41,
        text: &text,
        cells: &places,
    };
    bound
        .read(&row, &mut String::new())
        .map_err(|rejection| rejection.to_string())
}

const ROW: &[&str] = &["e1", "c1", "1250", "2026-03-01T10:00:00Z", "internet", "7"];

fn fault(mapping: &str) -> String {
    Mapping::parse(mapping).unwrap_err().to_string()
}

#[test]
fn columns_constants_amount_and_time_make_a_transaction() {
    let (transaction, fraud) = read_with("", ROW).unwrap();
    assert_eq!(transaction.event_id.as_str(), "e1");
    assert_eq!(transaction.account_id.as_str(), "c1");
    assert_eq!(
        (transaction.amount_minor, transaction.currency.as_str()),
        (1_250, "EUR")
    );
    assert_eq!(transaction.event_time.to_string(), "2026-03-01T10:00:00Z");
    assert!(!fraud);
}

#[test]
fn templates_join_columns_and_the_number_of_the_row() {
    let more = "[templates]\ncard_token = \"{customer}/{kind}\"\nmerchant_id = \"m-{row}\"";
    let (transaction, _) = read_with(more, ROW).unwrap();
    assert_eq!(transaction.card_token.unwrap().as_str(), "c1/internet");
    assert_eq!(transaction.merchant_id.unwrap().as_str(), "m-41");
}

#[test]
fn words_are_translated_left_absent_or_sent_to_the_default() {
    let mapping = SMALL.replace(
        "account_id = \"customer\"",
        "account_id = \"customer\"\nchannel = \"kind\"",
    );
    let values = "[values.channel]\ninternet = \"web\"\nphone = \"\"\n\"\" = \"moto\"\n";
    let channel = |more: &str, kind: &str| {
        let mut row = ROW.to_vec();
        row[4] = kind;
        read(&format!("{mapping}{values}{more}"), HEADER, &row)
            .map(|(t, _)| t.channel.map(|c| c.as_str()))
    };
    let other = "\"*\" = \"pos\"";
    assert_eq!(channel("", "internet"), Ok(Some("web")));
    assert_eq!(channel("", "phone"), Ok(None));
    assert_eq!(channel("", "atm"), Ok(Some("atm")));
    assert_eq!(channel(other, "kiosk"), Ok(Some("pos")));
    assert_eq!(
        channel(other, ""),
        Ok(Some("moto")),
        "listed words go before missing ones"
    );
    let said = channel("", "kiosk").unwrap_err();
    assert!(
        said.starts_with("unknown_value in channel: \"kiosk\" is not one of web"),
        "{said}"
    );
    assert!(said.ends_with("(column \"kind\")"), "{said}");
}

#[test]
fn amounts_in_major_units_follow_the_currency_of_the_row() {
    let mapping = SMALL
        .replace("currency = \"EUR\"\n", "")
        .replace(
            "account_id = \"customer\"",
            "account_id = \"customer\"\ncurrency = \"kind\"",
        )
        .replace(
            "unit = \"minor\"",
            "unit = \"major\"\nrounding = \"ROUNDING\"",
        );
    let amount = |rounding: &str, cents: &str, currency: &str| {
        let mapping = mapping.replace("ROUNDING", rounding);
        let row = ["e1", "c1", cents, ROW[3], currency, ""];
        read(&mapping, HEADER, &row).map(|(transaction, _)| transaction.amount_minor)
    };
    assert_eq!(amount("reject", "12.34", "EUR"), Ok(1_234));
    assert_eq!(amount("reject", "12", "JPY"), Ok(12));
    assert_eq!(amount("reject", "12.345", "KWD"), Ok(12_345));
    assert_eq!(amount("half_even", "12.345", "USD"), Ok(1_234));
    assert_eq!(amount("half_even", "12.355", "USD"), Ok(1_236));
    let said = |rounding, cents, currency| amount(rounding, cents, currency).unwrap_err();
    assert_eq!(
        said("reject", "12.345", "USD"),
        "wrong_type in amount_minor: is \"12.345\", but the currency has 2 decimals; rounding = \
         \"half_even\" in the mapping would round it (column \"cents\")"
    );
    assert!(said("reject", "twelve", "USD").contains("expected a decimal number"));
    assert!(said("reject", "-1", "USD").starts_with("negative_amount in amount_minor"));
    assert!(said("reject", "1", "").starts_with("missing_field in currency: is required to read"));
    assert!(said("reject", "1", "XXX").starts_with("unknown_currency in currency"));
    assert!(said("reject", "99999999999999999999", "USD").starts_with("out_of_range in amount"));
}

#[test]
fn missing_cells_leave_optional_fields_absent_and_required_ones_named() {
    let mapping = SMALL
        .replace("name = \"shop\"", "name = \"shop\"\nmissing = [\"NA\"]")
        .replace(
            "event_id = \"id\"",
            "event_id = \"id\"\nmerchant_id = \"kind\"",
        );
    let row = |id, kind| read(&mapping, HEADER, &[id, "c1", "5", ROW[3], kind, ""]);
    assert_eq!(row("e1", "NA").unwrap().0.merchant_id, None);
    assert_eq!(
        row("NA", "m1").unwrap_err(),
        "missing_field in event_id: is required (column \"id\")"
    );
    assert_eq!(row("e1", "").unwrap().0.merchant_id, None);
}

#[test]
fn coordinates_are_read_from_decimal_degrees() {
    let more = "[coordinates]\nlatitude = \"kind\"\nlongitude = \"extra\"";
    let place = |lat, lon| {
        read_with(more, &["e1", "c1", "5", ROW[3], lat, lon]).map(|(t, _)| t.coordinates)
    };
    let at = place("38.7", "-9.12345678").unwrap().unwrap();
    assert_eq!((at.lat_e7, at.lon_e7), (387_000_000, -91_234_568));
    assert_eq!(place("", ""), Ok(None));
    assert!(
        place("38.7", "")
            .unwrap_err()
            .starts_with("missing_field in lon_e7")
    );
    assert!(
        place("91", "0")
            .unwrap_err()
            .starts_with("out_of_range in lat_e7")
    );
    assert!(
        place("north", "0")
            .unwrap_err()
            .contains("expected decimal degrees (column \"kind\")")
    );
}

#[test]
fn features_keep_their_kind() {
    let more =
        "[features]\nspeed = { column = \"extra\", kind = \"numeric\" }\nkind = \"categorical\"";
    let row = |kind, extra| read_with(more, &["e1", "c1", "5", ROW[3], kind, extra]);
    let (transaction, _) = row("42", "7").unwrap();
    let attributes: Vec<_> = transaction.attributes.iter().collect();
    let (kind, speed) = (
        sentinel_domain::Scalar::Text("42".into()),
        sentinel_domain::Scalar::Number(7.0),
    );
    assert_eq!(attributes, [("kind", &kind), ("speed", &speed)]);
    assert!(row("", "").unwrap().0.attributes.is_empty());
    for wrong in ["fast", "nan", "inf"] {
        let said = row("x", wrong).unwrap_err();
        assert!(
            said.starts_with("wrong_type in attributes.speed: is the text"),
            "{said}"
        );
    }
    let mapping = Mapping::parse(&format!("{SMALL}{more}")).unwrap();
    let listed: Vec<_> = mapping
        .features()
        .iter()
        .map(|f| (f.name.as_str(), f.kind))
        .collect();
    assert_eq!(
        listed,
        [
            ("kind", FeatureKind::Categorical),
            ("speed", FeatureKind::Numeric)
        ]
    );
}

#[test]
fn the_label_column_tells_fraud() {
    let more = "[label]\ncolumn = \"extra\"\nfraud = [\"1\", \"yes\"]\ndelay = \"36h\"\nsource = \"chargeback\"";
    let fraud = |extra| {
        read_with(more, &["e1", "c1", "5", ROW[3], "", extra])
            .unwrap()
            .1
    };
    assert_eq!(
        ["1", "yes", "0", "", "2"].map(fraud),
        [true, true, false, false, false]
    );
    let mapping = Mapping::parse(&format!("{SMALL}{more}")).unwrap();
    let label = mapping.label().unwrap();
    assert_eq!(label.delay_micros, 36 * 3_600 * 1_000_000);
    assert_eq!(label.source, LabelSource::Chargeback);
}

#[test]
fn entities_that_are_the_same_for_every_row_are_listed() {
    let mapping = SMALL.replace("account_id = \"customer\"\n", "").replace(
        "currency = \"EUR\"",
        "currency = \"EUR\"\naccount_id = \"all\"",
    );
    let more = "[templates]\nmerchant_id = \"m\"\nterminal_id = \"t-{row}\"";
    let parsed = Mapping::parse(&format!("{mapping}{more}")).unwrap();
    assert_eq!(
        parsed.constant_entities(),
        [Field::AccountId, Field::MerchantId]
    );
    let more = "[templates]\ncard_bin = \"4111\"\nmcc = \"5411\"";
    let parsed = Mapping::parse(&format!("{mapping}{more}")).unwrap();
    assert_eq!(
        parsed.constant_entities(),
        [Field::AccountId, Field::CardBin, Field::Mcc]
    );
    assert_eq!(Mapping::parse(SMALL).unwrap().constant_entities(), []);
}

#[test]
fn unknown_keys_are_named_with_their_line() {
    let said = |more: &str| fault(&format!("{SMALL}{more}"));
    assert_eq!(
        said("[colums]\n"),
        "read the mapping, line 19: unknown key colums; did you mean \"columns\"?"
    );
    assert_eq!(
        fault(&SMALL.replace("account_id =", "acount_id =")),
        "read the mapping, line 6: unknown key columns.acount_id; did you mean \"account_id\"?"
    );
    assert_eq!(
        fault(&SMALL.replace("unit = \"minor\"", "unit = \"minor\"\nscale = 2")),
        "read the mapping, line 15: unknown key amount.scale; there are column, unit, rounding"
    );
    assert_eq!(
        said("[values.colour]\na = \"b\""),
        "read the mapping, line 19: unknown key values.colour; it is not a field of a transaction"
    );
}

/// A text of the small mapping, the line of the fault, what stands there instead, and what is said.
const UNUSABLE: &[(&str, &str, &str, &str)] = &[
    (
        "[constants]\nevent_type = \"card_auth\"",
        "line 9",
        "[constants]\nevent_type = \"gift\"",
        "constants.event_type \"gift\" is not one of card_auth",
    ),
    (
        "unit = \"rfc3339\"",
        "line 18",
        "unit = \"rfc\"",
        "time.unit is \"rfc\", expected microseconds",
    ),
    (
        "unit = \"rfc3339\"",
        "line 19",
        "unit = \"rfc3339\"\nbase = \"2018\"",
        "time.base has no meaning where the unit is rfc3339",
    ),
    (
        "unit = \"rfc3339\"",
        "line 19",
        "unit = \"hours\"\nbase = \"2018\"",
        "time.base is \"2018\", expected RFC 3339",
    ),
    (
        "unit = \"rfc3339\"",
        "line 16",
        "unit = \"format\"",
        "time.format is missing",
    ),
    (
        "unit = \"rfc3339\"",
        "line 19",
        "unit = \"format\"\nformat = \"%Y-%q\"",
        "time.format knows no %q",
    ),
    (
        "unit = \"minor\"",
        "line 14",
        "unit = \"cents\"",
        "amount.unit is \"cents\", expected minor or major",
    ),
    (
        "unit = \"minor\"",
        "line 15",
        "unit = \"minor\"\nrounding = \"reject\"",
        "amount.rounding has no meaning",
    ),
    (
        "unit = \"minor\"",
        "line 15",
        "unit = \"major\"\nrounding = \"up\"",
        "amount.rounding is \"up\"",
    ),
    (
        "name = \"shop\"",
        "line 2",
        "name = 5",
        "source.name is a number, expected a text",
    ),
    ("name = \"shop\"", "line 1", "", "source.name is missing"),
    (
        "name = \"shop\"",
        "line 3",
        "name = \"shop\"\ndelimiter = \"::\"",
        "source.delimiter is \"::\"",
    ),
    (
        "name = \"shop\"",
        "line 3",
        "name = \"shop\"\nformat = \"xml\"",
        "source.format is \"xml\"",
    ),
    (
        "name = \"shop\"",
        "line 3",
        "name = \"shop\"\nmissing = \"NA\"",
        "source.missing is not a list of texts",
    ),
    (
        "event_id = \"id\"",
        "line 5",
        "event_id = 5",
        "columns.event_id is a number, expected a text",
    ),
    (
        "event_id = \"id\"",
        "line 5",
        "event_id = \"id\"\ncurrency = \"kind\"",
        "",
    ),
];

#[test]
fn values_that_cannot_be_used_are_named_with_their_line() {
    for (from, line, to, expected) in UNUSABLE {
        let said = fault(&SMALL.replacen(from, to, 1));
        if expected.is_empty() {
            assert_eq!(
                said,
                "read the mapping, line 11: constants.currency gives currency, which columns.currency gives already"
            );
        } else {
            assert!(
                said.starts_with(&format!("read the mapping, {line}: {expected}")),
                "{said}\n{expected}"
            );
        }
    }
}

#[test]
fn what_a_mapping_must_not_do_is_refused() {
    let said = |more: &str| fault(&format!("{SMALL}{more}"));
    for (more, expected) in [
        (
            "[templates]\nip = \"{a\"",
            "line 20: templates.ip has a brace without its pair",
        ),
        (
            "[values.channel]\na = \"web\"",
            "line 19: values.channel translates a field that [columns] does not give",
        ),
        (
            "[features]\nextra = \"number\"",
            "line 20: features.extra is \"number\", expected numeric or categorical",
        ),
        (
            "[features]\nextra = { kind = \"numeric\" }",
            "line 20: features.extra.column is missing",
        ),
        (
            "[label]\ncolumn = \"extra\"\ndelay = \"0\"",
            "line 19: label.fraud is missing",
        ),
        (
            "[label]\ncolumn = \"extra\"\nfraud = [\"1\"]\ndelay = \"soon\"",
            "line 22: label.delay is \"soon\", expected 0 or",
        ),
        (
            "[label]\ncolumn = \"extra\"\nfraud = [\"1\"]\ndelay = \"0\"\nsource = \"me\"",
            "line 23: label.source is \"me\", expected one of chargeback",
        ),
        (
            "[coordinates]\nlatitude = \"a\"",
            "line 19: coordinates.longitude is missing",
        ),
    ] {
        let said = said(more);
        assert!(
            said.starts_with(&format!("read the mapping, {expected}")),
            "{said}\n{expected}"
        );
    }
    assert_eq!(
        fault(&SMALL.replace("account_id = \"customer\"\n", "")),
        "read the mapping: nothing gives account_id, which every transaction needs"
    );
    let same = SMALL.replace("event_id = \"id\"\n", "");
    let same_ids = [
        format!("{same}[templates]\nevent_id = \"all\""),
        same.replace("[constants]", "[constants]\nevent_id = \"all\""),
    ];
    for mapping in same_ids {
        assert!(
            fault(&mapping).contains("event_id is the same for every row"),
            "{mapping}"
        );
    }
    assert_eq!(
        fault("[source\n"),
        "read the mapping, line 1: unclosed table, expected `]`"
    );
    assert_eq!(
        fault(""),
        "read the mapping, line 1: source is missing: a mapping begins with [source] and its name"
    );
}

#[test]
fn a_column_that_is_not_there_is_named_with_the_columns_that_are() {
    let mapping = Mapping::parse(SMALL).unwrap();
    let said = mapping
        .bind(&["id", "custommer", "cents", "when"])
        .unwrap_err()
        .to_string();
    assert_eq!(
        said,
        "fit the mapping to the header: columns.account_id (line 6) names the column \"customer\", which is \
         not there; did you mean \"custommer\"?; the columns are id, custommer, cents, when"
    );
    let said = mapping
        .bind(&["id", "customer", "cents", "when", "id"])
        .unwrap_err()
        .to_string();
    assert_eq!(
        said,
        "fit the mapping to the header: the column \"id\" is there twice"
    );
    let many: Vec<String> = (0..50).map(|n| format!("c{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(
        mapping
            .bind(&many)
            .unwrap_err()
            .to_string()
            .ends_with("c39 and 10 more")
    );
}

#[test]
fn without_a_mapping_the_header_must_be_the_fields() {
    let required = [
        "event_id",
        "event_type",
        "event_time",
        "account_id",
        "amount_minor",
        "currency",
    ];
    assert!(Mapping::canonical("-", &required).is_ok());
    let mut header = required.to_vec();
    header.push("amount");
    assert_eq!(
        Mapping::canonical("-", &header).unwrap_err().to_string(),
        "read the header: the column \"amount\" is not a field of a transaction; did you mean \
         \"amount_minor\"?; other names and further columns need a mapping"
    );
    assert_eq!(
        Mapping::canonical("-", &required[..4])
            .unwrap_err()
            .to_string(),
        "read the header: there is no column amount_minor, currency"
    );
}

#[test]
fn without_a_mapping_a_column_may_be_an_attribute() {
    let header = "event_id,event_type,event_time,account_id,amount_minor,currency,attributes.shelf,attributes.weight";
    let source = format!(
        "{header}\ne1,card_auth,1774000000000000,a1,5,EUR,top,1.5\ne2,card_auth,1774000000000000,a1,5,EUR,,7\n"
    );
    let mut rows = crate::intake::source::FileSource::open(
        source.as_bytes(),
        crate::intake::source::SourceOptions::new("-", crate::intake::source::Format::Csv),
    )
    .unwrap();
    let mut batch = crate::intake::source::SourceBatch::default();
    assert!(rows.next_batch(&mut batch, 10).unwrap());
    let attributes: Vec<String> = batch
        .items
        .iter()
        .map(|item| match item {
            crate::intake::source::SourceItem::Transaction { transaction, .. } => {
                let pairs = transaction.attributes.iter();
                pairs.map(|pair| format!("{pair:?}")).collect()
            }
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        attributes,
        [
            "(\"shelf\", Text(\"top\"))(\"weight\", Number(1.5))",
            "(\"weight\", Integer(7))"
        ]
    );
}

#[test]
fn every_shipped_mapping_is_read_and_fits_its_sample() {
    let folder = fixtures().join("mappings");
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let mapping = Mapping::parse(&text).unwrap_or_else(|fault| panic!("{path:?}: {fault}"));
        let stem = path.file_stem().unwrap().to_str().unwrap();
        assert_eq!(mapping.name(), stem);
        let sample = fixtures().join("samples").join(format!("{stem}.csv"));
        let sample = std::fs::read_to_string(sample).unwrap();
        let header: Vec<&str> = sample.lines().next().unwrap().split(',').collect();
        mapping
            .bind(&header)
            .unwrap_or_else(|fault| panic!("{path:?}: {fault}"));
        count += 1;
    }
    assert!(count >= 5, "{count} mappings");
}

/// The repository's fixtures, found upwards of this crate.
fn fixtures() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let above = here.ancestors().map(|folder| folder.join("fixtures"));
    above
        .into_iter()
        .find(|folder| folder.join("mappings").is_dir())
        .unwrap()
}
