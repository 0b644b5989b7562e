//! The searches of a pair that there are.

use heartbeat_core::config::{FenceRule, Mode, PairRules};

use super::scope::{Begins, Changes, PairScope};
use crate::scope::{Budget, Rate, Scope};
use crate::scopes::{clocks, coarse};

/// Ticks in a period: what is due a quarter of one after another thing is found no more than half a period late.
const PERIOD: u32 = 2;
/// Periods in a lease: with one more than the least a master with a slow clock has its reference asked in time.
const MULTIPLIER: u32 = 6;
/// Ticks in a lease.
const LEASE: u32 = PERIOD * MULTIPLIER;
/// Leases that the ordinary tests look ahead: a silence, the lease that evidence takes to settle, and one more.
const LEASES: u32 = 3;

const STILL: Budget = Budget {
    lates: 0,
    pauses: 0,
    copies: 0,
    kills: 0,
    losses: 0,
    switchovers: 0,
    restarts: 0,
    changes: 0,
    retimes: 0,
};
const APART: [Rate; 2] = [Rate::Slow, Rate::Fast];
const OTHER: [Rate; 2] = [Rate::Fast, Rate::Slow];

fn pair(
    name: &'static str,
    rates: [Rate; 2],
    horizon: u32,
    around: u8,
    budget: Budget,
) -> PairScope {
    let mut cluster = Scope {
        period: PERIOD,
        multiplier: MULTIPLIER,
        horizon: Some(horizon),
        rounds: u64::MAX,
        budget,
        is_whole: true,
        mode: Mode::Pair(PairRules::DEFAULT),
        ..coarse(name, &[1, 2])
    };
    clocks(&mut cluster, &rates);
    PairScope {
        cluster,
        changes: Changes {
            around,
            ..Changes::default()
        },
        begins: Begins::Settled,
    }
}

/// A fence command as well, of which one run may fail.
fn with_fence(mut scope: PairScope) -> PairScope {
    let rules = PairRules {
        fence: Some(FenceRule {
            delay: scope.cluster.timing().period,
        }),
        ..PairRules::DEFAULT
    };
    scope.cluster.mode = Mode::Pair(rules);
    scope.changes.failures = 1;
    scope
}

/// The searches of the ordinary tests.
#[must_use]
pub fn short() -> Vec<PairScope> {
    all(0)
}

/// The searches of `cargo xtask search`: each a lease longer, and with one change more beside a fault.
#[must_use]
pub fn long() -> Vec<PairScope> {
    all(1)
}

fn all(more: u8) -> Vec<PairScope> {
    let only = |change: fn(&mut Budget)| {
        let mut budget = STILL;
        change(&mut budget);
        budget
    };
    let horizon = LEASES * LEASE + u32::from(more) * LEASE;
    let faulty = |name, around, budget| pair(name, APART, horizon, around + more, budget);
    let off = |name, masters| PairScope {
        begins: Begins::Off { masters },
        ..pair(name, APART, horizon + 2 * LEASE, 0, STILL)
    };
    let slow = faulty("a pair, a slow tick", 1, STILL);
    let fenced = faulty("a pair with a fence command", 1, STILL);
    vec![
        pair("a pair", APART, horizon, 2, STILL),
        pair(
            "a pair, the second one's clock slow",
            OTHER,
            horizon,
            2,
            STILL,
        ),
        PairScope {
            changes: Changes {
                slow: 1,
                ..slow.changes
            },
            ..slow
        },
        faulty("a pair, a pause anywhere", 0, only(|all| all.pauses = 1)),
        faulty("a pair, a daemon killed", 0, only(|all| all.kills = 1)),
        faulty(
            "a pair, a machine switched off",
            0,
            only(|all| all.losses = 1),
        ),
        faulty(
            "a pair, mastership handed over",
            0,
            only(|all| all.switchovers = 1),
        ),
        with_fence(fenced),
        off("a pair that boots, both last the master", true),
        off("a pair that boots, both last a slave", false),
    ]
}
