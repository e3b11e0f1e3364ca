//! Damaged and hostile model files: refused or read, never a panic, never much memory.

use super::*;

/// A copy with some of its bytes or words changed, cut or doubled.
pub(super) fn damaged(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.below(4) {
        let length = bytes.len() as u64;
        if length == 0 {
            break;
        }
        let at = usize::try_from(dice.below(length)).unwrap();
        match dice.below(7) {
            0 => bytes[at] = u8::try_from(dice.below(256)).unwrap(),
            1 => bytes[at] ^= 1 << dice.below(8),
            2 => bytes.truncate(at),
            3 => drop(bytes.remove(at)),
            4 => bytes.insert(at, *b"0919-.[]{}\",\n=\xff\x00\x7f".get(at % 17).unwrap()),
            5 => {
                // A number becomes another one.
                let odd: [&[u8]; 6] = [
                    b"-1",
                    b"1e309",
                    b"NaN",
                    b"99999999999999999999",
                    b"inf",
                    b"0",
                ];
                if let Some(digit) = bytes[at..].iter().position(u8::is_ascii_digit) {
                    let place = at + digit;
                    let new = odd[usize::try_from(dice.below(6)).unwrap()];
                    bytes.splice(place..=place, new.iter().copied());
                }
            }
            _ => {
                let end = (at + 40).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

/// Seeded damage to every fixture: no panic, and a model that reads still scores.
#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "a campaign says how many mutants there are"
)]
fn damaged_files_are_refused_or_read_and_never_panic() {
    // `cargo xtask campaign` asks for more.
    let asked = std::env::var("SENTINEL_MUTATIONS").ok();
    let mutations: u64 = asked.map_or(400, |count| count.parse().unwrap());
    let mut read = 0;
    for Fixture { name, bytes, .. } in &FIXTURES {
        for seed in 0..mutations {
            let mut dice = Dice(seed);
            let bytes = damaged(bytes, &mut dice);
            let Ok(foreign) = Foreign::read(&bytes, None) else {
                continue;
            };
            read += 1;
            let Ok(imported) = foreign.model(&options()) else {
                continue;
            };
            let names: Vec<&str> = imported
                .model
                .features()
                .iter()
                .map(String::as_str)
                .collect();
            let scorer = imported.model.bind(&names).unwrap();
            let score = scorer.score(&dice.row(names.len()));
            assert!(score.probability.is_finite(), "{name}, seed {seed}");
        }
    }
    assert!(
        read > mutations,
        "some damage leaves a model that reads: {read}"
    );
}

/// A set of categories that stands once and is named by thousands of splits must not be written out for each.
#[test]
fn a_small_file_cannot_ask_for_much_memory() {
    let splits = 4_095;
    let repeated = |word: &str, count: usize| vec![word; count].join(" ");
    let left: Vec<String> = (1..splits).map(|split| split.to_string()).collect();
    let right: Vec<String> = (1..=splits)
        .map(|leaf| (-1_i64 - leaf).to_string())
        .collect();
    let many = usize::try_from(splits).unwrap();
    let text = format!(
        "tree\nmax_feature_idx=0\nobjective=binary\nfeature_names=x\n\nTree=0\nnum_leaves={}\nnum_cat=1\n\
         split_feature={}\nthreshold={}\ndecision_type={}\nleft_child={} -1\nright_child={}\nleaf_value={}\n\
         cat_boundaries=0 1024\ncat_threshold={}\n\nend of trees\n",
        splits + 1,
        repeated("0", many),
        repeated("0", many),
        repeated("1", many),
        left.join(" "),
        right.join(" "),
        repeated("0.5", many + 1),
        repeated("4294967295", 1024),
    );
    assert!(text.len() < 100_000);
    let error = Foreign::read(text.as_bytes(), None)
        .unwrap_err()
        .to_string();
    assert!(error.contains("more than 16777216 categories"), "{error}");
}
