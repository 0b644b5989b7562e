//! Faults, each as it happens to real machines.

pub mod delay;
pub mod filter;
pub mod flood;
pub(crate) mod headers;
pub mod hog;
pub mod reference;
pub mod replay;
pub mod wire;
