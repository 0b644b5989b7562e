//! The candidate's times: when it asks again, how long it waits after failures, and what it is told meanwhile.

use std::time::Duration;

use heartbeat_core::event::{QueryAnswer, Reply};
use heartbeat_core::message::{Message, VoteAnswer};
use heartbeat_core::{Epoch, Event, Instant};

use super::bench::*;
use super::states::*;

/// What is added to what an elector says is left: a hundredth of a period.
const GUARD: Duration = Duration::from_micros(100);

fn next_at(bench: &Bench) -> Instant {
    bench
        .node
        .poll_timeout()
        .expect("a candidate does something by itself")
}

#[test]
fn a_candidate_asks_again_after_a_period_and_twice_as_long_each_time_up_to_a_lease() {
    let (mut bench, _) = slave();
    bench.timeout(ms(60));
    let mut asked_at = ms(60);
    for pause in [10, 20, 40, 50, 50] {
        let at = next_at(&bench);
        assert_eq!(at.since(asked_at), Duration::from_millis(pause));
        bench.timeout(at);
        asked_at = at;
    }
}

#[test]
fn who_was_answered_by_as_many_as_are_needed_asks_by_the_same_network_again() {
    let asks = |lines: Vec<String>| lines.into_iter().find(|line| line.starts_with("query"));
    let (mut bench, _) = asking();
    bench.answer(3, Duration::from_millis(4), ms(61));
    let at = next_at(&bench);
    let asked = asks(lines(&bench.timeout(at))).expect("it asks again");
    assert!(!asked.contains("business"), "{asked}");
    let (mut bench, _) = asking();
    let at = next_at(&bench);
    let asked = asks(lines(&bench.timeout(at))).expect("it asks again");
    assert!(asked.ends_with("over the business network"), "{asked}");
}

#[test]
fn an_answer_by_another_set_or_of_a_slot_with_two_machines_is_no_yes() {
    let by = |version, digest| {
        let (mut bench, now) = asking();
        let answer = QueryAnswer {
            from: 3,
            sequence: bench.asked.0,
            arrival: now,
            incarnation: life(3),
            elector_version: version,
            elector_digest: digest,
            ..QueryAnswer::default()
        };
        lines(&bench.handle(Event::QueryAnswer(answer), now))
    };
    assert_eq!(by(7, 77)[0], "promise 5.2");
    let tells = ["state electors 7[1, 2, 3] to 3"];
    for (version, digest) in [(8, 77), (7, 78), (8, 78)] {
        assert_eq!(by(version, digest), tells, "{version} {digest}");
    }
}

#[test]
fn a_grant_that_slips_in_before_the_own_round_is_promised_makes_the_candidate_wait() {
    for (slips_in, why) in [
        (probed(Epoch::new(4, 1), ms(61), 0), "a grant runs"),
        (probed(Epoch::new(5, 2), ms(1), 0), "the round is probed"),
    ] {
        let (mut bench, now) = asking();
        bench.slips_in = Some(slips_in);
        let lines = lines(&bench.answer(3, Duration::ZERO, now));
        assert_eq!(lines[0], "promise 5.2");
        assert!(
            !lines.iter().any(|line| line.starts_with("vote request")),
            "{why}: {lines:?}"
        );
        assert!(
            !lines.iter().any(|line| line.starts_with("grant to")),
            "{why}: {lines:?}"
        );
    }
}

#[test]
fn a_voter_that_is_held_is_asked_again_as_soon_as_it_is_free_unless_that_is_too_late() {
    // Asked at 61 ms, again at 71 ms, given up at 86 ms.
    let held = |left: Duration| {
        let (mut bench, now) = requesting();
        let lines = lines(&bench.vote(3, VoteAnswer::Held(left), now));
        (lines, next_at(&bench).since(now))
    };
    let left = Duration::from_millis(2);
    assert_eq!(held(left), (Vec::new(), left + GUARD));
    let later = Duration::from_millis(12);
    assert_eq!(
        held(later),
        (Vec::new(), Duration::from_millis(9)),
        "asked again anyway"
    );
    let last = Duration::from_millis(24) - GUARD;
    assert_eq!(held(last - Duration::from_nanos(1)).0, NOTHING);
    let (lines, _) = held(last);
    assert!(
        lines.iter().any(|line| line == "release 5.2 to 3"),
        "hopeless: {lines:?}"
    );
}

#[test]
fn a_vote_of_a_slot_with_two_machines_counts_for_nothing() {
    for clash_at in [Instant::ZERO, ms(61)] {
        let (mut bench, now) = requesting();
        let reply = Reply {
            clash_at,
            ..bench.reply(3, ms(61))
        };
        bench.turn(&[reply], now);
        let lines = lines(&bench.vote(3, VoteAnswer::Granted, now));
        let is_master = lines.iter().any(|line| line == "be master");
        assert_eq!(is_master, clash_at == Instant::ZERO, "{lines:?}");
    }
}

#[test]
fn a_candidate_that_hears_of_released_grants_asks_anew_after_its_rank() {
    let (mut bench, _) = Bench::new(five(4), restored(4));
    bench.turn(&[], START);
    bench.kernel(probed(Epoch::new(4, 1), ms(10), 3), ms(10));
    bench.timeout(ms(100));
    let message = Message::Release {
        epoch: Epoch::new(4, 1),
        target: 3,
    };
    bench.message(1, message, ms(103));
    let after = next_at(&bench).since(ms(103));
    assert_eq!(after, TIMING.rank_pause() * 2, "slots 3 and 2 go first");
}
