//! The daemon and its control program, as a library.
#![deny(unsafe_code)]

pub mod config;
pub mod control;
pub mod datapath;
pub mod hands;
pub mod net;
pub mod sys;
