//! The daemon and its control program, as a library.
#![deny(unsafe_code)]

pub mod alarm;
pub mod cli;
pub mod config;
pub mod control;
pub mod convert;
pub mod ctl;
pub mod daemon;
pub mod datapath;
pub mod diary;
pub mod doctor;
pub mod exec;
pub mod floor;
pub mod hands;
pub mod hook;
pub mod metrics;
pub mod monitor;
pub mod net;
pub mod peer;
pub mod pulse;
pub mod recorder;
pub mod state;
pub mod store;
pub mod sys;
pub mod systemd;
pub mod takeover;
pub mod tune;
pub mod web;
