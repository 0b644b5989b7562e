//! What grows with the cluster, and what does not: up to thousands of members, nine electors.
//!
//! The electors are whole machines. Of the other members there is the kernel, and of their daemons the beat alone:
//! they neither vote nor stand, and would not fit into one machine's memory ten thousand times.

use heartbeat_core::Slot;
use heartbeat_core::config::Member;

use crate::clock::{Clock, TRUE_RATE};
use crate::machine::Maps;
use crate::world::{MS, TIMING, World, config};

/// Most electors of a cluster.
const MOST_ELECTORS: u16 = 9;
/// From the start of all daemons until the first master knows its electors.
const SETTLED: u64 = 1_000 * MS;
/// How long the master's frames are counted.
const COUNTED_PERIODS: u64 = 200;

/// What one size of cluster showed.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Members in all.
    pub members: u16,
    /// From the loss of the master to the next one, in nanoseconds of true time.
    pub failover: u64,
    /// From the loss of an elector until the master shows it as missing.
    pub elector_missed: u64,
    /// Frames and messages that the master sends in a period, a multicast once, on average.
    pub sent: f64,
    /// Frames that the master receives in a period, on average.
    pub received: f64,
}

/// Measures a cluster of so many members.
///
/// # Panics
/// When something is violated, or no master comes.
#[must_use]
pub fn measure(members: u16, seed: u64) -> Size {
    let mut world = cluster(members, seed);
    world.run(SETTLED);
    assert_eq!(
        world.master(),
        Some(1),
        "the lowest slot is the first master"
    );
    let before = traffic(&world);
    world.run(COUNTED_PERIODS * 10 * MS);
    let after = traffic(&world);
    let a_period = |count: u64| count as f64 / COUNTED_PERIODS as f64;
    let lost = members.min(MOST_ELECTORS);
    world.power_off(lost);
    let is_missed = |world: &World| {
        let shown = world.snapshot(1).members;
        shown
            .iter()
            .any(|member| member.slot == lost && member.healthy == Some(false))
    };
    let from = world.at;
    while !is_missed(&world) {
        world.run(MS / 2);
        assert!(world.at < from + 1_000 * MS, "it is never missed");
    }
    let elector_missed = world.at - from;
    world.power_off(1);
    let is_replaced = |world: &World| world.master().is_some_and(|master| master != 1);
    let failover = world
        .run_until(1_000 * MS, is_replaced)
        .expect("another master");
    Size {
        members,
        failover,
        elector_missed,
        sent: a_period(after.0 - before.0),
        received: a_period(after.1 - before.1),
    }
}

fn traffic(world: &World) -> (u64, u64) {
    let master = world.machine(1);
    (master.frames_sent, master.frames_received)
}

fn cluster(members: u16, seed: u64) -> World {
    let all: Vec<Slot> = (1..=members).collect();
    let electors = &all[..usize::from(members.min(MOST_ELECTORS))];
    let whole = |slot: Slot| {
        let mut config = config(slot, electors, &[], TIMING);
        let other = Member {
            elector: false,
            witness: false,
            business: false,
        };
        // Only who may be master needs to know everybody.
        let known = if electors.contains(&slot) {
            &all[..]
        } else {
            &[slot][..]
        };
        for slot in known {
            config.members.entry(*slot).or_insert(other);
        }
        config
    };
    let clock = |_| Clock::new(1_000 * MS, TRUE_RATE, true);
    let mut world = World::with_configs(all.iter().map(|slot| whole(*slot)), seed, clock);
    for slot in &all {
        if electors.contains(slot) {
            world.start(*slot, Maps::Lost);
        } else {
            world.machine_mut(*slot).only_beats = true;
        }
    }
    world
}
