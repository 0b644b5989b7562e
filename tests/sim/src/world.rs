//! Time, and what happens in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use heartbeat_core::Slot;
use heartbeat_core::config::{Config, PairRules};
use heartbeat_core::message::Network;
use heartbeat_kernel_twin::Members;
use heartbeat_wire::frame::Kind;

use crate::arrive::Arrival;
use crate::clock::{Clock, TRUE_RATE};
use crate::machine::Machine;
use crate::queue::{Class, Queue};
pub use crate::setting::{CALM, DEFAULTS, MS, TIMING, US, Weather, config, pair_config};
use crate::trace::Trace;
use crate::watch::Watch;

/// A cluster.
#[derive(Debug)]
pub struct World {
    /// True time, in nanoseconds.
    pub at: u64,
    /// The machines.
    pub machines: BTreeMap<Slot, Machine>,
    /// What the network does.
    pub weather: Weather,
    /// What must hold.
    pub watch: Watch,
    /// Directed links that carry nothing: from, to, network.
    pub cut: BTreeSet<(Slot, Slot, Network)>,
    /// Time that each frame and message needs in addition, by network, in nanoseconds.
    pub lag: BTreeMap<Network, u64>,
    /// Directed links whose control messages are lost while frames pass.
    pub deaf_ports: BTreeSet<(Slot, Slot)>,
    /// Kinds of frames that are lost while messages pass.
    pub lost_kinds: Vec<Kind>,
    /// Kinds of frames that are lost on one network.
    pub lost_kinds_on: BTreeSet<(Network, u8)>,
    /// Each event in a line, if somebody wants to read it.
    pub trace: Trace,
    /// How many references there are on the business network.
    pub references: u8,
    /// Who does not reach which of them.
    pub lost_references: BTreeSet<(Slot, u8)>,
    /// The fence command stops nobody and says so.
    pub fence_fails: bool,
    /// How often it was run.
    pub fences: u64,
    /// Daemons that start without their maps believe that they have them: what must never happen.
    pub pretends_to_remember: bool,
    /// Events so far.
    pub events: u64,
    pub(crate) roll: Arc<[Slot]>,
    pub(crate) queue: Queue<Arrival>,
    /// Machines whose next wake-up is to be found out anew.
    touched: Vec<Slot>,
    /// Machines that are to be looked at, and have nothing to wake their daemons for.
    stirred: Vec<Slot>,
    random: u64,
}

impl World {
    /// Machines with true clocks, daemons not started.
    #[must_use]
    pub fn new(slots: &[Slot], seed: u64) -> Self {
        Self::with_clocks(slots, &[], seed, |_| {
            Clock::new(1_000 * MS, TRUE_RATE, true)
        })
    }

    /// Machines with these clocks, daemons not started.
    #[must_use]
    pub fn with_clocks(
        slots: &[Slot],
        witnesses: &[Slot],
        seed: u64,
        clock: impl Fn(Slot) -> Clock,
    ) -> Self {
        let config = |slot| config(slot, slots, witnesses, TIMING);
        Self::with_configs(slots.iter().map(|slot| config(*slot)), seed, clock)
    }

    /// Machines with these configurations and clocks, daemons not started.
    pub fn with_configs(
        configs: impl Iterator<Item = Config>,
        seed: u64,
        clock: impl Fn(Slot) -> Clock,
    ) -> Self {
        let configs: Vec<Config> = configs.collect();
        let members = Arc::new(Members::new(configs.iter().map(|config| config.slot)));
        let machine = |config: Config| {
            let slot = config.slot;
            let seed = seed ^ (u64::from(slot) << 32) | 1;
            (
                slot,
                Machine::new(config, Arc::clone(&members), clock(slot), seed),
            )
        };
        let machines: BTreeMap<_, _> = configs.into_iter().map(machine).collect();
        Self {
            at: 0,
            roll: machines.keys().copied().collect(),
            machines,
            weather: CALM,
            watch: Watch::default(),
            cut: BTreeSet::new(),
            lag: BTreeMap::new(),
            deaf_ports: BTreeSet::new(),
            lost_kinds: Vec::new(),
            lost_kinds_on: BTreeSet::new(),
            trace: Trace::default(),
            references: 1,
            lost_references: BTreeSet::new(),
            fence_fails: false,
            fences: 0,
            pretends_to_remember: false,
            events: 0,
            queue: Queue::new(),
            touched: Vec::new(),
            stirred: Vec::new(),
            random: seed,
        }
    }

