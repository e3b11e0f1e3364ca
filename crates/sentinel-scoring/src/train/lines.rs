//! The bins of all features, laid out for summing: a row's codes of 64 features are one cache line.
//!
//! Columns whose codes take one byte come first, 64 to a line; those that need two, 32 to a line. Sixteen
//! features are a group: their cells stay in the nearest cache while rows are added. Features whose rows
//! are all alike are left out.
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
const AHEAD: usize = 16;

#[repr(align(64))]
#[derive(Debug, Clone, Copy)]
struct Bytes([[u8; LANES]; 4]);

#[repr(align(64))]
#[derive(Debug, Clone, Copy)]
struct Words([[u16; LANES]; 2]);

/// One line for every row.
#[derive(Debug)]
enum Lines {
    Bytes(Vec<Bytes>),
    Words(Vec<Words>),
}

/// Sixteen features, or the last few.
#[derive(Debug)]
pub(super) struct Group {
    lines: usize,
    /// Its place within the line.
    at: usize,
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
    lines: Vec<Lines>,
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
        let asked = |wide: bool| {
            let fits = move |column: &&(usize, &Column)| {
                !column.1.alike && matches!(column.1.codes, Codes::Wide(_)) == wide
            };
            let all: Vec<(usize, &Column)> = columns.iter().enumerate().collect();
            all.iter().filter(fits).copied().collect::<Vec<_>>()
        };
        let mut blocks = Self {
            lines: Vec::new(),
            groups: Vec::new(),
        };
        for columns in asked(false).chunks(64) {
            blocks.push_groups(columns, |lane, _| lane * STRIDE);
            blocks.lines.push(Lines::Bytes(lines_of_bytes(columns)));
        }
        for columns in asked(true).chunks(32) {
            blocks.push_groups(columns, |_, end| end);
            blocks.lines.push(Lines::Words(lines_of_words(columns)));
        }
        blocks
    }

    /// The groups of one line. `start` gives the first cell of a lane, by its number and the end of the one
    /// before.
    fn push_groups(&mut self, columns: &[(usize, &Column)], start: fn(usize, usize) -> usize) {
        for (at, columns) in columns.chunks(LANES).enumerate() {
            let (mut starts, mut counts, mut end) = ([0; LANES], [0; LANES], 0);
            for (lane, (_, column)) in columns.iter().enumerate() {
                starts[lane] = start(lane, end);
                counts[lane] = column.values() + 1;
                end = starts[lane] + counts[lane];
            }
            self.groups.push(Group {
                lines: self.lines.len(),
                at,
                features: columns.iter().map(|(feature, _)| *feature).collect(),
                starts,
                counts,
                cells: end.max(start(LANES, end)),
            });
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
        for of_line in self.groups[groups].chunk_by(|a, b| a.lines == b.lines) {
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
        match &self.lines[group.lines] {
            Lines::Bytes(lines) => match rows {
                Rows::First(_) => {
                    add_bytes(lines[piece].iter(), group.at, values, cells);
                }
                Rows::These(rows) => {
                    let of_row = fetched(lines, rows, piece, first);
                    add_bytes(of_row, group.at, values, cells);
                }
            },
            Lines::Words(lines) => match rows {
                Rows::First(_) => add_words(lines[piece].iter(), group, values, cells),
                Rows::These(rows) => {
                    add_words(fetched(lines, rows, piece, first), group, values, cells);
                }
            },
        }
    }
}

/// The lines of some rows; lines of later rows are asked for where that is wanted.
fn fetched<'a, L>(
    lines: &'a [L],
    rows: &'a [u32],
    piece: Range<usize>,
    ask: bool,
) -> impl Iterator<Item = &'a L> {
    let end = if ask { rows.len() } else { 0 };
    let later = move |place: usize| rows[..end].get(place + AHEAD);
    piece.clone().zip(&rows[piece]).map(move |(place, row)| {
        if let Some(row) = later(place) {
            prefetch(&lines[*row as usize]);
        }
        &lines[*row as usize]
    })
}

#[inline]
fn add_bytes<'a>(
    lines: impl Iterator<Item = &'a Bytes>,
    at: usize,
    values: &[i64],
    cells: &mut [i64],
) {
    let Some(cells) = cells.first_chunk_mut::<{ LANES * STRIDE }>() else {
        unreachable!("a group of bytes has all of its cells");
    };
    for (line, value) in lines.zip(values) {
        let codes = &line.0[at & 3];
        for lane in 0..LANES {
            let cell = &mut cells[lane * STRIDE + usize::from(codes[lane])];
            *cell = cell.wrapping_add(*value);
        }
    }
}

#[inline]
fn add_words<'a>(
    lines: impl Iterator<Item = &'a Words>,
    group: &Group,
    values: &[i64],
    cells: &mut [i64],
) {
    let starts = &group.starts[..group.features.len()];
    for (line, value) in lines.zip(values) {
        for (start, code) in starts.iter().zip(&line.0[group.at]) {
            let cell = &mut cells[start + usize::from(*code)];
            *cell = cell.wrapping_add(*value);
        }
    }
}

fn lines_of_bytes(columns: &[(usize, &Column)]) -> Vec<Bytes> {
    let mut lines = Vec::new();
    for (lane, (_, column)) in columns.iter().enumerate() {
        if let Codes::Narrow(codes) = &column.codes {
            lines.resize(codes.len(), Bytes([[0; LANES]; 4]));
            for (line, code) in lines.iter_mut().zip(codes) {
                line.0[lane / LANES][lane % LANES] = *code;
            }
        }
    }
    lines
}

fn lines_of_words(columns: &[(usize, &Column)]) -> Vec<Words> {
    let mut lines = Vec::new();
    for (lane, (_, column)) in columns.iter().enumerate() {
        if let Codes::Wide(codes) = &column.codes {
            lines.resize(codes.len(), Words([[0; LANES]; 2]));
            for (line, code) in lines.iter_mut().zip(codes) {
                line.0[lane / LANES][lane % LANES] = *code;
            }
        }
    }
    lines
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
