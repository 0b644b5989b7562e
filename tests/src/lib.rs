//! The lab: real daemons, real interfaces, real faults, on one machine.
//!
//! [`lab`] builds networks out of namespaces and runs daemons in them, [`fault`] breaks them,
//! [`client`] looks on from outside as a user's machine would, and [`report`] and [`picture`] tell
//! what it saw. Tests, demo and benchmarks share all of it. [`kernel`] runs single packets through
//! the kernel programs, [`guest`] whole machines with other kernels, and [`booted`] whole systems with packages.
#![deny(unsafe_code)]

pub mod bench;
pub mod booted;
pub mod client;
pub mod demo;
pub mod fault;
pub mod fuzz;
pub mod guest;
pub mod hdfs;
pub mod kernel;
pub mod lab;
pub mod manual;
pub mod monitoring;
pub mod paths;
pub mod picture;
pub mod replay;
pub mod report;
pub mod skip;
pub mod trial;
