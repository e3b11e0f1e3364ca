//! The key table of a row: what every split compares, made once a row.
//!
//! ```text
//! entry 0                  always zero, for leaves
//! 1 + 2 rank, 2 + 2 rank   the key of a feature; missing lowest, missing highest
//! then pairs               the same with zero taken for missing, for features that some split reads so
//! then one a test          0 or the highest key: whether a value is one of some categories
//! ```
//!
//! So a split that sends missing values left or right, or asks for categories, only names another entry,
//! and the walk needs no case for any of them. A test by category that several splits share is answered
//! once; all tests of one feature are answered by one search for its code.
//!
//! Promises the answers of [`Split::goes_left`]. Must never look a code up by a hash.

#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a numeric loop; entries are counted when the model is read, slots when a row comes in"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::key;
use crate::models::Member;
use crate::models::tree::{Split, Test, Tree, ZERO_MAX, category};

/// An entry is named by 16 bits.
const ENTRIES_MAX: usize = 1 << 16;

/// How many values are turned into keys together.
const ABREAST: usize = 8;

/// A test by category: the feature, the side of missing values and the codes.
type CategoryTest = (u16, bool, Arc<[u32]>);

/// Which features the splits read, and where they find their keys.
#[derive(Debug, Clone)]
pub(crate) struct Entries {
    /// The slot of the row for each feature that some split reads, ascending: its rank is its place.
    pub(super) slots: Vec<u16>,
    /// The rank of each feature of the model; of no meaning for one that no split reads.
    of_feature: Vec<u16>,
    /// The ranks of which zero may be missing; their pairs of entries follow the plain ones.
    zeros: Vec<u16>,
    questions: Vec<Questions>,
    /// How many entries there are.
    pub(super) len: usize,
}

/// All tests by category of one feature.
#[derive(Debug, Clone)]
struct Questions {
    rank: u16,
    /// Their entries lie side by side from here on.
    first: usize,
    count: usize,
    /// Every code that some test names, rising.
    codes: Vec<u32>,
    /// For each code, where the list of the tests that name it begins; one more for the end.
    starts: Vec<u32>,
    /// Tests by their place among these, list after list.
    tests: Vec<u16>,
    /// The tests that send a missing value left.
    missing: Vec<u16>,
}

/// Where the splits of a model being bound find their entries.
pub(super) struct Places<'a> {
    entries: &'a Entries,
    categories: BTreeMap<CategoryTest, u16>,
}

impl Entries {
    /// The entry that is always zero, for leaves.
    pub(super) const ZERO: u16 = 0;

    /// What is wrong with members whose splits need more entries than there are names for.
    pub(crate) fn fault(members: &[Member]) -> Option<String> {
        let needed = Needed::of(members);
        let len = needed.len();
        (len > ENTRIES_MAX).then(|| {
            let tests = needed.categories.len();
            format!("{tests} different splits by category are too many for {ENTRIES_MAX} keys")
        })
    }

    /// The entries for these members; `slots` has the row's slot for each feature of the model.
    pub(super) fn of(members: &[Member], slots: &[u16]) -> Self {
        let needed = Needed::of(members);
        let mut used: Vec<(u16, u16)> = needed
            .features
            .iter()
            .map(|feature| (slots[usize::from(*feature)], *feature))
            .collect();
        used.sort_unstable();
        let mut of_feature = vec![0; slots.len()];
        for (rank, (_, feature)) in (0..).zip(&used) {
            of_feature[usize::from(*feature)] = rank;
        }
        let rank = |feature: &u16| of_feature[usize::from(*feature)];
        let zeros = needed.zeros.iter().map(rank).collect();
        let mut first = needed.len() - needed.categories.len();
        let mut questions = Vec::new();
        let tests: Vec<&CategoryTest> = needed.categories.iter().collect();
        for tests in tests.chunk_by(|a, b| a.0 == b.0) {
            questions.push(Questions::new(rank(&tests[0].0), first, tests));
            first += tests.len();
        }
        Self {
            slots: used.into_iter().map(|(slot, _)| slot).collect(),
            of_feature,
            zeros,
            questions,
            len: needed.len(),
        }
    }

    /// Fills the table from the slots of a row.
    #[inline(always)]
    pub(super) fn fill(&self, row: &[f64], table: &mut [u32]) {
        let pair = |value: f32| key::pair(value, key::missing(value));
        let (abreast, rest) = self.slots.as_chunks::<ABREAST>();
        let (plain, last) =
            table[1..1 + 2 * self.slots.len()].split_at_mut(2 * ABREAST * abreast.len());
        // Some values at once, so that the keys are made in the processor's wide registers.
        for (slots, entries) in abreast.iter().zip(plain.chunks_exact_mut(2 * ABREAST)) {
            let mut values = [0.0; ABREAST];
            for (value, slot) in values.iter_mut().zip(slots) {
                *value = row[usize::from(*slot)] as f32;
            }
            let (entries, _) = entries.as_chunks_mut::<2>();
            for (entry, value) in entries.iter_mut().zip(values) {
                *entry = pair(value);
            }
        }
        for (slot, entries) in rest.iter().zip(last.chunks_exact_mut(2)) {
            entries.copy_from_slice(&pair(row[usize::from(*slot)] as f32));
        }
        if !self.zeros.is_empty() || !self.questions.is_empty() {
            self.fill_derived(row, table);
        }
    }

