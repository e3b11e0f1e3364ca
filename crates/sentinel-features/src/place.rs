//! Where an entity was last.

use sentinel_domain::{Coordinates, Instant};

use crate::totals::to_f64;

/// The place of the newest event that has one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Place {
    /// When.
    pub time: Instant,
    /// Where.
    pub coordinates: Coordinates,
}

/// The last place of an entity, or none, in as many bytes as a place: no point on earth has the latitude
/// that stands for none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LastPlace(Place);

impl LastPlace {
    /// Of an entity that was seen nowhere yet.
    pub const NONE: Self = Self(Place {
        time: Instant::from_micros(0),
        coordinates: NOWHERE,
    });

    /// The place, where there is one.
    #[inline]
    pub fn get(&self) -> Option<Place> {
        (self.0.coordinates != NOWHERE).then_some(self.0)
    }

    /// Keeps a place.
    pub fn set(&mut self, place: Place) {
        self.0 = place;
    }

    /// The last place after an event.
    pub fn renew(&mut self, time: Instant, coordinates: Option<Coordinates>) {
        if let Some(coordinates) = coordinates
            && self.get().is_none_or(|last| time >= last.time)
        {
            self.0 = Place { time, coordinates };
        }
    }
}

const NOWHERE: Coordinates = Coordinates {
    lat_e7: i32::MIN,
    lon_e7: i32::MIN,
};

/// How far it is from here to some place that was asked about before: the account, the card and the
/// device of a payment were mostly at one place last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Distance {
    from: Coordinates,
    metres: f64,
}

impl Distance {
    /// Nothing asked yet.
    pub const UNASKED: Self = Self {
        from: NOWHERE,
        metres: 0.0,
    };

    fn metres(&mut self, from: Coordinates, here: Coordinates) -> f64 {
        if self.from != from {
            *self = Self {
                from,
                metres: from.distance_metres(here),
            };
        }
        self.metres
    }
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
    /// The way from here to where an event happened; `known` is that event's.
    pub fn way_to(&self, time: Instant, here: Coordinates, known: &mut Distance) -> Way {
        let metres = known.metres(self.coordinates, here);
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
}
