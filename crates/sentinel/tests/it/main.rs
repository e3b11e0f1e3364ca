//! The binary as a person or a script meets it: real processes, real files, real signals.

#![allow(missing_docs, reason = "tests")]

mod process;
mod run;
mod bad_input;
mod resume;
mod replay;
mod serve;
