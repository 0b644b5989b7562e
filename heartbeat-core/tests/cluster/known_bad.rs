//! Schedules that need one line of the kernel program each: harmless with it, and two masters, or a working one lost,
//! where the twin goes without it. Only the twin can: the product has no such switch.

use heartbeat_core::event::Order;
use heartbeat_core::message::Network;
use heartbeat_core::snapshot::Role;
use heartbeat_core::{Epoch, Slot};
use heartbeat_kernel_twin::{Guard, Guards, Step, address_of};
use heartbeat_sim::clock::{Clock, TRUE_RATE};
use heartbeat_sim::machine::Maps;
use heartbeat_sim::world::{MS, US, World};
use heartbeat_wire::frame::{Frame, Kind, MAGIC, VERSION};
use heartbeat_wire::maps::Sent;
use heartbeat_wire::verdict::Verdict;

/// Longer than any lease or grant.
const A_WHILE: u64 = 300 * MS;

/// Takes this line off every kernel, if one is named.
fn without(mut world: World, guard: Option<Guard>) -> World {
    let guards = guard.map_or_else(Guards::default, Guards::without);
    for slot in world.slots().iter() {
        world.machine_mut(*slot).kernel.guards = guards;
    }
    world
}

/// Joins two nodes, or cuts them off each other.
fn join(world: &mut World, one: Slot, other: Slot, is_up: bool) {
    world.links(one, other, is_up);
    world.links(other, one, is_up);
}

/// The answer of `from` to the question `sent` of `to`: nothing promised, no grant in force.
fn answer(world: &World, from: Slot, to: Slot, sent: Sent) -> Frame {
    let (own, asker) = (
        &world.machine(from).kernel.config,
        &world.machine(to).kernel,
    );
    Frame {
        magic: MAGIC,
        version: VERSION,
        kind: Kind::Reply as u8,
        cluster_id: own.cluster_id,
        elector_version: asker.config.elector_version,
        elector_digest: asker.config.elector_digest,
        incarnation: own.incarnation,
        sender: from,
        epoch: sent.epoch,
        sequence: sent.sequence,
        sent_ns: sent.sent_ns,
        config_digest: own.config_digest,
        ..Frame::default()
    }
}

/// The newest question of this kind.
fn newest(world: &World, slot: Slot, kind: Kind) -> Sent {
    let sent = &world.machine(slot).kernel.sent;
    let asked = sent.iter().rev().find(|sent| sent.kind == kind as u64);
    *asked.expect("it asked")
}

/// `slot` comes back with a promise of a round that nobody else knows of.
fn leave_a_promise(world: &mut World, slot: Slot) {
    world.kill(slot);
    world.machine_mut(slot).kernel.promise(Epoch::new(9, slot));
    world.start(slot, Maps::Kept);
}

/// A planned restart's lease is four times as long as the probes name afterwards.
fn a_long_lease_and_then_a_short_one(guard: Option<Guard>) -> bool {
    let mut world = without(World::settled(&[1, 2, 3], 401), guard);
    world.order(1, Order::Restart);
    let exits = world.run_until(50 * MS, |world| world.machine(1).has_exited);
    assert!(exits.is_some(), "a majority grants the longer lease");
    world.start(1, Maps::Kept);
    world.run(15 * MS);
    world.isolate(1, true);
    world.run_into_violation(A_WHILE)
}

#[test]
fn a_later_probe_with_a_shorter_lease_shortens_no_grant() {
    assert!(!a_long_lease_and_then_a_short_one(None));
    assert!(a_long_lease_and_then_a_short_one(Some(Guard::EndOnlyGrows)));
}

/// The master is cut off, and a copy of slot 2's reply to one of its last probes comes 35 ms after that probe. `is_old`:
/// the probe was one of the epoch before.
fn a_reply_comes_late(guard: Option<Guard>, is_old: bool) -> bool {
    let mut world = without(World::settled(&[1, 2, 3], 402), guard);
    let mut answered = newest(&world, 1, Kind::Probe);
    if is_old {
        let before = world.epoch();
        leave_a_promise(&mut world, 3);
        let took = world.run_until(30 * MS, |world| world.epoch() > before);
        assert!(took.is_some(), "it takes a higher round");
    } else {
        let last = answered.sequence;
        let asks = |world: &World| newest(world, 1, Kind::Probe).sequence > last;
        world.run_until(20 * MS, asks).expect("a probe a period");
        answered = newest(&world, 1, Kind::Probe);
        world.run(2 * MS);
    }
    world.isolate(1, true);
    let reply = answer(&world, 2, 1, answered);
    let sent_at = world.machine(1).clock.when(answered.sent_ns);
    let late = (sent_at + 35 * MS).saturating_sub(world.at);
    world.inject(1, reply, 2, late);
    world.run_into_violation(A_WHILE)
}