    /// A cluster in which every daemon was started at once, after its first election.
    ///
    /// # Panics
    /// When that did not make the lowest slot master.
    #[must_use]
    pub fn settled(slots: &[Slot], seed: u64) -> Self {
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

    /// A pair, daemons not started.
    #[must_use]
    pub fn pair(rules: PairRules, seed: u64) -> Self {
        let configs = [1, 2].map(|slot| pair_config(slot, rules, TIMING));
        Self::with_configs(configs.into_iter(), seed, |_| {
            Clock::new(1_000 * MS, TRUE_RATE, true)
        })
    }

    /// Every member.
    #[must_use]
    pub fn slots(&self) -> Arc<[Slot]> {
        Arc::clone(&self.roll)
    }

    /// One machine.
    #[must_use]
    pub fn machine(&self, slot: Slot) -> &Machine {
        &self.machines[&slot]
    }

    /// One machine, to be changed.
    ///
    /// # Panics
    /// When there is none in this slot.
    pub fn machine_mut(&mut self, slot: Slot) -> &mut Machine {
        note(&mut self.touched, slot);
        self.machines.get_mut(&slot).expect("a member")
    }

    /// The kernel in `slot` does something with a frame.
    pub(crate) fn in_kernel<T>(
        &mut self,
        slot: Slot,
        work: impl FnOnce(&mut Machine) -> T,
    ) -> Option<T> {
        let machine = self.machines.get_mut(&slot)?;
        let rings = machine.kernel.ring.len();
        let done = work(machine);
        if machine.kernel.ring.len() == rings {
            note(&mut self.stirred, slot);
        } else {
            note(&mut self.touched, slot);
        }
        Some(done)
    }

    /// Runs on.
    ///
    /// # Panics
    /// When something is violated.
    pub fn run(&mut self, span: u64) {
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
    pub fn run_into_violation(&mut self, span: u64) -> bool {
        let end = self.at + span;
        while self.watch.violations.is_empty() && self.step(end) {}
        if self.watch.violations.is_empty() {
            self.at = end;
        }
        !self.watch.violations.is_empty()
    }

    /// Runs until `holds`, for at most `most`; how long it took.
    ///
    /// # Panics
    /// When something is violated.
    pub fn run_until(&mut self, most: u64, holds: impl Fn(&Self) -> bool) -> Option<u64> {
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
    pub fn step(&mut self, end: u64) -> bool {
        self.look();
        let Some((at, arrival)) = self.queue.pop_before(end) else {
            return false;
        };
        self.at = at;
        self.events += 1;
        self.arrive(arrival);
        self.look();
        true
    }

    /// Looks at each machine that something happened to: what must hold, and when it is to be woken next.
    fn look(&mut self) {
        let at = self.at;
        while let Some(slot) = self.stirred.pop() {
            if self.touched.contains(&slot) {
                continue;
            }
            self.watch.look(&self.machines[&slot], &self.machines, at);
        }
        while let Some(slot) = self.touched.pop() {
            self.watch.look(&self.machines[&slot], &self.machines, at);
            let Some(machine) = self.machines.get_mut(&slot) else {
                continue;
            };
            let wanted = if machine.is_acting {
                None
            } else {
                machine.wants_wake().map(|wanted| wanted.max(at))
            };
            let (number, planned) = machine.wake;
            if wanted == planned {
                continue;
            }
            let number = number + 1;
            machine.wake = (number, wanted);
            if let Some(wanted) = wanted {
                self.queue
                    .push(wanted, Class::Last, Arrival::Wake { slot, number });
            }
        }
    }

    pub(crate) fn schedule(&mut self, at: u64, arrival: Arrival) {
        self.queue.push(at, Class::First, arrival);
    }

    /// A number below `limit`, which may be 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let z = (self.random >> 33) ^ self.random;
        z % limit.max(1)
    }
}

/// One look is enough, however often something happened.
fn note(slots: &mut Vec<Slot>, slot: Slot) {
    if !slots.contains(&slot) {
        slots.push(slot);
    }
}
