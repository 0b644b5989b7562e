//! The part of who bears addresses now: it has the clients of who bore them before find out that their connections
//! are dead.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use heartbeat_core::{Epoch, Slot};
use tracing::{debug, warn};

use super::closing::MOST_TOLD;
use super::message::Client;
use crate::net::tickle::Tickler;

/// When a client is tickled, in nanoseconds from the first time: a client that has the hardware address of
/// who bore the address before still, or whose answer is lost, answers the next one. Linux answers one such frame
/// in half a second (tcp_invalid_ratelimit), so none in between would help.
const AT_NS: [u64; 3] = [0, 600_000_000, 2_000_000_000];
/// A list that nobody came for in this time is forgotten.
const KEPT_NS: u64 = 10_000_000_000;
/// Lists that are kept: one for each of the nodes that lost its mastership of late, and one for each of those that
/// lost slots' addresses.
const MOST_LISTS: usize = 16;

/// An address that this node bears, and the mastership by which it does; [`Epoch::NONE`] for a slot's.
pub(super) type Borne = (IpAddr, Epoch);

/// The connections that other nodes closed, and this node itself.
#[derive(Debug, Default)]
pub(super) struct Tickling {
    lists: Vec<List>,
}

#[derive(Debug)]
struct List {
    from: Slot,
    /// The mastership that is over; [`Epoch::NONE`] where the addresses are those of slots.
    epoch: Epoch,
    heard_ns: u64,
    clients: BTreeSet<(IpAddr, Client)>,
    /// When they are tickled next, and how often they were.
    next_ns: u64,
    done: usize,
}

/// Connections whose clients are to be tickled now.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Due {
    from: Slot,
    /// This end of each, and the client.
    ends: Vec<(SocketAddr, SocketAddr)>,
}

impl Tickling {
    /// Takes what a node told of its mastership `epoch`, or of slots' addresses; a copy changes nothing.
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
                // However many slots move at once, a mastership's list stays.
                let of_slots = self.lists.iter().position(|list| list.epoch.is_none());
                self.lists.remove(of_slots.unwrap_or(0));
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
                (list.heard_ns, list.next_ns, list.done) = (now_ns, now_ns, 0);
            }
        }
    }

    /// A slot's addresses are borne from now on: whoever bore them before may have told of them long since.
    pub(super) fn begin_slot(&mut self, addresses: &[IpAddr], now_ns: u64) {
        for list in self.lists.iter_mut().filter(|list| list.epoch.is_none()) {
            let mut clients = list.clients.iter();
            if clients.any(|(address, _)| addresses.contains(address)) {
                (list.next_ns, list.done) = (now_ns, 0);
            }
        }
    }

    /// Whether there is nobody to be told anything.
    pub(super) const fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// When [`Tickling::due`] has something to do for who bears these addresses.
    pub(super) fn next_ns(&self, borne: &[Borne]) -> Option<u64> {
        let open = self.lists.iter().filter(|list| list.is_open(borne));
        open.map(|list| list.next_ns).min()
    }

    /// Whoever is to be tickled now, by who bears these addresses.
    pub(super) fn due(&mut self, borne: &[Borne], now_ns: u64) -> Vec<Due> {
        self.forget(now_ns);
        let mut due = Vec::new();
        for list in &mut self.lists {
            if !list.is_open(borne) || list.next_ns > now_ns {
                continue;
            }
            due.push(Due {
                from: list.from,
                ends: list.ends(borne).collect(),
            });
            list.done += 1;
            if let Some(at) = AT_NS.get(list.done) {
                list.next_ns = now_ns + at - AT_NS[list.done - 1];
            }
        }
        due
    }

    fn forget(&mut self, now_ns: u64) {
        self.lists
            .retain(|list| now_ns.saturating_sub(list.heard_ns) < KEPT_NS);
    }
}

impl List {
    /// Whether who bears these addresses has something to tell these clients.
    fn is_open(&self, borne: &[Borne]) -> bool {
        self.done < AT_NS.len() && self.ends(borne).next().is_some()
    }

    /// The connections of those addresses that are borne here now, and not by the mastership that lost them. In the
    /// name of another address, which is none of this cluster's, nothing is sent.
    fn ends(&self, borne: &[Borne]) -> impl Iterator<Item = (SocketAddr, SocketAddr)> {
        let is_open = |address: IpAddr| {
            let mut borne = borne.iter();
            borne.any(|(other, epoch)| {
                *other == address && (self.epoch.is_none() || self.epoch < *epoch)
            })
        };
        let clients = self.clients.iter();
        clients
            .filter(move |(address, _)| is_open(*address))
            .map(|(address, client)| (SocketAddr::new(*address, client.port), client.client))
    }
}

