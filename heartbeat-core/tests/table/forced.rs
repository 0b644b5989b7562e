//! A node that an operator makes master without a majority.

use std::time::Duration;

use heartbeat_core::event::Order;
use heartbeat_core::message::Message;
use heartbeat_core::snapshot::{Alarm, Guarantee, Role};
use heartbeat_core::{Epoch, Event, Instant};

use super::bench::*;
use super::states::*;

const DONE: &str = "answer: this node is master, by force: until a majority grants again, nothing but your word keeps \
     a second master away";

fn force(bench: &mut Bench, now: Instant) -> Vec<String> {
    lines(&bench.handle(Event::Order(Order::Force), now))
}

/// Slot 2, forced in 1.2 at 1 ms.
fn forced() -> Bench {
    let (mut bench, now) = init();
    let commands = force(&mut bench, now);
    let expected = [
        "promise 1.2",
        "grant to 1.2 of 20 until 51 ms",
        "floor 1.2",
        "the lease is forced",
        "lease of 1.2 until 41 ms",
        "add addresses for 1.2",
        "be master",
        "grant to 1.2 of 20 until 51 ms",
        "probe 1.2 number 2 at 1 ms",
        "promote 1.2 to 1",
        "promote 1.2 over the business network to 1",
        "promote 1.2 to 3",
        "promote 1.2 over the business network to 3",
        "init -> master because an operator forced it, without a majority of electors (1.2, after 1 ms)",
        "alarm Forced on",
        DONE,
    ];
    assert_eq!(commands, expected);
    bench
}

fn guarantee(bench: &Bench, now: Instant) -> Guarantee {
    bench.node.snapshot(now).guarantee
}

#[test]
fn a_forced_master_renews_its_lease_by_each_of_its_own_probes() {
    let mut bench = forced();
    for turn in 1..50 {
        let now = ms(1 + 10 * turn);
        let commands = lines(&bench.turn(&[], now));
        let renewed = format!("lease of 1.2 until {} ms", 41 + 10 * turn);
        assert!(commands.contains(&renewed), "{commands:?}");
        assert_eq!(guarantee(&bench, now), Guarantee::Forced);
    }
}

#[test]
fn it_rests_on_a_majority_when_one_granted_for_longer_than_any_older_lease() {
    let mut bench = forced();
    let mut commands = Vec::new();
    let mut at = 1;
    let mut granted = bench.reply(3, ms(at));
    while guarantee(&bench, ms(at)) == Guarantee::Forced {
        at += 10;
        commands = lines(&bench.turn(&[granted], ms(at)));
        granted = bench.reply(3, ms(at));
    }
    assert_eq!(
        at, 251,
        "max_lease and its drift after the first grant, at 11 ms"
    );
    let expected = [
        "lease of 1.2 until 281 ms",
        "the lease is not forced",
        "alarm Forced off",
    ];
    assert_eq!(
        commands[..3],
        expected,
        "no longer than the majority granted"
    );
    let alarms = bench.node.snapshot(ms(at)).alarms;
    assert!(!alarms.contains(&Alarm::Forced), "{alarms:?}");
    // From here on it is a lease as any other.
    let commands = lines(&bench.turn(&[], ms(282)));
    assert_eq!(commands[0], "shut the gate");
}

#[test]
fn a_probe_of_a_higher_epoch_ends_it() {
    let mut bench = forced();
    let commands = lines(&bench.kernel(probed(Epoch::new(2, 1), ms(5), 3), ms(5)));
    assert_eq!(commands[0], "floor 2.1");
    assert_eq!(commands[1], "shut the gate");
    for part in ["the lease is not forced", "alarm Forced off"] {
        assert!(commands.contains(&part.to_owned()), "{part}: {commands:?}");
    }
    assert_eq!(bench.node.snapshot(ms(5)).role, Role::Slave);
}

#[test]
fn a_daemon_that_was_kept_from_renewing_it_is_master_no_more() {
    let mut bench = forced();
    let commands = lines(&bench.turn(&[], ms(41)));
    assert_eq!(commands[0], "shut the gate");
    assert_eq!(
        bench.node.snapshot(ms(41)).reason.to_string(),
        "the forced lease ended: this daemon was kept from the processor for longer than that"
    );
}

