//! What a master asks of its members, and what it makes of others that say they are master.

use std::time::Duration;

use heartbeat_core::config::Member;
use heartbeat_core::event::Reply;
use heartbeat_core::message::{Message, VoteAnswer};
use heartbeat_core::snapshot::{Alarm, Role};
use heartbeat_core::{Command, Epoch};

use super::bench::*;
use super::states::*;

/// Members that are no electors, on top of those of the bench: two turns to ask each once.
const OTHERS: std::ops::RangeInclusive<u16> = 5..=1_100;

#[test]
fn members_that_are_no_electors_answer_in_turns() {
    let mut large = config(2);
    let other = Member {
        elector: false,
        witness: false,
        business: false,
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

/// Whether a master says that the management network fails, of whose probes by it none is granted, and which has so
/// late turns.
fn says_degraded(lateness: Duration) -> bool {
    let (mut bench, _) = master();
    let mut commands = Vec::new();
    for turn in 0..8 {
        let by_business = Reply {
            granted_sequence: bench.asked.0 + 1,
            ..bench.reply(3, ms(62 + 10 * turn))
        };
        commands.extend(bench.late_turn(&[by_business], lateness, ms(72 + 10 * turn)));
    }
    assert_eq!(bench.node.snapshot(ms(142)).role, Role::Master);
    commands
        .iter()
        .any(|command| matches!(command, Command::Alarm(Alarm::Degraded, true)))
}

#[test]
fn a_network_is_not_judged_by_periods_that_ran_late() {
    assert!(says_degraded(TIMING.period / 2));
    assert!(!says_degraded(TIMING.period / 2 + Duration::from_nanos(1)));
}
