//! What is killed under a service of a profile, and how long its client then waits.

use std::time::Duration;

use anyhow::{Context as _, Result};
use heartbeat_tests::fault::wire::{self, Death};
use nix::sys::signal::Signal;

use crate::scene::Scene;

/// What is killed beside the service itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Killed {
    /// heartbeatd, by SIGKILL.
    Daemon,
    /// The whole machine: nothing of it is heard or hears any more.
    Node,
}

impl Killed {
    /// Kills it on the node in `slot`.
    pub(crate) fn kill(self, scene: &mut Scene, slot: u16) -> Result<()> {
        match self {
            Self::Daemon => scene
                .cluster
                .daemon_mut(slot)
                .end(Signal::SIGKILL)
                .map(drop),
            Self::Node => wire::kill_node(scene.cluster.lab().topology(), slot, Death::Loud),
        }
    }

    /// Brings it back.
    pub(crate) fn heal(self, scene: &mut Scene, slot: u16) -> Result<()> {
        match self {
            Self::Daemon => scene.cluster.start_one(slot),
            Self::Node => wire::heal_node(scene.cluster.lab().topology(), slot),
        }
    }
}

/// The longest time between two of a client's successes that ends after the fault and begins within `window` of it.
/// All times are in nanoseconds of CLOCK_BOOTTIME.
pub(crate) fn outage(times: &[u64], fault_ns: u64, window: Duration) -> Result<Duration> {
    let until_ns = fault_ns + u64::try_from(window.as_nanos())?;
    let pairs = times.windows(2).map(|pair| (pair[0], pair[1]));
    let longest = pairs
        .filter(|(before, after)| *after > fault_ns && *before < until_ns)
        .map(|(before, after)| after - before)
        .max();
    let longest = longest.context("the client had no success after the fault")?;
    Ok(Duration::from_nanos(longest))
}
