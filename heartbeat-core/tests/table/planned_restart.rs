//! A daemon that is told to make room for the next one.

use std::time::Duration;

use heartbeat_core::event::{Order, Reply};
use heartbeat_core::message::VoteAnswer;
use heartbeat_core::snapshot::Role;
use heartbeat_core::{Epoch, Event};

use super::bench::*;
use super::states::*;

const NOT_GRANTED: &str = "refuse: no majority granted restart_lease in time, so this node goes on as master and does not \
     restart: see `heartbeatctl status`, then try again, or hand mastership over first (`heartbeatctl switchover`)";

/// Slot 2 is master, told to restart at 64 ms, and probed at once.
fn restarting() -> (Bench, Reply) {
    let (mut bench, now) = master();
    let before = bench.reply(3, ms(62));
    bench.turn(&[before], now);
    let before = bench.reply(3, now);
    let commands = lines(&bench.handle(Event::Order(Order::Restart), ms(64)));
    let expected = [
        "grant to 5.2 of 20 until 264 ms",
        "probe 5.2 number 8 at 64 ms for 200 ms",
    ];
    assert_eq!(commands, expected);
    (bench, before)
}

fn answers(bench: &mut Bench, replies: &[Reply], at: u64) -> Vec<String> {
    let kernel = bench.words;
    lines(&bench.handle(Event::Answers { kernel, replies }, ms(at)))
}

#[test]
fn a_master_exits_once_a_majority_granted_the_longer_lease_and_shuts_nothing() {
    let (mut bench, _) = restarting();
    let granted = [bench.reply(3, ms(64))];
    let expected = [
        "lease of 5.2 until 224 ms",
        "be not eligible",
        "answer: restarting: this node stays master for 158 ms, within which the next heartbeatd takes the lease up",
        "exit, keeping everything",
    ];
    assert_eq!(answers(&mut bench, &granted, 66), expected);
    assert_eq!(bench.node.snapshot(ms(66)).role, Role::Master);
}

#[test]
fn a_late_answer_to_a_probe_that_named_the_shorter_lease_extends_nothing() {
    let (mut bench, before) = restarting();
    assert_eq!(answers(&mut bench, &[before], 66), NOTHING);
    let deadline = bench.node.snapshot(ms(66)).lease_deadline;
    assert_eq!(deadline, Some(ms(102)), "62 ms, and L - d");
}

#[test]
fn a_restart_that_nobody_grants_is_refused_and_mastership_goes_on_by_the_normal_lease() {
    let (mut bench, _) = restarting();
    let asked = bench.reply(3, ms(64));
    assert_eq!(bench.node.poll_timeout(), Some(ms(89)), "half of a lease");
    assert_eq!(lines(&bench.timeout(ms(89))), [NOT_GRANTED]);
    // A grant for 200 ms is one for 50 ms as well, and no more than that is counted now.
    let commands = lines(&bench.turn(&[asked], ms(90)));
    assert!(
        commands.contains(&"lease of 5.2 until 104 ms".to_owned()),
        "{commands:?}"
    );
    let probe = "probe 5.2 number 10 at 90 ms".to_owned();
    assert!(commands.contains(&probe), "{commands:?}");
}

#[test]
fn an_order_that_comes_while_a_restart_waits_takes_its_place_and_both_are_answered() {
    let (mut bench, _) = restarting();
    let commands = lines(&bench.handle(Event::Order(Order::Stop), ms(65)));
    assert_eq!(
        commands[..2],
        [
            "refuse: another order came before the restart was due: it was not carried out",
            "shut the gate"
        ]
    );
    let last = commands.last().map(String::as_str);
    assert_eq!(last, Some("exit"));
    let (mut bench, _) = restarting();
    let again = lines(&bench.handle(Event::Order(Order::Restart), ms(65)));
    let probe = "probe 5.2 number 10 at 65 ms for 200 ms".to_owned();
    assert!(again.contains(&probe), "{again:?}");
    assert_eq!(bench.node.poll_timeout(), Some(ms(90)));
}

#[test]
fn a_master_that_is_deposed_while_it_waits_exits_as_the_slave_it_is() {
    let (mut bench, _) = restarting();
    let commands = lines(&bench.kernel(probed(Epoch::new(9, 1), ms(66), 3), ms(66)));
    let last = &commands[commands.len() - 2..];
    assert!(
        commands.contains(&"shut the gate".to_owned()),
        "{commands:?}"
    );
    assert_eq!(
        last,
        [
            "answer: restarting: this node is not master; its kernel answers until the next heartbeatd starts",
            "exit, keeping everything"
        ]
    );
}

