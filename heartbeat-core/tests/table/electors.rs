//! The electors' sets: what a node agrees to, takes over and tells.

use std::time::Duration;

use heartbeat_core::electors::{Accepted, Ballot, ElectorRecord, ElectorSet, Slots};
use heartbeat_core::event::Restored;
use heartbeat_core::message::Message;
use heartbeat_core::{Command, Config, Epoch, Instant, Slot};

use super::bench::*;

/// The first ballot of slot 1.
pub(crate) const BALLOT: Ballot = Ballot(65_537);
/// After so long what was not answered, or not saved, is sent once more.
const AGAIN: Duration = Duration::from_secs(1);

pub(crate) fn set(version: u32, slots: &[Slot]) -> ElectorSet {
    ElectorSet {
        version,
        slots: Slots::new(slots.iter().copied()).expect("few"),
        max_lease: TIMING.max_lease,
    }
}

/// A record of that set, which somebody was elected by.
pub(crate) fn record(in_force: ElectorSet) -> ElectorRecord {
    ElectorRecord {
        is_proposed: false,
        ..ElectorRecord::proposed(in_force)
    }
}

/// The same, with `next` agreed to in [`BALLOT`].
pub(crate) fn agreed(in_force: ElectorSet, next: ElectorSet) -> ElectorRecord {
    ElectorRecord {
        promised: BALLOT,
        accepted: Some(Accepted {
            ballot: BALLOT,
            set: next,
        }),
        ..record(in_force)
    }
}

/// Slot 2, which follows slot 1 in 4.1, with this on its disk.
pub(crate) fn slave(on_disk: ElectorRecord) -> Bench {
    slave_by(config(2), on_disk)
}

/// The same, by a configuration of slot 2 that says all but the electors' version.
pub(crate) fn slave_by(config: Config, on_disk: ElectorRecord) -> Bench {
    let config = Config {
        elector_version: on_disk.in_force.version,
        elector_digest: on_disk.in_force.digest(),
        ..config
    };
    let restored = Restored {
        electors: Some(on_disk),
        ..restored(2)
    };
    let (mut bench, _) = Bench::new(config, restored);
    bench.turn(&[], START);
    bench.kernel(probed(Epoch::new(4, 1), ms(10), 2), ms(10));
    bench
}

pub(crate) fn tells(in_force: ElectorSet, ballot: Ballot, next: Option<ElectorSet>) -> Message {
    Message::Electors {
        set: in_force,
        ballot,
        next,
    }
}

fn vote_by(version: u32, digest: u32) -> Message {
    Message::VoteRequest {
        epoch: Epoch::new(20, 1),
        lease: TIMING.lease(),
        id: 5,
        elector_version: version,
        elector_digest: digest,
    }
}

#[test]
fn a_vote_is_given_by_the_set_in_force_and_by_the_next_one_that_was_agreed_to_and_by_no_other() {
    let (now, next) = (set(7, &[1, 2, 3]), set(8, &[1, 2, 3, 4]));
    let answer = |version, digest| {
        let mut bench = slave(agreed(now, next));
        lines(&bench.message(1, vote_by(version, digest), ms(100)))
    };
    let votes = |lines: Vec<String>| {
        lines
            .iter()
            .any(|line| line == "vote on 20.1: granted to 1")
    };
    assert!(votes(answer(7, now.digest())));
    assert!(votes(answer(8, next.digest())));
    for (version, digest) in [(7, next.digest()), (8, now.digest()), (9, next.digest())] {
        let lines = answer(version, digest);
        let refusal = "vote on 20.1: other electors to 1".to_owned();
        assert!(lines.contains(&refusal), "{version}: {lines:?}");
    }
}

#[test]
fn only_a_ballot_that_is_not_below_the_promised_one_is_promised_or_agreed_to() {
    let (now, next) = (set(7, &[1, 2, 3]), set(8, &[1, 2, 3, 4]));
    let told = ["state electors 7[1, 2, 3], promised in ballot 1.1 to 1"];
    let mut bench = slave(ElectorRecord {
        promised: BALLOT,
        ..record(now)
    });
    for ballot in [Ballot::NONE, Ballot(BALLOT.0 - 1)] {
        let commands = bench.message(1, tells(now, ballot, Some(next)), ms(11));
        assert_eq!(lines(&commands), told);
    }
    let commands = bench.message(1, tells(now, BALLOT, None), ms(11));
    assert_eq!(lines(&commands), told, "promised already");
    let mut fresh = slave(record(now));
    let commands = fresh.message(1, tells(now, Ballot::NONE, Some(next)), ms(11));
    assert_eq!(
        lines(&commands),
        ["state electors 7[1, 2, 3] to 1"],
        "no ballot is no question"
    );
    let commands = bench.message(1, tells(now, BALLOT, Some(next)), ms(11));
    let saves =
        "save electors 7[1, 2, 3], promised in ballot 1.1, next 8[1, 2, 3, 4] in ballot 1.1";
    assert_eq!(lines(&commands), [saves]);
    let other = tells(now, Ballot(BALLOT.0 + 1), None);
    assert_eq!(
        lines(&bench.message(1, other, ms(12))),
        NOTHING,
        "one record at a time"
    );
}

