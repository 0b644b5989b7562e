//! That these tests can fail: what the protocol guards against does happen where the guard is taken away.

use heartbeat_core::snapshot::Role;

use heartbeat_sim::clock::Clock;
use heartbeat_sim::machine::Maps;
use heartbeat_sim::world::{MS, US, World};

/// Cuts the master off from all, right after a probe of its was answered.
fn cut_the_master_off_after_a_reply(world: &mut World) {
    world.run(5 * MS);
    world.isolate(1, true);
}

/// A master with a clock that is `percent` slow, and slaves with clocks that are as much fast.
fn with_drift(percent: u64, is_watched: bool) -> World {
    let rate = move |slot| {
        if slot == 1 {
            100 - percent
        } else {
            100 + percent
        }
    };
    let clock = |slot| Clock::new(1_000 * MS, rate(slot) * 10_000, is_watched);
    let mut world = World::with_clocks(&[1, 2, 3], &[], 201, clock);
    world.start_all();
    world.run(600 * MS);
    assert_eq!(world.master(), Some(1));
    world
}

#[test]
fn clocks_within_the_guard_never_make_two_masters() {
    for percent in [0, 5, 10, 11] {
        let mut world = with_drift(percent, false);
        cut_the_master_off_after_a_reply(&mut world);
        assert!(
            !world.run_into_violation(300 * MS),
            "{percent}%: {:?}",
            world.watch.violations
        );
        assert_eq!(world.master(), Some(2));
    }
}

#[test]
fn clocks_outside_the_guard_that_nobody_watches_do_make_two_masters() {
    let mut world = with_drift(15, false);
    cut_the_master_off_after_a_reply(&mut world);
    assert!(world.run_into_violation(300 * MS));
}

#[test]
fn clocks_outside_the_guard_that_are_watched_serve_nothing() {
    let mut world = with_drift(15, true);
    world.run(3_000 * MS);
    assert_eq!(world.master(), None);
    assert!(!world.machine(1).has_addresses);
}

/// The master cut off from slot 3, which asks; then slot 2 restarts so, and is cut off from the master as
/// well. Whether two were master at any time of restarting.
fn a_restarted_voter_makes_two_masters(maps: Maps) -> bool {
    (0..50).any(|offset| {
        let mut world = World::settled(&[1, 2, 3], 202);
        let cut = |world: &mut World, slot| {
            world.links(1, slot, false);
            world.links(slot, 1, false);
        };
        cut(&mut world, 3);
        world.run((300 + offset) * MS);
        assert_eq!(
            (world.master(), world.role(3)),
            (Some(1), Some(Role::Candidate))
        );
        cut(&mut world, 2);
        world.start(2, maps);
        world.run_into_violation(400 * MS)
    })
}

#[test]
fn a_voter_that_forgets_its_grants_makes_two_masters_unless_it_abstains() {
    assert!(a_restarted_voter_makes_two_masters(Maps::LostUnnoticed));
    assert!(!a_restarted_voter_makes_two_masters(Maps::Lost));
    assert!(!a_restarted_voter_makes_two_masters(Maps::Kept));
}

#[test]
fn a_master_that_is_paused_longer_than_its_lease_after_reading_the_clock_gains_nothing() {
    for stall in [10 * US, 35 * MS, 60 * MS, 120 * MS] {
        let mut world = World::settled(&[1, 2, 3], 203);
        world.weather.stall = stall;
        assert!(
            !world.run_into_violation(3_000 * MS),
            "{:?}",
            world.watch.violations
        );
        assert!(world.watch.served > 0);
    }
}
