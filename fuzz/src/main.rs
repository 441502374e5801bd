//! Runs the targets.
fn main() {}
