//! Links between daemons over an interface that comes and goes.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use bytes::Bytes;
use heartbeat_core::message::Network;
use heartbeat_user::config::ClusterKey;
use heartbeat_user::peer::{Kind, LinkKey, Membership, Peers, Place};
use tokio::runtime::{Builder, Runtime};

use crate::datagrams::{CLIENT, NODE, OVER_6};
use crate::namespace::{Namespace, Segment, is_root};

const PORT: u16 = 7407;
/// Longer than a link takes to be found dead, and an interface to be looked at.
const PATIENCE: Duration = Duration::from_secs(20);

/// One daemon's links; its threads live in its namespace.
struct End {
    peers: Peers,
    runtime: Runtime,
}

impl End {
    fn start(
        namespace: &Namespace,
        interface: &str,
        own: (u16, IpAddr),
        other: (u16, IpAddr),
    ) -> Self {
        let membership = Membership {
            cluster: 7,
            slot: own.0,
            port: PORT,
            keys: vec![LinkKey::of(&ClusterKey::new([1; 32]))],
            places: vec![Place {
                network: Network::Management,
                interface: interface.to_owned(),
                address: own.1,
            }],
            members: BTreeMap::from([(other.0, vec![(Network::Management, other.1)])]),
        };
        namespace.run(|| {
            let mut builder = Builder::new_multi_thread();
            let runtime = builder.worker_threads(1).enable_all().build();
            let runtime = runtime.expect("threads are to be had");
            let peers = Peers::start(membership, runtime.handle().clone());
            peers.answer(Kind::Node, |_, body| async { Ok(body) });
            Self { peers, runtime }
        })
    }

    /// Asks until there is an answer.
    fn reaches(&self, slot: u16, what: &str) {
        let begun = Instant::now();
        loop {
            let body = Bytes::from_static(b"there?");
            let call = self
                .peers
                .call(slot, Kind::Node, body.clone(), Duration::from_secs(1));
            match self.runtime.block_on(call) {
                Ok(answer) => return assert_eq!(answer, body),
                Err(why) => assert!(begun.elapsed() < PATIENCE, "{what}: {why}"),
            }
            sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn two_daemons_are_linked_over_addresses_of_either_family() {
    if !is_root("two_daemons_are_linked_over_addresses_of_either_family") {
        return;
    }
    let [routed, local] = OVER_6;
    for [node, client] in [[NODE, CLIENT], routed, local] {
        let segment = Segment::new();
        let one = End::start(&segment.node, "biz0", node, client);
        let two = End::start(&segment.client, "client0", client, node);
        one.reaches(2, &format!("{node:?} to {client:?}"));
        two.reaches(1, &format!("{client:?} to {node:?}"));
    }
}

#[test]
fn an_interface_that_is_made_anew_is_listened_on_again() {
    if !is_root("an_interface_that_is_made_anew_is_listened_on_again") {
        return;
    }
    let segment = Segment::new();
    let one = End::start(&segment.node, "biz0", NODE, CLIENT);
    let two = End::start(&segment.client, "client0", CLIENT, NODE);
    one.reaches(2, "before");
    two.reaches(1, "before");
    segment.node.ip("link delete biz0");
    let call = one
        .peers
        .call(2, Kind::Node, Bytes::new(), Duration::from_secs(1));
    let gone = one.runtime.block_on(call);
    assert!(gone.is_err(), "the witness that it was gone: {gone:?}");
    // The addresses come a moment after the interfaces, as they do.
    segment.join();
    sleep(Duration::from_millis(300));
    segment.node.ip("address add 203.0.113.1/24 dev biz0");
    segment.client.ip("address add 203.0.113.9/24 dev client0");
    one.reaches(2, "after");
    two.reaches(1, "after");
}
