//! Time, the network, and the faults that befall both.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use heartbeat_core::config::{Config, Member, Timing};
use heartbeat_core::message::Network;
use heartbeat_core::snapshot::{Role, Snapshot};
use heartbeat_core::{Epoch, Instant, Slot};
use heartbeat_wire::frame::{Frame, Kind};
use heartbeat_wire::maps::Address;

use super::clock::{Clock, TRUE_RATE};
use super::kernel::{Crossing, Outcome};
use super::machine::{Datagram, Machine, Maps};
use super::watch::Watch;

pub(crate) const MS: u64 = 1_000_000;
pub(crate) const US: u64 = 1_000;

/// What the network does to each frame and message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    /// Parts of a thousand that are lost.
    pub(crate) loss: u64,
    /// Parts of a thousand that arrive twice.
    pub(crate) doubled: u64,
    /// Shortest and longest time on the way, in nanoseconds.
    pub(crate) delay: (u64, u64),
    /// Longest time between a daemon's reading of the clock and its acting, in nanoseconds.
    pub(crate) stall: u64,
    /// Wake-ups of a thousand that are stopped in the middle, for at most `stall`, and frames that are held
    /// up inside a kernel.
    pub(crate) stops: u64,
}

pub(crate) const CALM: Weather = Weather {
    loss: 0,
    doubled: 0,
    delay: (50 * US, 150 * US),
    stall: 20 * US,
    stops: 0,
};

/// Longest time that a frame is held up between two steps of the kernel program: a processor that a
/// hypervisor takes away.
const MOST_HOLD_UP: u64 = 8 * MS;
/// Instructions after which a wake-up that is stopped is stopped at the latest: a promotion's.
const MOST_INSTRUCTIONS: u64 = 40;

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
    /// A frame that was held up inside a kernel goes on, if that machine was not switched off since.
    Crossing {
        to: Slot,
        life: u64,
        crossing: Crossing,
    },
    /// A daemon that read the clock acts now.
    Act {
        slot: Slot,
        read_at: u64,
    },
    /// A daemon that was stopped in the middle of a wake-up goes on.
    GoOn {
        slot: Slot,
    },
}

impl Arrival {
    /// Whose daemon acts, if one does.
    pub(crate) const fn acting(&self) -> Option<Slot> {
        match self {
            Self::Act { slot, .. } | Self::GoOn { slot } => Some(*slot),
            Self::Frame { .. } | Self::Datagram { .. } | Self::Crossing { .. } => None,
        }
    }
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) at: u64,
    pub(crate) machines: BTreeMap<Slot, Machine>,
    pub(crate) weather: Weather,
    pub(crate) watch: Watch,
    /// Directed links that carry nothing: from, to, network.
    pub(crate) cut: BTreeSet<(Slot, Slot, Network)>,
    /// Time that each frame and message needs in addition, by network, in nanoseconds.
    pub(crate) lag: BTreeMap<Network, u64>,
    /// Directed links whose control messages are lost while frames pass.
    pub(crate) deaf_ports: BTreeSet<(Slot, Slot)>,
    /// Kinds of frames that are lost while messages pass.
    pub(crate) lost_kinds: Vec<Kind>,
    /// Kinds of frames that are lost on one network.
    pub(crate) lost_kinds_on: BTreeSet<(Network, u8)>,
    pub(crate) arrivals: BTreeMap<(u64, u64), Arrival>,
    /// Daemons that read the clock and did not act yet.
    pub(crate) acting: BTreeSet<Slot>,
    pub(crate) count: u64,
    random: u64,
}

