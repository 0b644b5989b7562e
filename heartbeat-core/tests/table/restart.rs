//! What a daemon that starts makes of what the last one left.

use std::time::Duration;

use heartbeat_core::event::{Reply, Restored};
use heartbeat_core::snapshot::Role;
use heartbeat_core::{Epoch, Instant};

use super::bench::*;

/// Slot 2 was master in 5.2 until its daemon was killed 5 ms ago.
fn left_by_a_master() -> Restored {
    let mut left = restored(2);
    let epoch = Epoch::new(5, 2);
    left.kernel = probed(Epoch::new(4, 1), START - Duration::from_secs(60), 2);
    left.daemon.promised = epoch;
    left.daemon.vote_epoch = epoch;
    left.daemon.vote_incarnation = life(2);
    left.daemon.vote_grant_end = ms(45);
    left.daemon.lease_epoch = epoch;
    left.daemon.lease_deadline = ms(25);
    left.daemon.sequence = 70;
    left.daemon.epoch_floor = epoch;
    left
}

#[test]
fn a_lease_that_still_holds_is_taken_up_and_probed_above_the_last_number() {
    let (mut bench, commands) = Bench::new(config(2), left_by_a_master());
    let expected = [
        "lease of 5.2 until 25 ms",
        "add addresses for 5.2",
        "be master",
        "init -> master because restarted, lease taken up (5.2, after 0 ms)",
        "be eligible",
    ];
    assert_eq!(lines(&commands), expected);
    let commands = lines(&bench.turn(&[], START));
    assert_eq!(
        commands[..2],
        [
            "grant to 5.2 of 20 until 50 ms",
            "probe 5.2 number 72 at 0 ms"
        ]
    );
    let replies = [bench.reply(3, START)];
    assert_eq!(
        lines(&bench.turn(&replies, ms(10)))[0],
        "lease of 5.2 until 40 ms"
    );
}

#[test]
fn anything_that_does_not_fit_makes_the_machine_safe_instead() {
    type Change = fn(&mut Restored);
    let changes: &[(&str, Change)] = &[
        ("the lease is over", |left| {
            left.daemon.lease_deadline = START;
        }),
        ("the gate was shut", |left| {
            left.daemon.lease_deadline = Instant::ZERO;
        }),
        ("a lease longer than any", |left| {
            left.daemon.lease_deadline = ms(201);
            left.daemon.vote_grant_end = ms(251);
        }),
        ("another slot's", |left| {
            left.daemon.lease_epoch = Epoch::new(5, 1);
        }),
        ("a higher epoch was probed", |left| {
            left.kernel.probed = Epoch::new(6, 1);
        }),
        ("somebody else was voted for", |left| {
            left.daemon.promised = Epoch::new(6, 1);
        }),
        ("its own promise is missing", |left| {
            left.daemon.promised = Epoch::new(4, 1);
        }),
        ("another life of the maps", |left| left.incarnation = 666),
        ("its grant to itself is over", |left| {
            left.daemon.vote_grant_end = ms(24);
        }),
        ("the maps are new", |left| left.maps_kept = false),
        ("the maps were just made", |left| {
            left.created = START - Duration::from_millis(239);
        }),
        ("its slot was seen elsewhere", |left| {
            left.kernel.duplicate_at = START - Duration::from_millis(10);
        }),
        ("its clock was at fault", |left| {
            left.daemon.abstain_until = ms(30);
        }),
    ];
    for (name, change) in changes {
        let mut left = left_by_a_master();
        change(&mut left);
        let (bench, commands) = Bench::new(config(2), left);
        let lines = lines(&commands);
        assert_eq!(lines[0], "shut the gate", "{name}");
        assert!(
            lines[1].starts_with("remove addresses of 5."),
            "{name}: {lines:?}"
        );
        assert_eq!(bench.node.snapshot(START).role, Role::Init, "{name}");
        assert!(
            !lines.iter().any(|line| line.starts_with("lease")),
            "{name}"
        );
    }
}

#[test]
fn a_higher_round_that_was_asked_for_does_not_keep_the_lease_from_being_taken_up() {
    let mut left = left_by_a_master();
    left.daemon.promised = Epoch::new(9, 2);
    left.daemon.vote_epoch = Epoch::new(9, 2);
    let (mut bench, commands) = Bench::new(config(2), left);
    assert_eq!(lines(&commands)[0], "lease of 5.2 until 25 ms");
    assert_eq!(
        lines(&bench.turn(&[], START))[0],
        "grant to 9.2 of 20 until 50 ms"
    );
}

