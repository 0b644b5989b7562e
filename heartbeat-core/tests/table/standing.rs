//! Who stands, and when.

use std::time::Duration;

use heartbeat_core::event::{KernelWords, Reply};
use heartbeat_core::message::{Message, VoteAnswer};
use heartbeat_core::{Epoch, Instant};

use super::bench::*;
use super::states::*;

#[test]
fn the_successor_stands_at_the_very_end_of_its_grant_and_others_after_their_ranks() {
    for successor in [2, 0, 3] {
        let (mut bench, _) = init();
        bench.kernel(probed(Epoch::new(4, 1), ms(10), successor), ms(10));
        assert_eq!(
            bench.node.poll_timeout(),
            Some(ms(60)),
            "slot 2 is next, whether {successor} is named or not"
        );
    }
    let (mut bench, _) = Bench::new(five(4), restored(4));
    bench.kernel(probed(Epoch::new(4, 1), ms(10), 3), ms(10));
    assert_eq!(
        bench.node.poll_timeout(),
        Some(ms(60 + 40)),
        "after slots 3 and 2"
    );
    bench.kernel(probed(Epoch::new(4, 1), ms(15), 4), ms(15));
    assert_eq!(
        bench.node.poll_timeout(),
        Some(ms(65)),
        "a later probe named it"
    );
}

#[test]
fn the_lost_master_itself_stands_last() {
    let (mut bench, now) = master();
    bench.turn(&[bench.reply(1, now), bench.reply(3, now)], now);
    let deadline = bench.node.poll_timeout().expect("its lease ends");
    bench.timeout(deadline);
    assert_eq!(
        bench.node.poll_timeout(),
        Some(deadline + TIMING.rank_pause()),
        "after slot 1"
    );
}

#[test]
fn masterships_that_no_reply_ever_renewed_make_a_node_wait_twice_as_long_each_time() {
    let (mut bench, _) = requesting();
    for leases in [2, 4, 8, 16, 32, 64, 100, 100] {
        let now = bench.node.snapshot(START).since;
        bench.vote(3, VoteAnswer::Granted, now);
        let deadline = bench.node.poll_timeout().expect("its lease ends");
        bench.timeout(deadline);
        let stands_at = bench.node.poll_timeout().expect("it stands again");
        assert_eq!(
            stands_at,
            deadline + TIMING.lease() * leases + TIMING.rank_pause()
        );
        bench.timeout(stands_at);
        bench.answer(3, Duration::ZERO, stands_at);
    }
}

#[test]
fn a_slot_in_which_two_machines_answer_gives_no_vote() {
    let clashing = |bench: &Bench| Reply {
        clash_at: ms(50),
        ..bench.reply(3, ms(50))
    };
    let (mut bench, _) = asking();
    let reply = clashing(&bench);
    bench.turn(&[reply], ms(61));
    assert_eq!(lines(&bench.answer(3, Duration::ZERO, ms(61))), NOTHING);
    let (mut bench, _) = requesting();
    let reply = clashing(&bench);
    bench.turn(&[reply], ms(62));
    assert_eq!(lines(&bench.vote(3, VoteAnswer::Granted, ms(62))), NOTHING);
}

#[test]
fn a_member_that_is_no_elector_and_a_witness_never_stand() {
    for slot in [3, 4] {
        let (mut bench, _) = Bench::new(config(slot), restored(slot));
        bench.kernel(probed(Epoch::new(4, 1), ms(10), slot), ms(10));
        assert_eq!(bench.node.poll_timeout(), None, "slot {slot}");
        let release = Message::Release {
            epoch: Epoch::new(4, 1),
            target: slot,
        };
        let commands = bench.message(1, release, ms(11));
        assert_eq!(lines(&commands), ["4.1 is released"], "slot {slot}");
    }
}

#[test]
fn a_probe_of_a_master_with_another_electors_set_grants_nothing_and_still_keeps_a_slave_quiet() {
    let (mut bench, _) = init();
    let words = KernelWords {
        grant_end: Instant::ZERO,
        ..probed(Epoch::new(4, 1), ms(10), 2)
    };
    bench.kernel(words, ms(10));
    assert_eq!(bench.node.poll_timeout(), Some(ms(60)));
}