/// `slots` electors, all of which may be master except the witnesses.
pub(crate) fn config(slot: Slot, slots: &[Slot], witnesses: &[Slot], timing: Timing) -> Config {
    let member = |slot: &Slot| {
        (
            *slot,
            Member {
                elector: true,
                witness: witnesses.contains(slot),
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
    }
}

pub(crate) const TIMING: Timing = Timing {
    period: Duration::from_millis(10),
    multiplier: 5,
    max_lease: Duration::from_millis(200),
    restart_lease: Duration::from_millis(200),
};

impl World {
    /// Machines with true clocks, daemons not started.
    pub(crate) fn new(slots: &[Slot], seed: u64) -> Self {
        Self::with_clocks(slots, &[], seed, |_| {
            Clock::new(1_000 * MS, TRUE_RATE, true)
        })
    }

    pub(crate) fn with_clocks(
        slots: &[Slot],
        witnesses: &[Slot],
        seed: u64,
        clock: impl Fn(Slot) -> Clock,
    ) -> Self {
        let machine = |slot: &Slot| {
            let config = config(*slot, slots, witnesses, TIMING);
            (
                *slot,
                Machine::new(config, clock(*slot), seed ^ (u64::from(*slot) << 32) | 1),
            )
        };
        Self {
            at: 0,
            machines: slots.iter().map(machine).collect(),
            weather: CALM,
            watch: Watch::default(),
            cut: BTreeSet::new(),
            lag: BTreeMap::new(),
            deaf_ports: BTreeSet::new(),
            lost_kinds: Vec::new(),
            lost_kinds_on: BTreeSet::new(),
            arrivals: BTreeMap::new(),
            acting: BTreeSet::new(),
            count: 0,
            random: seed,
        }
    }

    /// A cluster in which every daemon was started at once, after its first election.
    pub(crate) fn settled(slots: &[Slot], seed: u64) -> Self {
        let mut world = Self::new(slots, seed);
        world.start_all();
        world.run(600 * MS);
        assert_eq!(
            world.master(),
            Some(slots[0]),
            "the lowest slot is the first master"
        );
        world
    }

    pub(crate) fn start_all(&mut self) {
        for slot in self.slots() {
            self.start(slot, Maps::Lost);
        }
    }

    pub(crate) fn slots(&self) -> Vec<Slot> {
        self.machines.keys().copied().collect()
    }

    pub(crate) fn machine(&self, slot: Slot) -> &Machine {
        &self.machines[&slot]
    }

    pub(crate) fn machine_mut(&mut self, slot: Slot) -> &mut Machine {
        self.machines.get_mut(&slot).expect("a member")
    }

    pub(crate) fn run(&mut self, span: u64) {
        let end = self.at + span;
        while self.step(end) {
            assert!(
                self.watch.violations.is_empty(),
                "{:#?}",
                self.watch.violations
            );
        }
        self.at = end;
    }

    /// Runs on whatever is violated; whether something was.
    pub(crate) fn run_into_violation(&mut self, span: u64) -> bool {
        let end = self.at + span;
        while self.watch.violations.is_empty() && self.step(end) {}
        !self.watch.violations.is_empty()
    }

    /// Runs until `holds`, for at most `most`; how long it took.
    pub(crate) fn run_until(&mut self, most: u64, holds: impl Fn(&Self) -> bool) -> Option<u64> {
        let start = self.at;
        while !holds(self) {
            if !self.step(start + most) {
                return None;
            }
            assert!(
                self.watch.violations.is_empty(),
                "{:#?}",
                self.watch.violations
            );
        }
        Some(self.at - start)
    }

    /// The next thing that happens before `end`, if any.
    fn step(&mut self, end: u64) -> bool {
        let waiting = self
            .machines
            .values()
            .filter(|machine| !self.acting.contains(&machine.slot));
        let wake = waiting
            .filter_map(|machine| Some((machine.wants_wake()?, machine.slot)))
            .min();
        let arrival = self.arrivals.keys().next().copied();
        let wake_at = wake.map_or(u64::MAX, |(at, _)| at.max(self.at));
        let arrives_at = arrival.map_or(u64::MAX, |(at, _)| at);
        if wake_at.min(arrives_at) >= end {
            return false;
        }
        self.at = wake_at.min(arrives_at).max(self.at);
        match (arrival, wake) {
            (Some(key), _) if arrives_at <= wake_at => {
                if let Some(arrival) = self.arrivals.remove(&key) {
                    self.arrive(arrival);
                }
            }
            (_, Some((_, slot))) => self.read_clock(slot),
            (_, None) => {}
        }
        self.watch.look(&self.machines, self.at);
        true
    }

    fn read_clock(&mut self, slot: Slot) {
        let stall = self.below(self.weather.stall);
        self.acting.insert(slot);
        self.schedule(
            self.at + stall,
            Arrival::Act {
                slot,
                read_at: self.at,
            },
        );
    }

    fn arrive(&mut self, arrival: Arrival) {
        let at = self.at;
        match arrival {
            Arrival::Frame { to, frame, source } => {
                let machine = self.machine_mut(to);
                if !machine.is_on {
                    return;
                }
                let now_ns = machine.clock.boot(at);
                let outcome = machine.kernel.receive(frame, source, now_ns);
                if let Outcome::Done(Some((_, _, answer))) = &outcome {
                    self.watch.answered(at, to, frame.kind, answer);
                }
                self.follow(to, outcome);
            }
            Arrival::Crossing { to, life, crossing } => {
                let machine = self.machine_mut(to);
                if machine.is_on && machine.kernel.config.incarnation == life {
                    let outcome = machine.kernel.go_on(crossing);
                    self.follow(to, outcome);
                }
            }
            Arrival::Datagram { to, datagram } => {
                let machine = self.machine_mut(to);
                if machine.is_on && machine.node.is_some() {
                    machine.inbox.push(datagram);
                }
            }
            Arrival::Act { slot, read_at } => {
                self.machine_mut(slot).wake(read_at);
                self.go_on(slot);
            }
            Arrival::GoOn { slot } => self.go_on(slot),
        }
    }

    /// What a kernel does with a frame is done at once, or the frame is held up on its way through.
    fn follow(&mut self, to: Slot, mut outcome: Outcome) {
        while let Outcome::Under(crossing) = outcome {
            let is_held_up = self.weather.stops > 0 && self.below(1_000) < self.weather.stops;
            if is_held_up {
                let life = self.machine(to).kernel.config.incarnation;
                let at = self.at + self.below(MOST_HOLD_UP);
                return self.schedule(at, Arrival::Crossing { to, life, crossing });
            }
            outcome = self.machine_mut(to).kernel.go_on(crossing);
            if let Outcome::Done(Some((_, _, answer))) = &outcome {
                let life = self.machine(to).kernel.config.incarnation;
                self.watch.granted(self.at, (to, life), answer);
            }
        }
        if let Outcome::Done(Some((asker, network, answer))) = outcome {
            self.carry(to, asker, network, answer);
        }
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
        if self.machine_mut(slot).go_on(at, most) {
            self.acting.remove(&slot);
        } else {
            self.acting.insert(slot);
            let stop = self.below(self.weather.stall);
            self.schedule(at + stop, Arrival::GoOn { slot });
        }
        self.post(slot);
    }

    /// A number below `limit`, which may be 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let z = (self.random >> 33) ^ self.random;
        z % limit.max(1)
    }

    /// The one machine whose gate is open.
    pub(crate) fn master(&self) -> Option<Slot> {
        let open = |machine: &&Machine| {
            machine.is_on && machine.kernel.gate_is_open(machine.clock.boot(self.at))
        };
        self.machines
            .values()
            .find(open)
            .map(|machine| machine.slot)
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.master().map_or(Epoch::NONE, |slot| {
            Epoch(self.machine(slot).kernel.control.lease_epoch)
        })
    }

    pub(crate) fn snapshot(&self, slot: Slot) -> Snapshot {
        let machine = self.machine(slot);
        let now = Instant(machine.clock.boot(self.at));
        machine.node.as_ref().expect("it runs").snapshot(now)
    }

    pub(crate) fn role(&self, slot: Slot) -> Option<Role> {
        self.machine(slot).role()
    }

    /// The true time at which `slot` last became `role`.
    pub(crate) fn became(&self, slot: Slot, role: Role) -> Option<u64> {
        let changes = self.machine(slot).changes.iter().rev();
        changes
            .into_iter()
            .find(|change| change.to == role)
            .map(|change| change.at)
    }
}
