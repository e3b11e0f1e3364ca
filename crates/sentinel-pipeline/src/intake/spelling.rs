//! Spelling: which known word a person probably meant.
//!
//! Promises a suggestion only where it is likely right, the same one every time. Used for messages
//! alone: nothing is ever read as the suggested word.

/// Names that other systems use for a field of the canonical transaction.
const FOREIGN: &[(&str, &str)] = &[
    ("amount", "amount_minor"),
    ("amount_cents", "amount_minor"),
    ("ccy", "currency"),
    ("card_id", "card_token"),
    ("card_number", "card_token"),
    ("country", "merchant_country"),
    ("device", "device_id"),
    ("email", "email_hash"),
    ("id", "event_id"),
    ("ip_address", "ip"),
    ("lat", "lat_e7"),
    ("latitude", "lat_e7"),
    ("lon", "lon_e7"),
    ("longitude", "lon_e7"),
    ("merchant", "merchant_id"),
    ("merchant_category_code", "mcc"),
    ("time", "event_time"),
    ("timestamp", "event_time"),
    ("transaction_id", "event_id"),
    ("transaction_time", "event_time"),
    ("transaction_type", "event_type"),
    ("type", "event_type"),
    ("user_id", "account_id"),
];

/// The known word nearest to `word`: another system's name for it, or one within a third of its
/// letters. Of two equally near the first in `known` wins.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = word.to_ascii_lowercase();
    let foreign = FOREIGN.iter().find(|(name, _)| *name == folded);
    let edits_max = (word.chars().count() / 3).clamp(1, 3);
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        if foreign.is_some_and(|(_, meant)| *meant == candidate) {
            return Some(candidate);
        }
        let edits = distance(&folded, &candidate.to_ascii_lowercase());
        if edits <= edits_max && best.is_none_or(|(least, _)| edits < least) {
            best = Some((edits, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// `; did you mean "…"?` where there is a suggestion, else nothing.
pub fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map_or_else(String::new, |meant| format!("; did you mean {meant:?}?"))
}

/// Edits from one word to the other: a letter put in, left out or replaced. Words are cut at 64
/// letters, because a hostile name must not cost more than a real one.
fn distance(from: &str, to: &str) -> usize {
    strsim::levenshtein(beginning(from), beginning(to))
}

fn beginning(word: &str) -> &str {
    let end = word.char_indices().nth(64);
    end.map_or(word, |(end, _)| word.get(..end).unwrap_or(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["event_id", "event_time", "amount_minor", "mcc", "ip"];

    #[test]
    fn a_slip_of_the_pen_is_understood() {
        let meant = |word| nearest(word, KNOWN.iter().copied());
        assert_eq!(meant("event_tme"), Some("event_time"));
        assert_eq!(meant("Event_ID"), Some("event_id"));
        assert_eq!(meant("ammount_minor"), Some("amount_minor"));
        assert_eq!(meant("timestamp"), Some("event_time"));
        assert_eq!(meant("amount"), Some("amount_minor"));
        assert_eq!(meant("colour"), None);
        assert_eq!(meant(""), None);
    }

    #[test]
    fn distance_counts_single_edits() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("same", "same"), 0);
    }

    #[test]
    fn nothing_is_suggested_where_nothing_is_near() {
        assert_eq!(hint("zebra", KNOWN.iter().copied()), "");
        assert_eq!(hint("mc", KNOWN.iter().copied()), "; did you mean \"mcc\"?");
    }
}
