//! What is searched.

use heartbeat_core::{Epoch, Slot};

use super::Scope;
use crate::world::World;

const ALL: [Slot; 3] = [1, 2, 3];

/// Two leaderships at two nodes.
fn two() -> Vec<(Slot, Epoch)> {
    vec![(1, Epoch::new(2, 1)), (2, Epoch::new(3, 2))]
}

fn scope(name: &'static str, start: World, leaders: Vec<(Slot, Epoch)>) -> Scope {
    Scope {
        name,
        start,
        leaders,
        writes: 0,
        crashes: 0,
        failures: 0,
        wipes: 0,
    }
}

/// What takes seconds.
#[must_use]
pub fn short() -> Vec<Scope> {
    let one = || two().split_off(1);
    let mut forming = scope("three new stores form one state", World::new(&ALL), one());
    forming.writes = 1;
    let mut faulty = scope(
        "a leadership and a loss of power",
        World::formed(&ALL),
        one(),
    );
    faulty.crashes = 1;
    let mut full = scope("a leadership and a full disk", World::formed(&ALL), one());
    full.failures = 1;
    let twice = scope("two leaderships", World::formed(&ALL), two());
    vec![forming, full, faulty, twice]
}

/// What takes longer, too.
#[must_use]
pub fn long() -> Vec<Scope> {
    let mut scopes = short();
    scopes.extend([
        Scope {
            writes: 1,
            ..scope("two leaderships and a write", World::formed(&ALL), two())
        },
        Scope {
            writes: 1,
            wipes: 1,
            ..scope(
                "two leaderships, a write and another disk",
                World::formed(&ALL),
                two(),
            )
        },
        Scope {
            writes: 1,
            crashes: 1,
            ..scope(
                "two leaderships, a write and a loss of power",
                World::formed(&ALL),
                two(),
            )
        },
        Scope {
            writes: 1,
            failures: 1,
            ..scope(
                "two leaderships, a write and a full disk",
                World::formed(&ALL),
                two(),
            )
        },
    ]);
    scopes
}
