//! Mutations of model files: whatever is read is refused with its line, or scores and explains.
//!
//! Half of the mutants get the right hash, so that damage reaches the laws behind it. A few thousand in the
//! suite; `cargo xtask campaign` asks for more through `SENTINEL_MUTATIONS`.

use std::borrow::Cow;

use super::*;
use crate::ExplainScratch;

/// Words that a careless reader would fall for.
const WORDS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "3",
    "64",
    "513",
    "4095",
    "4096",
    "8191",
    "8192",
    "65535",
    "65536",
    "16777215",
    "16777216",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "99999999999999999999999999",
    "1e308",
    "-1e308",
    "1e-308",
    "1e400",
    "1e6",
    "-1e6",
    "1000001",
    "NaN",
    "nan",
    "inf",
    "-inf",
    "-0",
    "0.1",
    "left",
    "right",
    "leaf",
    "split",
    "split-zero",
    "split-among",
    "tree",
    "trees",
    "member",
    "feature",
    "1,2",
    "2,1",
    "1,1",
    ",",
    "1,",
    "",
    " ",
    "\t",
    "\u{feff}",
    "a\u{0}b",
    "é",
];

/// A few lines that a mutant may gain.
const LINES: &[&str] = &[
    "split 0 0 left 1 2",
    "leaf 0 1",
    "tree 1",
    "trees 2000000000",
    "features 2000000000",
    "card a b",
    "knot 0 0",
    "support 0 0",
    "hash 00",
    "",
];

/// One change of a file.
fn mutate(dice: &mut Dice, text: &str) -> String {
    let below = |dice: &mut Dice, end: usize| dice.below(end.max(1) as u64) as usize;
    let mut lines: Vec<Cow<'_, str>> = text.lines().map(Cow::Borrowed).collect();
    if lines.is_empty() {
        return LINES[below(dice, LINES.len())].to_owned();
    }
    let at = below(dice, lines.len());
    match dice.below(8) {
        0..4 => {
            let words: Vec<&str> = lines[at].split(' ').collect();
            let place = below(dice, words.len());
            let word = WORDS[below(dice, WORDS.len())];
            let changed: Vec<&str> = words
                .iter()
                .enumerate()
                .map(|(index, old)| if index == place { word } else { old })
                .collect();
            lines[at] = Cow::Owned(changed.join(" "));
        }
        4 => {
            lines.remove(at);
        }
        5 => {
            let copy = lines[below(dice, lines.len())].clone();
            lines.insert(at, copy);
        }
        6 => lines.insert(at, Cow::Borrowed(LINES[below(dice, LINES.len())])),
        _ => lines.truncate(at),
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// The text before its hash.
fn body(bytes: &[u8]) -> String {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    text[..text.rfind("hash ").unwrap()].to_owned()
}

/// What is read must do its work: score, explain, and be written back.
fn check(bytes: &[u8], dice: &mut Dice, scratch: &mut ExplainScratch) -> bool {
    let model = match Model::parse(bytes) {
        Ok(model) => model,
        Err(error) => {
            let text = error.to_string();
            assert!(text.starts_with("read model, line "), "{text}");
            return false;
        }
    };
    assert_eq!(model.to_bytes(), bytes);
    let schema: Vec<&str> = model.features().iter().map(String::as_str).collect();
    let scorer = model.bind(&schema).unwrap();
    for _ in 0..3 {
        let row = dice.row(schema.len());
        let score = scorer.score(&row);
        assert!(score.risk > 0.0 && score.risk < 1.0, "{score:?}");
        assert!((0.0..=1.0).contains(&score.probability), "{score:?}");
        assert!((0.0..=1.0).contains(&score.confidence), "{score:?}");
        let shares = scorer.explain(&row, scratch);
        let sum: LogOdds = shares.iter().map(|share| share.log_odds).sum();
        assert_eq!(scorer.base() + sum, score.log_odds);
    }
    true
}

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "a campaign says how many mutants there are"
)]
fn no_mutant_of_a_model_panics_or_scores_out_of_bounds() {
    let asked = std::env::var("SENTINEL_MUTATIONS").ok();
    let mutants: u64 = asked.map_or(6000, |count| count.parse().unwrap());
    let mut scratch = ExplainScratch::default();
    let mut seeds = vec![BODY.to_owned(), BODY_FIRST.to_owned()];
    for seed in 0..6 {
        let contents = Dice(seed).contents(1 + seed, 2, 6);
        seeds.push(body(&Model::from_contents(&contents).unwrap().to_bytes()));
    }
    let mut usable = 0;
    for mutant in 0..mutants {
        let mut dice = Dice(mutant.wrapping_mul(0x5851_f42d_4c95_7f2d));
        let mut text = seeds[(mutant % seeds.len() as u64) as usize].clone();
        for _ in 0..=dice.below(3) {
            text = mutate(&mut dice, &text);
        }
        let mut bytes = seal(&text);
        if dice.below(4) == 0 {
            let at = dice.below(bytes.len() as u64) as usize;
            bytes[at] = dice.below(256) as u8;
        }
        usable += u64::from(check(&bytes, &mut dice, &mut scratch));
    }
    // Mutants that never pass would test the first law only.
    assert!(usable > mutants / 100, "{usable} of {mutants}");
    assert!(usable < mutants / 2, "{usable} of {mutants}");
}
