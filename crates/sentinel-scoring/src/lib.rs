//! sentinel-scoring: to be filled.
