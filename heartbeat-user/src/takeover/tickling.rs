//! The new master's part: it has the clients of the first one find out that their connections are dead.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use heartbeat_core::{Epoch, Slot};
use tracing::{debug, warn};

use super::closing::MOST_TOLD;
use super::message::Client;
use crate::net::tickle::Tickler;

/// When a client is tickled, in nanoseconds from the first time: a client that has the first master's
/// hardware address still, or whose answer is lost, answers the next one. Linux answers one such frame
/// in half a second (tcp_invalid_ratelimit), so none in between would help.
const AT_NS: [u64; 3] = [0, 600_000_000, 2_000_000_000];
/// A list that no master came for in this time is forgotten.
const KEPT_NS: u64 = 10_000_000_000;
/// Lists that are kept: one for each of the nodes that lost its mastership of late.
const MOST_LISTS: usize = 4;

/// The connections that other nodes closed, and this node itself.
#[derive(Debug, Default)]
pub(super) struct Tickling {
    lists: Vec<List>,
}

#[derive(Debug)]
struct List {
    from: Slot,
    /// The mastership that is over.
    epoch: Epoch,
    heard_ns: u64,
    clients: BTreeSet<(IpAddr, Client)>,
    /// When they are tickled next, and how often they were.
    next_ns: u64,
    done: usize,
}

impl Tickling {
    /// Takes what a node told of its mastership `epoch`; a copy changes nothing.
    pub(super) fn told(
        &mut self,
        (from, epoch): (Slot, Epoch),
        address: IpAddr,
        clients: &[Client],
        now_ns: u64,
    ) {
        self.forget(now_ns);
        let is_it = |list: &List| (list.from, list.epoch) == (from, epoch);
        let place = self.lists.iter().position(is_it).unwrap_or_else(|| {
            if self.lists.len() == MOST_LISTS {
                self.lists.remove(0);
            }
            self.lists.push(List {
                from,
                epoch,
                heard_ns: now_ns,
                clients: BTreeSet::new(),
                next_ns: now_ns,
                done: 0,
            });
            self.lists.len() - 1
        });
        let list = &mut self.lists[place];
        for client in clients.iter().filter(|client| is_usable(client.client)) {
            if list.clients.len() < MOST_TOLD && list.clients.insert((address, *client)) {
                // One more part of the list: all of it begins anew, which harms nobody.
                (list.next_ns, list.done) = (now_ns, 0);
            }
        }
    }

    /// When [`Tickling::due`] has something to do for the master of `epoch`.
    pub(super) fn next_ns(&self, epoch: Epoch) -> Option<u64> {
        let open = self.lists.iter().filter(|list| list.is_open(epoch));
        open.map(|list| list.next_ns).min()
    }

    /// Tickles whoever is due, from those of `addresses` that this node has as master of `epoch`.
    pub(super) fn due(&mut self, epoch: Epoch, addresses: &[IpAddr], now_ns: u64) {
        self.forget(now_ns);
        for list in &mut self.lists {
            if !list.is_open(epoch) || list.next_ns > now_ns {
                continue;
            }
            list.tickle(addresses);
            list.done += 1;
            if let Some(at) = AT_NS.get(list.done) {
                list.next_ns = now_ns + at - AT_NS[list.done - 1];
            }
        }
    }

    fn forget(&mut self, now_ns: u64) {
        self.lists
            .retain(|list| now_ns.saturating_sub(list.heard_ns) < KEPT_NS);
    }
}

impl List {
    /// Whether the master of `epoch` has something to tell these clients.
    fn is_open(&self, epoch: Epoch) -> bool {
        self.epoch < epoch && self.done < AT_NS.len()
    }

    fn tickle(&self, addresses: &[IpAddr]) {
        let tickler = match Tickler::open() {
            Ok(tickler) => tickler,
            Err(error) => {
                warn!(%error, "clients of the first master are not told that their connections are dead: no raw socket");
                return;
            }
        };
        let (mut sent, mut failed) = (0_usize, 0_usize);
        for (address, client) in &self.clients {
            // Another address is none of this cluster's: nothing is sent in its name.
            if !addresses.contains(address) {
                continue;
            }
            let local = SocketAddr::new(*address, client.port);
            match tickler.tickle(local, client.client) {
                Ok(()) => sent += 1,
                Err(_) => failed += 1,
            }
        }
        debug!(
            from = self.from,
            sent, failed, "clients of the first master tickled"
        );
    }
}

/// Whether it can be a client at all.
fn is_usable(client: SocketAddr) -> bool {
    let ip = client.ip();
    let is_broadcast = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
    !(ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() || is_broadcast)
        && client.port() != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Epoch = Epoch::new(4, 1);
    const NEW: Epoch = Epoch::new(5, 2);
    const S: u64 = 1_000_000_000;

    fn address() -> IpAddr {
        IpAddr::from([203, 0, 113, 100])
    }

    fn client(port: u16) -> Client {
        Client {
            port: 443,
            client: SocketAddr::new([203, 0, 113, 9].into(), port),
        }
    }

    fn told(tickling: &mut Tickling, ports: std::ops::Range<u16>, now_ns: u64) {
        let clients: Vec<Client> = ports.map(client).collect();
        tickling.told((1, OLD), address(), &clients, now_ns);
    }

    #[test]
    fn a_list_waits_for_the_next_master_and_is_used_three_times() {
        let mut tickling = Tickling::default();
        told(&mut tickling, 1..3, S);
        assert_eq!(tickling.next_ns(OLD), None, "not for the mastership itself");
        let mut at = Vec::new();
        while let Some(next_ns) = tickling.next_ns(NEW) {
            at.push((next_ns - S) / 1_000_000);
            // Without an address of this node nothing is sent.
            tickling.due(NEW, &[], next_ns);
        }
        assert_eq!(at, [0, 600, 2_000]);
    }

    #[test]
    fn a_copy_begins_nothing_anew_and_a_further_part_does() {
        let mut tickling = Tickling::default();
        told(&mut tickling, 1..3, S);
        tickling.due(NEW, &[], S);
        told(&mut tickling, 1..3, S + 5);
        assert_eq!(tickling.next_ns(NEW), Some(S + AT_NS[1]));
        told(&mut tickling, 3..4, S + 9);
        assert_eq!(tickling.next_ns(NEW), Some(S + 9));
    }

    #[test]
    fn what_nobody_came_for_is_forgotten_and_lists_stay_bounded() {
        let mut tickling = Tickling::default();
        told(&mut tickling, 1..2_000, S);
        assert_eq!(tickling.lists[0].clients.len(), MOST_TOLD);
        for round in 10..20 {
            tickling.told((3, Epoch::new(round, 3)), address(), &[client(7)], S);
        }
        assert_eq!(tickling.lists.len(), MOST_LISTS);
        tickling.due(Epoch::new(30, 2), &[], S + KEPT_NS);
        assert_eq!(tickling.lists.len(), 0);
    }

    #[test]
    fn nobody_is_tickled_who_cannot_be_a_client() {
        for odd in [
            "0.0.0.0:9",
            "127.0.0.1:9",
            "224.0.0.1:9",
            "255.255.255.255:9",
            "203.0.113.9:0",
        ] {
            assert!(!is_usable(odd.parse().unwrap()), "{odd}");
        }
        assert!(is_usable("203.0.113.9:9".parse().unwrap()));
    }
}
