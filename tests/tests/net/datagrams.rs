//! Control datagrams between two namespaces.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use heartbeat_core::{Epoch, Message};
use heartbeat_user::net::datagrams::{ControlPlace, Counts, Datagrams, Dropped, Incoming};
use heartbeat_user::net::envelope::{ControlKey, Envelope, OpenError, Sender};

use crate::namespace::{Namespace, Segment, eventually, is_root};

const PORT: u16 = 7406;
pub(crate) const NODE: (u16, IpAddr) = (1, IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1)));
pub(crate) const CLIENT: (u16, IpAddr) = (2, IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9)));
/// The two over IPv6, with addresses that are routed and with such as mean nothing without the interface.
pub(crate) const OVER_6: [[(u16, IpAddr); 2]; 2] = [pair(0x2001, 0xdb8, 0x113), pair(0xfe80, 0, 0)];

const fn pair(a: u16, b: u16, c: u16) -> [(u16, IpAddr); 2] {
    [
        (1, IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 1))),
        (2, IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 9))),
    ]
}

fn open(
    namespace: &Namespace,
    interface: &str,
    own: (u16, IpAddr),
    cluster: u64,
    secret: u8,
) -> Datagrams {
    open_among(namespace, interface, own, (cluster, secret), [NODE, CLIENT])
}

fn open_among(
    namespace: &Namespace,
    interface: &str,
    (slot, address): (u16, IpAddr),
    (cluster, secret): (u64, u8),
    members: [(u16, IpAddr); 2],
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
    let members = BTreeMap::from(members);
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

/// What the client makes of a datagram that `send` sends from the node in a segment of its own.
fn dropped(send: impl Fn(&Segment)) -> (Dropped, Counts) {
    let segment = Segment::new();
    let mut client = open(&segment.client, "client0", CLIENT, 7, 1);
    send(&segment);
    match next(&mut client) {
        Incoming::Dropped { why, .. } => (why, *client.counts()),
        other => panic!("it was not dropped: {other:?}"),
    }
}

/// A poll, sealed in this cluster with this secret and in the name of this slot.
fn sealed(slot: u16, cluster: u64, secret: u8) -> impl Fn(&Segment) {
    move |segment| {
        open(&segment.node, "biz0", (slot, NODE.1), cluster, secret)
            .send(CLIENT.0, &Message::Poll { id: 1 })
            .expect("sent");
    }
}

/// Bytes from the node's address and this port.
fn bytes(port: u16, bytes: &'static [u8]) -> impl Fn(&Segment) {
    move |segment| {
        let socket = segment
            .node
            .run(|| UdpSocket::bind((NODE.1, port)).expect("bound"));
        socket
            .send_to(bytes, SocketAddr::new(CLIENT.1, PORT))
            .expect("sent");
    }
}

#[test]
fn a_message_arrives_with_its_senders_slot_and_incarnation() {
    if !is_root("control datagrams") {
        return;
    }
    let segment = Segment::new();
    for members in [[NODE, CLIENT], OVER_6[0], OVER_6[1]] {
        let [own, other] = members;
        let mut node = open_among(&segment.node, "biz0", own, (7, 1), members);
        let mut client = open_among(&segment.client, "client0", other, (7, 1), members);
        let message = Message::Promote {
            epoch: Epoch::new(3, 1),
        };
        node.send(other.0, &message).expect("sent");
        assert_eq!(
            next(&mut client),
            Incoming::Message {
                from: own.0,
                incarnation: 0xbeef,
                message
            }
        );
        assert_eq!(client.receive().expect("readable"), Incoming::Nothing);
        assert_eq!(client.counts().taken, 1);
    }
}

#[test]
fn strangers_forgers_and_liars_are_dropped_and_each_is_counted_under_its_own_name() {
    if !is_root("dropped control datagrams") {
        return;
    }
    let (why, counts) = dropped(sealed(NODE.0, 8, 1));
    let other = OpenError::OtherCluster { cluster: 8 };
    assert_eq!((why, counts.other_cluster), (Dropped::NotOpened(other), 1));

    let (why, counts) = dropped(sealed(NODE.0, 7, 2));
    let id = ControlKey::derive(&[2; 32]).id();
    let unknown = OpenError::UnknownKey { id };
    assert_eq!((why, counts.unknown_key), (Dropped::NotOpened(unknown), 1));

    // A member that claims another member's slot.
    let (why, counts) = dropped(sealed(CLIENT.0, 7, 1));
    let impostor = Dropped::Impostor { slot: CLIENT.0 };
    assert_eq!((why, counts.impostor), (impostor, 1));

    // A member's address, another port.
    let (why, counts) = dropped(bytes(0, b"HBDC"));
    assert_eq!((why, counts.stranger), (Dropped::Stranger, 1));

    let (why, counts) = dropped(bytes(PORT, b"HBDC"));
    let malformed = OpenError::Malformed { length: 4 };
    assert_eq!((why, counts.malformed), (Dropped::NotOpened(malformed), 1));

    let (why, counts) = dropped(bytes(PORT, &[0; 4000]));
    assert_eq!((why, counts.too_long), (Dropped::TooLong, 1));
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
        address: Ipv4Addr::new(203, 0, 113, 77).into(),
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
