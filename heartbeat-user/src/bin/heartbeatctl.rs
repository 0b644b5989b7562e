//! heartbeatctl
fn main() {}
