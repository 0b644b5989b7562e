//! What a run begins with: the cluster's configuration, and what its network does.

use std::collections::BTreeSet;
use std::time::Duration;

use heartbeat_core::Slot;
use heartbeat_core::config::{Config, Handovers, Member, Mode, PairRules, Timing};

/// A millisecond in nanoseconds.
pub const MS: u64 = 1_000_000;
/// A microsecond in nanoseconds.
pub const US: u64 = 1_000;

/// What the network does to each frame and message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// Parts of a thousand that are lost.
    pub loss: u64,
    /// Parts of a thousand that arrive twice.
    pub doubled: u64,
    /// Shortest and longest time on the way, in nanoseconds.
    pub delay: (u64, u64),
    /// Longest time between a daemon's reading of the clock and its acting, in nanoseconds.
    pub stall: u64,
    /// Wake-ups of a thousand that are stopped in the middle, for at most `stall`, and frames that are held
    /// up inside a kernel.
    pub stops: u64,
}

/// A quiet network, and machines with little to do.
pub const CALM: Weather = Weather {
    loss: 0,
    doubled: 0,
    delay: (50 * US, 150 * US),
    stall: 20 * US,
    stops: 0,
};

/// `slots` electors, all of which may be master except the witnesses.
#[must_use]
pub fn config(slot: Slot, slots: &[Slot], witnesses: &[Slot], timing: Timing) -> Config {
    let member = |slot: &Slot| {
        (
            *slot,
            Member {
                elector: true,
                witness: witnesses.contains(slot),
                business: false,
            },
        )
    };
    Config {
        slot,
        members: slots.iter().map(member).collect(),
        elector_version: 1,
        elector_digest: 77,
        config_digest: 99,
        timing,
        preempt_after: None,
        handovers: Handovers::DEFAULT,
        mode: Mode::Quorum,
        takeover: BTreeSet::new(),
    }
}

/// The two nodes of a pair.
#[must_use]
pub fn pair_config(slot: Slot, rules: PairRules, timing: Timing) -> Config {
    Config {
        mode: Mode::Pair(rules),
        ..config(slot, &[1, 2], &[], timing)
    }
}

/// The product's default times.
pub const DEFAULTS: Timing = Timing {
    period: Duration::from_millis(10),
    multiplier: 5,
    max_lease: Duration::from_millis(500),
    restart_lease: Duration::from_millis(500),
};

/// The same with a `max_lease` of four leases: what waits for an abstention
/// waits less long.
pub const TIMING: Timing = Timing {
    max_lease: Duration::from_millis(200),
    restart_lease: Duration::from_millis(200),
    ..DEFAULTS
};
