//! What may befall a cluster at any time.

use heartbeat_core::event::Order;
use heartbeat_core::message::Network;
use heartbeat_core::{ElectorSet, Slot, Slots};
use heartbeat_wire::frame::Kind;

use super::cluster::{MOST_SLEWED, fair, rate};
use super::{Draw, Tally};
use crate::clock::Pause;
use crate::machine::Maps;
use crate::world::{MS, US, Weather, World};

const NETWORKS: [Network; 2] = [Network::Management, Network::Business];
/// How long daemons, kernels and machines are held up: a moment, up to some leases.
const HELD_UP: std::ops::Range<u64> = MS..400 * MS;
/// A suspend is seconds in life; one of some milliseconds looks to the clock's watch like a rate.
const SHORTEST_SUSPEND: u64 = 20 * MS;

/// One kind of fault.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// The name under which it is counted.
    pub name: &'static str,
    /// How often it is drawn, in parts of the sum of all.
    weight: u64,
    /// Has it befall somebody.
    befall: fn(&mut World, &mut Draw),
}

const fn fault(name: &'static str, weight: u64, befall: fn(&mut World, &mut Draw)) -> Fault {
    Fault {
        name,
        weight,
        befall,
    }
}

/// Each kind there is.
pub const FAULTS: [Fault; 23] = [
    fault("fault: daemon killed", 6, |world, draw| {
        world.kill(somebody(world, draw));
    }),
    fault("fault: machine off", 6, |world, draw| {
        world.power_off(somebody(world, draw));
    }),
    fault("fault: daemon started anew", 16, |world, draw| {
        restart(world, somebody(world, draw), draw.percent(50));
    }),
    fault("fault: daemon stopped", 5, |world, draw| {
        let until = world.at + draw.within(HELD_UP);
        world.freeze(somebody(world, draw), until);
    }),
    fault("fault: kernel held up", 4, |world, draw| {
        let until = world.at + draw.within(HELD_UP);
        world.deafen(somebody(world, draw), until);
    }),
    fault("fault: machine paused", 3, |world, draw| {
        world.pause(
            somebody(world, draw),
            Pause::ClocksRun,
            draw.within(HELD_UP),
        );
    }),
    fault("fault: machine suspended", 2, |world, draw| {
        let span = draw.within(SHORTEST_SUSPEND..HELD_UP.end);
        world.pause(somebody(world, draw), Pause::Suspended, span);
    }),
    fault("fault: machine paused, clocks too", 2, |world, draw| {
        world.pause(
            somebody(world, draw),
            Pause::ClocksStop,
            draw.within(HELD_UP),
        );
    }),
    fault("fault: clock slewed", 3, |world, draw| {
        world.slew(somebody(world, draw), rate(draw, MOST_SLEWED));
    }),
    fault("fault: cut off", 6, |world, draw| {
        world.isolate(somebody(world, draw), true);
    }),
    fault("fault: joined again", 6, |world, draw| {
        world.isolate(somebody(world, draw), false);
    }),
    fault("fault: off one network", 5, |world, draw| {
        world.isolate_on(somebody(world, draw), draw.one_of(&NETWORKS), true);
    }),
    fault("fault: network off or on", 5, |world, draw| {
        world.switch(draw.one_of(&NETWORKS), draw.percent(50));
    }),
    fault("fault: cut one way", 9, |world, draw| {
        let (from, to) = (somebody(world, draw), somebody(world, draw));
        world.link(from, to, draw.one_of(&NETWORKS), false);
    }),
    fault("fault: mended one way", 3, |world, draw| {
        let (from, to) = (somebody(world, draw), somebody(world, draw));
        world.link(from, to, draw.one_of(&NETWORKS), true);
    }),
    fault("fault: control port closed or open", 2, |world, draw| {
        let link = (somebody(world, draw), somebody(world, draw));
        if !world.deaf_ports.remove(&link) {
            world.deaf_ports.insert(link);
        }
    }),
    fault("fault: multicast lost or not", 2, |world, _| {
        for kind in [Kind::Probe, Kind::Query] {
            let lost = (Network::Management, kind as u8);
            if !world.lost_kinds_on.remove(&lost) {
                world.lost_kinds_on.insert(lost);
            }
        }
    }),
    fault("fault: switchover ordered", 3, |world, draw| {
        let target = somebody(world, draw);
        world.order(somebody(world, draw), Order::Switchover(Some(target)));
    }),
    fault("fault: restart ordered", 3, |world, draw| {
        world.order(somebody(world, draw), Order::Restart);
    }),
    fault("fault: maintenance ordered", 2, |world, draw| {
        world.order(somebody(world, draw), Order::Maintenance(draw.percent(50)));
    }),
    fault("fault: other electors ordered", 3, |world, draw| {
        let set = electors(world, draw);
        // Only the master takes the order.
        let to = world.master().unwrap_or_else(|| somebody(world, draw));
        world.order(to, Order::Electors(set));
    }),
    fault("fault: storm", 4, |world, draw| world.weather = storm(draw)),
    fault("fault: calm", 3, |world, draw| world.weather = fair(draw)),
];

/// Has one of them befall somebody.
pub(super) fn befall(world: &mut World, draw: &mut Draw, tally: &mut Tally) {
    befall_some(world, draw, tally, |_| true);
}

/// Has one of those that fit befall somebody.
pub(super) fn befall_some(
    world: &mut World,
    draw: &mut Draw,
    tally: &mut Tally,
    fits: impl Fn(&Fault) -> bool,
) {
    let fitting = || FAULTS.iter().filter(|fault| fits(fault));
    let all: u64 = fitting().map(|fault| fault.weight).sum();
    let mut at = draw.within(0..all);
    let drawn = fitting().find(|fault| {
        let is_it = at < fault.weight;
        at = at.saturating_sub(fault.weight);
        is_it
    });
    if let Some(fault) = drawn {
        tally.count(fault.name);
        (fault.befall)(world, draw);
    }
}

fn somebody(world: &World, draw: &mut Draw) -> Slot {
    draw.one_of(&world.slots())
}

/// Starts a daemon anew; a machine that was off has lost its maps.
pub(super) fn restart(world: &mut World, slot: Slot, kept: bool) {
    let maps = if kept && world.machine(slot).is_on {
        Maps::Kept
    } else {
        Maps::Lost
    };
    world.start(slot, maps);
}

/// At least three of the members.
fn electors(world: &World, draw: &mut Draw) -> ElectorSet {
    let slots = world.slots();
    let left_out = if slots.len() > 3 {
        draw.within(0..3)
    } else {
        0
    };
    let mut chosen: Vec<Slot> = slots.to_vec();
    for _ in 0..left_out {
        let slot = draw.one_of(&chosen);
        chosen.retain(|other| *other != slot);
    }
    let max_lease = world.machine(slots[0]).record.in_force.max_lease;
    ElectorSet {
        version: 0,
        slots: Slots::new(chosen).unwrap_or_default(),
        max_lease,
    }
}

/// Weather in which everything may be lost, late, doubled and interrupted.
fn storm(draw: &mut Draw) -> Weather {
    let delay = draw.within(1..12_000);
    Weather {
        loss: draw.within(0..300),
        doubled: draw.within(0..300),
        delay: (20 * US, 20 * US + delay * US),
        stall: draw.within(0..30_000) * US,
        stops: draw.within(0..500),
    }
}
