//! A pair, searched: both daemons live through each tick to its end, and between two ticks anything may befall them
//! or what lies around them.
//!
//! What is sent arrives within its tick, or in the next one, or is lost with its link. So the searches of
//! [`crate::scopes`] see every order of a few packets, and these every time at which links, references, daemons and
//! machines come and go, over the length of several leases that a pair's evidence takes.

mod actions;
mod apply;
mod ground;
mod scope;
mod scopes;
mod tick;

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use heartbeat_core::Epoch;

use crate::explore::{Report, search};
use crate::hold::Hold;
use crate::machine::Machine;
use crate::packet::Packet;
use crate::relative::{Origin, Relative};
use crate::scope::{Budget, Scope};
use crate::seen::Seen;
use actions::Action;
use ground::Ground;
pub use scope::{Begins, Changes, PairScope};
pub use scopes::{long, short};

/// Looks at every state of a pair within the scope's bounds, at most `most` of them.
#[must_use]
pub fn explore(scope: &PairScope, most: u64) -> Report {
    search::<Pair>(scope, most)
}

/// One state: always between two ticks.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    at: u32,
    began_at: u32,
    seats: [Seat; 2],
    ground: Ground,
    /// Every mastership that began on this path.
    begun: Vec<Epoch>,
    budget: Budget,
    changes: Changes,
    seen: Seen,
    /// Two leases run in the excepted case: what comes of that is not followed.
    is_excepted: bool,
}

/// One of the two, and what is on its way to it.
#[derive(Clone, Debug, Hash)]
struct Seat {
    machine: Arc<Machine>,
    is_off: bool,
    post: VecDeque<Packet>,
    /// The same, but not in this tick.
    later: Vec<Packet>,
    /// The last question to the reference.
    asked: Option<u64>,
    /// Questions that the reference answered.
    answered: VecDeque<u64>,
    /// The run of the fence command that goes on.
    fence: Option<u64>,
    /// How one ended.
    fenced: Option<(u64, bool)>,
}

/// Ticks in which two nodes have settled, at most.
const SETTLED: u32 = 200;
/// Renewals after which they have.
const RENEWALS: u64 = 4;

impl Pair {
    fn new(scope: &PairScope) -> Self {
        let cluster = &scope.cluster;
        let seat = |place: usize| {
            let (slot, rate) = cluster.members[place];
            let mut machine = Machine::new(cluster, slot, rate);
            let now = machine.now(0);
            machine.save_pair(scope.begins.record(place, cluster.timing().lease()), now);
            Seat {
                machine: Arc::new(machine),
                is_off: scope.begins != Begins::Settled,
                post: VecDeque::new(),
                later: Vec::new(),
                asked: None,
                answered: VecDeque::new(),
                fence: None,
                fenced: None,
            }
        };
        let mut pair = Self {
            at: cluster.multiplier * cluster.period,
            began_at: 0,
            seats: [seat(0), seat(1)],
            ground: Ground::default(),
            begun: Vec::new(),
            budget: cluster.budget,
            changes: scope.changes,
            seen: Seen::default(),
            is_excepted: false,
        };
        if scope.begins == Begins::Settled {
            pair.settle(scope);
        }
        pair.began_at = pair.at;
        pair
    }

    /// Both start, and the first one is master by the second one's grants.
    fn settle(&mut self, scope: &PairScope) {
        let run = |pair: &mut Self, action: &Action| {
            let done = pair.step(scope, action, &mut { Hold::NEVER });
            assert!(done.is_ok(), "{done:?} before anything went wrong");
        };
        for place in 0..2 {
            run(self, &Action::Start(place));
        }
        for _ in 0..SETTLED {
            run(self, &Action::Tick(0, false));
            if self.seen.renewals >= RENEWALS {
                return;
            }
        }
        panic!("two nodes that hear each other elect");
    }

    fn machines(&self) -> impl Iterator<Item = &Machine> {
        self.seats.iter().map(|seat| seat.machine.as_ref())
    }

    /// The state's fingerprint: what was seen on the way is no part of it.
    fn hashed(&self, cluster: &Scope) -> u64 {
        let origins = [0, 1].map(|place| self.origin(place));
        let mut state = Relative::new(&origins, cluster.memory(), cluster.foresight());
        for seat in &self.seats {
            seat.hash(&mut state);
            seat.machine.next_due(self.at).hash(&mut state);
        }
        let mut begun = self.begun.clone();
        begun.sort_unstable();
        (begun, self.ground, self.budget, self.changes).hash(&mut state);
        (self.at, self.is_excepted).hash(&mut state);
        state.finish()
    }

    /// What a machine's times and numbers are counted from.
    fn origin(&self, place: usize) -> Origin {
        let machine = &self.seats[place].machine;
        let packets = self
            .seats
            .iter()
            .flat_map(|seat| seat.post.iter().chain(&seat.later));
        let on_the_way = packets.filter_map(|packet| packet.number_of(machine.slot));
        let in_kernel = self.seats[1 - place]
            .machine
            .processors
            .probes(machine.slot);
        let known = on_the_way
            .chain(in_kernel)
            .chain(machine.told())
            .chain(machine.counted());
        let mut numbers: Vec<u64> = known.collect();
        numbers.sort_unstable();
        numbers.dedup();
        Origin {
            slot: machine.slot,
            now: machine.now(self.at),
            numbers,
            asked: self.seats[place].asked,
        }
    }
}
