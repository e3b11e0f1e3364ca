//! Growing one tree: always the leaf whose best split takes away most loss.
//!
//! Promises the smaller child summed and the larger one found by subtraction; a bound on the
//! histograms that are kept, past which they are summed anew with the same result; and rows of leaves in
//! rising order. A split is searched for without counting rows, and its rows are counted when it is made:
//! where a side has too few, the rows of that leaf are counted by bin and the search is done again.
//! Must never depend on the order in which memory was reused, or on the executor.

#![allow(
    clippy::indexing_slicing,
    reason = "a numeric loop over rows and leaves"
)]

use std::ops::Range;

use super::bins::{Column, Cuts};
use super::executor::{Executor, Task};
use super::histogram::Scale;
use super::lines::{Blocks, Histogram, Rows};
use super::part::{goes_left, part};
use super::sample::FeatureDraw;
use super::split::{self, Asked, Candidate, Ground, Law, Rule};
use crate::models::tree::{Node, Split, Test};

/// The most memory for the histograms of open leaves.
const HISTOGRAM_BYTES_MAX: usize = 512 << 20;

/// Rows times groups below which threads would cost more than they bring.
const THREADED_FROM: usize = 1 << 14;

/// Steps have no bound of their own at the root.
const ANY_STEP: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

/// How a tree is grown.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) leaves_max: usize,
    pub(super) depth_max: usize,
    pub(super) law: Law,
}

/// A tree as it was grown.
#[derive(Debug)]
pub(super) struct Grown {
    /// Parents before children; leaves do not know value and cover yet.
    pub(super) nodes: Vec<Node>,
    pub(super) leaves: Vec<GrownLeaf>,
    /// Feature and gain of each split.
    pub(super) gains: Vec<(usize, f64)>,
}

/// A leaf: its node, its rows, those of its rows that the tree did not learn from, and what its step must
/// lie within.
#[derive(Debug)]
pub(super) struct GrownLeaf {
    pub(super) node: usize,
    pub(super) rows: Range<usize>,
    pub(super) outside: Range<usize>,
    pub(super) range: (f64, f64),
}

/// What one tree learns from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lesson<'a> {
    /// Slope and curve of each row of the sample, packed.
    pub(super) packed: &'a [i64],
    pub(super) scale: Scale,
    /// The rows to learn from, rising; all where nothing is said.
    pub(super) bag: Option<&'a [u32]>,
    pub(super) features: &'a FeatureDraw,
}

/// Grows trees on the same rows, reusing memory.
pub(super) struct Grower<'a> {
    columns: &'a [Column],
    blocks: &'a Blocks,
    shape: Shape,
    executor: &'a dyn Executor,
    /// The rows learned from, those of each leaf together and rising; and the others.
    pub(super) rows: Vec<u32>,
    pub(super) outside: Vec<u32>,
    sides: [Vec<u32>; 2],
    gathered: Vec<i64>,
    spare: Vec<Histogram>,
    histograms_max: usize,
}

/// A leaf that may still be split.
struct Leaf {
    node: usize,
    rows: Range<usize>,
    outside: Range<usize>,
    depth: usize,
    total: i64,
    range: (f64, f64),
    /// Kept while the leaf may be split and memory allows.
    histogram: Option<Histogram>,
    best: Option<Candidate>,
}

/// What one thread does for a split: cells of some groups, and what was found in them.
struct Job<'t> {
    groups: Range<usize>,
    smaller: &'t mut [Vec<i64>],
    larger: &'t mut [Vec<i64>],
    found: &'t mut [Option<Candidate>; 2],
}

