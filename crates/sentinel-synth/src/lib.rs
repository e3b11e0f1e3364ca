//! sentinel-synth: to be filled.
