//! Values of the flags of `sentinel evaluate`, each with a message that says how it is spelled.

use clap::ValueEnum;
use sentinel_domain::Instant;

use super::split::day_of;

/// How the rows are parted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// Seven days learn, seven days pass, seven days are asked; known cards drop out.
    HandbookA,
    /// The same four times, a week apart: mean and standard deviation.
    HandbookB,
    /// What is before --split-at learns, the rest is asked.
    TimeSplit,
}

impl Protocol {
    /// Its name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HandbookA => "handbook-a",
            Self::HandbookB => "handbook-b",
            Self::TimeSplit => "time-split",
        }
    }
}

/// What a protocol of the handbook learns from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TrainOn {
    /// The seven days of the training week.
    #[value(name = "7d")]
    Week,
    /// Everything from the start of the input to the end of the training week.
    History,
}

impl TrainOn {
    /// Its name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Week => "7d",
            Self::History => "history",
        }
    }
}

/// Where a stream is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SplitAt {
    /// Before this data row, counted from 0.
    Row(u64),
    /// Before the first event at or after this instant.
    Time(Instant),
}

/// The day on which the first training week begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartDay {
    /// A day since 1970.
    Date(i64),
    /// So many days behind the day of the first event.
    Number(i64),
}

/// `227845`, `2020-06-21T12:13:37Z`, `2020-06-21 12:13:37` or `2020-06-21`.
pub fn split_at(text: &str) -> Result<SplitAt, String> {
    if let Ok(row) = text.parse::<u64>() {
        return Ok(SplitAt::Row(row));
    }
    instant(text).map(SplitAt::Time).ok_or_else(|| {
        "expected an instant such as 2020-06-21T12:13:37Z, or the number of the first row that is asked".to_owned()
    })
}

/// `2018-07-25`, or `115`.
pub fn start_day(text: &str) -> Result<StartDay, String> {
    if let Ok(number) = text.parse::<u32>() {
        return Ok(StartDay::Number(i64::from(number)));
    }
    let midnight = (text.len() == 10).then(|| instant(text)).flatten();
    midnight.map(|at| StartDay::Date(day_of(at))).ok_or_else(|| {
        "expected a day such as 2018-07-25, or how many days it lies behind the first of the input".to_owned()
    })
}

/// RFC 3339; without an offset the time is UTC, without a time the day's beginning.
fn instant(text: &str) -> Option<Instant> {
    let text = text.replacen(' ', "T", 1);
    let spelled = [
        text.clone(),
        format!("{text}Z"),
        format!("{text}T00:00:00Z"),
    ];
    let read = spelled.iter().find_map(|text| Instant::parse_rfc3339(text));
    read.filter(|at| Instant::RANGE_MICROS.contains(&at.micros()))
}

/// `7d`, `36h`, or `0`: microseconds.
pub fn delay(text: &str) -> Result<i64, String> {
    if text == "0" {
        return Ok(0);
    }
    crate::commands::generate::span(text)
        .map(|span| span.0)
        .map_err(|_| "expected a length of time such as 7d or 36h, or 0".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_is_a_row_or_an_instant() {
        assert_eq!(split_at("227845"), Ok(SplitAt::Row(227_845)));
        let at = Instant::parse_rfc3339("2020-06-21T12:13:37Z").unwrap();
        for text in [
            "2020-06-21T12:13:37Z",
            "2020-06-21 12:13:37",
            "2020-06-21T14:13:37+02:00",
        ] {
            assert_eq!(split_at(text), Ok(SplitAt::Time(at)), "{text}");
        }
        let midnight = Instant::parse_rfc3339("2020-06-21T00:00:00Z").unwrap();
        assert_eq!(split_at("2020-06-21"), Ok(SplitAt::Time(midnight)));
        for text in ["", "-1", "1.5", "yesterday", "2020-13-01", "9999-01-01"] {
            assert!(split_at(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_start_is_a_day() {
        assert_eq!(start_day("1970-01-03"), Ok(StartDay::Date(2)));
        assert_eq!(start_day("115"), Ok(StartDay::Number(115)));
        for text in ["", "-1", "2018-07-25T00:00:00Z", "2018-02-30"] {
            assert!(start_day(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_delay_may_be_nothing() {
        assert_eq!(delay("0"), Ok(0));
        assert_eq!(delay("7d"), Ok(7 * 86_400_000_000));
        assert!(delay("7").is_err() && delay("").is_err() && delay("-1d").is_err());
    }
}
