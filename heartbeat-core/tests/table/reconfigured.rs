//! Another configuration, while the election runs.

use std::time::Duration;

use heartbeat_core::config::{Config, Member};
use heartbeat_core::snapshot::{Alarm, Diagnosis, Role};
use heartbeat_core::{Command, Event, Instant, Slot};

use super::bench::*;
use super::states::*;

/// The bench's own, with slot 5 in the place of slot 4.
fn other(slot: Slot) -> Config {
    let mut other = config(slot);
    other.members.remove(&4);
    let member = Member {
        elector: false,
        witness: false,
        business: false,
    };
    other.members.insert(5, member);
    other.config_digest = 98;
    other.preempt_after = Some(Duration::from_secs(1));
    other
}

fn go_by(bench: &mut Bench, config: Config, now: Instant) -> Vec<Command> {
    bench.handle(Event::Reconfigured(Box::new(config)), now)
}

fn slots(bench: &Bench, now: Instant) -> Vec<Slot> {
    let members = bench.node.snapshot(now).members;
    members.iter().map(|member| member.slot).collect()
}

#[test]
fn a_master_goes_by_other_members_and_its_lease_stays() {
    let (mut bench, now) = master();
    let before = bench.node.snapshot(now);
    assert_eq!(slots(&bench, now), [1, 2, 3, 4]);
    let told = lines(&go_by(&mut bench, other(2), now));
    assert_eq!(told, NOTHING);
    let after = bench.node.snapshot(now);
    assert_eq!(slots(&bench, now), [1, 2, 3, 5]);
    assert_eq!(after.role, Role::Master);
    assert_eq!(
        (after.lease_deadline, after.epoch, after.electors),
        (before.lease_deadline, before.epoch, before.electors)
    );
}

#[test]
fn what_the_file_proposes_is_passed_over() {
    let (mut bench, now) = master();
    let mut proposing = other(2);
    proposing.elector_version = 9;
    proposing.elector_digest = 9;
    proposing.timing.max_lease = Duration::from_secs(9);
    for member in proposing.members.values_mut() {
        member.elector = true;
    }
    let before = bench.node.snapshot(now).electors;
    go_by(&mut bench, proposing, now);
    assert_eq!(bench.node.snapshot(now).electors, before);
    assert_eq!(bench.node.snapshot(now).majority, 2);
}

#[test]
fn a_member_with_another_digest_is_misconfigured_until_it_follows() {
    let (mut bench, mut now) = master();
    go_by(&mut bench, other(2), now);
    let diagnosis = |bench: &Bench, now| bench.node.snapshot(now).members[0].diagnosis;
    for digest in [99, 98] {
        for _ in 0..20 {
            now = now + TIMING.period;
            let mut replies = [bench.reply(1, now), bench.reply(3, now)];
            for reply in &mut replies {
                reply.config_digest = digest;
            }
            bench.turn(&replies, now);
        }
        let expected = if digest == 99 {
            Diagnosis::Misconfigured
        } else {
            Diagnosis::Healthy
        };
        assert_eq!(diagnosis(&bench, now), expected);
    }
}

#[test]
fn alarms_of_who_is_no_member_any_more_are_cleared() {
    let (mut bench, mut now) = master();
    for _ in 0..2_000 {
        now = now + TIMING.period;
        let replies = [bench.reply(1, now), bench.reply(3, now)];
        bench.turn(&replies, now);
    }
    let of_4 = |alarm: &Alarm| matches!(alarm, Alarm::Member(4, _));
    assert!(bench.node.snapshot(now).alarms.iter().any(of_4));
    go_by(&mut bench, other(2), now);
    assert!(!bench.node.snapshot(now).alarms.iter().any(of_4));
}

#[test]
#[should_panic(expected = "electors stay")]
fn a_configuration_without_an_elector_is_a_fault_of_the_driver() {
    let (mut bench, now) = master();
    let mut fewer = other(2);
    fewer.members.remove(&3);
    go_by(&mut bench, fewer, now);
}
