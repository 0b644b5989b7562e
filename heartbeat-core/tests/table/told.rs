//! What the nodes tell people: members' health as the master says it, alarms, and the words for events and commands.

use std::time::Duration;

use heartbeat_core::event::{KernelWords, Order, QueryAnswer, Refusal, Reply};
use heartbeat_core::message::{MemberHealth, Message, Network, VoteAnswer};
use heartbeat_core::service::ServiceState;
use heartbeat_core::snapshot::{Diagnosis, Role};
use heartbeat_core::{Command, Epoch, Event, Instant, Slot};

use super::bench::*;
use super::electors::{agreed, record, set};
use super::states::*;

fn health(epoch: Epoch, members: Vec<MemberHealth>) -> Message {
    Message::Health {
        epoch,
        degraded: false,
        members,
    }
}

fn member(slot: Slot, rtt_us: u32, diagnosis: Diagnosis, healthy: bool) -> MemberHealth {
    MemberHealth {
        slot,
        healthy,
        diagnosis,
        role: Role::Slave.number(),
        rtt_us,
    }
}

/// What slot 2, a slave of slot 1 in 4.1, shows of slot 3.
fn shown(bench: &Bench, now: Instant) -> (Option<bool>, Diagnosis, Option<Duration>) {
    let snapshot = bench.node.snapshot(now);
    let member = snapshot.members.iter().find(|member| member.slot == 3);
    let member = member.expect("a member");
    (member.healthy, member.diagnosis, member.rtt)
}

const UNKNOWN: (Option<bool>, Diagnosis, Option<Duration>) = (None, Diagnosis::Unknown, None);

#[test]
fn a_slave_shows_what_its_master_said_within_three_seconds_and_no_other_node_and_nothing_older() {
    let epoch = Epoch::new(4, 1);
    let down = member(3, 9, Diagnosis::Down, false);
    let says = (Some(false), Diagnosis::Down, Some(Duration::from_micros(9)));
    let (mut bench, now) = slave();
    bench.message(1, health(epoch, vec![down]), now);
    assert_eq!(shown(&bench, now), says);
    for (at, expected) in [
        (now + Duration::from_secs(3), says),
        (
            now + Duration::from_secs(3) + Duration::from_nanos(1),
            UNKNOWN,
        ),
    ] {
        bench.kernel(probed(epoch, at, 2), at);
        assert_eq!(shown(&bench, at), expected);
    }
    // Another node in that epoch, an older epoch, and one that is not plausible.
    for (from, epoch) in [
        (3, epoch),
        (1, Epoch::new(3, 1)),
        (1, Epoch::new(1 << 40, 1)),
    ] {
        let (mut bench, now) = slave();
        bench.message(from, health(epoch, vec![down]), now);
        assert_eq!(shown(&bench, now), UNKNOWN, "{from} {}", epoch.round());
        let (mut bench, now) = slave();
        bench.message(1, health(Epoch::new(4, 1), vec![down]), now);
        bench.message(from, health(epoch, Vec::new()), now);
        assert_eq!(shown(&bench, now), says, "it takes nothing's place");
    }
}

#[test]
fn what_the_master_does_not_know_is_shown_as_not_known() {
    let (mut bench, now) = slave();
    let says = |bench: &mut Bench, member| {
        bench.message(1, health(Epoch::new(4, 1), vec![member]), now);
        shown(bench, now)
    };
    let unknown = member(3, u32::MAX, Diagnosis::Unknown, false);
    assert_eq!(says(&mut bench, unknown), UNKNOWN);
    let well = member(3, 700, Diagnosis::Healthy, true);
    let rtt = Some(Duration::from_micros(700));
    assert_eq!(
        says(&mut bench, well),
        (Some(true), Diagnosis::Healthy, rtt)
    );
}

#[test]
fn what_one_master_said_is_gone_with_it() {
    let (mut bench, now) = slave();
    let down = member(3, 9, Diagnosis::Down, false);
    bench.message(1, health(Epoch::new(4, 1), vec![down]), now);
    let next = Epoch::new(6, 1);
    bench.kernel(probed(next, now, 2), now);
    assert_eq!(shown(&bench, now), UNKNOWN);
    bench.message(
        1,
        health(next, vec![member(4, 9, Diagnosis::Healthy, true)]),
        now,
    );
    assert_eq!(
        shown(&bench, now),
        UNKNOWN,
        "the new one said nothing of it yet"
    );
}

