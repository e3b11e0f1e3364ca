//! A long random log: hot and cold entities, ties, late and too late events, gaps of days and months.
//!
//! Promises the same log on every run and that it holds what it is meant to hold: the last assertions
//! count how often each hard case came up.

use sentinel_domain::Coordinates;
use sentinel_synth::Random;

use crate::comparison::Subject;
use crate::event::{DAY, Event, HOUR, MILLISECOND, MINUTE, SECOND};
use crate::oracle::{Kind, Oracle};

const EVENTS: u64 = 200_000;

/// Events after which the pace changes and the hot entities of the time give way to others.
const EPOCH_EVENTS: u64 = 4_000;

/// 2^32 milliseconds: a clock kept in 32 bits would stand where it stood.
const WRAP: i64 = (1 << 32) * MILLISECOND;

/// Writes the log.
pub struct Traffic {
    random: Random,
    index: u64,
    /// The greatest time so far.
    now_us: i64,
    place: Coordinates,
}

impl Traffic {
    pub fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            index: 0,
            // Some days before 1970: the windows cross the zero of the clock.
            now_us: -2 * DAY - 12_345_678,
            place: Coordinates::new(0, 0).unwrap(),
        }
    }

    fn below(&mut self, bound: i64) -> i64 {
        self.random.below(bound as u64) as i64
    }

    fn epoch(&self) -> u32 {
        (self.index / EPOCH_EVENTS) as u32
    }

    /// From ties to minutes between two events, one pace an epoch.
    fn step(&mut self) -> i64 {
        if self.random.chance(0.15) {
            return 0;
        }
        let longest = match self.epoch() % 8 {
            0 => 3 * SECOND,
            1 => 30,
            2 => 20 * SECOND,
            3 => 40 * MILLISECOND,
            4 => 8 * SECOND,
            5 => MINUTE,
            6 => SECOND,
            _ => 2 * MILLISECOND,
        };
        self.below(longest)
    }

    /// A leap over what windows and clocks can hold, now and then.
    fn leap(&mut self) -> i64 {
        match self.index % 25_000 {
            8_000 => DAY + self.below(2 * DAY),
            16_000 => WRAP + self.below(2 * MINUTE) - MINUTE,
            24_000 => 51 * DAY + self.below(100 * DAY),
            _ if self.random.chance(0.000_2) => HOUR + self.below(DAY),
            _ => 0,
        }
    }

    fn time(&mut self) -> i64 {
        let behind = match self.below(1_000) {
            0..900 => {
                self.now_us += self.step() + self.leap();
                0
            }
            900..915 => self.below(5 * MILLISECOND),
            915..940 => self.below(5 * SECOND),
            940..960 => self.below(2 * MINUTE),
            960..980 => self.below(HOUR),
            // On the very border, to the microsecond.
            980..986 => HOUR - 2 * MILLISECOND + self.below(4 * MILLISECOND),
            986..994 => HOUR + self.below(HOUR),
            994..998 => HOUR + self.below(3 * DAY),
            _ => HOUR + WRAP - self.below(2 * HOUR),
        };
        self.now_us - behind
    }

    /// Always hot, hot for an epoch, warm, cold, or never seen again.
    fn entity(&mut self, hot_share: i64) -> u32 {
        let draw = self.below(100);
        if draw < hot_share / 8 {
            0
        } else if draw < hot_share {
            10 + self.epoch()
        } else if draw < 60 {
            1_000 + self.below(150) as u32
        } else if draw < 95 {
            10_000 + self.below(20_000) as u32
        } else {
            100_000 + self.index as u32
        }
    }

    fn entity_or_none(&mut self, hot_share: i64) -> Option<u32> {
        let named = !self.random.chance(0.15);
        named.then(|| self.entity(hot_share))
    }

    fn amount(&mut self) -> Option<i64> {
        Some(match self.below(100) {
            0..8 => return None,
            8..16 => 0,
            16..70 => self.below(100_000),
            70..80 => 4_990,
            80..88 => i64::from(u32::MAX) - 2 + self.below(5),
            88..96 => self.below(1 << 40),
            _ => 100_000_000_000_000 - self.below(3),
        })
    }

    fn place(&mut self) -> Option<Coordinates> {
        match self.below(10) {
            0..4 => return None,
            4..6 => {}
            6 => self.place = Coordinates::new(-900_000_000, 1_800_000_000).unwrap(),
            _ => {
                let lat_e7 = self.below(1_800_000_001) - 900_000_000;
                let lon_e7 = self.below(3_600_000_001) - 1_800_000_000;
                self.place = Coordinates::new(lat_e7 as i32, lon_e7 as i32).unwrap();
            }
        }
        Some(self.place)
    }

    pub fn event(&mut self) -> Event {
        self.index += 1;
        Event {
            time_us: self.time(),
            account: self.entity(12),
            card: self.entity_or_none(12),
            device: self.entity_or_none(9),
            merchant: self.entity_or_none(20),
            ip: self.entity_or_none(16),
            amount: self.amount(),
            place: self.place(),
        }
    }
}

#[test]
fn two_hundred_thousand_random_events_give_what_plain_loops_give() {
    let (mut subject, mut oracle) = (Subject::new(), Oracle::new());
    let mut traffic = Traffic::new(20_260_105);
    let (mut late, mut too_late, mut alone) = (0, 0, 0);
    let (mut crowded, mut greatest_count) = (0, 0.0_f64);
    for index in 0..EVENTS {
        let event = traffic.event();
        let answer = subject
            .check(&mut oracle, &event)
            .unwrap_or_else(|difference| panic!("event {index}: {difference}"));
        late += u64::from(answer.flags.late);
        too_late += u64::from(answer.flags.too_late);
        let account = &answer.entities[&Kind::Account].windows[3];
        alone += u64::from(account.count == 1.0);
        for entity in answer.entities.values() {
            crowded += u64::from(entity.windows[3].count >= 100.0);
            greatest_count = greatest_count.max(entity.windows[3].count);
        }
    }
    let seen = format!(
        "late {late}, too late {too_late}, alone {alone}, crowded {crowded}, most {greatest_count}"
    );
    assert!(late > 5_000 && too_late > 1_000, "{seen}");
    assert!(alone > 20_000 && crowded > 50_000, "{seen}");
    assert!(greatest_count > 300.0, "{seen}");
}
