//! sentinel-pipeline: to be filled.