#[test]
fn a_late_reply_counts_for_the_probe_that_it_answers_and_for_no_newer_one() {
    assert!(!a_reply_comes_late(None, false));
    assert!(a_reply_comes_late(Some(Guard::OwnRecord), false));
}

#[test]
fn a_reply_of_an_old_epoch_counts_for_nothing_in_a_new_one() {
    assert!(!a_reply_comes_late(None, true));
    assert!(a_reply_comes_late(Some(Guard::OwnRecord), true));
}

/// Slot 3 is cut off and asks for ever. An answer to a question of before comes, which said that its sender was free.
/// Whether slot 3 takes a round by that.
fn an_old_yes_makes_a_candidate(guard: Option<Guard>) -> bool {
    let mut world = without(World::settled(&[1, 2, 3], 403), guard);
    world.isolate(3, true);
    let asks = |world: &World| world.role(3) == Some(Role::Candidate);
    world.run_until(200 * MS, asks).expect("it is orphaned");
    let promised = world.machine(3).kernel.control.promised_epoch;
    for _ in 0..20 {
        let first = newest(&world, 3, Kind::Query);
        let again = |world: &World| newest(world, 3, Kind::Query).sequence > first.sequence;
        world.run_until(100 * MS, again).expect("it asks again");
        let stale = answer(&world, 2, 3, first);
        world.inject(3, stale, 2, US);
        world.run(MS);
    }
    assert_eq!(world.master(), Some(1));
    world.machine(3).kernel.control.promised_epoch > promised
}

#[test]
fn a_yes_to_an_earlier_question_makes_no_majority() {
    assert!(!an_old_yes_makes_a_candidate(None));
    assert!(an_old_yes_makes_a_candidate(Some(Guard::OwnRecord)));
}

/// Slot 3 comes back with a promise that nobody else knows of. Whether the master serves on.
fn a_promise_comes_back(guard: Option<Guard>) -> bool {
    let mut world = without(World::settled(&[1, 2, 3], 404), guard);
    leave_a_promise(&mut world, 3);
    let lost = world.run_until(A_WHILE, |world| world.master().is_none());
    lost.is_none()
}

#[test]
fn a_minoritys_promise_ends_no_working_mastership() {
    assert!(a_promise_comes_back(None));
    assert!(!a_promise_comes_back(Some(Guard::ProbedOnly)));
}

/// Another machine in the master's slot probes with its epoch. Whether the master's gate shuts.
fn a_second_machine_shuts_the_gate(guard: Option<Guard>) -> bool {
    let mut world = without(World::settled(&[1, 2, 3], 405), guard);
    let probe = Frame {
        kind: Kind::Probe as u8,
        incarnation: 666,
        ..answer(&world, 1, 1, newest(&world, 1, Kind::Probe))
    };
    world.inject(1, probe, 1, 0);
    world.run(US);
    world.master().is_none()
}

#[test]
fn a_second_machine_in_the_slot_shuts_the_gate_before_the_daemon_runs() {
    assert!(a_second_machine_shuts_the_gate(None));
    assert!(!a_second_machine_shuts_the_gate(Some(Guard::OneMachine)));
}

