//! Says when the dashboard's files have changed, and when they are missing.
//!
//! Builds without the dashboard give a binary that explains itself; `SENTINEL_REQUIRE_DASHBOARD=1` (set by
//! releases and CI) makes a missing dashboard an error. Must never build the dashboard itself.

#![allow(
    clippy::print_stdout,
    reason = "cargo reads its instructions from here"
)]

use std::path::Path;

fn main() {
    let files = Path::new("../../dashboard/dist");
    println!("cargo::rerun-if-env-changed=SENTINEL_REQUIRE_DASHBOARD");
    println!("cargo::rerun-if-changed={}", files.display());
    if files.join("index.html").is_file() {
        return;
    }
    let told = "dashboard/dist/index.html is missing: `make demo` builds it";
    let required = std::env::var("SENTINEL_REQUIRE_DASHBOARD").is_ok_and(|value| value == "1");
    if required {
        println!("cargo::error={told}; SENTINEL_REQUIRE_DASHBOARD=1 forbids going on without");
    } else {
        println!("cargo::warning={told}; the server will say so in its place");
    }
}