impl<'a> Grower<'a> {
    pub(super) fn new(
        columns: &'a [Column],
        blocks: &'a Blocks,
        shape: Shape,
        executor: &'a dyn Executor,
    ) -> Self {
        let bytes = blocks.cells().max(1) * size_of::<i64>();
        Self {
            columns,
            blocks,
            shape,
            executor,
            rows: Vec::new(),
            outside: Vec::new(),
            sides: [Vec::new(), Vec::new()],
            gathered: Vec::new(),
            spare: Vec::new(),
            histograms_max: (HISTOGRAM_BYTES_MAX / bytes).max(4),
        }
    }

    /// Grows a tree.
    pub(super) fn grow(&mut self, lesson: Lesson<'_>) -> Grown {
        let mut nodes = vec![empty_leaf()];
        let mut gains = Vec::new();
        let mut open = vec![self.root(lesson)];
        while open.len() < self.shape.leaves_max {
            let Some(index) = most_gain(&open) else {
                break;
            };
            let Some(best) = open[index].best.take() else {
                break;
            };
            let Some(missing_left) = self.divide(&open[index].rows, &best) else {
                self.search_counted(&mut open[index], lesson);
                continue;
            };
            let middle = self.keep_division(&open[index].rows);
            let outside = self.divide_outside(&open[index].outside, &best, missing_left);
            gains.push((best.feature, best.gain));
            let parent = open.swap_remove(index);
            let children = (nodes.len(), nodes.len() + 1);
            nodes[parent.node] = Node::Split(self.question(&best, missing_left, children));
            nodes.extend([empty_leaf(), empty_leaf()]);
            let (mut left, mut right) = self.children(&parent, &best, (middle, outside), lesson);
            (left.node, right.node) = children;
            // The last leaves are split no more.
            if open.len() + 2 < self.shape.leaves_max {
                let kept = open.iter().filter(|leaf| leaf.histogram.is_some()).count();
                self.open_children(parent, &mut left, &mut right, lesson, kept);
            } else {
                self.spare.extend(parent.histogram);
            }
            open.push(left);
            open.push(right);
        }
        let leaves = open.iter().map(|leaf| GrownLeaf {
            node: leaf.node,
            rows: leaf.rows.clone(),
            outside: leaf.outside.clone(),
            range: leaf.range,
        });
        let leaves = leaves.collect();
        self.spare
            .extend(open.into_iter().filter_map(|leaf| leaf.histogram));
        Grown {
            nodes,
            leaves,
            gains,
        }
    }

    /// The leaf that everything begins with.
    fn root(&mut self, lesson: Lesson<'_>) -> Leaf {
        self.rows.clear();
        self.outside.clear();
        let all = (0..).take(lesson.packed.len());
        match lesson.bag {
            None => self.rows.extend(all),
            Some(bag) => {
                self.rows.extend_from_slice(bag);
                let mut bagged = bag.iter().peekable();
                self.outside
                    .extend(all.filter(|row| bagged.next_if_eq(&row).is_none()));
            }
        }
        let packed = lesson.packed;
        let sum = |sum: i64, row: &u32| sum.wrapping_add(packed[*row as usize]);
        let mut root = Leaf {
            node: 0,
            rows: 0..self.rows.len(),
            outside: 0..self.outside.len(),
            depth: 0,
            total: self.rows.iter().fold(0, sum),
            range: ANY_STEP,
            histogram: None,
            best: None,
        };
        let mut histogram = self.spare.pop().unwrap_or_default();
        let [best, _] = self.work(&root, None, lesson, &mut histogram, &mut Vec::new());
        root.best = best;
        root.histogram = Some(histogram);
        root
    }

