//! The bins of all features, laid out for summing: a row is a few cache lines, one behind the other.
//!
//! Columns whose codes take one byte come first, 64 to a line; those that need two follow, 32 to a line, low
//! bytes before high ones. Sixteen features are a group: their cells stay in the nearest cache while rows are
//! added. Features whose rows are all alike are left out.
//!
//! Promises that a sum does not depend on the order of rows or groups: cells are integers. Must never
//! leave out a row.

#![allow(
    clippy::indexing_slicing,
    reason = "a numeric loop; codes lie within their feature's cells"
)]

use std::ops::Range;

use super::bins::{Codes, Column};
use super::prefetch::prefetch;

/// Features of a group.
const LANES: usize = 16;

/// Cells of a feature of one-byte codes. No power of two: equal bins of neighbours would fall together in
/// the cache.
const STRIDE: usize = 264;

/// Rows that are added to one group before it is the next one's turn: their lines stay in the cache.
const ROWS_AT_ONCE: usize = 1024;

/// How many rows ahead a line is asked for.
const AHEAD: usize = 48;

#[repr(align(64))]
#[derive(Debug, Clone, Copy)]
struct Line([[u8; LANES]; 4]);

/// Sixteen features, or the last few.
#[derive(Debug)]
pub(super) struct Group {
    /// Its line within the row, and its place within the line.
    line: usize,
    at: usize,
    wide: bool,
    /// The feature of each lane.
    pub(super) features: Vec<usize>,
    /// The first cell of each lane.
    starts: [usize; LANES],
    /// The cells of each lane; the last is of missing values.
    counts: [usize; LANES],
    cells: usize,
}

impl Group {
    /// The cells of one lane.
    pub(super) fn cells(&self, lane: usize) -> Range<usize> {
        self.starts[lane]..self.starts[lane] + self.counts[lane]
    }
}

/// The codes of all features that differ between rows.
#[derive(Debug)]
pub(super) struct Blocks {
    /// All lines of the first row, then those of the second.
    lines: Vec<Line>,
    /// Lines of a row.
    width: usize,
    pub(super) groups: Vec<Group>,
}

/// The sums of some rows: for each group its cells.
pub(super) type Histogram = Vec<Vec<i64>>;

/// The rows to sum.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rows<'a> {
    /// So many, from the first on.
    First(usize),
    /// These.
    These(&'a [u32]),
}

impl Rows<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::First(rows) => *rows,
            Self::These(rows) => rows.len(),
        }
    }
}

impl Blocks {
    pub(super) fn new(columns: &[Column]) -> Self {
        let of_kind = |wide: bool| -> Vec<(usize, &Column)> {
            let columns = columns.iter().enumerate();
            let is_wide = |column: &Column| matches!(column.codes, Codes::Wide(_));
            columns
                .filter(|(_, column)| !column.alike && is_wide(column) == wide)
                .collect()
        };
        let (narrow, wide) = (of_kind(false), of_kind(true));
        let width = narrow.len().div_ceil(64) + wide.len().div_ceil(32);
        let rows = columns.first().map_or(0, Column::rows);
        let mut blocks = Self {
            lines: vec![Line([[0; LANES]; 4]); rows * width],
            width,
            groups: Vec::new(),
        };
        let parts = narrow.chunks(64).map(|part| (part, false));
        let parts = parts.chain(wide.chunks(32).map(|part| (part, true)));
        for (line, (columns, wide)) in parts.enumerate() {
            blocks.push_groups(columns, line, wide);
            for (lane, (_, column)) in columns.iter().enumerate() {
                blocks.write(column, line, lane);
            }
        }
        blocks
    }

    /// The groups of one line.
    fn push_groups(&mut self, columns: &[(usize, &Column)], line: usize, wide: bool) {
        for (at, columns) in columns.chunks(LANES).enumerate() {
            let (mut starts, mut counts, mut end) = ([0; LANES], [0; LANES], 0);
            for (lane, (_, column)) in columns.iter().enumerate() {
                starts[lane] = if wide { end } else { lane * STRIDE };
                counts[lane] = column.values() + 1;
                end = starts[lane] + counts[lane];
            }
            self.groups.push(Group {
                line,
                at,
                wide,
                features: columns.iter().map(|(feature, _)| *feature).collect(),
                starts,
                counts,
                cells: if wide { end } else { LANES * STRIDE },
            });
        }
    }

    /// Writes the codes of one column.
    fn write(&mut self, column: &Column, line: usize, lane: usize) {
        let (at, place) = (lane / LANES, lane % LANES);
        let lines = self.lines.iter_mut().skip(line).step_by(self.width);
        match &column.codes {
            Codes::Narrow(codes) => {
                for (line, code) in lines.zip(codes) {
                    line.0[at][place] = *code;
                }
            }
            Codes::Wide(codes) => {
                for (line, code) in lines.zip(codes) {
                    [line.0[at][place], line.0[at + 2][place]] = code.to_le_bytes();
                }
            }
        }
    }

    /// The cells of a whole histogram.
    pub(super) fn cells(&self) -> usize {
        self.groups.iter().map(|group| group.cells).sum()
    }

