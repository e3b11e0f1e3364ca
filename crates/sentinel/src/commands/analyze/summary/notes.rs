//! What was bounded, estimated or left out, in words.

use super::LEVELS_TOLD;
use crate::commands::analyze::statistics::Statistics;
use crate::commands::analyze::statistics::numbers::NumberCounts;
use crate::commands::analyze::statistics::words::LEVELS_MAX;

/// The notes of an analysis; none where everything was counted as it stands.
pub fn of(statistics: &Statistics, labelled: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if !labelled {
        notes.push("nothing says what is fraud: every rate of fraud is 0".to_owned());
    }
    let unconverted = statistics.amounts.unconverted;
    if unconverted > 0 {
        notes.push(format!(
            "{unconverted} rows are in a currency without a rate: they count everywhere but among amounts"
        ));
    }
    for (name, words) in &statistics.words {
        if words.count() >= LEVELS_MAX {
            notes.push(format!(
                "{name}: more than {LEVELS_MAX} levels; those first met later count as others"
            ));
        } else if words.count() > LEVELS_TOLD {
            notes.push(format!(
                "{name}: {} levels, of which the {LEVELS_TOLD} most frequent are told",
                words.count()
            ));
        }
    }
    if !statistics.clients.exact() {
        notes.push(format!(
            "clients are a sample of one in {}; their number is known to {:.2} %",
            statistics.clients.each_stands_for(),
            100.0 * statistics.clients.relative_error()
        ));
    }
    let with_zeros = |counts: &&NumberCounts| counts.positive < counts.rows;
    let with_zeros = statistics.numbers.values().filter(with_zeros).count();
    if with_zeros > 0 {
        notes.push(format!(
            "{with_zeros} columns of numbers hold zeros or less, which are left out of their logarithms"
        ));
    }
    if statistics.attributes_left_out > 0 {
        notes.push(format!(
            "{} attributes of further names were left out",
            statistics.attributes_left_out
        ));
    }
    if statistics.calendar.other_days.rows > 0 {
        notes.push("more than 10,000 days: later ones count by hour and weekday only".to_owned());
    }
    notes
}
