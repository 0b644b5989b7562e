//! Nodes of one cluster on the loopback interface, for tests: each at an address of its own in each network.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use super::*;
use crate::config::ClusterKey;

pub(super) const CLUSTER: u64 = 0x1234_5678;
pub(super) const SOON: Duration = Duration::from_secs(10);

/// The key made of this byte.
pub(super) fn key(byte: u8) -> LinkKey {
    LinkKey::of(&ClusterKey::new([byte; 32]))
}

/// Addresses that no other test of this machine uses, as far as process ids tell them apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct World {
    block: u8,
    port: u16,
}

impl World {
    pub(super) fn new() -> Self {
        static BLOCKS: AtomicU8 = AtomicU8::new(1);
        let below = u16::try_from(std::process::id() % 20_000).expect("it is below that");
        Self {
            block: BLOCKS.fetch_add(1, Ordering::Relaxed),
            port: 10_000 + below,
        }
    }

    pub(super) const fn port(self) -> u16 {
        self.port
    }

    pub(super) fn address(self, slot: Slot, network: Network) -> IpAddr {
        let second = match network {
            Network::Management => 77,
            Network::Business => 78,
        };
        let last = u8::try_from(slot).expect("few nodes");
        Ipv4Addr::new(127, second, self.block, last).into()
    }

    /// Slots 1 to 3 on both networks.
    pub(super) fn membership(self, slot: Slot, keys: &[LinkKey]) -> Membership {
        let both = [Network::Management, Network::Business];
        let place = |network| Place {
            network,
            interface: "lo".to_owned(),
            address: self.address(slot, network),
        };
        let member = |other| {
            let places = both.map(|network| (network, self.address(other, network)));
            (other, places.to_vec())
        };
        Membership {
            cluster: CLUSTER,
            slot,
            port: self.port,
            keys: keys.to_vec(),
            places: both.map(place).to_vec(),
            members: (1..=3).filter(|other| *other != slot).map(member).collect(),
        }
    }

    pub(super) fn node(self, slot: Slot) -> Peers {
        self.node_with(slot, &[key(1)])
    }

    pub(super) fn node_with(self, slot: Slot, keys: &[LinkKey]) -> Peers {
        let peers = Peers::start(self.membership(slot, keys), Handle::current());
        peers.answer(Kind::Node, move |from, body| async move {
            let text = String::from_utf8_lossy(&body).into_owned();
            match text.as_str() {
                "no" => Err("it says no".to_owned()),
                "never" => std::future::pending().await,
                _ => Ok(Bytes::from(format!("{slot} to {from}: {text}"))),
            }
        });
        peers
    }
}

/// Asks until there is an answer of any kind but that nobody listens yet.
pub(super) async fn ask(peers: &Peers, to: Slot, text: &'static str) -> Result<String, CallError> {
    let start = Instant::now();
    loop {
        let asked = peers.call(to, Kind::Node, Bytes::from_static(text.as_bytes()), SOON);
        match asked.await {
            Err(CallError::NoLink { why, .. })
                if why.contains("refused (os error") && start.elapsed() < SOON =>
            {
                sleep(Duration::from_millis(20)).await;
            }
            outcome => return outcome.map(|body| String::from_utf8_lossy(&body).into_owned()),
        }
    }
}

/// Waits until this holds.
pub(super) async fn until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < SOON, "not within {SOON:?}: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}
