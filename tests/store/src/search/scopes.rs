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

/// Three stores that are formed, and one leadership.
fn one(name: &'static str) -> Scope {
    scope(name, World::formed(&ALL), two().split_off(1))
}

/// What takes seconds.
#[must_use]
pub fn short() -> Vec<Scope> {
    vec![
        Scope {
            start: World::new(&ALL),
            writes: 1,
            ..one("three new stores form one state")
        },
        Scope {
            failures: 1,
            ..one("a leadership and a full disk")
        },
        Scope {
            crashes: 1,
            ..one("a leadership and a loss of power")
        },
        scope("two leaderships", World::formed(&ALL), two()),
    ]
}

/// What takes longer, too.
#[must_use]
pub fn long() -> Vec<Scope> {
    let mut scopes = short();
    scopes.extend([
        Scope {
            crashes: 1,
            writes: 1,
            ..one("a leadership, a write and a loss of power")
        },
        Scope {
            failures: 1,
            writes: 1,
            ..one("a leadership, a write and a full disk")
        },
        Scope {
            writes: 1,
            ..scope("two leaderships and a write", World::formed(&ALL), two())
        },
        Scope {
            wipes: 1,
            ..one("a leadership and another disk")
        },
    ]);
    scopes
}
