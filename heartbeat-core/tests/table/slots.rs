//! The addresses of slots that the master takes over: whom it grants, what it takes, and in which order it gives back.

use std::time::Duration;

use heartbeat_core::event::Order;
use heartbeat_core::message::{Message, VoteAnswer};
use heartbeat_core::snapshot::Bearer;
use heartbeat_core::{Command, Config, Epoch, Event};

use super::bench::*;

/// Twice `max_lease`.
const LEASE: Duration = Duration::from_millis(400);

/// Slots 2 and 4 have such addresses.
fn leased() -> Config {
    Config {
        takeover: [2, 4].into(),
        ..config(2)
    }
}

/// Slot 2, which follows slot 1 in epoch 4.1; the next turn is its first that hears it.
fn slave() -> Bench {
    let (mut bench, _) = Bench::new(leased(), restored(2));
    bench.turn(&[], START);
    bench.kernel(probed(Epoch::new(4, 1), ms(10), 2), ms(10));
    bench
}

/// Slot 2, master since 62 ms.
fn master() -> Bench {
    let mut bench = slave();
    bench.timeout(ms(60));
    bench.answer(3, Duration::ZERO, ms(61));
    bench.vote(3, VoteAnswer::Granted, ms(62));
    bench
}

/// Turns of a master that slot 3 grants each probe, every 10 ms; what they said of slots, each with its time.
fn turns(bench: &mut Bench, from_ms: u64, to_ms: u64) -> Vec<(u64, String)> {
    let mut said = Vec::new();
    let mut sent = ms(62);
    for at in (from_ms..to_ms).step_by(10) {
        let reply = bench.reply(3, sent);
        sent = ms(at);
        let lines = lines(&bench.turn(&[reply], sent));
        let of_slots = lines.into_iter().filter(|line| line.contains("slot 4"));
        said.extend(of_slots.map(|line| (at, line)));
    }
    said
}

const fn ask(renews: bool) -> Message {
    Message::SlotAsk {
        id: 9,
        lease: LEASE,
        renews,
    }
}

/// Who was granted.
fn grants(commands: &[Command]) -> Vec<u16> {
    let granted = commands.iter().filter_map(|command| match command {
        Command::Send {
            to,
            message: Message::SlotGrant { id: 9 },
            ..
        } => Some(*to),
        _ => None,
    });
    granted.collect()
}

/// The questions for the own slot's lease: network, id, whether it renews.
fn questions(commands: &[Command]) -> Vec<(String, u64, bool)> {
    let asked = commands.iter().filter_map(|command| match command {
        Command::Send {
            to: 1,
            network,
            message: Message::SlotAsk { id, lease, renews },
        } => {
            assert_eq!(*lease, LEASE);
            Some((network.to_string(), *id, *renews))
        }
        _ => None,
    });
    asked.collect()
}

#[test]
fn a_slot_that_nobody_asks_for_is_taken_over_a_lease_after_the_promotion_and_only_once() {
    let mut bench = master();
    let said = turns(&mut bench, 70, 600);
    let epoch = "5.2";
    assert_eq!(
        said,
        [
            (470, format!("slot 4 taken in {epoch}")),
            (470, "hold slot 4".to_owned())
        ]
    );
    let snapshot = bench.node.snapshot(ms(600));
    // It asks itself every 100 ms from its first turn as master on.
    let own = Bearer::Itself(ms(570) + LEASE);
    let taken = Bearer::Master(ms(470));
    assert_eq!(snapshot.bearers, [(2, own), (4, taken)]);
}

#[test]
fn the_gate_is_shut_and_the_address_removed_before_a_slot_is_granted_back() {
    let mut bench = master();
    turns(&mut bench, 70, 480);
    let commands = bench.message(4, ask(false), ms(481));
    assert_eq!(
        lines(&commands)[..2],
        ["slot 4 taken in 0.0", "drop slot 4"]
    );
    assert_eq!(grants(&commands), [4]);
    assert!(grants(&commands[..2]).is_empty(), "the answer is the last");
    let after = bench.node.snapshot(ms(481)).bearers;
    assert_eq!(after[1], (4, Bearer::Itself(ms(881))));
}

#[test]
fn a_slot_that_is_granted_is_not_taken_over_before_its_lease_is_over() {
    let mut bench = master();
    turns(&mut bench, 70, 300);
    assert_eq!(grants(&bench.message(4, ask(true), ms(300))), [4]);
    let said = turns(&mut bench, 300, 900);
    assert_eq!(said[0].0, 700, "{said:?}");
}

