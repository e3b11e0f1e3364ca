//! sentinel-store: to be filled.
