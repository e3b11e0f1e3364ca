//! Places: countries and coordinates, and the distance between two of them.
//!
//! Promises the same distance on every machine: `libm` in a fixed order, no platform mathematics.

use std::fmt;

/// An ISO 3166-1 alpha-2 country code, upper case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country([u8; 2]);

impl Country {
    /// Two ASCII letters, any case; `None` for anything else. Membership in ISO 3166 is not checked:
    /// user-assigned codes (`XK`, `XX`) are in daily use.
    pub fn parse(text: &str) -> Option<Self> {
        match text.as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Some(Self([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => None,
        }
    }

    /// The two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("??")
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A point on the earth, degrees times ten million (WGS 84).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Coordinates {
    /// Latitude, -900,000,000 to 900,000,000.
    pub lat_e7: i32,
    /// Longitude, -1,800,000,000 to 1,800,000,000.
    pub lon_e7: i32,
}

/// Mean radius of the earth in metres (IUGG).
const EARTH_RADIUS_METRES: f64 = 6_371_008.8;

impl Coordinates {
    /// Coordinates within the globe; `None` outside it.
    pub fn new(lat_e7: i32, lon_e7: i32) -> Option<Self> {
        let valid = (-900_000_000..=900_000_000).contains(&lat_e7)
            && (-1_800_000_000..=1_800_000_000).contains(&lon_e7);
        valid.then_some(Self { lat_e7, lon_e7 })
    }

    /// Great-circle distance in metres (haversine, mean radius: within 0.6 % of the ellipsoid).
    pub fn distance_metres(self, other: Self) -> f64 {
        let radians = |e7: i32| f64::from(e7) * 1e-7 * (std::f64::consts::PI / 180.0);
        let (lat_a, lat_b) = (radians(self.lat_e7), radians(other.lat_e7));
        let half_lat = libm::sin((lat_b - lat_a) / 2.0);
        let half_lon = libm::sin((radians(other.lon_e7) - radians(self.lon_e7)) / 2.0);
        let a = half_lat * half_lat + libm::cos(lat_a) * libm::cos(lat_b) * half_lon * half_lon;
        let bounded = if a > 1.0 { 1.0 } else { a };
        2.0 * EARTH_RADIUS_METRES * libm::asin(libm::sqrt(bounded))
    }
}
