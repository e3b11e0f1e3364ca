//! The pipeline as a whole, on memory backends: the fast lane as a function of the log, the slow lane as
//! a function of what it recorded.

#![allow(missing_docs, reason = "tests")]

mod contents;
mod fast_lane;
mod slow_lane;
