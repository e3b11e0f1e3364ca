//! Cells, quotes and what a stray quote costs.

use proptest::prelude::*;

use super::*;

/// All records of a text: the line a record begins on, and its cells or why it was refused.
fn records(text: &[u8], width: Option<usize>) -> Vec<(u64, Result<Vec<String>, String>)> {
    let mut lines = LineReader::new(text);
    let mut csv = CsvReader::new(b',');
    let mut out = Vec::new();
    loop {
        let row = lines.line_number();
        let Found::Line { bytes, line_end } = lines.find(0, 10_000).unwrap() else {
            return out;
        };
        let first = Extent {
            bytes,
            line_end,
            lines: 1,
        };
        match csv.read(&mut lines, first, width, 10_000).unwrap() {
            Ok(extent) => {
                let raw = lines.peek(extent.bytes - extent.line_end);
                let cells = match csv.cells(raw) {
                    Ok((text, cells)) => Ok(cells
                        .iter()
                        .map(|c| text[c.start..c.end].to_owned())
                        .collect()),
                    Err(at) => Err(format!("cell {at} is not UTF-8")),
                };
                out.push((row, cells));
                lines.consume(extent.bytes, extent.lines);
            }
            Err(refused) => {
                out.push((row, Err(refused.rejection.to_string())));
                lines.consume(refused.extent.bytes, 1);
            }
        }
    }
}

fn cells(cells: &[&str]) -> Result<Vec<String>, String> {
    Ok(cells.iter().map(|&cell| cell.to_owned()).collect())
}

#[test]
fn quotes_delimiters_and_line_ends_within_cells_are_kept() {
    let text = b"a,b,c\r\n\"x, y\",\"he said \"\"no\"\"\",\"two\r\nlines\"\r\n,\"\",z\n1,2,\"3\"";
    let expected = [
        (1, cells(&["a", "b", "c"])),
        (2, cells(&["x, y", "he said \"no\"", "two\r\nlines"])),
        (4, cells(&["", "", "z"])),
        (5, cells(&["1", "2", "3"])),
    ];
    assert_eq!(records(text, Some(3)), expected);
}

#[test]
fn a_stray_quote_costs_one_line() {
    let text = b"1,2\n3,\"4\n5,6\n7,8\n";
    let found = records(text, Some(2));
    assert_eq!(found[0], (1, cells(&["1", "2"])));
    assert_eq!(found[1].0, 2);
    assert_eq!(
        found[1].1.as_ref().unwrap_err(),
        "bad_row: a quote opens on this line and does not close"
    );
    assert_eq!(
        found[2..],
        [(3, cells(&["5", "6"])), (4, cells(&["7", "8"]))]
    );
}

#[test]
fn a_stray_quote_that_meets_another_costs_one_line_too() {
    let text = b"1,\"2\n3,4\n5,\"6, 7\"\n8,9\n";
    let found = records(text, Some(2));
    assert!(
        found[0].1.as_ref().unwrap_err().contains("over 3 lines"),
        "{found:?}"
    );
    assert_eq!(
        found[1..],
        [
            (2, cells(&["3", "4"])),
            (3, cells(&["5", "6, 7"])),
            (4, cells(&["8", "9"]))
        ]
    );
}

#[test]
fn another_number_of_cells_is_refused_with_both_numbers() {
    let found = records(b"1,2,3\n4\n", Some(2));
    let said: Vec<&str> = found
        .iter()
        .map(|(_, r)| r.as_ref().unwrap_err().as_str())
        .collect();
    assert_eq!(
        said,
        [
            "bad_row: has 3 cells; the header has 2",
            "bad_row: has 1 cells; the header has 2"
        ]
    );
}

#[test]
fn a_cell_that_is_not_utf8_is_named() {
    let found = records(b"ok,\xFF\xFE\n\"q\",\xC3\n\"\xC3\",\"\xA9\"\n", None);
    let said: Vec<&str> = found
        .iter()
        .map(|(_, r)| r.as_ref().unwrap_err().as_str())
        .collect();
    assert_eq!(
        said,
        [
            "cell 1 is not UTF-8",
            "cell 1 is not UTF-8",
            "cell 0 is not UTF-8"
        ]
    );
}

#[test]
fn very_many_cells_fit() {
    let line = "\"x\",".repeat(500);
    let found = records(line.as_bytes(), None);
    assert_eq!(found[0].1.as_ref().unwrap().len(), 501);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_written_with_quotes_is_read_back(
        table in prop::collection::vec(prop::collection::vec("[a-c,\"\r\n é]{0,6}", 3), 1..6)
    ) {
        let mut text = String::new();
        for row in &table {
            let quoted: Vec<String> =
                row.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
            text.push_str(&quoted.join(","));
            text.push('\n');
        }
        let found: Vec<Vec<String>> =
            records(text.as_bytes(), Some(3)).into_iter().map(|(_, row)| row.unwrap()).collect();
        prop_assert_eq!(found, table);
    }

    #[test]
    fn any_bytes_are_read_without_loss_of_lines(text in prop::collection::vec(
        prop::sample::select(b"a,\"\n\r\xFF".to_vec()), 0..60
    )) {
        let found = records(&text, Some(2));
        let rows: Vec<u64> = found.iter().map(|(row, _)| *row).collect();
        prop_assert!(rows.is_sorted_by(|a, b| a < b));
    }
}
