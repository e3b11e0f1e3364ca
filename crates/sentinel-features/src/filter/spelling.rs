//! Spelling: which of the possible words a person probably meant.
//!
//! Promises a suggestion only where it is likely right, the same one every time. Must never be used to
//! read anything: suggestions stand in messages alone.

/// `did you mean …?` where one of the words is near, else the list of all of them.
pub(crate) fn possible(word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(meant) => format!("did you mean {meant}?"),
        None => format!("there are {}", known.join(", ")),
    }
}

/// The word within a third of its letters of `word`; of two equally near the first wins.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let folded = word.to_ascii_lowercase();
    let edits_max = word.chars().count().div_ceil(3).min(3);
    let measured = known.iter().map(|known| (edits(&folded, known), *known));
    let near = measured.filter(|(edits, _)| *edits <= edits_max);
    near.min_by_key(|(edits, _)| *edits).map(|(_, known)| known)
}

/// The most letters of a word that are looked at: a hostile word must not cost more than a real one.
const LETTERS_MAX: usize = 64;

/// Letters to put in, take out or replace to come from one word to the other.
fn edits(from: &str, to: &str) -> usize {
    strsim::levenshtein(beginning(from), beginning(to))
}

fn beginning(word: &str) -> &str {
    let end = word.char_indices().nth(LETTERS_MAX);
    end.map_or(word, |(end, _)| word.get(..end).unwrap_or(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("abc", ""), 3);
        assert_eq!(edits("chanel", "channel"), 1);
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("same", "same"), 0);
    }

    #[test]
    fn a_near_word_is_suggested_and_a_far_one_is_answered_by_the_list() {
        let known = ["web", "app", "channel"];
        assert_eq!(possible("Chanel", &known), "did you mean channel?");
        assert_eq!(possible("planet", &known), "there are web, app, channel");
        assert_eq!(possible("", &known), "there are web, app, channel");
    }
}
