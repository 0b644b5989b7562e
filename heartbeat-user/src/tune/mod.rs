//! Which period and multiplier this network and this machine carry, for a wanted rate of failovers without a failure.
//!
//! Pure: what was counted comes in, advice goes out.

mod advice;
mod tail;
mod wanted;

pub use advice::{Advice, Outcome, Setting, Timers, advise};
pub use wanted::Wanted;

use std::time::Duration;

use crate::control::Bucket;

/// What one node counted.
#[derive(Clone, Debug)]
pub struct Counted {
    /// Gaps between a master's probes that this node's kernel accepted.
    pub gaps: Vec<Bucket>,
    /// Round trips of the answers to its own.
    pub round_trips: Vec<Bucket>,
    /// How late its pulse's turns began, one turn a period.
    pub lateness: Vec<Bucket>,
}

/// The cluster that it was counted in.
#[derive(Clone, Copy, Debug)]
pub struct Cluster {
    /// Its period.
    pub period: Duration,
    /// Its multiplier.
    pub multiplier: u32,
    /// How many electors it has.
    pub electors: usize,
    /// How many of them are a majority.
    pub majority: usize,
    /// The smallest multiplier that its method allows.
    pub least_multiplier: u32,
}