#[test]
fn the_lost_master_is_shown_as_missing_and_nobody_else() {
    let (mut bench, now) = slave();
    let healthy = |bench: &Bench, at| {
        let members = bench.node.snapshot(at).members;
        members
            .iter()
            .map(|member| (member.slot, member.healthy))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        healthy(&bench, now),
        [(1, Some(true)), (2, Some(true)), (3, None), (4, None)]
    );
    let lost = ms(65);
    bench.turn(&[], lost);
    assert_eq!(
        healthy(&bench, lost),
        [(1, Some(false)), (2, Some(true)), (3, None), (4, None)]
    );
}

#[test]
fn a_slave_shows_when_it_heard_its_master_last() {
    let (bench, now) = slave();
    let members = bench.node.snapshot(now).members;
    assert_eq!(members[0].last_reply, Some(ms(10)));
}

#[test]
fn a_master_tells_each_members_round_trip_in_microseconds() {
    let (mut bench, now) = master();
    let replies = [1, 3].map(|slot| Reply {
        rtt: Duration::from_micros(1_234),
        ..bench.reply(slot, now)
    });
    let commands = bench.turn(&replies, now);
    let told = commands.iter().find_map(|command| match command {
        Command::Send {
            to: 1,
            message: Message::Health { members, .. },
            ..
        } => Some(
            members
                .iter()
                .map(|member| (member.slot, member.rtt_us))
                .collect::<Vec<_>>(),
        ),
        _ => None,
    });
    assert_eq!(told, Some(vec![(1, 1_234), (3, 1_234), (4, u32::MAX)]));
}

#[test]
fn a_master_that_steps_down_takes_back_what_it_said_of_others_and_not_of_itself() {
    let (mut bench, now) = master();
    let stalled = |bench: &Bench, at: Instant| {
        [1, 3].map(|slot| Reply {
            daemon_age: Some(Duration::from_secs(60)),
            ..bench.reply(slot, at)
        })
    };
    let mut at = now;
    let mut said = Vec::new();
    for _ in 0..12 {
        let replies = stalled(&bench, at);
        said.extend(lines(&bench.turn(&replies, at)));
        at = at + TIMING.period;
    }
    let alarm = |on| format!("alarm Member(3, DaemonStalled) {on}");
    assert!(said.contains(&alarm("on")), "{said:?}");
    let own = KernelWords {
        duplicate_at: at,
        ..bench.words
    };
    let lines = lines(&bench.kernel(own, at));
    assert!(lines.contains(&"be slave".to_owned()), "{lines:?}");
    assert!(lines.contains(&alarm("off")), "{lines:?}");
    let alarms = bench.node.snapshot(at).alarms;
    assert_eq!(
        alarms
            .iter()
            .map(|alarm| format!("{alarm:?}"))
            .collect::<Vec<_>>(),
        ["DuplicateSlot(2)"]
    );
}

