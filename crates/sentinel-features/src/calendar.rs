//! Counts and sums of the present calendar day and month, in the payer's own zone.

use crate::local_time::LocalTime;

/// One calendar unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    /// The day or month since an epoch; the least number where there is none.
    pub number: i64,
    pub count: u64,
    /// Minor units of the reference currency.
    pub sum: i64,
}

impl Page {
    const EMPTY: Self = Self {
        number: i64::MIN,
        count: 0,
        sum: 0,
    };

    fn take_in(&mut self, number: i64, amount: Option<i64>) {
        if number > self.number {
            *self = Self {
                number,
                ..Self::EMPTY
            };
        }
        if number == self.number {
            self.count += 1;
            self.sum = self.sum.saturating_add(amount.unwrap_or(0));
        }
    }
}

/// The latest day and month that an entity was seen in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Calendar {
    pub day: Page,
    pub month: Page,
}

impl Calendar {
    /// Of an entity without events.
    pub const EMPTY: Self = Self {
        day: Page::EMPTY,
        month: Page::EMPTY,
    };

    /// Takes an event in; one of an earlier day or month changes nothing there.
    pub fn take_in(&mut self, local: &LocalTime, amount: Option<i64>) {
        self.day.take_in(local.day, amount);
        self.month.take_in(local.month, amount);
    }
}
