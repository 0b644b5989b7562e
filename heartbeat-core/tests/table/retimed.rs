//! Another period and multiplier, while the election runs. The bench's own lease is of 50 ms, in periods of 10 ms.

use std::time::Duration;

use heartbeat_core::config::{Config, PairRules};
use heartbeat_core::event::{Order, Reply};
use heartbeat_core::message::VoteAnswer;
use heartbeat_core::snapshot::Role;
use heartbeat_core::{Event, Instant};

use super::bench::*;
use super::pair_states::*;
use super::states::*;

const fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Slot 2's, with this period and multiplier.
fn at_pace(period: u64, multiplier: u32) -> Config {
    let mut config = config(2);
    config.timing.period = millis(period);
    config.timing.multiplier = multiplier;
    config
}

fn go_by(bench: &mut Bench, config: Config, now: Instant) {
    let told = bench.handle(Event::Reconfigured(Box::new(config)), now);
    assert_eq!(lines(&told), NOTHING);
}

fn answers(bench: &mut Bench, replies: &[Reply], now: Instant) -> Vec<String> {
    let kernel = bench.words;
    lines(&bench.handle(Event::Answers { kernel, replies }, now))
}

#[test]
fn answers_to_probes_from_before_a_raise_do_not_give_the_longer_lease() {
    let (mut bench, now) = master();
    bench.turn(&[], now);
    let before = bench.reply(3, now);
    go_by(&mut bench, at_pace(20, 8), ms(64));
    assert_eq!(
        answers(&mut bench, &[before], ms(65)),
        NOTHING,
        "it was granted for 50 ms"
    );
    assert_eq!(bench.node.period(), millis(10), "its lease is short still");
    let told = lines(&bench.turn(&[before], ms(73)));
    assert_eq!(
        told[..2],
        [
            "grant to 5.2 of 20 until 233 ms",
            "probe 5.2 number 8 at 73 ms for 160 ms"
        ]
    );
    assert_eq!(
        answers(&mut bench, &[before], ms(74)),
        NOTHING,
        "nor with this node's own grant, which is for the longer lease"
    );
    let after = bench.reply(3, ms(73));
    assert_eq!(
        answers(&mut bench, &[after], ms(75)),
        ["lease of 5.2 until 201 ms"]
    );
    assert_eq!(bench.node.period(), millis(20));
}

#[test]
fn after_a_lowering_answers_count_for_the_shorter_lease_and_turns_are_faster_at_once() {
    let (mut bench, now) = master();
    bench.turn(&[], now);
    let before = bench.reply(3, now);
    go_by(&mut bench, at_pace(6, 5), ms(64));
    assert_eq!(bench.node.period(), millis(6));
    let held = bench.node.snapshot(ms(64)).lease_deadline;
    assert_eq!(answers(&mut bench, &[before], ms(65)), NOTHING);
    assert_eq!(
        bench.node.snapshot(ms(65)).lease_deadline,
        held,
        "what it has stays: 40 ms from the request on"
    );
    let told = lines(&bench.turn(&[before], ms(84)));
    assert_eq!(told[1], "probe 5.2 number 8 at 84 ms for 30 ms");
    let after = bench.reply(3, ms(84));
    assert_eq!(
        answers(&mut bench, &[after], ms(85)),
        ["lease of 5.2 until 108 ms"]
    );
}

#[test]
fn votes_give_the_lease_that_their_request_named() {
    for (period, multiplier) in [(20, 8), (4, 5)] {
        let (mut bench, now) = requesting();
        go_by(&mut bench, at_pace(period, multiplier), now);
        let told = lines(&bench.vote(3, VoteAnswer::Granted, now));
        assert_eq!(told[0], "lease of 5.2 until 101 ms", "period {period} ms");
        assert_eq!(bench.node.snapshot(now).role, Role::Master);
    }
}

#[test]
fn a_request_that_is_sent_again_names_the_lease_that_it_named_first() {
    let (mut bench, now) = requesting();
    go_by(&mut bench, at_pace(20, 8), now);
    let again = lines(&bench.timeout(ms(71)));
    assert!(
        again.iter().any(|line| line.contains("request")),
        "{again:?}"
    );
    assert!(
        again.iter().all(|line| !line.contains("160 ms")),
        "{again:?}"
    );
}

#[test]
fn a_higher_round_gives_the_lease_that_its_request_named() {
    let (mut bench, now) = attempting();
    go_by(&mut bench, at_pace(20, 8), now);
    let told = lines(&bench.vote(3, VoteAnswer::Granted, now));
    assert_eq!(told[0], "lease of 10.2 until 103 ms");
}

#[test]
fn who_waits_to_restart_names_the_lease_for_that_and_then_the_new_one() {
    let (mut bench, now) = master();
    bench.handle(Event::Order(Order::Restart), now);
    go_by(&mut bench, at_pace(20, 8), now);
    let told = lines(&bench.turn(&[], ms(70)));
    assert!(told[1].ends_with("for 200 ms"), "{told:?}");
    let told = lines(&bench.turn(&[], ms(90)));
    assert!(
        told.iter()
            .any(|line| line.starts_with("refuse: no majority granted restart_lease")),
        "{told:?}"
    );
    let told = lines(&bench.turn(&[], ms(91)));
    assert!(told[1].ends_with("for 160 ms"), "{told:?}");
}

#[test]
fn a_slave_waits_for_the_end_that_its_kernel_names_whatever_its_own_times_are() {
    let (mut bench, now) = slave();
    let stands_at = bench.node.poll_timeout();
    go_by(&mut bench, at_pace(4, 5), now);
    assert_eq!(bench.node.poll_timeout(), stands_at);
}

#[test]
#[should_panic(expected = "evidence rests on one lease for both")]
fn another_lease_in_a_pair_is_a_fault_of_the_driver() {
    let (mut bench, now) = following();
    let mut config = pair_config(2, PairRules::DEFAULT);
    config.timing.multiplier += 1;
    go_by(&mut bench, config, now);
}

#[test]
#[should_panic(expected = "no lease is longer than max_lease")]
fn a_lease_above_the_one_in_force_is_a_fault_of_the_driver() {
    let (mut bench, now) = master();
    go_by(&mut bench, at_pace(20, 11), now);
}
