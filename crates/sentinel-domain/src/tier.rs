//! Risk tiers: five bands of risk, each with the shape and word by which people know it.

use crate::vocabulary;

vocabulary! {
    /// A band of risk. Ordered: a later one is more severe.
    Tier {
        /// Risk below 0.50.
        Minimal = 0, "minimal";
        /// 0.50 to below 0.55: approved, and an alert is raised.
        Low = 1, "low";
        /// 0.55 to below 0.70: challenged.
        Medium = 2, "medium";
        /// 0.70 to below 0.85: reviewed.
        High = 3, "high";
        /// 0.85 and above: declined.
        Critical = 4, "critical";
    }
}
