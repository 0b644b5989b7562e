//! Links between nodes of one process, over TCP on the loopback interface.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, sleep};

use super::tests_support::{SOON, World, ask, key, until};
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
            sleep(Duration::from_millis(10)).await;
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

/// A connection from slot 1's address to where slot 2 listens.
async fn connection(world: World, from: Slot) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(world.address(from, Network::Management), 0))?;
    let to = SocketAddr::new(world.address(2, Network::Management), world.port());
    socket.connect(to).await
}

async fn listens(world: World) {
    let start = Instant::now();
    while connection(world, 9).await.is_err() {
        assert!(start.elapsed() < SOON);
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_flood_of_connections_that_prove_nothing_keeps_no_member_out() {
    let world = World::new();
    let (one, two) = (world.node(1), world.node(2));
    listens(world).await;
    let mut held = Vec::new();
    for _ in 0..100 {
        held.push(connection(world, 3).await.expect("a connection"));
        held.push(connection(world, 9).await.expect("a connection"));
    }
    assert_eq!(ask(&one, 2, "hello").await, Ok("2 to 1: hello".to_owned()));
    let count = |word| two.refused().get(word).copied().unwrap_or(0);
    until("strangers counted", || count("stranger") >= 100).await;
    until("the crowd counted", || count("crowded") >= 50).await;
    // Those that were let into the vestibule say nothing.
    until("the silent ones counted", || count("late") >= 1).await;
}

#[tokio::test]
async fn a_newer_link_of_a_member_takes_the_place_of_an_older_one() {
    let world = World::new();
    let (one, two) = (world.node(1), world.node(2));
    let mut received = two.receive(Kind::Store);
    one.keep(BTreeSet::from([2]));
    until("linked", || is_up(&one, 2, Network::Management)).await;
    assert_eq!(one.try_send(2, Kind::Store, Bytes::from("old")), Ok(()));
    assert_eq!(received.recv().await.expect("sent").body, "old");
    let life = |peers: &Peers| match peers.links().borrow().get(&2) {
        Some(LinkState::Up { life, .. }) => *life,
        Some(LinkState::Down { .. }) | None => 0,
    };
    let first = life(&one);
    // The same member, as after a restart that the other end has not heard of.
    let own = world.membership(1, &[key(1)]);
    let again = Peers::start(
        Membership {
            places: vec![own.places[0].clone()],
            ..own
        },
        Handle::current(),
    );
    again.keep(BTreeSet::from([2]));
    until("linked anew", || is_up(&again, 2, Network::Management)).await;
    until("the older one ended", || life(&one) != first).await;
}

#[tokio::test]
async fn the_business_network_stands_in_while_nobody_listens_on_the_other() {
    let world = World::new();
    let one = world.node(1);
    let mut deaf = world.membership(2, &[key(1)]);
    deaf.places.remove(0);
    let two = Peers::start(deaf, Handle::current());
    two.answer(Kind::Node, |_, _| async { Ok(Bytes::from("two")) });
    one.keep(BTreeSet::from([2]));
    until("linked over the business network", || {
        is_up(&one, 2, Network::Business)
    })
    .await;
    assert_eq!(ask(&one, 2, "hello").await, Ok("two".to_owned()));
    let mut whole = world.membership(2, &[key(1)]);
    whole.places.remove(1);
    let _two_again = Peers::start(whole, Handle::current());
    until("back on the management network", || {
        is_up(&one, 2, Network::Management)
    })
    .await;
}

#[tokio::test]
async fn a_member_that_takes_nothing_gets_a_bounded_queue_and_loses_its_link() {
    let world = World::new();
    let (one, two) = (world.node(1), world.node(2));
    let untaken = two.receive(Kind::Store);
    one.keep(BTreeSet::from([2]));
    until("linked", || is_up(&one, 2, Network::Management)).await;
    let body = Bytes::from(vec![1; 1 << 20]);
    let mut sent = 0;
    while one.try_send(2, Kind::Store, body.clone()) == Ok(()) {
        sent += 1;
        assert!(sent < 200, "no queue holds that much");
        sleep(Duration::from_millis(10)).await;
    }
    assert!(sent >= 8, "{sent} were taken");
    until("the link ended", || !is_up(&one, 2, Network::Management)).await;
    let links = one.links();
    let why = format!("{:?}", links.borrow()[&2]);
    assert!(why.contains("nothing was taken for 5 s"), "{why}");
    drop(untaken);
}

#[tokio::test]
async fn a_peer_that_says_nothing_any_more_is_gone_within_seconds() {
    let world = World::new();
    let one = world.node(1);
    let own = world.membership(2, &[key(1)]);
    let at = SocketAddr::new(world.address(2, Network::Management), world.port());
    let listener = TcpListener::bind(at).await.expect("free");
    one.keep(BTreeSet::from([2]));
    let (stream, source) = listener.accept().await.expect("dialled");
    let (read, write) = socket::halves(stream).expect("connected");
    let from = (Network::Management, source.ip());
    let _silent = handshake::accept(&own, from, read, write)
        .await
        .expect("proved");
    until("linked", || is_up(&one, 2, Network::Management)).await;
    let waits = one.call(2, Kind::Node, Bytes::new(), SOON);
    assert_eq!(waits.await, Err(CallError::LinkLost(2)));
    let links = one.links();
    let why = format!("{:?}", links.borrow()[&2]);
    assert!(why.contains("nothing was heard for 3 s"), "{why}");
}

#[tokio::test]
async fn links_follow_keys_and_members() {
    let world = World::new();
    let (one, two) = (
        world.node_with(1, &[key(1), key(2)]),
        world.node_with(2, &[key(2), key(1)]),
    );
    one.keep(BTreeSet::from([2]));
    until("linked by the old key", || {
        is_up(&one, 2, Network::Management)
    })
    .await;
    two.go_by(world.membership(2, &[key(2)]));
    until("the old key's link ended", || {
        !is_up(&one, 2, Network::Management)
    })
    .await;
    one.go_by(world.membership(1, &[key(2)]));
    until("linked by the new key", || {
        is_up(&one, 2, Network::Management)
    })
    .await;
    let mut alone = world.membership(1, &[key(2)]);
    alone.members.remove(&2);
    one.go_by(alone);
    assert!(!one.links().borrow().contains_key(&2));
    assert_eq!(ask(&one, 2, "hello").await, Err(CallError::NoMember(2)));
    one.go_by(world.membership(1, &[key(2)]));
    assert_eq!(ask(&one, 2, "hello").await, Ok("2 to 1: hello".to_owned()));
}

#[tokio::test]
async fn a_link_that_nobody_needs_ends_and_is_dialled_again_when_somebody_does() {
    let world = World::new();
    let (one, _two) = (world.node(1), world.node(2));
    assert!(ask(&one, 2, "hello").await.is_ok());
    assert!(is_up(&one, 2, Network::Management));
    until("it ended", || !is_up(&one, 2, Network::Management)).await;
    assert_eq!(ask(&one, 2, "again").await, Ok("2 to 1: again".to_owned()));
}

#[tokio::test]
async fn an_interface_that_is_not_there_is_told_and_waited_for() {
    let world = World::new();
    let mut own = world.membership(1, &[key(1)]);
    own.places[0].interface = "nosuchif0".to_owned();
    let one = Peers::start(own, Handle::current());
    until("told", || one.deaf().contains_key(&Network::Management)).await;
    let why = one.deaf().remove(&Network::Management).expect("told");
    assert!(
        why.contains("nosuchif0") && why.contains("tried again"),
        "{why}"
    );
    assert!(!one.deaf().contains_key(&Network::Business));
}