#[test]
fn each_event_and_what_it_brings_about_has_its_words() {
    let words = |text: String, expected: &str| assert_eq!(text, expected);
    let (quiet, twice) = (
        probed(Epoch::new(4, 1), ms(10), 2),
        KernelWords {
            duplicate_at: ms(11),
            ..probed(Epoch::new(4, 1), ms(10), 2)
        },
    );
    words(
        quiet.to_string(),
        "4.1 probed at 10010.000 ms, granted until 10060.000 ms",
    );
    words(
        twice.to_string(),
        "4.1 probed at 10010.000 ms, granted until 10060.000 ms, its slot elsewhere at 10011.000 ms",
    );
    let reply = Reply {
        slot: 3,
        granted_sequence: 8,
        ..Reply::default()
    };
    words(
        Event::Answers {
            kernel: quiet,
            replies: &[reply],
        }
        .to_string(),
        "answers: 4.1 probed at 10010.000 ms, granted until 10060.000 ms; granted 3:8",
    );
    let answer = QueryAnswer {
        from: 3,
        sequence: 6,
        grant_left: Duration::from_micros(4_100),
        promised: Epoch::new(5, 2),
        probed: Epoch::new(4, 1),
        abstains: true,
        ..QueryAnswer::default()
    };
    words(
        Event::QueryAnswer(answer).to_string(),
        "slot 3 answers query 6: promised 5.2 probed 4.1, held for 4.100 ms, abstains",
    );
    let refusal = Refusal {
        from: 3,
        epoch: Epoch::new(4, 1),
        promised: Epoch::new(5, 2),
        probed: Epoch::new(4, 1),
    };
    words(
        Event::Refusal(refusal).to_string(),
        "slot 3 refuses 4.1: promised 5.2 probed 4.1",
    );
    let message = Message::Vote {
        epoch: Epoch::new(5, 2),
        id: 0xab,
        answer: VoteAnswer::Held(Duration::from_millis(3)),
        info_version: 0,
    };
    words(
        Event::Message {
            from: 3,
            incarnation: 30,
            network: Network::Business,
            message,
        }
        .to_string(),
        "slot 3 by the business network: vote 00000000000000ab on 5.2: held for 3.000 ms",
    );
    words(
        Event::Order(Order::Switchover(Some(3))).to_string(),
        "order: switchover to slot 3",
    );
    words(
        ServiceState::Recovering.to_string(),
        "one is being recovered",
    );
    let next = set(8, &[1, 2, 3, 4]);
    words(
        Command::SaveElectors(agreed(set(7, &[1, 2, 3]), next)).to_string(),
        "save electors 7[1, 2, 3], promised in ballot 1.1, next 8[1, 2, 3, 4] in ballot 1.1",
    );
    words(
        Command::Electors(record(next)).to_string(),
        "go by electors 8[1, 2, 3, 4]",
    );
    let (mut follower, _) = slave();
    let asked = follower.timeout(ms(60));
    let query = asked
        .iter()
        .find(|command| matches!(command, Command::Query(_)));
    words(
        query.expect("it asks").to_string(),
        "query 5.2 number 2 for 50.000 ms",
    );
    let (mut bench, _) = asking();
    let commands = bench.answer(3, Duration::ZERO, ms(61));
    words(commands[0].to_string(), "promise 5.2");
}

#[test]
fn a_slot_with_two_machines_is_an_alarm_for_as_long_as_this_node_is_master() {
    let (mut bench, now) = master();
    let clashing = Reply {
        clash_at: now,
        ..bench.reply(3, now)
    };
    let said = lines(&bench.turn(&[clashing], now));
    assert!(
        said.contains(&"alarm DuplicateSlot(3) on".to_owned()),
        "{said:?}"
    );
    let deadline = bench.node.poll_timeout().expect("its lease ends");
    let said = lines(&bench.timeout(deadline));
    assert!(
        said.contains(&"alarm DuplicateSlot(3) off".to_owned()),
        "{said:?}"
    );
}

#[test]
fn a_master_is_known_by_its_probes_where_they_are_not_granted() {
    let (mut bench, _) = slave();
    let words = KernelWords {
        grant_end: Instant::ZERO,
        ..probed(Epoch::new(4, 1), ms(20), 2)
    };
    bench.kernel(words, ms(20));
    let lease = TIMING.lease();
    for (at, expected) in [
        (ms(20) + lease - Duration::from_nanos(1), Some(1)),
        (ms(20) + lease, None),
    ] {
        assert_eq!(bench.node.snapshot(at).master, expected);
    }
}

#[test]
fn until_when_a_node_abstains_is_shown_while_it_does() {
    let (bench, now) = slave();
    assert_eq!(bench.node.snapshot(now).abstains_until, None);
    let (bench, now) = abstaining();
    assert_eq!(bench.node.snapshot(now).abstains_until, Some(ms(240)));
}

#[test]
fn a_missing_member_that_answers_over_the_business_network_has_a_fault_on_the_other() {
    for (network, expected) in [
        (Network::Business, Diagnosis::ManagementFault),
        (Network::Management, Diagnosis::Down),
    ] {
        let (mut bench, mut at) = master();
        for round in 0..40 {
            let slots: &[Slot] = if round < 4 { &[1, 3, 4] } else { &[1, 3] };
            let replies: Vec<Reply> = slots.iter().map(|slot| bench.reply(*slot, at)).collect();
            bench.turn(&replies, at);
            let answer = Event::Message {
                from: 4,
                incarnation: life(4),
                network,
                message: Message::PollAnswer {
                    id: bench.poll,
                    votes: true,
                },
            };
            bench.handle(answer, at);
            at = at + TIMING.period;
        }
        let members = bench.node.snapshot(at).members;
        assert_eq!(members[3].diagnosis, expected);
    }
}
