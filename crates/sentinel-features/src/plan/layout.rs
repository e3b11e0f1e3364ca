//! Layouts: where in an entity's words each column and running total lies.

use crate::plan::{D7, D30, KindPlan, Output, RATE_FACTS, Statistic, is_exact};
use crate::window::{EXACT_COUNT, WINDOWS};

/// The last exact window: it decides what a ring still holds.
const H24: usize = EXACT_COUNT - 1;

/// Words of an event before its columns: time and marks.
const EVENT_HEAD_WORDS: usize = 2;

/// Events of a ring and its running totals.
#[derive(Debug, Clone)]
pub(crate) struct RingPlan {
    /// Words an event.
    pub stride: usize,
    /// Which of the kind's numbers an event holds, in order; two words each, from word 2 on.
    pub numbers: Vec<u8>,
    /// Which of the kind's categories an event holds, one word each, behind the numbers.
    pub categories: Vec<u8>,
    /// The first word of the categories.
    pub categories_at: usize,
    /// The windows in use, shortest first, the 24-hour one always last.
    pub windows: Vec<RingWindow>,
    /// Words of the running totals.
    pub totals_words: usize,
    /// Ring numbers whose least or greatest is asked for anywhere.
    pub extremes: Vec<bool>,
    /// Whether there is any such number.
    pub has_extremes: bool,
    /// Whether there is any, or one whose squares are asked for.
    pub has_spread: bool,
    /// The marks that windows count.
    pub marks: Vec<u8>,
    /// Whether gaps are asked for.
    pub has_gaps: bool,
}

/// One exact window of a ring.
#[derive(Debug, Clone)]
pub(crate) struct RingWindow {
    /// The place in `WINDOWS`.
    pub index: usize,
    pub length_ms: i64,
    /// Where its cursor lies in the totals; the operations follow.
    pub cursor_at: usize,
    pub ops: Vec<Op>,
}

/// A running total of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Op {
    pub kind: OpKind,
    /// Where it lies in the totals.
    pub at: usize,
}

/// What is added up. Numbers and categories are places in the ring's own lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpKind {
    /// Events that have the number: one word.
    Counted(u8),
    /// Their sum: two words.
    Sum(u8),
    /// Their squares: four words.
    Squares(u8),
    /// Events with a mark: one word.
    Marked(u8),
    /// Different values: one word.
    Distinct(u8),
    /// Squares of the gaps between consecutive events, square milliseconds: two words.
    GapSquares,
    /// A histogram: a word a bucket.
    Histogram(u8),
}

impl OpKind {
    const fn words(self) -> usize {
        match self {
            Self::Counted(_) | Self::Marked(_) | Self::Distinct(_) => 1,
            Self::Sum(_) | Self::GapSquares => 2,
            Self::Squares(_) => 4,
            Self::Histogram(_) => crate::totals::BUCKETS,
        }
    }
}

/// Tiles of one length.
#[derive(Debug, Clone)]
pub(crate) struct TilePlan {
    /// Milliseconds a tile.
    pub tile_ms: i64,
    /// Tiles the window reaches back, the present one included.
    pub window_tiles: i64,
    /// Tiles kept, which is more where delayed rates are asked for.
    pub kept_tiles: i64,
    /// Words a tile.
    pub stride: usize,
    pub columns: Vec<TileColumn>,
    /// Mark and where its count lies.
    pub marks: Vec<(u8, usize)>,
    /// Where a word lies with one bit for each hour of the day that had an event; of days only.
    pub hours_at: Option<usize>,
}

/// A number of a tile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TileColumn {
    /// Which of the kind's numbers.
    pub number: u8,
    /// Where count (one word) and sum (two words) lie.
    pub at: usize,
    /// Where the squares lie (four words).
    pub squares_at: Option<usize>,
    /// Where least and greatest lie (two words each).
    pub extremes_at: Option<usize>,
}

/// Works out the layouts of a kind from its slots.
pub(super) fn lay_out(kind: &mut KindPlan) {
    let outputs: Vec<Output> = kind
        .slots
        .iter()
        .flat_map(|slot| [Some(slot.output), slot.over])
        .flatten()
        .collect();
    kind.ring = ring(&outputs);
    kind.hours = tiles(&outputs, D7);
    kind.days = tiles(&outputs, D30);
    if kind.wants_any(&RATE_FACTS) || kind.has_fraud_run() {
        // Delayed rates and runs of fraud reach back 30 days from a week ago.
        let days = kind.days.get_or_insert_with(|| empty_tiles(D30));
        days.kept_tiles = 38;
    }
    if kind.has_fraud_run()
        && let Some(days) = &mut kind.days
    {
        days.hours_at = Some(days.stride);
        days.stride += 1;
    }
    for output in &outputs {
        if let Output::Distinct { column, window } = output
            && !is_exact(*window)
            && !kind.seen.contains(column)
        {
            kind.seen.push(*column);
        }
    }
}

const fn window_of(output: &Output) -> Option<usize> {
    match output {
        Output::Count { window }
        | Output::Marked { window, .. }
        | Output::Number { window, .. }
        | Output::Distinct { window, .. }
        | Output::GapMean { window }
        | Output::GapDeviation { window } => Some(*window as usize),
        Output::Fact(_) => None,
    }
}

