//! Activity: who pays often. Clients are ordered by how much they pay, the busiest first, and a payment
//! belongs to the one at a drawn share of all payments.
//!
//! The profile says how payments spread over clients. A synthetic world may be far busier than the table
//! it is modelled on; there the busiest would pay every second, so nobody pays more often than
//! [`PAYMENTS_PER_DAY_MAX`] times a day, or twice the mean where even that is not enough.

use crate::profile::ClientSize;

const PAYMENTS_PER_DAY_MAX: f64 = 30.0;

const OVER_MEAN_MIN: f64 = 2.0;

/// Shares of payments at which the order of clients is noted.
const ENTRIES: usize = 4_096;

/// For every 4,096th of payments the share of clients, the busiest first, that make as many.
#[derive(Debug, Clone)]
pub(crate) struct Activity {
    reached: Vec<f64>,
}

impl Activity {
    /// `payments_per_day` is what the mean customer makes.
    pub(crate) fn new(sizes: &[ClientSize], payments_per_day: f64) -> Self {
        let most = f64::max(PAYMENTS_PER_DAY_MAX / payments_per_day, OVER_MEAN_MIN);
        let mut clients: Vec<(f64, f64)> = sizes
            .iter()
            .rev()
            .map(|size| (size.payments, size.clients as f64))
            .collect();
        if clients.is_empty() {
            clients.push((1.0, 1.0));
        }
        let count: f64 = clients.iter().map(|(_, clients)| clients).sum();
        let payments: f64 = clients.iter().map(|(size, clients)| size * clients).sum();
        for (size, clients) in &mut clients {
            (*size, *clients) = (*size * count / payments, *clients / count);
        }
        let factor = levelled(&clients, most);
        let sizes = clients
            .iter()
            .map(|(size, share)| ((size * factor).min(most), *share));
        let mut ends = vec![(0.0, 0.0)];
        let (mut paid, mut people) = (0.0, 0.0);
        for (size, share) in sizes {
            paid += size * share;
            people += share;
            ends.push((paid, people));
        }
        Self {
            reached: (0..=ENTRIES)
                .map(|entry| people_at(&ends, paid * entry as f64 / ENTRIES as f64))
                .collect(),
        }
    }

    /// The place of a client among all, 0 for the busiest to below 1, for a drawn share of payments.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share below 1 times the length of the table"
    )]
    pub(crate) fn place(&self, drawn: f64) -> f64 {
        let entry = (drawn * ENTRIES as f64) as usize;
        let at = |entry: usize| self.reached.get(entry).copied().unwrap_or(1.0);
        let part = drawn * ENTRIES as f64 - entry as f64;
        at(entry) + (at(entry + 1) - at(entry)) * part
    }
}

/// By what to multiply sizes so that their mean is 1 again once none exceeds the most.
fn levelled(clients: &[(f64, f64)], most: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1e9);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        let mean: f64 = clients
            .iter()
            .map(|(size, share)| (size * middle).min(most) * share)
            .sum();
        if mean < 1.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// The share of clients that make this much, between noted ends.
fn people_at(ends: &[(f64, f64)], paid: f64) -> f64 {
    let next = ends.partition_point(|(end, _)| *end < paid);
    let above = ends
        .get(next)
        .or(ends.last())
        .copied()
        .unwrap_or((1.0, 1.0));
    let before = next.checked_sub(1).and_then(|before| ends.get(before));
    let below = before.copied().unwrap_or((0.0, 0.0));
    if above.0 <= below.0 {
        return above.1;
    }
    let part = ((paid - below.0) / (above.0 - below.0)).min(1.0);
    below.1 + (above.1 - below.1) * part
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::random::Random;

    fn share_of_top(activity: &Activity, top: f64) -> f64 {
        let mut random = Random::new(1);
        let drawn = (0..100_000).filter(|_| activity.place(random.unit()) < top);
        drawn.count() as f64 / 100_000.0
    }

    #[test]
    fn in_a_world_as_quiet_as_the_table_one_client_in_a_hundred_makes_two_payments_of_five() {
        let profile = Profile::shipped("ieee-cis").unwrap();
        let quiet = Activity::new(&profile.client_sizes, 590_540.0 / 39_634.0 / 182.0);
        let top = share_of_top(&quiet, 0.01);
        assert!((0.39..0.47).contains(&top), "{top}");
    }

    #[test]
    fn in_a_busy_world_nobody_pays_more_than_twice_the_mean() {
        let profile = Profile::shipped("ieee-cis").unwrap();
        let busy = Activity::new(&profile.client_sizes, 70.0);
        assert!(share_of_top(&busy, 0.01) < 0.022);
        let alike = Activity::new(&[], 1.0);
        assert!((share_of_top(&alike, 0.25) - 0.25).abs() < 0.01);
    }
}
