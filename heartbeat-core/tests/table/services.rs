//! What the services on a node do to its mastership.

use std::time::Duration;

use heartbeat_core::event::Reply;
use heartbeat_core::message::VoteAnswer;
use heartbeat_core::service::{ServiceState, Services};
use heartbeat_core::snapshot::{Alarm, Diagnosis, NotElectable, Reason, Role};
use heartbeat_core::{Command, Event, Instant};

use super::bench::*;
use super::states::*;

fn tell(bench: &mut Bench, state: ServiceState, now: Instant) -> Vec<Command> {
    let services = Services {
        limit: Duration::from_secs(3),
        state,
    };
    bench.handle(Event::Services(services), now)
}

/// A master whose members answered its newest probe.
fn master_with_heir() -> (Bench, Instant) {
    let (mut bench, now) = master();
    let now = answered(&mut bench, Some(Duration::ZERO), now);
    (bench, now)
}

/// One period in which slots 1 and 3 answer, slot 1 with a service checked so long ago.
fn answered(bench: &mut Bench, service_age: Option<Duration>, now: Instant) -> Instant {
    let heir = Reply {
        service_age,
        ..bench.reply(1, now)
    };
    let replies = [heir, bench.reply(3, now)];
    let next = now + TIMING.period;
    bench.turn(&replies, next);
    next
}

fn role(bench: &Bench, now: Instant) -> (Role, Reason) {
    let snapshot = bench.node.snapshot(now);
    (snapshot.role, snapshot.reason)
}

#[test]
fn only_a_node_whose_services_work_is_eligible_and_stands() {
    for state in [
        ServiceState::Starting,
        ServiceState::Recovering,
        ServiceState::Lost,
        ServiceState::NotPromoted,
    ] {
        let (mut bench, now) = slave();
        assert!(bench.node.poll_timeout().is_some(), "it would stand");
        let told = lines(&tell(&mut bench, state, now));
        assert!(told.contains(&"be not eligible".to_owned()), "{told:?}");
        assert_eq!(bench.node.poll_timeout(), None, "{state:?}");
        let told = lines(&tell(&mut bench, ServiceState::Healthy, now));
        assert!(told.contains(&"be eligible".to_owned()), "{told:?}");
        assert!(bench.node.poll_timeout().is_some(), "it stands again");
    }
}

#[test]
fn status_says_which_of_services_and_hook_keeps_a_node_from_mastership() {
    for (state, why) in [
        (ServiceState::Lost, NotElectable::Service),
        (ServiceState::NotPromoted, NotElectable::NotPromoted),
    ] {
        let (mut bench, now) = slave();
        tell(&mut bench, state, now);
        let snapshot = bench.node.snapshot(now);
        assert_eq!(snapshot.not_electable, Some(why));
        assert_eq!(snapshot.members[1].diagnosis, Diagnosis::ServiceFault);
        assert_eq!(snapshot.services, Some(state));
    }
}

#[test]
fn a_candidate_whose_service_fails_gives_its_candidacy_up() {
    let (mut bench, now) = requesting();
    tell(&mut bench, ServiceState::Recovering, now);
    assert_eq!(
        role(&bench, now),
        (Role::Slave, Reason::ServiceFailed),
        "and takes no votes any more"
    );
    let late = lines(&bench.vote(3, VoteAnswer::Granted, now));
    assert_eq!(late, NOTHING);
}

#[test]
fn a_master_recovers_its_service_first_and_hands_on_when_that_came_to_nothing() {
    let (mut bench, now) = master_with_heir();
    tell(&mut bench, ServiceState::Recovering, now);
    assert_eq!(role(&bench, now).0, Role::Master);
    let told = lines(&tell(&mut bench, ServiceState::Lost, now));
    assert_eq!(role(&bench, now), (Role::Slave, Reason::ServiceLost));
    let place = |what: &str| told.iter().position(|line| line.contains(what));
    assert!(
        place("shut the gate") < place("remove addresses"),
        "{told:?}"
    );
    assert!(place("release").is_some(), "{told:?}");
}

#[test]
fn a_master_without_an_heir_that_serves_stays_and_tells_until_there_is_one() {
    let (mut bench, now) = master();
    tell(&mut bench, ServiceState::Healthy, now);
    let old = Some(Duration::from_secs(4));
    let now = answered(&mut bench, old, now);
    let told = lines(&tell(&mut bench, ServiceState::Lost, now));
    assert_eq!(told, ["alarm Service on", "be not eligible"]);
    let now = answered(&mut bench, old, now);
    assert_eq!(
        role(&bench, now).0,
        Role::Master,
        "slot 1's service is no better"
    );
    let diagnosis = bench.node.snapshot(now).members[0].diagnosis;
    assert_eq!(diagnosis, Diagnosis::ServiceFault);
    let fresh = Some(Duration::from_millis(20));
    let now = answered(&mut bench, fresh, now);
    let now = answered(&mut bench, fresh, now);
    assert_eq!(role(&bench, now), (Role::Slave, Reason::ServiceLost));
}

#[test]
fn a_master_that_handed_on_too_often_holds_and_tells() {
    let (mut bench, now) = master_with_heir();
    tell(&mut bench, ServiceState::Lost, now);
    assert_eq!(role(&bench, now).0, Role::Slave);
    tell(&mut bench, ServiceState::Healthy, now);
    let stands_at = bench.node.poll_timeout().expect("it stands again");
    bench.timeout(stands_at);
    bench.answer(3, Duration::ZERO, stands_at);
    bench.vote(3, VoteAnswer::Granted, stands_at);
    let now = answered(&mut bench, Some(Duration::ZERO), stands_at);
    assert_eq!(role(&bench, now).0, Role::Master);
    tell(&mut bench, ServiceState::Lost, now);
    assert_eq!(role(&bench, now).0, Role::Master, "one handover a minute");
    let alarms = bench.node.snapshot(now).alarms;
    assert!(alarms.contains(&Alarm::HandoversSpent), "{alarms:?}");
    tell(&mut bench, ServiceState::Healthy, now);
    let alarms = bench.node.snapshot(now).alarms;
    assert!(!alarms.contains(&Alarm::HandoversSpent) && !alarms.contains(&Alarm::Service));
}