#[test]
fn a_first_start_abstains_waits_for_a_probe_and_takes_no_epoch_that_was_saved() {
    let mut fresh = Restored {
        maps_kept: false,
        created: START,
        ..restored(2)
    };
    fresh.saved_floor = Epoch::new(40, 1);
    let (mut bench, commands) = Bench::new(config(2), fresh);
    let expected = [
        "shut the gate",
        "remove addresses of 0.0",
        "abstain until 240 ms",
        "floor 40.1",
        "be init",
        "be not eligible",
    ];
    assert_eq!(lines(&commands), expected);
    let at = bench.node.poll_timeout().expect("it stands when it may");
    assert!(at >= ms(240));
    let commands = bench.timeout(at);
    assert!(
        lines(&commands)
            .iter()
            .any(|line| line.starts_with("query 41.2 number 2")),
        "{:?}",
        lines(&commands)
    );
}

#[test]
fn a_kept_grant_holds_after_a_restart() {
    let mut left = restored(2);
    left.kernel = probed(Epoch::new(4, 1), START - Duration::from_millis(10), 2);
    let (mut bench, _) = Bench::new(five(2), left);
    let early = bench.message(3, vote_request(Epoch::new(5, 3), 1), ms(39));
    assert_eq!(lines(&early), ["vote on 5.3: held for 1 ms to 3"]);
    let late = bench.message(3, vote_request(Epoch::new(5, 3), 1), ms(40));
    assert_eq!(lines(&late)[2], "vote on 5.3: granted to 3");

    let mut voted = restored(2);
    voted.daemon.promised = Epoch::new(5, 4);
    voted.daemon.vote_epoch = Epoch::new(5, 4);
    voted.daemon.vote_incarnation = life(4);
    voted.daemon.vote_grant_end = ms(40);
    let (mut bench, _) = Bench::new(config(2), voted);
    let early = bench.message(1, vote_request(Epoch::new(6, 1), 1), ms(39));
    assert_eq!(lines(&early), ["vote on 6.1: held for 1 ms to 1"]);
    let late = bench.message(1, vote_request(Epoch::new(6, 1), 1), ms(40));
    assert_eq!(lines(&late)[2], "vote on 6.1: granted to 1");
}

#[test]
fn a_witness_is_a_witness_from_the_start() {
    let (bench, commands) = Bench::new(config(3), restored(3));
    let expected = [
        "shut the gate",
        "remove addresses of 0.0",
        "be witness",
        "init -> witness because the daemon started (0.0, after 0 ms)",
        "be not eligible",
    ];
    assert_eq!(lines(&commands), expected);
    assert_eq!(bench.node.poll_timeout(), None);
}

#[test]
fn a_second_machine_that_was_seen_an_abstention_ago_is_in_no_leases_way() {
    let taken_up = |seen_at: Instant| {
        let mut left = left_by_a_master();
        left.kernel.duplicate_at = seen_at;
        Bench::new(config(2), left).0.node.snapshot(START).role == Role::Master
    };
    let abstention = Duration::from_millis(240);
    assert!(taken_up(Instant::ZERO), "none");
    assert!(taken_up(START - abstention));
    assert!(!taken_up(START - abstention + Duration::from_nanos(1)));
}

#[test]
fn what_was_granted_to_the_last_runs_probes_renews_no_lease() {
    let (mut bench, _) = Bench::new(config(2), left_by_a_master());
    bench.turn(&[], START);
    let late = Reply {
        granted_sequence: 70,
        ..bench.reply(3, START)
    };
    let renewed = lines(&bench.turn(&[late], ms(10)));
    assert!(!renewed[0].starts_with("lease"), "{renewed:?}");
}

#[test]
fn the_kernel_is_told_of_the_disks_floor_where_its_maps_know_less() {
    let floors = |maps_kept: bool, on_disk: u64, in_maps: u64| {
        let mut restored = Restored {
            maps_kept,
            saved_floor: Epoch::new(on_disk, 2),
            ..restored(2)
        };
        restored.daemon.epoch_floor = Epoch::new(in_maps, 2);
        let (_, commands) = Bench::new(config(2), restored);
        let said = lines(&commands);
        said.into_iter().find(|line| line.starts_with("floor"))
    };
    assert_eq!(floors(false, 6, 5), Some("floor 6.2".to_owned()));
    assert_eq!(floors(false, 5, 5), None);
    assert_eq!(floors(true, 6, 5), None);
}

#[test]
fn a_mastership_that_began_while_no_daemon_ran_here_is_saved_at_the_start() {
    let (old, new) = (Epoch::new(3, 1), Epoch::new(4, 1));
    for (saved, in_maps, is_saved) in [
        (old, old, true),
        (old, new, true),
        (new, old, true),
        (new, new, false),
    ] {
        let mut left = restored(2);
        left.kernel = probed(new, START, 2);
        left.saved_floor = saved;
        left.daemon.epoch_floor = in_maps;
        let (_, commands) = Bench::new(config(2), left);
        let says = lines(&commands).contains(&"floor 4.1".to_owned());
        assert_eq!(
            says,
            is_saved,
            "{saved:?} {in_maps:?}: {:?}",
            lines(&commands)
        );
    }
}