impl Due {
    /// Sends what makes the clients ask.
    pub(super) fn send(&self) {
        let tickler = match Tickler::open() {
            Ok(tickler) => tickler,
            Err(error) => {
                warn!(%error, "clients of who bore an address before are not told that their connections are dead: no raw socket");
                return;
            }
        };
        let (mut sent, mut failed) = (0_usize, 0_usize);
        for (local, client) in &self.ends {
            match tickler.tickle(*local, *client) {
                Ok(()) => sent += 1,
                Err(_) => failed += 1,
            }
        }
        debug!(
            from = self.from,
            sent, failed, "clients of who bore the addresses before tickled"
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

    /// What a master of `epoch` bears.
    fn as_master(epoch: Epoch) -> [Borne; 1] {
        [(address(), epoch)]
    }

    /// The address of slot 5, by its lease or taken over.
    fn of_slot() -> Borne {
        (IpAddr::from([203, 0, 113, 105]), Epoch::NONE)
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

    /// When the rest is tickled, in milliseconds from the first second on, and how many each time.
    fn rest(tickling: &mut Tickling, borne: &[Borne]) -> Vec<(u64, usize)> {
        let mut at = Vec::new();
        while let Some(next_ns) = tickling.next_ns(borne) {
            let due = tickling.due(borne, next_ns);
            let ends = due.iter().map(|due| due.ends.len()).sum();
            at.push(((next_ns - S) / 1_000_000, ends));
        }
        at
    }

    #[test]
    fn a_list_waits_for_the_next_master_and_is_used_three_times() {
        let mut tickling = Tickling::default();
        told(&mut tickling, 1..3, S);
        for borne in [&as_master(OLD)[..], &[of_slot()], &[]] {
            assert_eq!(tickling.next_ns(borne), None, "not for {borne:?}");
            assert_eq!(tickling.due(borne, S), []);
        }
        let at = rest(&mut tickling, &as_master(NEW));
        assert_eq!(at, [(0, 2), (600, 2), (2_000, 2)]);
    }

    #[test]
    fn a_copy_begins_nothing_anew_and_a_further_part_does() {
        let mut tickling = Tickling::default();
        let borne = as_master(NEW);
        told(&mut tickling, 1..3, S);
        tickling.due(&borne, S);
        told(&mut tickling, 1..3, S + 5);
        assert_eq!(tickling.next_ns(&borne), Some(S + AT_NS[1]));
        told(&mut tickling, 3..4, S + 9);
        assert_eq!(tickling.next_ns(&borne), Some(S + 9));
    }

    #[test]
    fn the_list_of_slots_waits_for_each_of_them_and_only_what_is_borne_is_tickled() {
        let mut tickling = Tickling::default();
        let (fifth, sixth) = (of_slot(), (IpAddr::from([203, 0, 113, 106]), Epoch::NONE));
        for (address, ports) in [(fifth.0, 1..3), (sixth.0, 3..6)] {
            let clients: Vec<Client> = ports.map(client).collect();
            tickling.told((1, Epoch::NONE), address, &clients, S);
        }
        assert_eq!(tickling.next_ns(&as_master(NEW)), None);
        tickling.begin_slot(&[fifth.0], 2 * S);
        let at = rest(&mut tickling, &[fifth]);
        assert_eq!(at, [(1_000, 2), (1_600, 2), (3_000, 2)]);
        assert_eq!(tickling.next_ns(&[fifth, sixth]), None, "all of it is done");
        tickling.begin_slot(&[sixth.0], 5 * S);
        let at = rest(&mut tickling, &[fifth, sixth]);
        assert_eq!(at, [(4_000, 5), (4_600, 5), (6_000, 5)]);
        tickling.begin_slot(&[address()], 8 * S);
        assert_eq!(tickling.next_ns(&[fifth, sixth]), None);
    }

    #[test]
    fn what_nobody_came_for_is_forgotten_and_lists_stay_bounded() {
        let mut tickling = Tickling::default();
        told(&mut tickling, 1..2_000, S);
        assert_eq!(tickling.lists[0].clients.len(), MOST_TOLD);
        for slot in 10..40 {
            tickling.told((slot, Epoch::NONE), of_slot().0, &[client(7)], S);
        }
        assert_eq!(tickling.lists.len(), MOST_LISTS);
        assert_eq!(tickling.lists[0].epoch, OLD, "the slots' go first");
        for round in 10..40 {
            tickling.told((3, Epoch::new(round, 3)), address(), &[client(7)], S);
        }
        assert_eq!(tickling.lists.len(), MOST_LISTS);
        tickling.due(&as_master(Epoch::new(50, 2)), S + KEPT_NS);
        assert!(tickling.is_empty());
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