/// Five electors; the master 1 is granted to by 2 and 4, and 4 has heard it for the last time. Slot 5 asks 3 and 4, and
/// has of 4 a yes that is not true any more: 4 hears nothing more until its grant is over. `early` ms: from when all that
/// was cut off is, until 4 is; `late`: from slot 5's question until the yes. `None`: it did not come to that.
fn a_yes_too_early(guard: Option<Guard>, (early, late): (u64, u64)) -> Option<World> {
    let clock = |_| Clock::new(1_000 * MS, TRUE_RATE, true);
    let world = World::with_clocks(&[1, 2, 3, 4, 5], &[2, 3, 4], 406, clock);
    let mut world = without(world, guard);
    world.start_all();
    world.run(600 * MS);
    for slot in [3, 5] {
        join(&mut world, 1, slot, false);
    }
    world.run(100 * MS);
    assert_eq!(
        (world.master(), world.role(5)),
        (Some(1), Some(Role::Candidate))
    );
    world.run(early * MS);
    join(&mut world, 1, 4, false);
    join(&mut world, 5, 4, false);
    let first = newest(&world, 5, Kind::Query).sequence;
    let asks = |world: &World| newest(world, 5, Kind::Query).sequence > first;
    world.run_until(60 * MS, asks)?;
    world.run(late * MS);
    join(&mut world, 5, 4, true);
    let elector = world.machine(4);
    let free_at = elector.clock.when(elector.kernel.grant.end_ns);
    world.deafen(4, free_at + 500 * US);
    let stale = answer(&world, 4, 5, newest(&world, 5, Kind::Query));
    world.inject(5, stale, 4, 0);
    Some(world)
}

/// Whether slot 3 votes for slot 5.
fn is_voted_for(world: &mut World) -> bool {
    let votes = |world: &World| Epoch(world.machine(3).kernel.control.vote_epoch).slot() == 5;
    world.run_until(5 * MS, votes).is_some()
}

/// The schedule at several times: whether it makes two masters at one of them.
fn is_ever_bad(schedule: impl Fn((u64, u64)) -> bool) -> bool {
    let mut times = (0..50)
        .step_by(3)
        .flat_map(|early| (5..9).map(move |late| (early, late)));
    times.any(schedule)
}

/// Slot 3 votes for slot 5, restarts without its maps, and hears the master.
fn a_voter_restarts_between_its_vote_and_a_probe(guard: Option<Guard>, times: (u64, u64)) -> bool {
    let Some(mut world) = a_yes_too_early(guard, times) else {
        return false;
    };
    is_voted_for(&mut world) && {
        join(&mut world, 1, 3, true);
        world.start(3, Maps::Lost);
        world.run_into_violation(A_WHILE)
    }
}

#[test]
fn a_voter_that_restarts_without_its_maps_grants_nothing_to_the_master_it_voted_against() {
    let is_bad =
        |guard| is_ever_bad(|times| a_voter_restarts_between_its_vote_and_a_probe(guard, times));
    assert!(!is_bad(None));
    assert!(is_bad(Some(Guard::Abstention)));
}

/// A probe of the master is held up in slot 3's kernel, where it was decided to grant it, while its daemon votes.
fn a_probe_crosses_a_vote(guard: Option<Guard>, times: (u64, u64)) -> bool {
    let Some(mut world) = a_yes_too_early(guard, times) else {
        return false;
    };
    let sent = newest(&world, 1, Kind::Probe);
    let master = &world.machine(1).kernel.config;
    let probe = Frame {
        kind: Kind::Probe as u8,
        incarnation: master.incarnation,
        lease_us: 50_000,
        ..answer(&world, 1, 3, sent)
    };
    let at = world.at;
    let elector = world.machine_mut(3);
    let now_ns = elector.clock.boot(at);
    let source = address_of(1, Network::Management);
    let kernel = &mut elector.kernel;
    let mut passage = kernel.admit(&probe, source, now_ns).expect("it is ours");
    let decided = [(); 2].map(|()| kernel.step(&mut passage));
    decided == [Step::On; 2] && is_voted_for(&mut world) && {
        let (verdict, network) = world.machine_mut(3).kernel.pass(&mut passage);
        let is_granted = verdict == Verdict::Granted;
        assert_eq!(is_granted, guard == Some(Guard::SecondLook), "{verdict:?}");
        assert!(network.is_some(), "it is answered either way");
        world.inject(1, passage.frame, 3, 0);
        world.run_into_violation(A_WHILE)
    }
}

#[test]
fn of_a_probe_and_a_vote_that_cross_one_sees_the_other() {
    let is_bad = |guard| is_ever_bad(|times| a_probe_crosses_a_vote(guard, times));
    assert!(!is_bad(None));
    assert!(is_bad(Some(Guard::SecondLook)));
}
