//! Everything that heartbeatd's kernel program and its userspace must agree on, and nothing else.
//!
//! The crate is `no_std` and never allocates: the same functions run inside the XDP program, in the
//! daemon, and in the host tests that compare the two.
#![no_std]

#[cfg(target_endian = "big")]
compile_error!(
    "heartbeat frames and maps are little-endian; big-endian machines need a byte swap that nobody has tested"
);

pub mod answer;
pub mod decide;
pub mod electors;
pub mod epoch;
pub mod frame;
pub mod gate;
pub mod histogram;
pub mod maps;
pub mod matching;
mod siphash;
pub mod tag;
pub mod verdict;

pub use epoch::Epoch;
pub use frame::{Frame, Kind};
pub use verdict::Verdict;
