//! S6: whoever lost contact, was paused or restarted, and comes back, ends no mastership that a working majority
//! holds. So of each mastership that ends it is asked: was its master in order, and a majority with it, for long
//! enough?

use std::collections::BTreeMap;

use heartbeat_core::Slot;
use heartbeat_core::message::Network;
use heartbeat_core::snapshot::{Reason, Role};

use crate::machine::Machine;
use crate::world::{MS, World};

/// Who is in order for so long has a majority's grants anew, whatever was before: two leases of a slow clock, and
/// the time in which a fault of before is noticed.
const LONG_ENOUGH: u64 = 150 * MS;
/// The longest way and the longest delay of a wake-up with which a network and its machines count as in order.
const MOST_DELAY: u64 = 2 * MS;

/// When who or what was last seen not to be in order, in true time.
#[derive(Debug, Default)]
pub(super) struct Sound {
    machines: BTreeMap<Slot, u64>,
    links: BTreeMap<(Slot, Slot), u64>,
    everything: u64,
    versions: u64,
    /// Role changes looked at so far, by slot.
    changes: BTreeMap<Slot, usize>,
    /// Masterships that ended although nobody outside did anything to them, by anybody's order.
    pub(super) judged: u64,
}

impl Sound {
    /// Notes what is not in order now: before and after each fault.
    pub(super) fn note(&mut self, world: &World) {
        let at = world.at;
        let weather = &world.weather;
        let versions = world.machines.values().map(|machine| {
            u64::from(machine.record.in_force.version)
                + u64::from(machine.record.accepted.is_some())
        });
        let versions: u64 = versions.sum();
        let is_fair = weather.loss == 0
            && weather.stops == 0
            && weather.delay.1 <= MOST_DELAY
            && weather.stall <= MOST_DELAY
            && world.lag.is_empty()
            && world.lost_kinds.is_empty()
            && world.lost_kinds_on.is_empty();
        if !is_fair || versions != self.versions {
            self.everything = at;
        }
        self.versions = versions;
        for machine in world.machines.values() {
            let until = in_order_from(machine, at);
            if until > 0 {
                let noted = self.machines.entry(machine.slot).or_default();
                *noted = until.max(*noted);
            }
        }
        let cut = world
            .cut
            .iter()
            .filter(|(_, _, network)| *network == Network::Management);
        for (from, to) in cut
            .map(|(from, to, _)| (*from, *to))
            .chain(world.deaf_ports.iter().copied())
        {
            self.links.insert((from, to), at);
        }
    }

    /// Looks at the masterships that ended since the last look.
    pub(super) fn judge(&mut self, world: &World) -> Result<(), String> {
        for machine in world.machines.values() {
            let seen = self.changes.get(&machine.slot).copied().unwrap_or(0);
            if machine.changes.len() == seen {
                continue;
            }
            self.changes.insert(machine.slot, machine.changes.len());
            for change in &machine.changes[seen.min(machine.changes.len())..] {
                let is_lost = matches!(
                    change.reason,
                    Reason::MajorityLost | Reason::HigherEpoch(_) | Reason::Late(_)
                );
                if change.from == Role::Master && is_lost {
                    self.note(world);
                    self.judged += 1;
                    self.judge_loss(machine, change.reason, world)?;
                }
            }
        }
        Ok(())
    }

    /// Whether there is a master that has been in order for long enough, and a majority with it.
    pub(super) fn has_working_majority(&self, world: &World) -> bool {
        let master = world.master().map(|slot| world.machine(slot));
        master.is_some_and(|master| self.working_with(master, world).is_some())
    }

    fn judge_loss(&self, master: &Machine, reason: Reason, world: &World) -> Result<(), String> {
        match self.working_with(master, world) {
            None => Ok(()),
            Some(count) => Err(format!(
                "S6 at {} us: the mastership of slot {} ended ({reason}) though {count} of {} electors were in order \
                 and joined to it",
                world.at / 1_000,
                master.slot,
                master.record.in_force.slots.len()
            )),
        }
    }

    /// How many electors, itself included, are in order and joined to it, if they are a majority.
    fn working_with(&self, master: &Machine, world: &World) -> Option<usize> {
        let since = world.at.saturating_sub(LONG_ENOUGH);
        let is_sound = |slot: Slot| self.machines.get(&slot).is_none_or(|last| *last < since);
        let is_joined = |from, to| self.links.get(&(from, to)).is_none_or(|last| *last < since);
        if self.everything >= since || !is_sound(master.slot) {
            return None;
        }
        let own = master.slot;
        let set = master.record.in_force;
        // Who agreed to it as the next one grants by it, too.
        let goes_by_it = |slot| {
            let record = &world.machine(slot).record;
            record.in_force == set || record.next() == Some(&set)
        };
        let with_it = set.slots.iter().filter(|slot| {
            let is_with_it = || {
                is_sound(*slot)
                    && goes_by_it(*slot)
                    && is_joined(own, *slot)
                    && is_joined(*slot, own)
            };
            *slot == own || is_with_it()
        });
        let count = with_it.count();
        (count >= set.majority()).then_some(count)
    }
}

/// Until when a machine is not in order, as far as is known at `at`; 0 if it is.
fn in_order_from(machine: &Machine, at: u64) -> u64 {
    if !machine.is_on || machine.node.is_none() {
        return at;
    }
    let abstains_until = machine.clock.when(machine.kernel.control.abstain_until_ns);
    let until = machine
        .frozen_until
        .max(machine.deaf_until)
        .max(abstains_until);
    if until > at { until } else { 0 }
}
