//! What becomes of things when their time has come: frames in kernels, wake-ups in daemons.

use heartbeat_core::time::nanos;
use heartbeat_core::{Epoch, Slot};
use heartbeat_kernel_twin::Passage;
use heartbeat_wire::frame::Frame;
use heartbeat_wire::maps::Address;

use crate::clock::{Pause, Reading};
use crate::machine::{Datagram, Machine, Outside};
use crate::world::{TIMING, World};

/// Something on its way.
#[derive(Clone, Debug)]
pub(crate) enum Arrival {
    Frame {
        to: Slot,
        frame: Frame,
        source: Address,
    },
    Datagram {
        to: Slot,
        datagram: Datagram,
    },
    /// What a daemon asked for outside the cluster has come, unless the daemon is another one by now.
    Outside {
        to: Slot,
        daemon: u64,
        outside: Outside,
    },
    /// A machine loses its power by another one's fence command.
    Stopped {
        slot: Slot,
    },
    /// A frame that was held up inside a kernel goes on, if that machine was not switched off since.
    Passing {
        to: Slot,
        life: u64,
        passage: Box<Passage>,
    },
    /// A daemon's time has come, unless it has changed since: the number of the wake-up tells.
    Wake {
        slot: Slot,
        number: u64,
    },
    /// A daemon that read the clock acts now.
    Act {
        slot: Slot,
        daemon: u64,
        read: Reading,
    },
    /// A daemon that was stopped in the middle of a wake-up goes on.
    GoOn {
        slot: Slot,
        daemon: u64,
    },
    /// A machine's pause is over.
    Resume {
        slot: Slot,
        pause: Pause,
        from: u64,
    },
}

/// Instructions after which a wake-up that is stopped is stopped at the latest: a promotion's.
const MOST_INSTRUCTIONS: u64 = 40;

impl World {
    pub(crate) fn arrive(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Frame { to, .. }
            | Arrival::Datagram { to, .. }
            | Arrival::Outside { to, .. }
            | Arrival::Passing { to, .. }
                if self.machine(to).deaf_until > self.at =>
            {
                let later = self.machine(to).deaf_until;
                self.schedule(later, arrival);
            }
            Arrival::Act { slot, .. } | Arrival::GoOn { slot, .. }
                if self.machine(slot).frozen_until > self.at =>
            {
                // A daemon that read the clock before it was stopped acts on that reading afterwards.
                let later = self.machine(slot).frozen_until;
                self.schedule(later, arrival);
            }
            Arrival::Frame { to, frame, source } => self.frame_arrives(to, &frame, source),
            Arrival::Passing { to, life, passage } => {
                let machine = self.machine(to);
                if machine.is_on && machine.kernel.config.incarnation == life {
                    self.go_through(to, passage, false);
                }
            }
            Arrival::Datagram { to, datagram } => {
                self.trace.datagram(self.at, to, &datagram);
                let machine = self.machine_mut(to);
                if machine.is_on && machine.node.is_some() {
                    machine.inbox.push(datagram);
                }
            }
            Arrival::Outside {
                to,
                daemon,
                outside,
            } => {
                let machine = self.machine_mut(to);
                if machine.is_on && machine.node.is_some() && machine.daemons == daemon {
                    machine.outside.push(outside);
                }
            }
            Arrival::Stopped { slot } => self.power_off(slot),
            Arrival::Wake { slot, number } => self.read_clock(slot, number),
            Arrival::Act { slot, daemon, read } => {
                let machine = self.machine_mut(slot);
                if machine.daemons == daemon {
                    machine.wake_up(read);
                    self.go_on(slot);
                }
            }
            Arrival::GoOn { slot, daemon } => {
                if self.machine(slot).daemons == daemon {
                    self.go_on(slot);
                }
            }
            Arrival::Resume { slot, pause, from } => self.resume(slot, pause, from),
        }
    }

    fn read_clock(&mut self, slot: Slot, number: u64) {
        let (at, stall) = (self.at, self.below(self.weather.stall));
        let machine = self.machine_mut(slot);
        if machine.wake.0 != number {
            return;
        }
        machine.is_acting = true;
        let daemon = machine.daemons;
        let act = Arrival::Act {
            slot,
            daemon,
            read: machine.clock.read(at),
        };
        self.schedule(at + stall, act);
    }

    /// Lets a daemon go on with what it does, perhaps not to the end.
    pub(crate) fn go_on(&mut self, slot: Slot) {
        let is_stopped = self.weather.stops > 0 && self.below(1_000) < self.weather.stops;
        let most = if is_stopped {
            self.below(MOST_INSTRUCTIONS)
        } else {
            u64::MAX
        };
        let at = self.at;
        let Some(machine) = self.machines.get_mut(&slot) else {
            return;
        };
        let is_through = machine.go_on(at, most, &mut self.trace);
        let daemon = machine.daemons;
        self.machine_mut(slot).is_acting = !is_through;
        if !is_through {
            let stop = self.below(self.weather.stall);
            self.schedule(at + stop, Arrival::GoOn { slot, daemon });
        }
        self.post(slot);
    }

    fn resume(&mut self, slot: Slot, pause: Pause, from: u64) {
        let at = self.at;
        let machine = self.machine_mut(slot);
        if machine.paused_until != at {
            // It was switched off meanwhile.
            return;
        }
        self.trace
            .line(at, || format!("slot {slot} runs again ({pause:?})"));
        let machine = self.machine_mut(slot);
        if pause == Pause::ClocksStop {
            machine.excused_until = machine.excused_until.max(longest_lease(machine));
        }
        machine.clock.pause(pause, from, at);
    }
}

/// Until when a lease of this machine may last by its own clock: what was answered by now may still renew it, up to
/// what it granted to itself less the drift guard.
fn longest_lease(machine: &Machine) -> u64 {
    let control = &machine.kernel.control;
    let is_own = Epoch(control.vote_epoch).slot() == machine.slot;
    let own_grant = if is_own { control.vote_grant_end_ns } else { 0 };
    let guard = nanos(TIMING.lease() / 5);
    control
        .lease_deadline_ns
        .max(own_grant.saturating_sub(guard))
}
