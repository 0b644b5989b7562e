//! The election runs in the pulse, which allocates nothing once it is under way: turns of a slave and of a
//! master are counted, and of a master that is recorded.

use allocation_counter::measure;
use heartbeat_core::Epoch;
use heartbeat_core::snapshot::Role;
use heartbeat_user::recorder::Recorder;

use crate::world::{PERIOD, World};

const TURNS: u32 = 1_000;

#[test]
fn a_masters_turns_allocate_nothing_but_the_lists_of_members_health() {
    let mut world = World::new(None);
    world.until(Role::Master);
    // Alarms of the start are raised and cleared, every buffer has been used.
    (0..TURNS).for_each(|_| world.turn());
    let told_before = world.told;
    let counted = measure(|| (0..TURNS).for_each(|_| world.turn()));
    let lists = world.told - told_before;
    assert_eq!(world.node.snapshot(world.now).role, Role::Master);
    // Each second to each of the two others, for ten seconds.
    assert_eq!(lists, 20, "the master was at work");
    assert_eq!(counted.count_total, lists, "{counted:?}");
}

#[test]
fn a_slaves_turns_allocate_nothing() {
    let mut world = World::new(None);
    world.kernel.probed = Epoch::new(1, 2);
    world.kernel.holder_incarnation = 20;
    let probed = |world: &mut World| {
        world.kernel.arrival = world.now;
        world.kernel.grant_end = world.now + PERIOD * 5;
    };
    for _ in 0..TURNS {
        probed(&mut world);
        world.turn();
    }
    assert_eq!(world.node.snapshot(world.now).role, Role::Slave);
    let counted = measure(|| {
        for _ in 0..TURNS {
            probed(&mut world);
            world.turn();
        }
    });
    let now = world.node.snapshot(world.now);
    assert_eq!((now.role, now.master), (Role::Slave, Some(2)));
    assert_eq!(counted.count_total, 0, "{counted:?}");
}

#[test]
fn to_be_recorded_allocates_nothing_more() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("record");
    let (recorder, tap) = Recorder::start(file, 1 << 30, World::birth(), |told| panic!("{told:?}"))
        .expect("a thread");
    let mut world = World::new(Some(tap));
    world.until(Role::Master);
    world.turns(TURNS);
    let told_before = world.told;
    let counted = measure(|| world.turns(TURNS));
    assert_eq!(counted.count_total, world.told - told_before, "{counted:?}");
    drop(world);
    assert!(recorder.finish());
}

#[test]
fn the_counter_counts() {
    let counted = measure(|| drop(std::hint::black_box(vec![1u8; 100])));
    assert_eq!(counted.count_total, 1);
}
