//! heartbeatd's dynamic information as a sans-I/O state machine: what is stored, by whom, and when it is acknowledged.
//!
//! Nothing in here reads a clock, draws a random number, opens a file or sends a byte. Each elector has a [`Store`]; the
//! master's also leads. Messages, the disk's answers and clients' writes go in; messages, writes to the disk and
//! outcomes come out. Nothing is told to anybody before what it rests on is on a disk.

pub mod bounds;
mod change;
mod difference;
mod disk;
mod key;
mod leader;
mod lineage;
pub mod message;
mod notes;
mod output;
mod part;
mod recent;
mod replica;
mod stamp;
mod state;
mod status;
mod store;
mod write;

pub use change::{Batch, Change};
pub use difference::{Difference, Keys};
pub use disk::{DiskId, DiskWrite, Note, Notes, Rest, Stored, Trouble};
pub use key::{Key, KeyError, OWN_PREFIX};
pub use lineage::Lineage;
pub use message::Message;
pub use output::{Event, Output};
pub use recent::Compacted;
pub use stamp::{Reign, Revision, Stamp};
pub use state::{Entry, Holders, State, StoreId};
pub use status::{Part, Stage, Status, StoreStatus};
pub use store::Store;
pub use write::{Author, Expect, Outcome, Refusal, Write, WriteId};
