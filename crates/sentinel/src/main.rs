//! sentinel
fn main() {}
