//! Who may give a grant up, and which.

use heartbeat_core::message::{Message, Network};
use heartbeat_core::{Epoch, Event};

use super::bench::*;
use super::states::*;

fn release(epoch: Epoch) -> Message {
    Message::Release { epoch, target: 0 }
}

#[test]
fn only_the_machine_that_holds_a_grant_gives_it_up() {
    let held = Epoch::new(4, 1);
    for (name, from, incarnation, epoch) in [
        ("another slot, the same epoch", 3, life(3), held),
        (
            "another slot, a higher one of its own",
            3,
            life(3),
            Epoch::new(5, 3),
        ),
        ("another machine in the slot", 1, 666, held),
        (
            "a higher epoch that nobody voted for",
            1,
            life(1),
            Epoch::new(5, 1),
        ),
    ] {
        let (mut bench, now) = slave();
        let network = Network::Management;
        let message = release(epoch);
        let event = Event::Message {
            from,
            incarnation,
            network,
            message,
        };
        assert_eq!(lines(&bench.handle(event, now)), NOTHING, "{name}");
        let own = lines(&bench.message(1, release(held), now));
        assert_eq!(own[0], "4.1 is released", "{name}: its holder does");
    }
}

#[test]
fn a_release_that_comes_after_a_vote_for_a_higher_epoch_ends_nothing() {
    let (mut bench, now) = slave();
    let voted = lines(&bench.message(1, vote_request(Epoch::new(5, 1), 71), now));
    assert!(
        voted.contains(&"vote on 5.1: granted to 1".to_owned()),
        "{voted:?}"
    );
    assert_eq!(
        lines(&bench.message(1, release(Epoch::new(4, 1)), now)),
        NOTHING
    );
}

#[test]
fn who_releases_its_epoch_releases_the_vote_and_the_probes_of_it() {
    let (mut bench, _) = Bench::new(five(4), restored(4));
    let own = Epoch::new(5, 1);
    bench.message(1, vote_request(own, 71), ms(1));
    bench.kernel(probed(own, ms(10), 0), ms(10));
    bench.message(1, release(own), ms(20));
    let commands = lines(&bench.message(2, vote_request(Epoch::new(6, 2), 72), ms(21)));
    assert!(
        commands.contains(&"vote on 6.2: granted to 2".to_owned()),
        "{commands:?}"
    );
}

#[test]
fn a_candidate_that_never_probed_gives_up_its_vote_and_nobody_else_does() {
    let own = Epoch::new(5, 1);
    for (name, from, incarnation, is_over) in [
        ("the candidate", 1, life(1), true),
        ("another slot", 2, life(1), false),
        ("another machine in the slot", 1, 666, false),
    ] {
        let (mut bench, _) = Bench::new(five(4), restored(4));
        bench.message(1, vote_request(own, 71), ms(1));
        let event = Event::Message {
            from,
            incarnation,
            network: Network::Management,
            message: release(own),
        };
        bench.handle(event, ms(20));
        let commands = lines(&bench.message(3, vote_request(Epoch::new(6, 3), 72), ms(21)));
        let is_voted = commands.contains(&"vote on 6.3: granted to 3".to_owned());
        assert_eq!(is_voted, is_over, "{name}: {commands:?}");
    }
}

#[test]
fn a_release_of_an_epoch_that_nobody_voted_for_ends_no_vote() {
    let (mut bench, _) = Bench::new(five(4), restored(4));
    bench.message(1, vote_request(Epoch::new(5, 1), 71), ms(1));
    assert_eq!(
        lines(&bench.message(1, release(Epoch::new(6, 1)), ms(20))),
        NOTHING
    );
}

#[test]
fn whom_a_candidate_hands_its_vote_to_goes_first_and_else_the_masters_successor_does() {
    for (target, stands) in [(0, true), (3, false)] {
        let (mut bench, _) = Bench::new(five(4), restored(4));
        bench.turn(&[], START);
        bench.kernel(probed(Epoch::new(4, 1), ms(10), 4), ms(10));
        let epoch = Epoch::new(5, 2);
        bench.message(2, vote_request(epoch, 71), ms(61));
        let commands = lines(&bench.message(2, Message::Release { epoch, target }, ms(65)));
        let asks = commands.iter().any(|line| line.starts_with("query"));
        assert_eq!(asks, stands, "for {target}: {commands:?}");
    }
}

#[test]
fn whom_a_release_names_goes_first_though_the_last_probe_named_another() {
    let (mut bench, _) = Bench::new(five(2), restored(2));
    bench.turn(&[], START);
    let held = Epoch::new(4, 1);
    let words = probed(held, ms(100), 2);
    bench.kernel(words, ms(100));
    let target = 3;
    let release = Message::Release {
        epoch: held,
        target,
    };
    bench.message(1, release, ms(110));
    // The same words again, as with every datagram that comes.
    assert_eq!(lines(&bench.kernel(words, ms(111))), NOTHING);
    assert_eq!(lines(&bench.timeout(ms(129))), NOTHING);
    let commands = lines(&bench.timeout(ms(130)));
    assert!(
        commands.iter().any(|line| line.starts_with("query")),
        "after one rank's pause it is the next: {commands:?}"
    );
}
