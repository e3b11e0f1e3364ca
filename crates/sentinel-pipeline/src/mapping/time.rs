//! Times of a table: numbers of some unit from some start, RFC 3339, or digits in a stated pattern.
//!
//! Promises exact microseconds. Everything is UTC unless the text itself says otherwise.

use sentinel_domain::Instant;

use crate::mapping::decimal::{Decimal, Fault, Rounding};

/// How the cells of a time column are to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeRule {
    /// A number of units, each so many microseconds, counted from `base`.
    Counted {
        /// Microseconds in one unit.
        unit_micros: i64,
        /// The instant of zero.
        base: Instant,
    },
    /// RFC 3339 text.
    Rfc3339,
    /// Text in a pattern of `%Y %m %d %H %M %S %f %%` and literal characters.
    Pattern(Pattern),
}

/// The units a time column may count in, with the microseconds of each.
pub const UNITS: &[(&str, i64)] = &[
    ("microseconds", 1),
    ("milliseconds", 1_000),
    ("seconds", 1_000_000),
    ("minutes", 60_000_000),
    ("hours", 3_600_000_000),
    ("days", 86_400_000_000),
];

impl TimeRule {
    /// Microseconds since 1970 of a cell; `Err` says what was expected.
    pub fn micros(&self, cell: &str) -> Result<i64, String> {
        match self {
            Self::Counted { unit_micros, base } => {
                let decimal = Decimal::parse(cell)
                    .ok_or_else(|| format!("is the text {cell:?}, expected a number"))?;
                let offset = match decimal.times(*unit_micros, Rounding::HalfEven) {
                    Ok(micros) => base.micros().checked_add(micros),
                    Err(Fault::TooLarge | Fault::TooFine) => None,
                };
                offset.ok_or_else(|| format!("{cell:?} lies beyond all calendars"))
            }
            Self::Rfc3339 => Instant::parse_rfc3339(cell.trim())
                .map(Instant::micros)
                .ok_or_else(|| {
                    format!("is the text {cell:?}, expected RFC 3339 such as 2026-11-21T13:00:00Z")
                }),
            Self::Pattern(pattern) => pattern.micros(cell.trim()).ok_or_else(|| {
                format!(
                    "is the text {cell:?}, expected the pattern {:?}",
                    pattern.spelled
                )
            }),
        }
    }
}

/// A pattern of date and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    spelled: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Literal(char),
    /// A number of one to this many digits, put at a place in [`Civil`].
    Digits(Place, usize),
    /// One to nine digits below the second.
    Fraction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

/// A date and time as it is written.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
}

impl Pattern {
    /// Reads a pattern; `Err` says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                parts.push(Part::Literal(letter));
                continue;
            }
            parts.push(match letters.next() {
                Some('Y') => Part::Digits(Place::Year, 4),
                Some('m') => Part::Digits(Place::Month, 2),
                Some('d') => Part::Digits(Place::Day, 2),
                Some('H') => Part::Digits(Place::Hour, 2),
                Some('M') => Part::Digits(Place::Minute, 2),
                Some('S') => Part::Digits(Place::Second, 2),
                Some('f') => Part::Fraction,
                Some('%') => Part::Literal('%'),
                Some(other) => return Err(format!("knows no %{other}: use %Y %m %d %H %M %S %f")),
                None => return Err("ends in a lone %".to_owned()),
            });
        }
        for place in [Place::Year, Place::Month, Place::Day] {
            let given = |part: &Part| matches!(part, Part::Digits(have, _) if *have == place);
            if !parts.iter().any(given) {
                let place = format!("{place:?}").to_lowercase();
                return Err(format!("{text:?} lacks the {place}"));
            }
        }
        Ok(Self {
            spelled: text.to_owned(),
            parts,
        })
    }

    fn micros(&self, text: &str) -> Option<i64> {
        let mut civil = Civil {
            year: 1970,
            month: 1,
            day: 1,
            hour: 0,
            minute: 0,
            second: 0,
            micros: 0,
        };
        let mut rest = text;
        for part in &self.parts {
            match part {
                Part::Literal(letter) => rest = rest.strip_prefix(*letter)?,
                Part::Digits(place, most) => {
                    let (number, after) = leading_digits(rest, *most)?;
                    *civil.slot(*place) = number.parse().ok()?;
                    rest = after;
                }
                Part::Fraction => {
                    let (digits, after) = leading_digits(rest, 9)?;
                    let micros = digits.bytes().chain([b'0'; 6]).take(6);
                    civil.micros = micros.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
                    rest = after;
                }
            }
        }
        if rest.is_empty() {
            civil.micros()
        } else {
            None
        }
    }
}

