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
