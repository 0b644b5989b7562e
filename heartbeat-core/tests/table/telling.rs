//! How a master tells the others of the members: what changed at once, and all of it at its pace.

use std::time::Duration;

use heartbeat_core::event::Reply;
use heartbeat_core::message::{Message, VoteAnswer};
use heartbeat_core::snapshot::Diagnosis;
use heartbeat_core::{Command, Epoch, Slot};

use super::bench::*;
use super::states::*;

/// To whom a message of health goes, and the first and last member that it is about.
type Telling = (Slot, (Slot, Slot));

/// What a master of so many members tells in its first turns.
fn tellings(members: Slot, turns: u64) -> Vec<Telling> {
    tellings_by_turn(members, turns).concat()
}

fn tellings_by_turn(members: Slot, turns: u64) -> Vec<Vec<Telling>> {
    let member = |slot| {
        let elector = slot <= 3;
        (
            slot,
            heartbeat_core::config::Member {
                elector,
                witness: slot == 3,
                business: false,
            },
        )
    };
    let many = heartbeat_core::Config {
        members: (1..=members).map(member).collect(),
        ..config(2)
    };
    let (mut bench, _) = Bench::new(many, restored(2));
    bench.turn(&[], START);
    bench.kernel(probed(Epoch::new(4, 1), ms(10), 2), ms(10));
    bench.timeout(ms(60));
    bench.answer(3, Duration::ZERO, ms(61));
    bench.vote(3, VoteAnswer::Granted, ms(62));
    let told = |command: &Command| match command {
        Command::Send {
            to,
            message: Message::Health { members, .. },
            ..
        } => Some((*to, (members[0].slot, members[members.len() - 1].slot))),
        _ => None,
    };
    let turn = |turn| {
        let at = ms(63 + 10 * turn);
        let replies = [1, 3].map(|slot| bench.reply(slot, at));
        bench.turn(&replies, at).iter().filter_map(told).collect()
    };
    (0..turns).map(turn).collect()
}

#[test]
fn what_is_told_again_is_told_slower_than_at_the_beginning_of_a_mastership() {
    let counts: Vec<usize> = (tellings_by_turn(140, 400).iter()).map(Vec::len).collect();
    assert_eq!(counts[0], 16, "all are new to a master");
    let last = &counts[300..];
    assert_eq!(
        last.iter().max(),
        Some(&1),
        "one each 10 ms tells all in time: {last:?}"
    );
}

#[test]
fn what_changed_is_told_to_all_in_one_message_each_before_anything_else() {
    let (mut bench, mut at) = master();
    let mut told = |slots: &[Slot], turns: u32| -> Vec<Vec<Said>> {
        let turn = |_| {
            let replies: Vec<Reply> = slots.iter().map(|slot| bench.reply(*slot, at)).collect();
            let commands = bench.turn(&replies, at);
            at = at + TIMING.period;
            commands.iter().filter_map(diagnoses).collect()
        };
        (0..turns).map(turn).collect()
    };
    // All answer, and a telling of all that comes each second is over.
    let quiet = told(&[1, 3, 4], 110);
    assert_eq!(quiet[30..90].concat(), [], "nothing changes");
    let turns = told(&[1, 3], 20);
    let news: Vec<_> = turns.iter().filter(|told| !told.is_empty()).collect();
    let to_all = |said| [1, 3, 4].map(|to| (to, vec![(4, said)])).to_vec();
    assert_eq!(
        news,
        [&to_all(Diagnosis::Unknown), &to_all(Diagnosis::Down)],
        "of slot 4 alone, and once each"
    );
}

/// To whom a message of health goes, and what it says of whom.
type Said = (Slot, Vec<(Slot, Diagnosis)>);

fn diagnoses(command: &Command) -> Option<Said> {
    match command {
        Command::Send {
            to,
            message: Message::Health { members, .. },
            ..
        } => {
            let said = members.iter().map(|member| (member.slot, member.diagnosis));
            Some((*to, said.collect()))
        }
        _ => None,
    }
}

#[test]
fn a_telling_of_many_members_goes_on_where_the_message_before_it_ended() {
    let parts = tellings(140, 1);
    let to_1: Vec<_> = parts
        .iter()
        .filter(|(to, _)| *to == 1)
        .map(|(_, of)| *of)
        .collect();
    // This node tells nothing of itself.
    assert_eq!(to_1, [(1, 65), (66, 129), (130, 140)]);
}

#[test]
fn in_a_large_cluster_the_electors_alone_are_told() {
    let told = |members| -> Vec<Slot> {
        let mut to: Vec<Slot> = tellings(members, 80).iter().map(|(to, _)| *to).collect();
        to.sort_unstable();
        to.dedup();
        to
    };
    assert_eq!(told(256).last(), Some(&256));
    assert_eq!(told(257), [1, 3]);
}