/// The ring of a kind; `None` where no exact window is asked for.
fn ring(outputs: &[Output]) -> Option<RingPlan> {
    let exact = |output: &&Output| window_of(output).is_some_and(|window| window < EXACT_COUNT);
    let outputs: Vec<&Output> = outputs.iter().filter(exact).collect();
    if outputs.is_empty() {
        return None;
    }
    let (mut numbers, mut categories) = (Vec::new(), Vec::new());
    for output in &outputs {
        match output {
            Output::Number { column, .. } => push_once(&mut numbers, *column),
            Output::Distinct { column, .. } => push_once(&mut categories, *column),
            _ => {}
        }
    }
    let place = |list: &[u8], column: u8| {
        let at = list.iter().position(|have| *have == column).unwrap_or(0);
        u8::try_from(at).unwrap_or(0)
    };
    let mut plan = RingPlan {
        stride: EVENT_HEAD_WORDS + 2 * numbers.len() + categories.len(),
        categories_at: EVENT_HEAD_WORDS + 2 * numbers.len(),
        windows: Vec::new(),
        totals_words: 0,
        extremes: vec![false; numbers.len()],
        has_extremes: false,
        has_spread: false,
        marks: Vec::new(),
        has_gaps: false,
        numbers,
        categories,
    };
    for index in 0..EXACT_COUNT {
        let here = |output: &&&Output| window_of(output) == Some(index);
        let here: Vec<&&Output> = outputs.iter().filter(here).collect();
        if here.is_empty() && index != H24 {
            continue;
        }
        let mut kinds = Vec::new();
        for output in here {
            match output {
                Output::Marked { mark, .. } => {
                    push_once(&mut kinds, OpKind::Marked(*mark));
                    push_once(&mut plan.marks, *mark);
                }
                Output::Distinct { column, .. } => {
                    let at = place(&plan.categories, *column);
                    push_once(&mut kinds, OpKind::Distinct(at));
                }
                Output::GapDeviation { .. } => push_once(&mut kinds, OpKind::GapSquares),
                Output::Number {
                    column, statistic, ..
                } => {
                    let at = place(&plan.numbers, *column);
                    number_ops(&mut plan, &mut kinds, at, *statistic);
                }
                Output::GapMean { .. } => plan.has_gaps = true,
                Output::Count { .. } | Output::Fact(_) => {}
            }
        }
        add_window(&mut plan, index, &kinds);
    }
    Some(plan)
}

fn add_window(plan: &mut RingPlan, index: usize, kinds: &[OpKind]) {
    let cursor_at = plan.totals_words;
    plan.totals_words += 1;
    let ops = kinds
        .iter()
        .map(|kind| {
            let at = plan.totals_words;
            plan.totals_words += kind.words();
            plan.has_gaps |= matches!(kind, OpKind::GapSquares);
            Op { kind: *kind, at }
        })
        .collect();
    plan.windows.push(RingWindow {
        index,
        length_ms: WINDOWS[index].length_ms,
        cursor_at,
        ops,
    });
}

/// The running totals that a statistic needs.
fn number_ops(plan: &mut RingPlan, kinds: &mut Vec<OpKind>, at: u8, statistic: Statistic) {
    use Statistic as S;
    match statistic {
        S::Sum => push_once(kinds, OpKind::Sum(at)),
        S::Mean | S::ToMean => {
            push_once(kinds, OpKind::Counted(at));
            push_once(kinds, OpKind::Sum(at));
        }
        S::StandardDeviation | S::ZScore => {
            push_once(kinds, OpKind::Counted(at));
            push_once(kinds, OpKind::Sum(at));
            push_once(kinds, OpKind::Squares(at));
            plan.has_spread = true;
        }
        S::Min | S::Max => {
            plan.extremes[usize::from(at)] = true;
            plan.has_extremes = true;
            plan.has_spread = true;
        }
        S::Median | S::Quantile90 | S::Rank => push_once(kinds, OpKind::Histogram(at)),
        S::First | S::Previous => {}
    }
}

const fn empty_tiles(window: usize) -> TilePlan {
    let long = WINDOWS[window];
    TilePlan {
        tile_ms: long.tile_ms,
        window_tiles: long.length_ms / long.tile_ms,
        kept_tiles: long.length_ms / long.tile_ms,
        stride: EVENT_HEAD_WORDS,
        columns: Vec::new(),
        marks: Vec::new(),
        hours_at: None,
    }
}

/// The tiles of a window; `None` where nothing is counted in it.
fn tiles(outputs: &[Output], window: usize) -> Option<TilePlan> {
    let mut plan = empty_tiles(window);
    let mut is_used = false;
    for output in outputs {
        if window_of(output) != Some(window) {
            continue;
        }
        match output {
            Output::Count { .. } => is_used = true,
            Output::Marked { mark, .. } => {
                is_used = true;
                if !plan.marks.iter().any(|(have, _)| have == mark) {
                    plan.marks.push((*mark, plan.stride));
                    plan.stride += 1;
                }
            }
            Output::Number {
                column, statistic, ..
            } => {
                is_used = true;
                add_tile_column(&mut plan, *column, *statistic);
            }
            _ => {}
        }
    }
    is_used.then_some(plan)
}

fn add_tile_column(plan: &mut TilePlan, number: u8, statistic: Statistic) {
    let at = plan
        .columns
        .iter()
        .position(|column| column.number == number)
        .unwrap_or_else(|| {
            plan.columns.push(TileColumn {
                number,
                at: plan.stride,
                squares_at: None,
                extremes_at: None,
            });
            plan.stride += 3;
            plan.columns.len() - 1
        });
    let column = &mut plan.columns[at];
    match statistic {
        Statistic::StandardDeviation | Statistic::ZScore if column.squares_at.is_none() => {
            column.squares_at = Some(plan.stride);
            plan.stride += 4;
        }
        Statistic::Min | Statistic::Max if column.extremes_at.is_none() => {
            column.extremes_at = Some(plan.stride);
            plan.stride += 4;
        }
        _ => {}
    }
}

fn push_once<T: PartialEq>(list: &mut Vec<T>, value: T) {
    if !list.contains(&value) {
        list.push(value);
    }
}
