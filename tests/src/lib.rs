//! The lab: real daemons, real interfaces, real faults, on one machine.
//!
//! [`lab`] builds networks out of namespaces and runs daemons in them, [`fault`] breaks them,
//! [`client`] looks on from outside as a user's machine would, and [`report`] tells what it saw.
//! Tests, demo and benchmarks share all of it. [`kernel`] runs single packets through the kernel
//! programs.
#![deny(unsafe_code)]

pub mod client;
pub mod fault;
pub mod kernel;
pub mod lab;
pub mod paths;
pub mod report;
pub mod skip;
