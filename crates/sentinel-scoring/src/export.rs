//! Models in the words of other programs, so that they can be loaded and checked there.
//!
//! Promises that what is written gives the same margins as ours, or is refused. Must never write the maps
//! behind the margins (calibration, risk): other programs have no words for them.

pub mod lightgbm;
