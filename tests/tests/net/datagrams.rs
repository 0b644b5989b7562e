//! Control datagrams between two namespaces.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};

use heartbeat_core::{Epoch, Message};
use heartbeat_user::net::datagrams::{ControlPlace, Datagrams, Dropped, Incoming};
use heartbeat_user::net::envelope::{ControlKey, Envelope, OpenError, Sender};

use crate::namespace::{Namespace, Segment, eventually, is_root};

const PORT: u16 = 7406;
const NODE: (u16, Ipv4Addr) = (1, Ipv4Addr::new(203, 0, 113, 1));
const CLIENT: (u16, Ipv4Addr) = (2, Ipv4Addr::new(203, 0, 113, 9));

fn open(
    namespace: &Namespace,
    interface: &str,
    (slot, address): (u16, Ipv4Addr),
    cluster: u64,
    secret: u8,
) -> Datagrams {
    let place = ControlPlace {
        interface: interface.into(),
        address,
        port: PORT,
    };
    let own = Sender {
        cluster,
        slot,
        incarnation: 0xbeef,
    };
    let envelope = Envelope::new(own, ControlKey::derive(&[secret; 32]), None);
    let members = BTreeMap::from([NODE, CLIENT]);
    namespace
        .run(|| Datagrams::open(&place, envelope, members))
        .expect("root may")
}

fn next(datagrams: &mut Datagrams) -> Incoming {
    eventually("a datagram arrives", || {
        let incoming = datagrams.receive().expect("it can be read");
        (incoming != Incoming::Nothing).then_some(incoming)
    })
}

fn why(datagrams: &mut Datagrams) -> Dropped {
    match next(datagrams) {
        Incoming::Dropped { why, .. } => why,
        Incoming::Nothing | Incoming::Message { .. } => panic!("it was taken"),
    }
}

#[test]
fn a_message_arrives_with_its_senders_slot_and_incarnation() {
    if !is_root("control datagrams") {
        return;
    }
    let segment = Segment::new();
    let mut node = open(&segment.node, "biz0", NODE, 7, 1);
    let mut client = open(&segment.client, "client0", CLIENT, 7, 1);
    let message = Message::Promote {
        epoch: Epoch::new(3, 1),
    };
    node.send(CLIENT.0, &message).expect("sent");
    assert_eq!(
        next(&mut client),
        Incoming::Message {
            from: NODE.0,
            incarnation: 0xbeef,
            message
        }
    );
    assert_eq!(client.receive().expect("readable"), Incoming::Nothing);
    assert_eq!(client.counts().taken, 1);
}

#[test]
fn strangers_forgers_and_liars_are_dropped_and_each_is_counted_under_its_own_name() {
    if !is_root("dropped control datagrams") {
        return;
    }
    let segment = Segment::new();
    let mut client = open(&segment.client, "client0", CLIENT, 7, 1);
    let poll = Message::Poll { id: 1 };

    let mut other_cluster = open(&segment.node, "biz0", NODE, 8, 1);
    other_cluster.send(CLIENT.0, &poll).expect("sent");
    let other = OpenError::OtherCluster { cluster: 8 };
    assert_eq!(why(&mut client), Dropped::NotOpened(other));
    drop(other_cluster);

    let mut other_key = open(&segment.node, "biz0", NODE, 7, 2);
    other_key.send(CLIENT.0, &poll).expect("sent");
    assert!(matches!(
        why(&mut client),
        Dropped::NotOpened(OpenError::UnknownKey { .. })
    ));
    drop(other_key);

    // A member that claims another member's slot.
    let mut liar = open(&segment.node, "biz0", (CLIENT.0, NODE.1), 7, 1);
    liar.send(CLIENT.0, &poll).expect("sent");
    assert_eq!(why(&mut client), Dropped::Impostor { slot: CLIENT.0 });
    drop(liar);

    // A member's address, another port.
    let to = SocketAddrV4::new(CLIENT.1, PORT);
    let stranger = segment
        .node
        .run(|| UdpSocket::bind((NODE.1, 0)).expect("bound"));
    stranger.send_to(b"HBDC", to).expect("sent");
    assert_eq!(why(&mut client), Dropped::Stranger);
    let noise = segment
        .node
        .run(|| UdpSocket::bind((NODE.1, PORT)).expect("bound"));
    noise.send_to(b"HBDC", to).expect("sent");
    assert_eq!(
        why(&mut client),
        Dropped::NotOpened(OpenError::Malformed { length: 4 })
    );
    noise.send_to(&[0; 4000], to).expect("sent");
    assert_eq!(why(&mut client), Dropped::TooLong);

    let counts = client.counts();
    assert_eq!(
        (counts.other_cluster, counts.unknown_key, counts.impostor),
        (1, 1, 1)
    );
    assert_eq!(
        (counts.stranger, counts.malformed, counts.too_long),
        (1, 1, 1)
    );
    assert_eq!(counts.taken, 0);
}

#[test]
fn an_address_that_is_not_there_is_named_with_the_cure() {
    if !is_root("control socket error") {
        return;
    }
    let segment = Segment::new();
    let place = ControlPlace {
        interface: "biz0".into(),
        address: Ipv4Addr::new(203, 0, 113, 77),
        port: PORT,
    };
    let own = Sender {
        cluster: 7,
        slot: NODE.0,
        incarnation: 1,
    };
    let envelope = Envelope::new(own, ControlKey::derive(&[1; 32]), None);
    let error = segment
        .node
        .run(|| Datagrams::open(&place, envelope, BTreeMap::new()))
        .expect_err("not its address")
        .to_string();
    for part in ["203.0.113.77:7406", "biz0", "must be on the interface"] {
        assert!(error.contains(part), "{part} is missing in: {error}");
    }
}