#[test]
fn a_higher_round_that_is_won_while_a_restart_waits_carries_it_on() {
    let (mut bench, _) = attempting();
    bench.handle(Event::Order(Order::Restart), ms(65));
    let won = lines(&bench.vote(3, VoteAnswer::Granted, ms(66)));
    let probe = "probe 10.2 number 8 at 66 ms for 200 ms".to_owned();
    assert!(won.contains(&probe), "{won:?}");
    assert!(!won.iter().any(|line| line.contains("exit")), "{won:?}");
    let granted = [bench.reply(3, ms(66))];
    let commands = answers(&mut bench, &granted, 68);
    assert_eq!(commands[0], "lease of 10.2 until 226 ms");
    assert_eq!(
        commands.last().map(String::as_str),
        Some("exit, keeping everything")
    );
}

#[test]
fn a_higher_round_that_is_still_asked_for_is_not_cut_short_by_a_restart() {
    let (mut bench, _) = attempting();
    bench.handle(Event::Order(Order::Restart), ms(65));
    let granted = [bench.reply(3, ms(65))];
    let commands = answers(&mut bench, &granted, 67);
    assert_eq!(commands, ["lease of 5.2 until 225 ms"]);
    bench.timeout(ms(89));
    let at = bench.node.poll_timeout().expect("it waits no longer");
    assert!(at <= ms(90));
    let commands = lines(&bench.timeout(at));
    let last = commands.last().map(String::as_str);
    assert_eq!(last, Some("exit, keeping everything"), "{commands:?}");
}

#[test]
fn the_next_process_counts_no_answer_for_more_than_the_probe_it_answers_named() {
    // The last process sent probe 4, which named 200 ms, when the story begins.
    let mut left = restored(2);
    left.daemon.promised = Epoch::new(5, 2);
    left.daemon.vote_epoch = Epoch::new(5, 2);
    left.daemon.vote_incarnation = life(2);
    left.daemon.vote_grant_end = ms(200);
    left.daemon.lease_epoch = Epoch::new(5, 2);
    left.daemon.lease_deadline = ms(160);
    left.daemon.sequence = 8;
    let (mut bench, commands) = Bench::new(config(2), left);
    assert_eq!(lines(&commands)[0], "lease of 5.2 until 160 ms");
    bench.asked = (8, Epoch::new(5, 2));
    let granted = bench.reply(3, START);
    let first = lines(&bench.turn(&[granted], ms(100)));
    let probe = "probe 5.2 number 10 at 100 ms".to_owned();
    assert!(first.contains(&probe), "{first:?}");
    // The lease that it found stands, and every renewal is a normal one.
    let renewed = [bench.reply(3, ms(100))];
    assert_eq!(answers(&mut bench, &renewed, 102), NOTHING);
    let deadline = bench.node.snapshot(ms(102)).lease_deadline;
    assert_eq!(deadline, Some(ms(160)));
    bench.turn(&[], ms(130));
    let renewed = [bench.reply(3, ms(130))];
    assert_eq!(
        answers(&mut bench, &renewed, 132),
        ["lease of 5.2 until 170 ms"]
    );
}

#[test]
fn who_is_not_master_exits_at_once_and_a_candidate_takes_its_question_back() {
    for (name, state) in [
        ("init", init as fn() -> _),
        ("slave", slave),
        ("witness", witness),
        ("asking", asking),
        ("requesting", requesting),
    ] {
        let (mut bench, now) = state();
        let commands = lines(&bench.handle(Event::Order(Order::Restart), now));
        let last = commands.last().map(String::as_str);
        assert_eq!(last, Some("exit, keeping everything"), "{name}");
        assert!(
            !commands.iter().any(|line| line.starts_with("remove")),
            "{name}: {commands:?}"
        );
        let released = commands.iter().any(|line| line.starts_with("release"));
        assert_eq!(released, name == "requesting", "{name}: {commands:?}");
        assert_ne!(bench.node.snapshot(now).role, Role::Candidate, "{name}");
        let later = lines(&bench.timeout(now + Duration::from_secs(1)));
        assert!(
            !later.iter().any(|line| line.starts_with("query")),
            "{name}"
        );
    }
}