    /// The two leaves that a split makes, not yet searched.
    fn children(
        &self,
        parent: &Leaf,
        best: &Candidate,
        (middle, outside): (usize, usize),
        lesson: Lesson<'_>,
    ) -> (Leaf, Leaf) {
        let law = &self.shape.law;
        let right = parent.total.wrapping_sub(best.left);
        let way = law.monotone.get(best.feature).copied().unwrap_or(0);
        let (mut left_range, mut right_range) = (parent.range, parent.range);
        if way != 0 {
            let step = |sum| law.step(lesson.scale.unpack(sum), parent.range);
            let between = (step(best.left) + step(right)) / 2.0;
            let (lower, upper) = if way > 0 {
                (&mut left_range, &mut right_range)
            } else {
                (&mut right_range, &mut left_range)
            };
            (lower.1, upper.0) = (between, between);
        }
        let child = |rows, outside, total, range| Leaf {
            node: 0,
            rows,
            outside,
            depth: parent.depth + 1,
            total,
            range,
            histogram: None,
            best: None,
        };
        let (rows, others) = (&parent.rows, &parent.outside);
        (
            child(
                rows.start..middle,
                others.start..outside,
                best.left,
                left_range,
            ),
            child(middle..rows.end, outside..others.end, right, right_range),
        )
    }

    /// Sums both children and looks for their best splits.
    fn open_children(
        &mut self,
        mut parent: Leaf,
        left: &mut Leaf,
        right: &mut Leaf,
        lesson: Lesson<'_>,
        kept: usize,
    ) {
        if !self.may_split(left) && !self.may_split(right) {
            self.spare.extend(parent.histogram);
            return;
        }
        let mut larger_cells = match parent.histogram.take() {
            Some(cells) => cells,
            None => self.summed(&parent.rows, lesson),
        };
        let (smaller, larger) = if left.rows.len() <= right.rows.len() {
            (left, right)
        } else {
            (right, left)
        };
        let mut cells = self.spare.pop().unwrap_or_default();
        let (of_smaller, of_larger) = (&*smaller, &*larger);
        let found = self.work(
            of_smaller,
            Some(of_larger),
            lesson,
            &mut cells,
            &mut larger_cells,
        );
        for (leaf, (best, cells)) in [smaller, larger]
            .into_iter()
            .zip(found.into_iter().zip([cells, larger_cells]))
        {
            leaf.best = best;
            // Without a split to make, or without room, the histogram is of no more use.
            if leaf.best.is_some() && kept + 2 <= self.histograms_max {
                leaf.histogram = Some(cells);
            } else {
                self.spare.push(cells);
            }
        }
    }

    fn may_split(&self, leaf: &Leaf) -> bool {
        leaf.depth < self.shape.depth_max && leaf.rows.len() >= 2 * self.shape.law.rows_min
    }

    /// Sums the rows of a leaf into `cells`, takes them from those of the larger sibling, and searches
    /// both.
    fn work(
        &mut self,
        smaller: &Leaf,
        larger: Option<&Leaf>,
        lesson: Lesson<'_>,
        cells: &mut Histogram,
        larger_cells: &mut Histogram,
    ) -> [Option<Candidate>; 2] {
        let groups = self.blocks.groups.len();
        cells.resize(groups, Vec::new());
        larger_cells.resize(groups, Vec::new());
        self.gather(&smaller.rows, lesson);
        let rows = self.rows_of(&smaller.rows, lesson);
        let masks = [Some(smaller), larger]
            .map(|leaf| leaf.and_then(|leaf| lesson.features.of_node(leaf.node)));
        let asked = |place: usize, leaf: &Leaf| {
            self.may_split(leaf).then_some(Asked {
                total: leaf.total,
                rows: leaf.rows.len(),
                range: leaf.range,
                features: masks[place].as_deref(),
                counts: None,
            })
        };
        let asked = [
            asked(0, smaller),
            larger.and_then(|larger| asked(1, larger)),
        ];
        let (ground, gathered) = (self.ground(lesson), &self.gathered);
        let subtract = larger.is_some();
        let work = |job: Job<'_>| {
            let blocks = ground.blocks;
            blocks.sum(job.groups.clone(), rows, gathered, job.smaller);
            if subtract {
                take_away(job.larger, job.smaller);
            }
            for ((asked, cells), found) in
                asked.iter().zip([job.smaller, job.larger]).zip(job.found)
            {
                *found =
                    asked.and_then(|asked| split::best(ground, asked, job.groups.clone(), cells));
            }
        };
        let threaded = rows.len() * groups >= THREADED_FROM;
        let parts = if threaded {
            self.executor.threads().max(1)
        } else {
            1
        };
        let mut found = vec![[None, None]; parts];
        let jobs = jobs(groups, cells, larger_cells, &mut found);
        if parts == 1 {
            jobs.into_iter().for_each(work);
        } else {
            let work = &work;
            let tasks = jobs
                .into_iter()
                .map(|job| -> Task<'_> { Box::new(move || work(job)) });
            self.executor.run(tasks.collect());
        }
        found.into_iter().fold([None, None], |[a, b], [c, d]| {
            [split::better(a, c), split::better(b, d)]
        })
    }

