//! heartbeatd's dynamic information, tried: stores and leaderships on disks that are slow, full or wiped, and a network
//! that loses, repeats and reorders.

mod campaign;
mod carry;
mod digest;
mod disk;
mod judge;
mod oracle;
mod schedule;
mod search;
mod seen;
mod world;

pub use campaign::{Campaign, Run, campaigns};
pub use oracle::Violation;
pub use schedule::HeldUp;
pub use search::{Report, Scope, explore, scopes};
pub use seen::Seen;
pub use world::World;
