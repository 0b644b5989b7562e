//! A state of the whole cluster.

mod actions;
mod apply;
mod tell;

use std::sync::Arc;

use heartbeat_core::{Epoch, Slot};

use crate::digest::Mix;
use crate::hold::Hold;
use crate::machine::{Machine, Outcome, Wake};
use crate::packet::Soup;
use crate::relevance::matters;
use crate::scope::{Budget, Scope};
use crate::seen::Seen;
pub(crate) use actions::Action;

/// A machine and its fingerprint.
#[derive(Clone, Debug)]
struct Cell {
    machine: Machine,
    digest: u64,
}

/// One state.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) at: u32,
    cells: Vec<Arc<Cell>>,
    pub(crate) soup: Soup,
    /// Every mastership that began on this path.
    begun: Vec<Epoch>,
    /// Ticks that may pass between a daemon's reading of its clock and its acting on it.
    stale: u32,
    pub(crate) budget: Budget,
    pub(crate) seen: Seen,
    /// Whether fingerprints are kept.
    is_hashed: bool,
}

impl World {
    /// Daemons start at tick 0, and the first one that may stand does so at once.
    pub(crate) fn new(scope: &Scope) -> Self {
        let cell = |&(slot, rate): &(Slot, _)| {
            let mut machine = Machine::new(scope, slot, rate);
            let (mut never, mut outcome) = (Hold::NEVER, Outcome::default());
            machine.start(scope, 0, true);
            machine.go_on(0, &mut never, &mut outcome);
            machine.wake(Wake::Turn, (0, 0), &mut never, &mut outcome);
            let digest = Mix::of(&machine);
            Arc::new(Cell { machine, digest })
        };
        Self {
            at: scope.multiplier * scope.period,
            cells: scope.members.iter().map(cell).collect(),
            soup: Soup::default(),
            begun: Vec::new(),
            stale: scope.stale,
            budget: scope.budget,
            seen: Seen::default(),
            is_hashed: true,
        }
    }

    /// The same for a walk, which takes no fingerprints.
    pub(crate) fn unhashed(scope: &Scope) -> Self {
        Self {
            is_hashed: false,
            ..Self::new(scope)
        }
    }

    pub(crate) fn machines(&self) -> impl Iterator<Item = &Machine> {
        self.cells.iter().map(|cell| &cell.machine)
    }

    pub(crate) fn machine(&self, place: usize) -> &Machine {
        &self.cells[place].machine
    }

    pub(crate) fn place_of(&self, slot: Slot) -> Option<usize> {
        self.machines().position(|machine| machine.slot == slot)
    }

    pub(crate) fn begun(&self) -> &[Epoch] {
        &self.begun
    }

    /// The state's fingerprint: what was seen on the way is no part of it.
    pub(crate) fn fingerprint(&self) -> u64 {
        let cells = self.cells.iter().map(|cell| cell.digest);
        let all: Vec<u64> = cells.collect();
        let readings = self.machines().map(|machine| self.earliest(machine));
        let readings: Vec<u32> = readings.collect();
        let mut begun = self.begun.clone();
        begun.sort_unstable();
        Mix::of(&(
            self.at,
            all,
            readings,
            self.soup.digest(),
            begun,
            self.budget,
        ))
    }

    /// Whether the path has gone as far as it is followed.
    pub(crate) fn is_beyond(&self, scope: &Scope) -> bool {
        let promised = |machine: &Machine| Epoch(machine.kernel.control.promised_epoch).round();
        self.at > scope.horizon
            || self
                .machines()
                .any(|machine| promised(machine) > scope.rounds)
    }

    /// Forgets packets that can have no effect any more.
    fn forget(&mut self) {
        let (cells, at, can_lose) = (&self.cells, self.at, self.budget.losses > 0);
        let find = |slot: Slot| {
            let machines = cells.iter().map(|cell| &cell.machine);
            machines.into_iter().find(|machine| machine.slot == slot)
        };
        self.soup.retain(|packet| {
            let ends = find(packet.from).zip(find(packet.to));
            ends.is_some_and(|(from, to)| matters(packet, from, to, at, can_lose))
        });
    }
}
