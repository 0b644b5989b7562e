//! Who is master, and what to do about it: heartbeatd's election as a sans-I/O state machine.
//!
//! Nothing in here reads a clock, draws a random number, opens a file or sends a byte. The daemon, the
//! simulator and the model checker drive the same [`Node`]: events go in with the time as an argument,
//! commands come out in the order in which they must be carried out.

mod abstention;
mod acts;
mod adoption;
mod alarms;
mod aside;
mod ballot;
mod candidacy;
mod canvass;
mod change;
mod clock;
pub mod command;
pub mod config;
mod detector;
pub mod electors;
pub mod event;
mod forced;
mod grants;
mod handover;
mod health;
mod heard;
mod higher_round;
mod inquiry;
mod lease;
mod mastership;
pub mod message;
mod news;
mod node;
mod observe;
pub mod order;
mod orders;
pub mod pair;
mod poll;
mod preemption;
mod promotion;
mod random;
mod reason;
mod reconfigure;
pub mod recovery;
mod release;
mod request;
mod restart;
mod retime;
mod roads;
mod role;
mod roster;
mod rounds;
mod routing;
pub mod service;
mod side;
mod slot_lease;
pub mod snapshot;
mod stage;
mod start;
mod succession;
pub mod time;
mod tour;
mod words;

pub use aside::Aside;
pub use command::Command;
pub use config::Config;
pub use electors::{ElectorRecord, ElectorSet, Slots};
pub use event::Event;
pub use heartbeat_wire::Epoch;
pub use message::Message;
pub use node::Node;
pub use snapshot::Snapshot;
pub use time::Instant;

/// A node's fixed rank and identity in its cluster, from 1.
pub type Slot = u16;
