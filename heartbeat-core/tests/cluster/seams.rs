//! Between the kernel's words and the daemon's: what one side does while the other is at work.

use heartbeat_core::event::Order;
use heartbeat_core::snapshot::Role;
use heartbeat_core::{Epoch, Slot};
use heartbeat_wire::frame::{Frame, Kind, MAGIC, VERSION};

use heartbeat_sim::world::{MS, US, World};
use heartbeat_wire::verdict::Verdict;

fn lease_epoch(world: &World, slot: Slot) -> Epoch {
    Epoch(world.machine(slot).kernel.control.lease_epoch)
}

#[test]
fn a_grant_that_the_kernel_took_back_by_its_refusal_ends_no_mastership() {
    let mut world = World::settled(&[1, 2, 3], 301);
    world.power_off(1);
    world.run(200 * MS);
    assert_eq!(world.master(), Some(2));
    // A probe that was under way while slot 2 promised itself a higher epoch: the kernel raised the
    // grant's end, read the promise again, and refused.
    let boot = world.machine(2).clock.boot(world.at);
    let kernel = &mut world.machine_mut(2).kernel;
    assert!(kernel.grant.probed_epoch < kernel.control.lease_epoch);
    kernel.grant.end_ns = boot + 50 * MS;
    let before = lease_epoch(&world, 2);
    world.run(200 * MS);
    assert_eq!((world.master(), lease_epoch(&world, 2)), (Some(2), before));
}

#[test]
fn a_candidate_that_learns_of_a_probed_epoch_above_its_own_while_votes_come_in_is_not_elected() {
    let mut world = World::settled(&[1, 2, 3], 302);
    world.power_off(1);
    let asks = |world: &World| {
        let own = Epoch(world.machine(2).kernel.control.promised_epoch).slot() == 2;
        own && world.role(2) == Some(Role::Candidate)
    };
    world.run_until(100 * MS, asks).expect("slot 2 stands");
    let asked = Epoch(world.machine(2).kernel.control.promised_epoch);
    // As a late refusal of one of its own former probes tells it.
    let probed = Epoch::new(asked.round() + 1, 3);
    world.machine_mut(2).kernel.grant.probed_epoch = probed.0;
    world.run(5 * MS);
    assert!(world.machine(2).taken.is_empty());
    let voted = Epoch(world.machine(3).kernel.control.vote_epoch);
    assert!(voted >= asked, "it was voted for");
    let took = world.run_until(300 * MS, |world| world.epoch() > probed);
    assert!(took.is_some(), "at {} us", world.at / US);
}

#[test]
fn a_recording_of_its_own_probes_shuts_no_gate_of_a_node_that_lost_its_maps() {
    let mut world = World::settled(&[1, 2, 3], 303);
    let recorded = Frame {
        magic: MAGIC,
        version: VERSION,
        kind: Kind::Probe as u8,
        cluster_id: 1,
        incarnation: world.machine(1).kernel.config.incarnation,
        sender: 1,
        epoch: lease_epoch(&world, 1).0,
        sequence: 1_000_000,
        ..Frame::default()
    };
    for slot in [1, 2, 3] {
        world.power_off(slot);
    }
    world.start_all();
    world.inject(1, recorded, 1, MS);
    world.run(5 * MS);
    let kernel = &world.machine(1).kernel;
    assert_eq!(world.machine(1).verdicts[Verdict::Replayed], 1);
    assert_eq!(kernel.grant.duplicate_ns, 0);
    let other = Frame {
        epoch: Epoch::new(1_000, 1).0,
        incarnation: 666,
        ..recorded
    };
    world.inject(1, other, 1, MS);
    world.run(5 * MS);
    assert_ne!(
        world.machine(1).kernel.grant.duplicate_ns,
        0,
        "a machine that serves in our slot is not a recording"
    );
}

#[test]
fn a_refusal_that_tells_a_master_of_its_own_newer_epoch_ends_no_mastership() {
    let mut world = World::settled(&[1, 2, 3], 304);
    world.order(1, Order::Switchover(Some(2)));
    world
        .run_until(30 * MS, |world| world.master() == Some(2))
        .expect("slot 2 takes over");
    let kernel = &mut world.machine_mut(2).kernel;
    assert_eq!(
        kernel.control.released_epoch, kernel.grant.probed_epoch,
        "the grant to slot 1 was given up"
    );
    let boot = world.machine(2).clock.boot(world.at);
    let kernel = &mut world.machine_mut(2).kernel;
    assert!(kernel.grant.end_ns > boot, "and would still run");
    // An elector that saw the higher round's probe already refuses an older one that came late.
    kernel.grant.probed_epoch = kernel.control.lease_epoch;
    let before = lease_epoch(&world, 2);
    world.run(200 * MS);
    assert_eq!((world.master(), lease_epoch(&world, 2)), (Some(2), before));
}