#[test]
fn a_set_that_this_node_could_not_go_by_is_neither_agreed_to_nor_taken_over() {
    let now = set(7, &[1, 2, 3]);
    let too_short = ElectorSet {
        max_lease: TIMING.lease() - Duration::from_nanos(1),
        ..set(8, &[1, 2, 3, 4])
    };
    let just_long_enough = ElectorSet {
        max_lease: TIMING.lease(),
        ..set(8, &[1, 2, 3, 4])
    };
    for other in [set(8, &[1, 2, 3, 9]), set(8, &[]), too_short] {
        let mut bench = slave(record(now));
        let commands = bench.message(1, tells(other, Ballot::NONE, None), ms(11));
        assert_eq!(lines(&commands), ["state electors 7[1, 2, 3] to 1"]);
    }
    let nine = set(8, &[1, 2, 3, 9]);
    let commands = slave(record(now)).message(1, tells(now, BALLOT, Some(nine)), ms(11));
    assert_eq!(
        lines(&commands),
        ["save electors 7[1, 2, 3], promised in ballot 1.1"],
        "the ballot is promised, the set is not agreed to"
    );
    let mut bench = slave(record(now));
    let commands = bench.message(1, tells(just_long_enough, Ballot::NONE, None), ms(11));
    assert_eq!(lines(&commands), ["save electors 8[1, 2, 3, 4]"]);
    // The first set of a cluster has version 1: what has none is nobody's.
    let mut first = slave(ElectorRecord::proposed(set(0, &[1, 2, 3])));
    let commands = first.message(1, tells(set(0, &[1, 2, 3, 4]), Ballot::NONE, None), ms(11));
    assert_eq!(
        lines(&commands),
        ["state electors 0[1, 2, 3] proposed to 1"]
    );
}

#[test]
fn who_is_behind_is_told_and_who_only_proposes_tells_nobody() {
    let (now, older) = (set(7, &[1, 2, 3]), set(6, &[1, 2]));
    let mut bench = slave(record(now));
    let theirs = Message::ElectorsState(record(older));
    assert_eq!(
        lines(&bench.message(3, theirs.clone(), ms(11))),
        ["electors 7[1, 2, 3] to 3"]
    );
    let proposed = Message::ElectorsState(ElectorRecord::proposed(now));
    assert_eq!(
        lines(&bench.message(3, proposed, ms(11))),
        ["electors 7[1, 2, 3] to 3"],
        "the same set, but it does not know"
    );
    let newer = Message::ElectorsState(ElectorRecord::proposed(set(8, &[1, 2, 3, 4])));
    assert_eq!(
        lines(&bench.message(3, newer, ms(11))),
        ["electors 7[1, 2, 3] to 3"],
        "what a file proposes is in force nowhere"
    );
    assert_eq!(
        lines(&bench.message(3, Message::ElectorsState(record(now)), ms(11))),
        NOTHING
    );
    let mut bench = slave(ElectorRecord::proposed(now));
    assert_eq!(lines(&bench.message(3, theirs, ms(11))), NOTHING);
}

#[test]
fn a_record_that_is_not_saved_within_a_second_is_handed_out_again() {
    let (now, next) = (set(7, &[1, 2, 3]), set(8, &[1, 2, 3, 4]));
    let mut bench = slave(record(now));
    bench.message(1, tells(next, Ballot::NONE, None), ms(11));
    let saves = |bench: &mut Bench, at: Instant| {
        let commands = bench.turn(&[], at);
        commands
            .iter()
            .filter(|command| matches!(command, Command::SaveElectors(_)))
            .count()
    };
    let end = ms(11) + AGAIN;
    assert_eq!(saves(&mut bench, Instant(end.0 - 1)), 0);
    assert_eq!(saves(&mut bench, end), 1);
    assert_eq!(saves(&mut bench, Instant(end.0 + 1)), 0, "counted anew");
}

#[test]
fn who_does_not_know_which_set_is_in_force_asks_the_master_once_a_second() {
    let now = set(7, &[1, 2, 3]);
    let asks = |bench: &mut Bench, at: Instant| {
        bench.kernel(probed(Epoch::new(4, 1), at, 2), at);
        let commands = bench.turn(&[], at);
        lines(&commands)
            .iter()
            .filter(|line| line.starts_with("state "))
            .count()
    };
    let mut bench = slave(ElectorRecord::proposed(now));
    assert_eq!(asks(&mut bench, ms(11)), 1);
    let again = ms(11) + AGAIN;
    assert_eq!(asks(&mut bench, Instant(again.0 - 1)), 0);
    assert_eq!(asks(&mut bench, again), 1);
    let mut knows = slave(record(now));
    assert_eq!(asks(&mut knows, ms(11)), 0);
}

#[test]
fn who_answered_a_poll_counts_on_by_the_next_set() {
    let mut bench = slave(record(set(7, &[1, 2, 3])));
    let id = bench.poll;
    bench.message(1, Message::PollAnswer { id, votes: true }, ms(11));
    let answering = |bench: &Bench| bench.node.snapshot(ms(11)).electors_answering;
    assert_eq!(answering(&bench), 2);
    bench.message(1, tells(set(8, &[1, 2, 3, 4]), Ballot::NONE, None), ms(11));
    bench.saved(ms(11));
    assert_eq!(answering(&bench), 2);
}
