//! A state of the whole cluster.

mod actions;
mod apply;
mod state;
mod tell;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use heartbeat_core::{Epoch, Slot};

use crate::hold::Hold;
use crate::machine::{Machine, Outcome, Wake};
use crate::on_the_way::OnTheWay;
use crate::packet::{Packet, Soup};
use crate::relative::{Origin, Relative};
use crate::relevance::matters;
use crate::scope::{Budget, Scope};
use crate::seen::Seen;
pub(crate) use actions::Action;

/// One state.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) at: u32,
    machines: Vec<Arc<Machine>>,
    pub(crate) soup: Soup,
    /// Every mastership that began on this path.
    begun: Vec<Epoch>,
    /// Ticks that may pass between a daemon's reading of its clock and its acting on it.
    stale: u32,
    pub(crate) budget: Budget,
    pub(crate) seen: Seen,
    /// Whether machines may go by different electors: then any vote request makes somebody tell of its set.
    sets_differ: bool,
    /// Whether it is searched, so that what can have no effect any more is left out.
    is_searched: bool,
}

impl World {
    /// Daemons start at tick 0, and the first one that may stand does so at once.
    pub(crate) fn new(scope: &Scope) -> Self {
        let machine = |&(slot, rate): &(Slot, _)| {
            let mut machine = Machine::new(scope, slot, rate);
            let (mut never, mut outcome) = (Hold::NEVER, Outcome::default());
            machine.start(scope, 0, true);
            machine.go_on(0, &mut never, &mut outcome);
            machine.wake(Wake::Turn, (0, 0), &mut never, &mut outcome);
            Arc::new(machine)
        };
        Self {
            at: scope.multiplier * scope.period,
            machines: scope.members.iter().map(machine).collect(),
            soup: Soup::default(),
            begun: Vec::new(),
            stale: scope.stale,
            budget: scope.budget,
            seen: Seen::default(),
            sets_differ: !scope.target.is_empty(),
            is_searched: true,
        }
    }

    /// The same for a walk.
    pub(crate) fn walked(scope: &Scope) -> Self {
        Self {
            is_searched: false,
            ..Self::new(scope)
        }
    }

    pub(crate) fn machines(&self) -> impl Iterator<Item = &Machine> {
        self.machines.iter().map(Arc::as_ref)
    }

    pub(crate) fn machine(&self, place: usize) -> &Machine {
        &self.machines[place]
    }

    pub(crate) fn place_of(&self, slot: Slot) -> Option<usize> {
        self.machines().position(|machine| machine.slot == slot)
    }

    /// The state's fingerprint: what was seen on the way is no part of it, and neither is the time itself, unless the
    /// search ends by it.
    pub(crate) fn fingerprint(&self, scope: &Scope) -> u64 {
        let origins: Vec<Origin> = self.machines().map(|own| self.origin(own)).collect();
        let fresh = Relative::new(&origins, scope.memory(), scope.foresight());
        let mut state = fresh;
        for machine in self.machines() {
            machine.hash(&mut state);
            machine.next_due(self.at).hash(&mut state);
            (self.at - self.earliest(machine)).hash(&mut state);
        }
        let digest = |packet: &Arc<Packet>| {
            let mut mix = fresh;
            packet.hash(&mut mix);
            mix.finish()
        };
        let on_the_way = self.soup.iter().map(digest).fold(0, u64::wrapping_add);
        let mut begun = self.begun.clone();
        begun.sort_unstable();
        let at = scope.horizon.map(|_| self.at);
        (on_the_way, begun, self.budget, at).hash(&mut state);
        state.finish()
    }

    /// What a machine's times and numbers are counted from.
    fn origin(&self, own: &Machine) -> Origin {
        let way = self.on_the_way(own.slot);
        Origin {
            slot: own.slot,
            now: own.now(self.at),
            numbers: way.numbers(own.told()),
            asked: None,
        }
    }

    fn on_the_way(&self, slot: Slot) -> OnTheWay {
        let in_kernels = self
            .machines()
            .flat_map(|other| other.processors.probes(slot));
        OnTheWay::of(slot, &self.soup, in_kernels)
    }

    /// Whether the path has gone as far as it is followed.
    pub(crate) fn is_beyond(&self, scope: &Scope) -> bool {
        let promised = |machine: &Machine| Epoch(machine.kernel.control.promised_epoch).round();
        scope.horizon.is_some_and(|horizon| self.at > horizon)
            || self
                .machines()
                .any(|machine| promised(machine) > scope.rounds)
    }

    /// Forgets what can have no effect any more.
    fn forget(&mut self) {
        let (machines, at) = (&self.machines, self.at);
        let (can_lose, sets_differ) = (self.budget.losses > 0, self.sets_differ);
        let find = |slot: Slot| machines.iter().find(|machine| machine.slot == slot);
        self.soup.retain(|packet| {
            let ends = find(packet.from).zip(find(packet.to));
            ends.is_some_and(|(from, to)| {
                let is_kept = sets_differ && !packet.is_frame();
                is_kept || matters(packet, from, to, at, can_lose)
            })
        });
        for place in 0..self.machines.len() {
            let way = self.on_the_way(self.machines[place].slot);
            if self.machines[place].has_old(&way) {
                Arc::make_mut(&mut self.machines[place]).forget_old(&way);
            }
        }
    }
}