    /// The histogram of some rows, where none was kept.
    fn summed(&mut self, rows: &Range<usize>, lesson: Lesson<'_>) -> Histogram {
        self.gather(rows, lesson);
        let mut cells = self.spare.pop().unwrap_or_default();
        let groups = self.blocks.groups.len();
        cells.resize(groups, Vec::new());
        let rows = self.rows_of(rows, lesson);
        self.blocks.sum(0..groups, rows, &self.gathered, &mut cells);
        cells
    }

    /// Counts the rows of a leaf by bin and searches again: its best split had too few on a side.
    fn search_counted(&mut self, leaf: &mut Leaf, lesson: Lesson<'_>) {
        let cells = match leaf.histogram.take() {
            Some(cells) => cells,
            None => self.summed(&leaf.rows, lesson),
        };
        let groups = self.blocks.groups.len();
        let mut counts = self.spare.pop().unwrap_or_default();
        counts.resize(groups, Vec::new());
        self.gathered.clear();
        self.gathered.resize(leaf.rows.len(), 1);
        let rows = self.rows_of(&leaf.rows, lesson);
        self.blocks
            .sum(0..groups, rows, &self.gathered, &mut counts);
        let mask = lesson.features.of_node(leaf.node);
        let asked = Asked {
            total: leaf.total,
            rows: leaf.rows.len(),
            range: leaf.range,
            features: mask.as_deref(),
            counts: Some(&counts),
        };
        leaf.best = split::best(self.ground(lesson), asked, 0..groups, &cells);
        leaf.histogram = Some(cells);
        self.spare.push(counts);
    }

