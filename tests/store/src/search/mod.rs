//! Every state that can be reached within a scope's bounds, each looked at once.
//!
//! What is on its way may arrive at any time, any number of times, or never: so it stays on its way, and what is on its
//! way is a set. A node does nothing but by what it hears, its disk and its clients, so each step of one node is
//! worked out once (`table`), and what needs no order is done at once, or left out (`reduce`).

mod caught;
mod explore;
mod known;
mod moves;
mod reduce;
pub mod scopes;
mod state;
mod table;
mod tell;

pub(crate) use caught::caught;
pub use explore::{Report, explore};
pub(crate) use tell::told;

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
    /// Times that a node loses its power, with what its disk has not written yet, and starts again.
    pub crashes: u8,
    /// Times that a disk does not take a write.
    pub failures: u8,
    /// Times that a node starts again with another disk.
    pub wipes: u8,
    /// Whether a leader's own disk is never slower than what it hears. Another node's may take its time anyway: a slow
    /// disk there is no other than a late order.
    pub is_quick: bool,
    /// Whether nothing is left out, to see that nothing was missed.
    pub is_whole: bool,
}
