//! What a master asks of its members, and what it makes of others that say they are master.

use std::time::Duration;

use heartbeat_core::config::Member;
use heartbeat_core::message::{Message, VoteAnswer};
use heartbeat_core::snapshot::Role;
use heartbeat_core::{Command, Epoch};

use super::bench::*;
use super::states::*;

/// Members that are no electors, on top of those of the bench: two turns to ask each once.
const OTHERS: std::ops::RangeInclusive<u16> = 5..=30;

#[test]
fn members_that_are_no_electors_answer_in_turns() {
    let mut large = config(2);
    let other = Member {
        elector: false,
        witness: false,
    };
    large.members.extend(OTHERS.map(|slot| (slot, other)));
    let (mut bench, _) = Bench::new(large, restored(2));
    bench.turn(&[], START);
    bench.kernel(probed(Epoch::new(4, 1), ms(10), 2), ms(10));
    bench.timeout(ms(60));
    bench.answer(3, Duration::ZERO, ms(61));
    let mut commands = bench.vote(3, VoteAnswer::Granted, ms(62));
    for turn in 1..4 {
        commands.extend(bench.turn(&[], ms(62 + 10 * turn)));
    }
    let asked = commands.iter().filter_map(|command| match command {
        Command::Probe(question) => Some((question.stride, question.offset)),
        _ => None,
    });
    assert_eq!(asked.collect::<Vec<_>>(), [(2, 0), (2, 1), (2, 0), (2, 1)]);
}

#[test]
fn only_a_slot_itself_says_that_it_is_master_and_of_no_epoch_out_of_reach() {
    for (name, from, epoch, is_over) in [
        ("its own", 1, Epoch::new(6, 1), true),
        ("another slot's", 3, Epoch::new(6, 1), false),
        ("out of reach", 1, Epoch::new(1 << 40, 1), false),
        ("an older one", 1, Epoch::new(4, 1), false),
    ] {
        let (mut bench, now) = master();
        bench.message(from, Message::Promote { epoch }, now);
        let is_master = bench.node.snapshot(now).role == Role::Master;
        assert_ne!(is_master, is_over, "{name}");
    }
}
