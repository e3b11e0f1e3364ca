//! When to try again, and when to give up.
//!
//! Promises the same waits everywhere: no random part. A sink is written to by one sender, so there is no
//! herd that would have to be spread.

use std::time::Duration;

/// Failures after which a message is a dead letter.
pub const ATTEMPTS_MAX: u32 = 12;

/// The wait after the first failure.
const FIRST: Duration = Duration::from_secs(5);

/// Each wait is so many times the one before.
const FACTOR: u32 = 4;

/// No wait is longer.
const LONGEST: Duration = Duration::from_secs(3_600);

/// How long to wait after so many failures: 5 s, then four times as long each time, at most an hour. The
/// waits before the last try sum up to six and a half hours.
pub fn backoff(attempts: u32) -> Duration {
    let Some(repeated) = attempts.checked_sub(1) else {
        return Duration::ZERO;
    };
    let wait = FIRST.checked_mul(FACTOR.saturating_pow(repeated));
    wait.map_or(LONGEST, |wait| wait.min(LONGEST))
}

/// Whether so many failures are enough to give up.
pub fn is_exhausted(attempts: u32) -> bool {
    attempts >= ATTEMPTS_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_an_hour_and_stay_there() {
        let seconds: Vec<u64> = (0..9).map(|attempts| backoff(attempts).as_secs()).collect();
        assert_eq!(seconds, [0, 5, 20, 80, 320, 1_280, 3_600, 3_600, 3_600]);
        assert_eq!(backoff(u32::MAX), LONGEST);
        assert!((0..1_000).all(|n| backoff(n) <= backoff(n + 1)));
    }

    #[test]
    fn a_message_is_given_up_after_twelve_failures_and_six_hours() {
        let waits: Duration = (1..ATTEMPTS_MAX).map(backoff).sum();
        assert_eq!(waits.as_secs(), 1_705 + 6 * 3_600);
        assert!(!is_exhausted(ATTEMPTS_MAX - 1));
        assert!(is_exhausted(ATTEMPTS_MAX));
    }
}
