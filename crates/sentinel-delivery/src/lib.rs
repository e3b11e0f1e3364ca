//! sentinel-delivery: to be filled.
