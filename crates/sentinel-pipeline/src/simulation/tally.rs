//! What happened in lives, to show that everything did.

macro_rules! tally {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// Counts of what happened.
        #[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
        pub(super) struct Tally {
            $($(#[$doc])* pub $name: u64,)+
        }

        impl Tally {
            /// Adds those of another life.
            pub fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)+
            }

            /// Whether each happened.
            pub fn reached_everything(&self) -> bool {
                [$(self.$name),+].iter().all(|count| *count > 0)
            }
        }
    };
}

tally! {
    entries,
    crowds,
    starts,
    failed_starts,
    stops,
    kills,
    power_cuts,
    failures,
    disk_full,
    rooms_made,
    clock_jumps,
    sink_refusals,
    lost_unacknowledged,
    snapshots,
    snapshots_used,
    snapshots_damaged,
    snapshots_unfit,
    snapshots_cut_short,
    compared_behind,
    truncations,
    stores_of_before,
    decision_logs_lost,
    usurpers,
    panics,
    skips,
    backfills,
    backfills_cut_short,
    decided,
    decided_anew,
    repeated,
    conflicted,
    late,
    too_late,
    without_rate,
    labels,
    erased,
    ticks,
    overridden,
    overridden_again,
    no_decision_to_override,
    listed,
    activated,
    ignored,
    refused,
    alerts,
    cases,
}