    fn ground(&self, lesson: Lesson<'_>) -> Ground<'_> {
        Ground {
            columns: self.columns,
            blocks: self.blocks,
            law: &self.shape.law,
            scale: lesson.scale,
        }
    }

    /// The slopes and curves of some rows, in their order.
    fn gather(&mut self, rows: &Range<usize>, lesson: Lesson<'_>) {
        let rows = &self.rows[rows.clone()];
        self.gathered.clear();
        self.gathered
            .extend(rows.iter().map(|row| lesson.packed[*row as usize]));
    }

    fn rows_of(&self, rows: &Range<usize>, lesson: Lesson<'_>) -> Rows<'_> {
        if rows.len() == lesson.packed.len() {
            Rows::First(rows.len())
        } else {
            Rows::These(&self.rows[rows.clone()])
        }
    }

    /// Divides rows between the two sides, aside. Tells where missing values go; nothing if a side would
    /// have too few rows.
    fn divide(&mut self, rows: &Range<usize>, best: &Candidate) -> Option<bool> {
        // Where there is no missing value to learn from, it does not matter yet where they go.
        let goes_left = goes_left(&self.columns[best.feature], best, false);
        part(
            &self.columns[best.feature],
            &self.rows[rows.clone()],
            &goes_left,
            &mut self.sides,
        );
        let [left, right] = [self.sides[0].len(), self.sides[1].len()];
        if left.min(right) < self.shape.law.rows_min {
            return None;
        }
        // Those to come go with the more rows.
        Some(best.missing_left.unwrap_or(left >= right))
    }

    /// Puts the rows of a leaf in the order of its division. Tells where its right side begins.
    fn keep_division(&mut self, rows: &Range<usize>) -> usize {
        let middle = rows.start + self.sides[0].len();
        self.rows[rows.start..middle].copy_from_slice(&self.sides[0]);
        self.rows[middle..rows.end].copy_from_slice(&self.sides[1]);
        middle
    }

    /// The same for the rows that the tree does not learn from.
    fn divide_outside(
        &mut self,
        rows: &Range<usize>,
        best: &Candidate,
        missing_left: bool,
    ) -> usize {
        let column = &self.columns[best.feature];
        let goes_left = goes_left(column, best, missing_left);
        part(
            column,
            &self.outside[rows.clone()],
            &goes_left,
            &mut self.sides,
        );
        let middle = rows.start + self.sides[0].len();
        self.outside[rows.start..middle].copy_from_slice(&self.sides[0]);
        self.outside[middle..rows.end].copy_from_slice(&self.sides[1]);
        middle
    }

    /// The split as the model says it.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "4095 features, 8191 nodes at most"
    )]
    fn question(
        &self,
        best: &Candidate,
        missing_left: bool,
        (left, right): (usize, usize),
    ) -> Split {
        let test = match (&best.rule, &self.columns[best.feature].cuts) {
            // Past the last cut the question is only whether a value is there.
            (Rule::UpTo(bin), Cuts::Values(cuts)) => {
                Test::at_most(cuts.get(*bin).copied().unwrap_or(f32::MAX))
            }
            (Rule::OneOf(bins), Cuts::Categories(categories)) => {
                let mut categories: Vec<u32> = bins.iter().map(|bin| categories[*bin]).collect();
                categories.sort_unstable();
                Test::OneOf {
                    categories: categories.into(),
                }
            }
            _ => unreachable!("a rule is of the kind of its column"),
        };
        Split {
            feature: best.feature as u16,
            test,
            missing_left,
            left: left as u16,
            right: right as u16,
        }
    }
}

fn empty_leaf() -> Node {
    Node::Leaf {
        value: 0.0,
        cover: 0,
    }
}

/// The work of a split in parts of neighbouring groups.
fn jobs<'t>(
    groups: usize,
    mut smaller: &'t mut [Vec<i64>],
    mut larger: &'t mut [Vec<i64>],
    found: &'t mut [[Option<Candidate>; 2]],
) -> Vec<Job<'t>> {
    let parts = found.len();
    let mut jobs = Vec::with_capacity(parts);
    for (part, found) in found.iter_mut().enumerate() {
        let groups = groups * part / parts..groups * (part + 1) / parts;
        let (smaller_part, smaller_rest) = smaller.split_at_mut(groups.len());
        let (larger_part, larger_rest) = larger.split_at_mut(groups.len());
        (smaller, larger) = (smaller_rest, larger_rest);
        jobs.push(Job {
            groups,
            smaller: smaller_part,
            larger: larger_part,
            found,
        });
    }
    jobs
}

/// Takes the cells of a child away from its parent's, so that the other child's remain.
fn take_away(parent: &mut [Vec<i64>], child: &[Vec<i64>]) {
    for (parent, child) in parent.iter_mut().zip(child) {
        for (cell, part) in parent.iter_mut().zip(child) {
            *cell = cell.wrapping_sub(*part);
        }
    }
}

/// The open leaf whose split takes away most loss; of equal ones the oldest node.
fn most_gain(open: &[Leaf]) -> Option<usize> {
    open.iter()
        .enumerate()
        .filter_map(|(index, leaf)| leaf.best.as_ref().map(|best| (index, leaf.node, best.gain)))
        .max_by(|a, b| a.2.total_cmp(&b.2).then(b.1.cmp(&a.1)))
        .map(|(index, ..)| index)
}
