//! The clock of the edge: the one place that asks what time it is.

use std::time::{SystemTime, UNIX_EPOCH};

use sentinel_domain::Instant;

/// Now, microseconds UTC. A clock before 1970 counts as 1970.
pub fn now() -> Instant {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Instant::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
