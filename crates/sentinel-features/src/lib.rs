//! sentinel-features: to be filled.
