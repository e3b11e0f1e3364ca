//! sentinel-api: to be filled.