/// The digits a text begins with, at least one and at most so many, and what follows.
fn leading_digits(text: &str, most: usize) -> Option<(&str, &str)> {
    let count = text
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    (count > 0).then(|| text.split_at(count))
}

impl Civil {
    fn slot(&mut self, place: Place) -> &mut i64 {
        match place {
            Place::Year => &mut self.year,
            Place::Month => &mut self.month,
            Place::Day => &mut self.day,
            Place::Hour => &mut self.hour,
            Place::Minute => &mut self.minute,
            Place::Second => &mut self.second,
        }
    }

    fn micros(&self) -> Option<i64> {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        let days_in_month = match self.month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 => 28 + i64::from(leap),
            _ => return None,
        };
        // A leap second is written as 60 and means the second after.
        let valid = (1..=days_in_month).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second <= 60;
        if !valid {
            return None;
        }
        let seconds = ((self.days() * 24 + self.hour) * 60 + self.minute) * 60 + self.second;
        Some(seconds * 1_000_000 + self.micros)
    }

    /// Days since 1970-01-01. The year is taken to begin in March, so that the leap day is its last
    /// and the months before it follow one formula.
    fn days(&self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let month_from_march = (self.month + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + self.day - 1;
        let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        // 719,468 days lie between 0000-03-01 and 1970-01-01.
        year * 365 + leap_days + day_of_year - 719_468
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(pattern: &str, text: &str) -> Option<String> {
        let micros = Pattern::parse(pattern).unwrap().micros(text)?;
        Some(Instant::from_micros(micros).to_string())
    }

    #[test]
    fn counted_units_are_exact() {
        let base = Instant::parse_rfc3339("2018-04-01T00:00:00Z").unwrap();
        let rule = |unit_micros| TimeRule::Counted { unit_micros, base };
        assert_eq!(rule(1_000_000).micros("31"), Ok(base.micros() + 31_000_000));
        assert_eq!(rule(1_000_000).micros("0.1"), Ok(base.micros() + 100_000));
        assert_eq!(
            rule(3_600_000_000).micros("2"),
            Ok(base.micros() + 7_200_000_000)
        );
        assert_eq!(rule(1).micros("-5"), Ok(base.micros() - 5));
        assert!(
            rule(1)
                .micros("soon")
                .unwrap_err()
                .contains("expected a number")
        );
        assert!(
            rule(86_400_000_000)
                .micros("9e25")
                .unwrap_err()
                .contains("beyond")
        );
    }

    #[test]
    fn patterns_are_read_as_utc() {
        let minutes = "%Y-%m-%d %H:%M:%S";
        assert_eq!(
            read(minutes, "2019-01-01 00:00:18").unwrap(),
            "2019-01-01T00:00:18Z"
        );
        assert_eq!(
            read("%d/%m/%Y", "29/2/2024").unwrap(),
            "2024-02-29T00:00:00Z"
        );
        assert_eq!(
            read("%Y%m%d%H%M%S.%f", "20240301000000.25").unwrap(),
            "2024-03-01T00:00:00.25Z"
        );
        assert_eq!(read("%Y-%m-%d", "2023-02-29"), None, "no leap year");
        assert_eq!(read("%Y-%m-%d", "2023-13-01"), None);
        assert_eq!(read(minutes, "2023-01-01 24:00:00"), None);
        assert_eq!(read("%Y-%m-%d", "2023-01-01 "), None, "something follows");
    }

    #[test]
    fn patterns_that_cannot_name_a_day_are_refused() {
        assert_eq!(
            Pattern::parse("%Y-%m").unwrap_err(),
            "\"%Y-%m\" lacks the day"
        );
        assert!(Pattern::parse("%Y %q").unwrap_err().contains("%q"));
        assert!(Pattern::parse("%Y%").unwrap_err().contains("lone"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn a_pattern_reads_what_rfc3339_reads(seconds in -2_208_988_800_i64..7_258_118_400) {
            let text = Instant::from_seconds(seconds).to_string();
            let micros = Pattern::parse("%Y-%m-%dT%H:%M:%SZ").unwrap().micros(&text);
            prop_assert_eq!(micros, Some(seconds * 1_000_000));
        }
    }
}