#[test]
fn the_next_process_does_not_take_a_forced_lease_up() {
    let mut left = restored(2);
    let epoch = Epoch::new(5, 2);
    left.daemon.promised = epoch;
    left.daemon.vote_epoch = epoch;
    left.daemon.vote_incarnation = life(2);
    left.daemon.vote_grant_end = ms(45);
    left.daemon.lease_epoch = epoch;
    left.daemon.lease_deadline = ms(25);
    let (bench, _) = Bench::new(config(2), left);
    assert_eq!(bench.node.snapshot(START).role, Role::Master, "the witness");
    left.daemon.forced = true;
    let (bench, commands) = Bench::new(config(2), left);
    assert_eq!(bench.node.snapshot(START).role, Role::Init);
    let expected = [
        "shut the gate",
        "remove addresses of 5.2",
        "the lease is not forced",
    ];
    assert_eq!(lines(&commands)[..3], expected);
}

#[test]
fn nothing_is_forced_where_somebody_is_or_may_be_master() {
    let refused = |(mut bench, now): (Bench, Instant), why: &str| {
        let before = bench.node.snapshot(now).role;
        let commands = force(&mut bench, now);
        assert_eq!(commands.len(), 1, "{commands:?}");
        assert!(
            commands[0].starts_with("refuse: ") && commands[0].contains(why),
            "{commands:?}"
        );
        assert_eq!(bench.node.snapshot(now).role, before);
    };
    refused(slave(), "slot 1 is master");
    refused(master(), "this node is master already");
    refused(witness(), "slot 3 never becomes master");
    refused(abstaining(), "votes and grants nothing for 239 ms more");
    let (mut bench, now) = init();
    bench.handle(Event::Order(Order::Maintenance(true)), now);
    refused((bench, now), "in maintenance");
    let (mut bench, now) = init();
    bench.message(1, vote_request(Epoch::new(5, 1), 1), now);
    refused((bench, now), "in force for 50 ms more");
    let (mut bench, now) = init();
    let id = bench.poll;
    bench.message(3, Message::PollAnswer { id, votes: true }, now);
    refused((bench, now), "a majority of electors answered of late");
}

#[test]
fn a_probe_that_slips_in_while_the_round_is_promised_keeps_it_from_being_forced() {
    let (mut bench, now) = init();
    bench.slips_in = Some(probed(Epoch::new(4, 1), now, 2));
    let commands = force(&mut bench, now);
    assert!(
        commands.contains(
            &"refuse: a grant that this node gave is in force for 50 ms more, so somebody may be master by it: wait, \
              then try again"
                .to_owned()
        ),
        "{commands:?}"
    );
    assert!(!commands.iter().any(|line| line.starts_with("lease")));
}

#[test]
fn a_candidate_takes_its_request_back_before_it_is_forced() {
    let (mut bench, now) = requesting();
    let commands = force(&mut bench, now);
    assert!(
        commands.contains(&"release 5.2 to 3".to_owned()),
        "{commands:?}"
    );
    assert!(
        commands.contains(&"lease of 6.2 until 102 ms".to_owned()),
        "{commands:?}"
    );
    assert_eq!(commands.last().map(String::as_str), Some(DONE));
}

#[test]
fn what_would_leave_nobody_as_master_is_refused_and_a_stop_is_not() {
    for order in [
        Order::Switchover(None),
        Order::Maintenance(true),
        Order::Restart,
    ] {
        let mut bench = forced();
        let commands = lines(&bench.handle(Event::Order(order), ms(5)));
        assert!(
            commands[0].contains("mastership is forced here"),
            "{order:?}: {commands:?}"
        );
        assert_eq!(bench.node.snapshot(ms(5)).role, Role::Master);
    }
    let mut bench = forced();
    let commands = lines(&bench.handle(Event::Order(Order::Stop), ms(5)));
    assert_eq!(commands[..2], ["shut the gate", "the lease is not forced"]);
    assert_eq!(commands.last().map(String::as_str), Some("exit"));
}

#[test]
fn the_alarm_stands_as_long_as_it_is_forced() {
    let mut bench = forced();
    for at in [11, 21, 31] {
        bench.turn(&[], ms(at));
        let raised = bench.node.snapshot(ms(at)).alarms;
        assert!(raised.contains(&Alarm::Forced), "{raised:?}");
    }
    assert!(bench.node.poll_timeout() <= Some(ms(31) + Duration::from_millis(40)));
}
