//! What needs the operating system below the level of files and sockets: scheduling, clocks,
//! locked memory, folder locks, link-layer addresses, what interfaces do with packets, the service manager.
//!
//! The only folder of this crate that may hold `unsafe`.
#![expect(
    unsafe_code,
    reason = "system calls and address layouts for which no safe wrapper exists are kept here, so that nothing outside this folder needs unsafe"
)]

pub mod bpf;
pub mod clock;
pub mod ethtool;
pub mod journal;
pub mod link_address;
pub mod lock;
pub mod memory;
pub mod mmap;
pub mod notify;
pub mod pidfd;
pub mod realtime;
pub mod tcx;
pub mod time_service;