    /// Sums rows into the cells of some groups; `values` has one entry for each row, in the same order.
    pub(super) fn sum(
        &self,
        groups: Range<usize>,
        rows: Rows<'_>,
        values: &[i64],
        into: &mut [Vec<i64>],
    ) {
        for (group, cells) in self.groups[groups.clone()].iter().zip(into.iter_mut()) {
            cells.clear();
            cells.resize(group.cells, 0);
        }
        let mut start = 0;
        for of_line in self.groups[groups].chunk_by(|a, b| a.line == b.line) {
            let into = &mut into[start..start + of_line.len()];
            start += of_line.len();
            let mut from = 0;
            while from < rows.len() {
                let to = rows.len().min(from + ROWS_AT_ONCE);
                for (place, (group, cells)) in of_line.iter().zip(into.iter_mut()).enumerate() {
                    let piece = (rows, from..to, place == 0);
                    self.sum_piece(group, piece, &values[from..to], cells);
                }
                from = to;
            }
        }
    }

    /// Sums a piece of the rows into the cells of one group. The first group of a line asks for the lines
    /// of rows to come.
    fn sum_piece(
        &self,
        group: &Group,
        (rows, piece, first): (Rows<'_>, Range<usize>, bool),
        values: &[i64],
        cells: &mut [i64],
    ) {
        match rows {
            Rows::First(_) => {
                let lines = self
                    .lines
                    .iter()
                    .skip(piece.start * self.width + group.line);
                add(lines.step_by(self.width), group, values, cells);
            }
            Rows::These(rows) if first => {
                let line = |row: &u32| &self.lines[*row as usize * self.width + group.line];
                let lines = piece.clone().zip(&rows[piece]).map(|(place, row)| {
                    if let Some(later) = rows.get(place + AHEAD) {
                        prefetch(line(later));
                    }
                    line(row)
                });
                add(lines, group, values, cells);
            }
            Rows::These(rows) => {
                let line = |row: &u32| &self.lines[*row as usize * self.width + group.line];
                add(rows[piece].iter().map(line), group, values, cells);
            }
        }
    }
}

/// Adds each row's value to the cells of its codes.
#[inline]
fn add<'a>(
    lines: impl Iterator<Item = &'a Line>,
    group: &Group,
    values: &[i64],
    cells: &mut [i64],
) {
    if group.wide {
        add_wide(lines, group, values, cells);
        return;
    }
    let Some(cells) = cells.first_chunk_mut::<{ LANES * STRIDE }>() else {
        unreachable!("a group of bytes has all of its cells");
    };
    let at = group.at & 3;
    for (line, value) in lines.zip(values) {
        let mut codes = u128::from_le_bytes(line.0[at]);
        for lane in 0..LANES {
            // One read of all codes, and shifts: faster than a read for each.
            let cell = &mut cells[lane * STRIDE + (codes & 0xff) as usize];
            codes >>= 8;
            *cell = cell.wrapping_add(*value);
        }
    }
}

fn add_wide<'a>(
    lines: impl Iterator<Item = &'a Line>,
    group: &Group,
    values: &[i64],
    cells: &mut [i64],
) {
    let starts = &group.starts[..group.features.len()];
    for (line, value) in lines.zip(values) {
        let (low, high) = (&line.0[group.at], &line.0[group.at + 2]);
        for ((start, low), high) in starts.iter().zip(low).zip(high) {
            let code = usize::from(u16::from_le_bytes([*low, *high]));
            let cell = &mut cells[start + code];
            *cell = cell.wrapping_add(*value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::Dice;

    #[test]
    fn cells_are_the_sums_of_their_rows() {
        let mut dice = Dice(3);
        let rows = 3000;
        // Columns of few, of many, and of more bins than a byte tells apart, some values missing.
        let columns: Vec<Column> = (0..90_usize)
            .map(|column| {
                let distinct = [3, 200, 2000][column % 3];
                let value = |dice: &mut Dice| match dice.below(distinct + 5) {
                    value if value < distinct => f32::from(u16::try_from(value).unwrap()),
                    _ => f32::NAN,
                };
                let values: Vec<f32> = (0..rows).map(|_| value(&mut dice)).collect();
                Column::new(&values, 1000)
            })
            .collect();
        let blocks = Blocks::new(&columns);
        assert_eq!(
            blocks
                .groups
                .iter()
                .map(|group| group.features.len())
                .sum::<usize>(),
            90
        );
        let values: Vec<i64> = (0..3000).map(|row| (row - 1500) << 32 | row).collect();
        let some: Vec<u32> = (0..3000).filter(|_| dice.below(3) == 0).collect();
        let all: Vec<u32> = (0..3000).collect();
        for (these, taken) in [(Rows::First(rows), &all), (Rows::These(&some), &some)] {
            let taken_values: Vec<i64> = taken.iter().map(|row| values[*row as usize]).collect();
            let mut cells = vec![vec![7; 3]; blocks.groups.len()];
            for groups in [0..2, 2..blocks.groups.len()] {
                blocks.sum(groups.clone(), these, &taken_values, &mut cells[groups]);
            }
            for (group, cells) in blocks.groups.iter().zip(&cells) {
                for (lane, feature) in group.features.iter().enumerate() {
                    let cells = &cells[group.cells(lane)];
                    let mut expected = vec![0; columns[*feature].values() + 1];
                    for row in taken {
                        let row = *row as usize;
                        expected[columns[*feature].code(row)] += values[row];
                    }
                    assert_eq!(cells, expected, "feature {feature}");
                }
            }
        }
    }
}
