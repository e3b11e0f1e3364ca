//! sentinel-eventlog: to be filled.
