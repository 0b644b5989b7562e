//! Who is able to make a master, and by when there must be one.

use heartbeat_core::Slot;
use heartbeat_core::message::Network;

use super::bounds::Terms;
use crate::machine::Machine;
use crate::world::{TIMING, World};

/// The longest backoff of a candidate that lost, in leases; and how often candidates may lose to one another that
/// were all let loose at once.
const BACKOFFS: u64 = 3;

/// The most electors that are in order and joined to each other over the management network, if they are a
/// majority and one of them may become master. None while the electors change.
pub(super) fn joined_majority(world: &World) -> Option<Vec<Slot>> {
    let set = world.machines.values().next()?.record.in_force;
    let is_settled = |machine: &Machine| {
        let record = &machine.record;
        record.in_force == set && !record.is_proposed && record.accepted.is_none()
    };
    if !world.machines.values().all(is_settled) {
        return None;
    }
    let able: Vec<Slot> = set
        .slots
        .iter()
        .filter(|slot| {
            let machine = world.machine(*slot);
            machine.is_on && machine.node.is_some()
        })
        .collect();
    let is_joined = |from: Slot, to: Slot| {
        let is_cut = world.cut.contains(&(from, to, Network::Management));
        from == to || !(is_cut || world.deaf_ports.contains(&(from, to)))
    };
    let subsets = (0_u32..1 << able.len()).map(|bits| {
        let chosen = able
            .iter()
            .enumerate()
            .filter(move |(place, _)| bits >> place & 1 == 1);
        chosen.map(|(_, slot)| *slot).collect::<Vec<Slot>>()
    });
    subsets
        .filter(|subset| {
            subset.len() >= set.majority()
                && subset.iter().any(|slot| may_serve(world, *slot))
                && subset
                    .iter()
                    .all(|from| subset.iter().all(|to| is_joined(*from, *to)))
        })
        .max_by_key(Vec::len)
}

fn may_serve(world: &World, slot: Slot) -> bool {
    !world.machine(slot).config.is_witness(slot) && !world.snapshot(slot).maintenance
}

/// By when those who are able to make a master must have made one: the last of them votes and grants again, every
/// grant is over that one of them gave, or may yet give to a master that is being lost; one of them stands; and
/// some lose to one another.
pub(super) fn bound(world: &World, able: &[Slot]) -> u64 {
    let terms = Terms::of(world);
    let (at, mut free) = (world.at, world.at);
    let mut stands = u64::MAX;
    for slot in able {
        let machine = world.machine(*slot);
        let words = machine.kernel.daemon_words();
        let ends = [
            words.abstain_until,
            words.vote_grant_end,
            machine.kernel.words().grant_end,
        ];
        for end in ends {
            free = free.max(machine.clock.when(end.0));
        }
        if may_serve(world, *slot) {
            let snapshot = world.snapshot(*slot);
            let own = snapshot
                .stands_at
                .map_or(at, |stands| machine.clock.when(stands.0));
            stands = stands.min(own.max(at));
        }
    }
    let is_master_left = world.watch.holders().iter().any(|slot| {
        let machine = world.machine(*slot);
        machine.kernel.control.lease_deadline_ns > machine.clock.boot(at)
    });
    let lost = u64::from(is_master_left) * terms.grants(2);
    let backoffs = BACKOFFS * terms.slow(TIMING.lease());
    let others = world.machines.len() as u64 - 1;
    free.max(stands) - at + lost + backoffs + terms.ranks(others) + terms.election()
}