#[test]
fn a_new_master_grants_only_who_holds_the_lease_still() {
    let mut bench = master();
    assert_eq!(grants(&bench.message(4, ask(false), ms(70))), []);
    assert_eq!(grants(&bench.message(4, ask(true), ms(71))), [4]);
}

#[test]
fn who_is_not_master_or_no_more_or_by_an_operators_word_grants_nothing() {
    let mut bench = slave();
    assert_eq!(grants(&bench.message(4, ask(true), ms(11))), []);
    let mut bench = master();
    assert_eq!(grants(&bench.message(4, ask(true), ms(102))), [], "late");
    let (mut bench, _) = Bench::new(leased(), restored(2));
    bench.handle(Event::Order(Order::Force), ms(20));
    let snapshot = bench.node.snapshot(ms(21));
    assert_eq!(snapshot.guarantee.as_str(), "forced", "the witness");
    assert_eq!(grants(&bench.message(4, ask(true), ms(21))), []);
}

#[test]
fn a_slave_asks_its_master_and_holds_its_slot_from_the_sending_of_the_question() {
    let mut bench = slave();
    let asked = questions(&bench.turn(&[], ms(11)));
    let [(network, id, false)] = &asked[..] else {
        panic!("{asked:?}")
    };
    assert_eq!(network, "management");
    let granted = bench.message(1, Message::SlotGrant { id: *id }, ms(20));
    assert_eq!(
        lines(&granted),
        ["lease of the slot until 331 ms", "hold slot 2"]
    );
    let end = bench.node.snapshot(ms(21)).slot_lease;
    assert_eq!(end, Some(ms(331)));
}

#[test]
fn a_question_that_was_not_answered_is_asked_again_over_both_networks() {
    let mut bench = slave();
    let first = questions(&bench.turn(&[], ms(11)));
    bench.words = probed(Epoch::new(4, 1), ms(100), 2);
    assert_eq!(questions(&bench.turn(&[], ms(110))), []);
    let again = questions(&bench.turn(&[], ms(111)));
    let networks: Vec<_> = again.iter().map(|(network, ..)| &network[..]).collect();
    assert_eq!(networks, ["management", "business"]);
    assert_eq!(again[0].1, again[1].1, "one question");
    let late = Message::SlotGrant { id: first[0].1 };
    assert_eq!(lines(&bench.message(1, late, ms(112))), NOTHING);
}

#[test]
fn a_lease_that_nobody_renews_ends_and_the_addresses_go() {
    let mut bench = slave();
    let asked = questions(&bench.turn(&[], ms(11)));
    bench.message(1, Message::SlotGrant { id: asked[0].1 }, ms(20));
    let is_of_slot = |line: &String| line.contains("slot");
    let mut ended = lines(&bench.turn(&[], ms(331)));
    ended.retain(is_of_slot);
    assert_eq!(ended, ["shut the slot's gate", "drop slot 2"]);
}

#[test]
fn who_stops_in_order_shuts_its_slots_gate_and_has_the_addresses_removed_before_it_exits() {
    let mut bench = slave();
    let asked = questions(&bench.turn(&[], ms(11)));
    bench.message(1, Message::SlotGrant { id: asked[0].1 }, ms(20));
    let mut said = lines(&bench.handle(Event::Order(Order::Stop), ms(30)));
    said.retain(|line| line.contains("slot") || line == "exit");
    assert_eq!(said, ["shut the slot's gate", "drop slot 2", "exit"]);
}

#[test]
fn a_master_holds_its_own_slot_by_the_rules_for_all() {
    let mut bench = master();
    let mut held = None;
    let mut sent = ms(62);
    for at in (70..1_000).step_by(10) {
        let reply = bench.reply(3, sent);
        sent = ms(at);
        bench.turn(&[reply], sent);
        held = held.or(bench.node.snapshot(sent).slot_lease.map(|_| at));
    }
    assert!(
        held.is_some_and(|at| (470..=570).contains(&at)),
        "not before every earlier lease is over: {held:?}"
    );
}

#[test]
fn the_next_process_goes_on_with_the_own_slot_and_with_nothing_that_was_taken_over() {
    let mut restored = restored(2);
    restored.daemon.slot_lease = ms(200);
    let (bench, commands) = Bench::new(leased(), restored);
    let mut said = lines(&commands);
    said.retain(|line| line.contains("slot"));
    assert_eq!(
        said,
        ["hold slot 2", "slot 2 taken in 0.0", "slot 4 taken in 0.0"]
    );
    assert_eq!(bench.node.snapshot(START).slot_lease, Some(ms(200)));
}
