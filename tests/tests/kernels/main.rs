//! The product on other kernels than the host's: `cargo xtask test --kernels`.

mod machines;
mod stopped;
mod suite;

use heartbeat_tests::guest::Image;
use heartbeat_tests::skip::{Need, lacks};

/// What guests start from; `None` if no kernel was asked for.
fn image(test: &str) -> Option<Image> {
    if lacks(test, &[Need::Guests]) {
        return None;
    }
    Image::of_environment()
}
