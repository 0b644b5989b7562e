//! A whole cluster in one process, on virtual time: the product's own nodes, a twin of the kernel program that
//! decides with the same functions, and a network that loses, doubles and delays.
//!
//! Everything is drawn from one seed: the same seed is the same run, event by event. After every step [`watch`]
//! checks what must always hold: never two leases, never two open gates, no epoch twice.
//!
//! Times are nanoseconds of the world's true time, which no machine sees: each has its own [`clock`].

mod arrive;
pub mod campaign;
pub mod clock;
mod faults;
mod looks;
pub mod machine;
mod network;
mod outside;
mod passing;
pub mod plot;
mod queue;
pub mod scale;
pub mod setting;
pub mod trace;
pub mod verdicts;
pub mod watch;
pub mod world;
