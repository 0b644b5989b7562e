//! The searches that there are: what each one bounds, so that it ends.

use heartbeat_core::Slot;
use heartbeat_core::config::Mode;
use heartbeat_kernel_twin::Guards;

use crate::closed;
use crate::scope::{ANY, Budget, Rate, Scope};

/// No fault, no pause, no copy; daemons may be late.
pub(crate) const NOTHING: Budget = Budget {
    lates: ANY,
    pauses: 0,
    copies: 0,
    kills: 0,
    losses: 0,
    switchovers: 0,
    restarts: 0,
    changes: 0,
    retimes: 0,
};
/// What may befall a path that is drawn.
const EVERYTHING: Budget = Budget {
    lates: ANY,
    pauses: 200,
    copies: 250,
    kills: 8,
    losses: 3,
    switchovers: 3,
    restarts: 2,
    changes: 0,
    retimes: 4,
};

/// Leases of two ticks: the shortest in which the drift guard still shows.
pub(crate) fn coarse(name: &'static str, electors: &[Slot]) -> Scope {
    Scope {
        name,
        members: electors.iter().map(|slot| (*slot, Rate::True)).collect(),
        electors: electors.to_vec(),
        witnesses: Vec::new(),
        target: Vec::new(),
        period: 1,
        multiplier: 2,
        longest: 1,
        horizon: Some(5),
        rounds: 3,
        stale: 0,
        budget: NOTHING,
        is_whole: false,
        mode: Mode::Quorum,
        guards: Guards::default(),
    }
}

pub(crate) fn clocks(scope: &mut Scope, rates: &[Rate]) {
    for ((_, rate), own) in scope.members.iter_mut().zip(rates) {
        *rate = *own;
    }
}

/// Two electors: `horizon` ticks from the first one's candidacy on at tick 2.
fn two(name: &'static str, rates: [Rate; 2], horizon: u32, stale: u32, budget: Budget) -> Scope {
    let mut scope = Scope {
        horizon: Some(horizon),
        stale,
        budget,
        ..coarse(name, &[1, 2])
    };
    clocks(&mut scope, &rates);
    scope
}

/// Three electors, the first with a slow clock and the last with a fast one.
fn three(name: &'static str, horizon: u32, budget: Budget) -> Scope {
    let mut scope = Scope {
        horizon: Some(horizon),
        budget,
        ..coarse(name, &[1, 2, 3])
    };
    clocks(&mut scope, &[Rate::Slow, Rate::True, Rate::Fast]);
    scope
}

/// The searches of the ordinary tests.
#[must_use]
pub fn short() -> Vec<Scope> {
    let mut scopes = all(0);
    scopes.push(closed::short());
    scopes
}

/// The searches of `cargo xtask search`: each a tick further.
#[must_use]
pub fn long() -> Vec<Scope> {
    let mut scopes = all(1);
    scopes.extend(closed::long());
    scopes
}

/// Every search that ends, `further` ticks longer than the shortest that says something.
fn all(further: u32) -> Vec<Scope> {
    let only = |change: fn(&mut Budget)| {
        let mut budget = NOTHING;
        change(&mut budget);
        budget
    };
    let apart = [Rate::Slow, Rate::Fast];
    let other = [Rate::Fast, Rate::Slow];
    let (near, far) = (4 + further, 4 + 2 * further);
    vec![
        two("two electors", apart, far, 0, NOTHING),
        two(
            "two electors, the second one's clock slow",
            other,
            near,
            0,
            NOTHING,
        ),
        two(
            "two electors, three packets come again",
            apart,
            near,
            0,
            only(|all| all.copies = 3),
        ),
        two(
            "two electors, one packet twice",
            apart,
            near,
            0,
            only(|all| all.copies = 1),
        ),
        two(
            "two electors, two pauses anywhere",
            apart,
            near,
            0,
            only(|all| all.pauses = 2),
        ),
        two("two electors, clocks read early", apart, near, 1, NOTHING),
        two(
            "two electors, one killed twice",
            apart,
            near,
            0,
            only(|all| all.kills = 2),
        ),
        two(
            "two electors, one loses its maps",
            apart,
            near,
            0,
            only(|all| all.losses = 1),
        ),
        two(
            "two electors, mastership handed over",
            apart,
            near,
            0,
            only(|all| all.switchovers = 1),
        ),
        two(
            "two electors, a planned restart",
            apart,
            near,
            0,
            only(|all| all.restarts = 1),
        ),
        three("three electors", 3 + further, NOTHING),
        witness(3 + further),
        change(3 + further),
    ]
}

/// Two electors that may become master, and a third that may not.
fn witness(horizon: u32) -> Scope {
    Scope {
        witnesses: vec![3],
        ..three("two electors and a witness", horizon, NOTHING)
    }
}

/// Two electors become three.
fn change(horizon: u32) -> Scope {
    Scope {
        electors: vec![1, 2],
        target: vec![1, 2, 3],
        budget: Budget {
            changes: 1,
            ..NOTHING
        },
        ..three("two electors become three", horizon, NOTHING)
    }
}

/// The scopes of the random walk.
#[must_use]
pub fn walks() -> Vec<Scope> {
    let five = Scope {
        period: 1,
        multiplier: 5,
        longest: 2,
        horizon: Some(90),
        rounds: 1_000,
        stale: 2,
        budget: EVERYTHING,
        is_whole: true,
        ..coarse("five electors", &[1, 2, 3, 4, 5])
    };
    let witness = Scope {
        name: "four electors and a witness",
        witnesses: vec![5],
        ..five.clone()
    };
    let change = Scope {
        name: "three electors become four",
        electors: vec![1, 2, 3],
        target: vec![1, 2, 3, 4],
        budget: Budget {
            changes: 2,
            ..EVERYTHING
        },
        members: (1..=4).map(|slot| (slot, Rate::True)).collect(),
        ..five.clone()
    };
    vec![five, witness, change]
}
