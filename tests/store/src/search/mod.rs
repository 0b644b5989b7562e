//! Every state that can be reached within a scope's bounds, each looked at once.

mod explore;
mod moves;
pub mod scopes;
mod state;

pub(crate) use explore::caught;
pub use explore::{Report, explore};
pub(crate) use state::told;

use heartbeat_core::{Epoch, Slot};

use crate::world::World;

/// What a search tries.
#[derive(Clone, Debug)]
pub struct Scope {
    /// In a few words.
    pub name: &'static str,
    /// How it begins.
    pub start: World,
    /// Leaderships that may begin at any time and in any order, each once.
    pub leaders: Vec<(Slot, Epoch)>,
    /// Writes of clients, at whoever serves.
    pub writes: u8,
    /// Times that a node loses its power and starts again.
    pub crashes: u8,
    /// Times that a disk does not take a write.
    pub failures: u8,
    /// Times that a node starts again with another disk.
    pub wipes: u8,
}

impl Scope {
    /// Whether it matters how far a disk has come.
    const fn has_faulty_disks(&self) -> bool {
        self.crashes > 0 || self.failures > 0
    }
}
