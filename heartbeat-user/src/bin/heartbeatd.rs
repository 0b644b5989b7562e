//! heartbeatd
fn main() {}
