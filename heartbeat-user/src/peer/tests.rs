//! Links between nodes of one process, over TCP on the loopback interface.

use super::tests_support::{World, ask, key, until};
use super::*;

fn is_up(peers: &Peers, slot: Slot, over: Network) -> bool {
    let links = peers.links();
    let links = links.borrow();
    matches!(links.get(&slot), Some(LinkState::Up { network, .. }) if *network == over)
}

#[tokio::test]
async fn a_member_answers_what_it_is_asked_and_says_why_it_does_not() {
    let world = World::new();
    let (one, _two) = (world.node(1), world.node(2));
    assert_eq!(ask(&one, 2, "hello").await, Ok("2 to 1: hello".to_owned()));
    let refused = CallError::Refused {
        peer: 2,
        why: "it says no".to_owned(),
    };
    assert_eq!(ask(&one, 2, "no").await, Err(refused));
    let other = one.call(2, Kind::Store, Bytes::new(), Duration::from_secs(1));
    assert!(matches!(other.await, Err(CallError::Refused { .. })));
    assert_eq!(ask(&one, 9, "hello").await, Err(CallError::NoMember(9)));
}

#[tokio::test]
async fn a_question_that_is_never_answered_is_late_and_holds_up_no_other() {
    let world = World::new();
    let (one, _two) = (world.node(1), world.node(2));
    assert!(ask(&one, 2, "hello").await.is_ok());
    let waits = one.call(
        2,
        Kind::Node,
        Bytes::from("never"),
        Duration::from_millis(300),
    );
    let (waited, answered) = tokio::join!(waits, ask(&one, 2, "meanwhile"));
    assert!(matches!(waited, Err(CallError::Late { peer: 2, .. })));
    assert_eq!(answered, Ok("2 to 1: meanwhile".to_owned()));
}

#[tokio::test]
async fn one_way_messages_arrive_once_and_in_their_order_whatever_their_length() {
    let world = World::new();
    let (one, two) = (world.node(1), world.node(2));
    let mut received = two.receive(Kind::Store);
    one.keep(BTreeSet::from([2]));
    until("linked", || is_up(&one, 2, Network::Management)).await;
    let lengths = [0, 1, 65_508, 65_509, 65_510, 131_028, MAX_BODY, 7];
    let body = |(index, length): (usize, &usize)| Bytes::from(vec![index as u8; *length]);
    for sent in lengths.iter().enumerate().map(body) {
        while one.try_send(2, Kind::Store, sent.clone()) == Err(SendError::Full(2)) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    for body in lengths.iter().enumerate().map(body) {
        let one_way = received.recv().await.expect("it was sent");
        assert!(one_way == Received { from: 1, body }, "another one came");
    }
    let too_long = Bytes::from(vec![0; MAX_BODY + 1]);
    let refused = one.try_send(2, Kind::Store, too_long);
    assert_eq!(refused, Err(SendError::TooLong(MAX_BODY + 1)));
}

#[tokio::test]
async fn who_has_another_key_is_refused_and_counted() {
    let world = World::new();
    let (one, two) = (world.node(1), world.node_with(2, &[key(2)]));
    let refused = ask(&one, 2, "hello").await;
    let Err(CallError::NoLink { peer: 2, why }) = refused else {
        panic!("{refused:?}");
    };
    assert!(why.contains("its key file lacks key"), "{why}");
    assert!(two.refused()["unknown_key"] >= 1);
}

#[tokio::test]
async fn nodes_that_have_two_keys_in_either_order_are_linked() {
    let world = World::new();
    let one = world.node_with(1, &[key(1), key(2)]);
    let two = world.node_with(2, &[key(2), key(1)]);
    assert!(ask(&one, 2, "hello").await.is_ok());
    assert!(ask(&two, 1, "hello").await.is_ok());
}
