//! sentinel-rules: to be filled.
