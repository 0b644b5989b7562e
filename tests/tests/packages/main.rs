//! The package's life on two Debian systems that are a pair: `cargo xtask test --packages`.

mod files;
mod node;
mod pair;

use heartbeat_tests::booted::Packages;
use heartbeat_tests::skip::{Need, lacks};

/// What is to be installed; `None` if nobody asked for it.
fn packages(test: &str) -> Option<Packages> {
    if lacks(test, &[Need::Packages]) {
        return None;
    }
    Packages::of_environment()
}
