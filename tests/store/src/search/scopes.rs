//! What is searched.

use heartbeat_core::{Epoch, Slot};

use super::Scope;
use crate::oracle::Violation;
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
        is_quick: false,
        is_whole: false,
    }
}

/// Three stores that are formed, and one leadership.
fn one(name: &'static str) -> Scope {
    scope(name, World::formed(&ALL), two().split_off(1))
}

/// Three formed stores, and two leaderships.
fn two_with(name: &'static str) -> Scope {
    scope(name, World::formed(&ALL), two())
}

/// A third one, at the third node.
fn three() -> Vec<(Slot, Epoch)> {
    [two(), vec![(3, Epoch::new(4, 3))]].concat()
}

/// A write of round 2 that only node 1 has, and one of round 3 that only node 2 has. Both have lost their power since.
fn two_lonely_writes() -> Result<World, Violation> {
    let mut world = World::formed(&ALL);
    world.lead(1, Epoch::new(2, 1))?;
    world.among(&ALL)?;
    world.write(1)?;
    world.among(&[1])?;
    world.lose();
    world.lead(2, Epoch::new(3, 2))?;
    world.among(&[2, 3])?;
    world.write(2)?;
    world.among(&[2])?;
    world.lose();
    for slot in [1, 2] {
        world.crash(slot);
        world.start(slot);
    }
    Ok(world)
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
        Scope {
            failures: 1,
            writes: 1,
            ..one("a leadership, a write and a full disk")
        },
        Scope {
            crashes: 1,
            writes: 1,
            ..one("a leadership, a write and a loss of power")
        },
        Scope {
            wipes: 1,
            writes: 1,
            ..one("a leadership, a write and another disk")
        },
        two_with("two leaderships"),
        Scope {
            writes: 1,
            ..two_with("two leaderships and a write")
        },
        quick(Scope {
            leaders: three(),
            ..two_with("three leaderships")
        }),
        quick(Scope {
            start: two_lonely_writes().expect("what is written down here is sound"),
            leaders: vec![(1, Epoch::new(4, 1)), (2, Epoch::new(5, 2))],
            writes: 1,
            ..two_with("two leaderships after two with a write each that nobody else has")
        }),
        quick(Scope {
            wipes: 1,
            writes: 1,
            ..two_with("two leaderships, a write and another disk")
        }),
    ]
}

/// The same, where a leader's own disk is as quick as what it hears.
fn quick(scope: Scope) -> Scope {
    Scope {
        is_quick: true,
        ..scope
    }
}

/// What ends in seconds though nothing is left out.
#[must_use]
pub fn compared() -> Vec<Scope> {
    let mut scopes = short();
    scopes.retain(|scope| scope.writes == 0 || scope.leaders.len() == 1);
    scopes
}

/// What takes longer, too: up to some minutes, and gigabytes.
#[must_use]
pub fn long() -> Vec<Scope> {
    let mut scopes = short();
    scopes.extend([
        Scope {
            writes: 2,
            crashes: 1,
            failures: 1,
            ..one("a leadership, two writes, a loss of power and a full disk")
        },
        Scope {
            crashes: 1,
            ..two_with("two leaderships and a loss of power")
        },
        Scope {
            writes: 1,
            crashes: 1,
            ..two_with("two leaderships, a write and a loss of power")
        },
        Scope {
            writes: 1,
            failures: 1,
            ..two_with("two leaderships, a write and a full disk")
        },
        Scope {
            writes: 2,
            ..two_with("two leaderships and two writes")
        },
        Scope {
            wipes: 1,
            ..two_with("two leaderships and another disk")
        },
        quick(Scope {
            leaders: three(),
            writes: 1,
            ..two_with("three leaderships and a write")
        }),
        quick(Scope {
            leaders: three(),
            writes: 1,
            crashes: 1,
            ..two_with("three leaderships, a write and a loss of power")
        }),
        Scope {
            leaders: three(),
            ..two_with("three leaderships, the leaders' disks slow")
        },
        Scope {
            wipes: 1,
            writes: 1,
            ..two_with("two leaderships, a write and another disk, the leaders' disks slow")
        },
        Scope {
            leaders: three(),
            writes: 1,
            ..two_with("three leaderships and a write, the leaders' disks slow")
        },
    ]);
    scopes
}
