//! heartbeatd's dynamic information, tried: stores and leaderships on disks that are slow, full or wiped, and a network
//! that loses, repeats and reorders.

mod digest;
mod disk;
mod oracle;
mod schedule;
mod seen;
mod world;

pub use oracle::Violation;
pub use seen::Seen;
pub use world::World;