    /// The entries behind the plain ones.
    #[inline(never)]
    fn fill_derived(&self, row: &[f64], table: &mut [u32]) {
        let value = |rank: u16| row[usize::from(self.slots[usize::from(rank)])] as f32;
        let first = 1 + 2 * self.slots.len();
        for (rank, pair) in self.zeros.iter().zip(table[first..].chunks_exact_mut(2)) {
            let value = value(*rank);
            let missing = key::missing(value) || value.abs() <= ZERO_MAX;
            pair.copy_from_slice(&key::pair(value, missing));
        }
        for questions in &self.questions {
            let answers = &mut table[questions.first..questions.first + questions.count];
            questions.answer(value(questions.rank), answers);
        }
    }
}

impl Questions {
    /// The tests of the feature of this rank, whose entries begin at `first`.
    fn new(rank: u16, first: usize, tests: &[&CategoryTest]) -> Self {
        let mut by_code: BTreeMap<u32, Vec<u16>> = BTreeMap::new();
        let mut missing = Vec::new();
        for (place, (_, missing_left, categories)) in (0..).zip(tests) {
            for code in categories.iter() {
                by_code.entry(*code).or_default().push(place);
            }
            if *missing_left {
                missing.push(place);
            }
        }
        let mut questions = Self {
            rank,
            first,
            count: tests.len(),
            codes: Vec::with_capacity(by_code.len()),
            starts: vec![0],
            tests: Vec::new(),
            missing,
        };
        for (code, tests) in by_code {
            questions.codes.push(code);
            questions.tests.extend(tests);
            questions.starts.push(questions.tests.len() as u32);
        }
        questions
    }

    /// Answers every test for this value: 0 goes left.
    fn answer(&self, value: f32, answers: &mut [u32]) {
        answers.fill(key::MISSING_RIGHT);
        let left: &[u16] = if value.is_nan() {
            &self.missing
        } else {
            let place = category(value).and_then(|code| self.codes.binary_search(&code).ok());
            place.map_or(&[], |place| {
                &self.tests[self.starts[place] as usize..self.starts[place + 1] as usize]
            })
        };
        for test in left {
            answers[usize::from(*test)] = key::MISSING_LEFT;
        }
    }
}

impl<'a> Places<'a> {
    pub(super) fn of(entries: &'a Entries, members: &[Member]) -> Self {
        let needed = Needed::of(members);
        let first = entries.len - needed.categories.len();
        let places = (first as u16..).zip(needed.categories);
        Self {
            entries,
            categories: places.map(|(entry, test)| (test, entry)).collect(),
        }
    }

    /// The rank of the feature that a split asks about.
    pub(super) fn rank(&self, split: &Split) -> u16 {
        self.entries.of_feature[usize::from(split.feature)]
    }

    /// The entry that a split compares, and the key above which it goes right.
    pub(super) fn find(&self, split: &Split) -> (u16, u32) {
        let rank = self.rank(split);
        let side = u16::from(!split.missing_left);
        match &split.test {
            Test::AtMost {
                threshold,
                zero_missing: false,
            } => (1 + 2 * rank + side, key::of(*threshold)),
            Test::AtMost { threshold, .. } => {
                let zeros = &self.entries.zeros;
                let place = zeros.iter().position(|other| *other == rank);
                let first = 1 + 2 * self.entries.slots.len() as u16;
                let entry = first + 2 * place.unwrap_or_default() as u16 + side;
                (entry, key::of(*threshold))
            }
            Test::OneOf { categories } => {
                let test = (split.feature, split.missing_left, categories.clone());
                (self.categories[&test], key::MISSING_LEFT)
            }
        }
    }
}

/// What the splits of some members ask.
struct Needed {
    features: BTreeSet<u16>,
    zeros: BTreeSet<u16>,
    categories: BTreeSet<CategoryTest>,
}

impl Needed {
    fn of(members: &[Member]) -> Self {
        let mut needed = Self {
            features: BTreeSet::new(),
            zeros: BTreeSet::new(),
            categories: BTreeSet::new(),
        };
        let trees = members.iter().flat_map(|member| member.kind.trees());
        for split in trees.flat_map(Tree::splits) {
            needed.features.insert(split.feature);
            match &split.test {
                Test::AtMost { zero_missing, .. } => {
                    if *zero_missing {
                        needed.zeros.insert(split.feature);
                    }
                }
                Test::OneOf { categories } => {
                    let test = (split.feature, split.missing_left, categories.clone());
                    needed.categories.insert(test);
                }
            }
        }
        needed
    }

    fn len(&self) -> usize {
        1 + 2 * self.features.len() + 2 * self.zeros.len() + self.categories.len()
    }
}
