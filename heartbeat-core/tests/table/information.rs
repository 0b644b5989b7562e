//! How new the others' dynamic information is, and who follows the master for it.

use std::time::Duration;

use heartbeat_core::event::Reply;
use heartbeat_core::message::VoteAnswer;
use heartbeat_core::{Epoch, Instant, Slot};

use super::bench::*;

/// Slot 2, master of three that could all be.
fn master() -> (Bench, Instant) {
    let mut three = config(2);
    three.members.remove(&4);
    three.members.get_mut(&3).expect("a member").witness = false;
    let (mut bench, _) = Bench::new(three, restored(2));
    bench.turn(&[], START);
    bench.kernel(probed(Epoch::new(4, 1), ms(10), 2), ms(10));
    bench.timeout(ms(60));
    bench.answer(3, Duration::ZERO, ms(61));
    bench.vote(3, VoteAnswer::Granted, ms(62));
    (bench, ms(62))
}

/// Who follows the master in slot 2 after so many turns in which slots 1 and 3 say that they have these versions.
fn successor(bench: &mut Bench, now: &mut Instant, turns: u32, versions: [u64; 2]) -> Option<Slot> {
    for _ in 0..turns {
        *now = *now + TIMING.period;
        let of = |(slot, info_version)| Reply {
            info_version,
            ..bench.reply(slot, *now)
        };
        let replies = [(1, versions[0]), (3, versions[1])].map(of);
        bench.turn(&replies, *now);
    }
    bench.node.snapshot(*now).successor
}

#[test]
fn who_has_to_fetch_what_is_new_follows_only_when_nobody_else_could() {
    let (mut bench, mut now) = master();
    assert_eq!(successor(&mut bench, &mut now, 300, [9, 9]), Some(1));
    assert_eq!(
        successor(&mut bench, &mut now, 50, [9, 12]),
        Some(1),
        "a new version reaches no two disks at once"
    );
    assert_eq!(successor(&mut bench, &mut now, 200, [9, 12]), Some(3));
    assert_eq!(successor(&mut bench, &mut now, 1, [12, 12]), Some(1));
    assert_eq!(
        successor(&mut bench, &mut now, 1, [0, 12]),
        Some(3),
        "its disk holds nothing to go on from"
    );
}

#[test]
fn where_nothing_is_stored_the_lowest_slot_follows() {
    let (mut bench, mut now) = master();
    assert_eq!(successor(&mut bench, &mut now, 300, [0, 0]), Some(1));
}
