//! Where an entity was last.

use sentinel_domain::{Coordinates, Instant};

use crate::totals::to_f64;

/// The place of the newest event that has one.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(align(32))]
pub(crate) struct Place {
    /// When.
    pub time: Instant,
    /// Where.
    pub coordinates: Coordinates,
}

/// The way from the last place to here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    pub distance_km: f64,
    pub speed_kmh: f64,
    /// Whole metres, half away from zero.
    pub metres: i64,
}

impl Place {
    /// The way from here to where an event happened.
    pub fn way_to(&self, time: Instant, coordinates: Coordinates) -> Way {
        let metres = self.coordinates.distance_metres(coordinates);
        let distance_km = metres / 1000.0;
        // Below a second the clock says nothing: count one second.
        let seconds = (to_f64(time.micros_since(self.time).abs()) / 1e6).max(1.0);
        #[allow(
            clippy::cast_possible_truncation,
            reason = "half the earth's girth at most"
        )]
        let whole = libm::round(metres) as i64;
        Way {
            distance_km,
            speed_kmh: distance_km / (seconds / 3600.0),
            metres: whole,
        }
    }

    /// The last place after an event.
    pub fn renew(last: &mut Option<Self>, time: Instant, coordinates: Option<Coordinates>) {
        if let Some(coordinates) = coordinates
            && last.is_none_or(|last| time >= last.time)
        {
            *last = Some(Self { time, coordinates });
        }
    }
}
