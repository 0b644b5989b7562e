//! A small deterministic cluster in one process: the real nodes, a twin of the kernel program that
//! decides with the same functions, and a network that loses, doubles and delays.
//!
//! Every step checks what must always hold: never two leases, never two open gates, no epoch twice.

mod attacks;
mod clock;
mod electors;
mod failover;
mod faults;
mod forced;
mod kernel;
mod machine;
mod network;
mod planned_restart;
mod properties;
mod roads;
mod sanity;
mod seams;
mod watch;
mod world;
