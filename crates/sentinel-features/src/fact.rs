//! Facts: what is known of an entity without a window.
//!
//! "Earlier" means before this event is taken in. Each answer is worked out in the part of the state that
//! keeps it: lifetime, place, habit, calendar, labels.

use sentinel_domain::vocabulary;

vocabulary! {
    /// One number that an entity knows of an event.
    Fact {
        /// Earlier events.
        CountEver = 0, "count_ever";
        /// 1 where there is no earlier event.
        IsNew = 1, "is_new";
        /// Seconds since the newest earlier event.
        SecondsSinceLast = 2, "seconds_since_last";
        /// Seconds since the first event.
        SecondsSinceFirst = 3, "seconds_since_first";
        /// This amount over the mean of all earlier ones.
        AmountToMeanEver = 4, "amount_to_mean_ever";
        /// Seconds of silence (a day or more) that ended within the last 24 hours; 0 where there was none.
        DormantSeconds = 5, "dormant_seconds";
        /// Kilometres from the last place.
        DistanceKm = 6, "distance_km";
        /// Kilometres an hour needed to come from the last place.
        SpeedKmh = 7, "speed_kmh";
        /// Share of earlier events within an hour of this time of day.
        HourShare = 8, "hour_share";
        /// Share of earlier events on this day of the week.
        WeekdayShare = 9, "weekday_share";
        /// Share of earlier amounts that are not above this one's bucket.
        AmountShare = 10, "amount_share";
        /// Events of the calendar day in the payer's zone.
        DayCount = 11, "day_count";
        /// Amounts of the calendar day.
        DaySum = 12, "day_sum";
        /// Events of the calendar month.
        MonthCount = 13, "month_count";
        /// Amounts of the calendar month.
        MonthSum = 14, "month_sum";
        /// Frauds known.
        FraudCountEver = 15, "fraud_count_ever";
        /// Known frauds among the transactions of the last 30 days.
        FraudCount30d = 16, "fraud_count_30d";
        /// Their share.
        FraudRate30d = 17, "fraud_rate_30d";
        /// Known frauds' share in the day that ended 7 days ago.
        DelayedFraudRate1d = 18, "delayed_fraud_rate_1d";
        /// In the 7 days that ended 7 days ago.
        DelayedFraudRate7d = 19, "delayed_fraud_rate_7d";
        /// In the 30 days that ended 7 days ago.
        DelayedFraudRate30d = 20, "delayed_fraud_rate_30d";
        /// Seconds since a fraud became known.
        SecondsSinceFraud = 21, "seconds_since_fraud";
        /// Known frauds in a row: those since the newest hour, a week ago or more, that had events and no fraud.
        FraudRunCount = 22, "fraud_run_count";
        /// Seconds since the hour in which that row began.
        FraudRunSeconds = 23, "fraud_run_seconds";
    }
}
