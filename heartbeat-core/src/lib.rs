//! Who is master, and what to do about it: heartbeatd's election as a sans-I/O state machine.
//!
//! Nothing in here reads a clock, draws a random number, opens a file or sends a byte. The daemon, the
//! simulator and the model checker drive the same [`Node`]: events go in with the time as an argument,
//! commands come out in the order in which they must be carried out.

pub mod command;
pub mod config;
pub mod event;
pub mod message;
pub mod snapshot;
pub mod time;

pub use command::Command;
pub use config::Config;
pub use event::Event;
pub use heartbeat_wire::Epoch;
pub use message::Message;
pub use snapshot::Snapshot;
pub use time::Instant;

/// A node's fixed rank and identity in its cluster, from 1.
pub type Slot = u16;
