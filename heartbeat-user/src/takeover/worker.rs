//! The thread: takes tasks, and does what is due.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use heartbeat_core::{Epoch, Slot};
use tracing::warn;

use super::asking::{Asked, Asking};
use super::bearing::Bearing;
use super::closing;
use super::message::{CONNECTIONS_A_MESSAGE, Message};
use super::tickling::{Borne, Due, Tickling};
use super::verification::Act;
use super::{Parcel, Place, Setup, Surroundings, Task, addresses};
use crate::hands::Whose;
use crate::net::mac::MacAddress;
use crate::net::netlink::Netlink;
use crate::pulse::PulseOrder;
use crate::sys::clock::boot_ns;

/// Between the removal of the addresses and the look for their connections, in nanoseconds: the election of
/// the next master, which needs the processors, is over by then.
const PAUSE_NS: u64 = 3_000_000;

pub(super) struct Worker {
    setup: Setup,
    around: Arc<Surroundings>,
    asking: Asking,
    /// What this node bears.
    bearing: Bearing,
    /// The newest mastership that is over.
    demoted: Epoch,
    /// Of a mastership that is over: when the connections of its addresses are closed.
    closing: Option<(Epoch, u64)>,
    /// The slots whose addresses go: that were taken over in it, or whose own lease is over.
    given_up: BTreeSet<Slot>,
    tickling: Tickling,
    lost: Arc<AtomicU64>,
    lost_told: u64,
}

impl Worker {
    pub(super) fn new(setup: Setup, lost: Arc<AtomicU64>) -> Self {
        let around = setup.around.get();
        Self {
            asking: Asking::new(around.places.clone(), setup.tellers.clone()),
            around,
            bearing: Bearing::new(setup.slot),
            demoted: Epoch::NONE,
            closing: None,
            given_up: BTreeSet::new(),
            tickling: Tickling::default(),
            lost,
            lost_told: 0,
            setup,
        }
    }

    pub(super) fn run(mut self, tasks: &Receiver<Task>) {
        loop {
            let task = match self.next_ns() {
                Some(at_ns) => {
                    let left = Duration::from_nanos(at_ns.saturating_sub(boot_ns()));
                    tasks.recv_timeout(left)
                }
                None => tasks.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            self.look_around();
            match task {
                Ok(Task::End { removed }) => return self.end(removed),
                Ok(task) => self.take(task),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.due();
        }
    }

    fn next_ns(&self) -> Option<u64> {
        let times = [
            self.bearing.next_ns(),
            self.closing.map(|(_, at_ns)| at_ns),
            self.tickling.next_ns(&self.borne()),
        ];
        times.into_iter().flatten().min()
    }

    /// Goes by what is in force; what this node bears is looked after anew where the addresses are others.
    fn look_around(&mut self) {
        let around = self.setup.around.get();
        let before = std::mem::replace(&mut self.around, around);
        if before.places == self.around.places && before.lookers == self.around.lookers {
            return;
        }
        self.asking = Asking::new(self.around.places.clone(), self.setup.tellers.clone());
        for (whose, epoch) in self.bearing.leave(|_| true) {
            self.bear(whose, epoch, 0, boot_ns());
        }
        self.setup.view.show(&self.bearing.verified());
    }

    fn take(&mut self, task: Task) {
        match task {
            Task::TookOver {
                epoch,
                first_master,
                announced_ns,
            } => {
                if epoch > self.demoted {
                    self.bear(Whose::Master, epoch, first_master, announced_ns);
                }
            }
            Task::HoldsSlot {
                slot,
                before,
                announced_ns,
            } => {
                self.given_up.remove(&slot);
                self.bear(Whose::Slot(slot), Epoch::NONE, before, announced_ns);
                let addresses = addresses(&self.around.places, Whose::Slot(slot));
                self.tickling.begin_slot(&addresses, boot_ns());
            }
            Task::GivesUpSlot(slot) => {
                self.leave(|whose| whose == Whose::Slot(slot));
                // Should the word that they are gone be lost, their connections are closed with the mastership's, or
                // in the end.
                self.given_up.insert(slot);
            }
            Task::LeftSlot(slot) => {
                self.given_up.remove(&slot);
                // No election waits for the processors, and a lease that is granted anew may bring them back at once.
                self.close(&[(Whose::Slot(slot), Epoch::NONE)]);
            }
            Task::Demoted(epoch) => {
                self.demoted = self.demoted.max(epoch);
                self.leave_all_but_own();
                // Should the word that the addresses are gone be lost, it is done all the same in the end.
                self.closing = Some((epoch, u64::MAX));
            }
            Task::Electors(record) => self.setup.electors = record,
            Task::Released(epoch) => {
                // A slot that was taken over at the last moment was told of after the demotion.
                self.leave_all_but_own();
                self.closing = Some((epoch, boot_ns() + PAUSE_NS));
            }
            Task::Parcel(parcel) => self.open(&parcel),
            // Taken where tasks are received.
            Task::Look | Task::End { .. } => {}
        }
    }

    fn bear(&mut self, whose: Whose, epoch: Epoch, before: Slot, announced_ns: u64) {
        let addresses = addresses(&self.around.places, whose);
        let lookers = &self.around.lookers;
        (self.bearing).begin(whose, epoch, &addresses, (lookers, before), announced_ns);
        self.setup.view.show(&self.bearing.verified());
    }

    fn leave(&mut self, which: impl Fn(Whose) -> bool) -> Vec<(Whose, Epoch)> {
        let left = self.bearing.leave(which);
        self.setup.view.show(&self.bearing.verified());
        left
    }

    /// The mastership is over, and what was taken over in it goes too.
    fn leave_all_but_own(&mut self) {
        let own = Whose::Slot(self.setup.slot);
        for (whose, _) in self.leave(|whose| whose != own) {
            if let Whose::Slot(slot) = whose {
                self.given_up.insert(slot);
            }
        }
    }

    /// What this node bears, where somebody may have to be told of it.
    fn borne(&self) -> Vec<Borne> {
        if self.tickling.is_empty() {
            return Vec::new();
        }
        let places = self.around.places.iter();
        places
            .filter_map(|place| Some((place.address, self.bearing.epoch_of(place.whose)?)))
            .collect()
    }

    fn open(&mut self, parcel: &Parcel) {
        let now_ns = boot_ns();
        let message = match Message::decode(&parcel.body[..parcel.length]) {
            Ok(message) => message,
            Err(error) => return warn!(from = parcel.from, %error),
        };
        match message {
            Message::Verify(whose) => self.asking.begin(Asked {
                by: parcel.from,
                whose,
                epoch: parcel.epoch,
                number: parcel.number,
            }),
            Message::Verified {
                address,
                asked,
                macs,
            } => {
                if let Some(verification) = self.bearing.asking(parcel.epoch) {
                    let seen = asked.then_some(macs);
                    verification.answered(parcel.from, parcel.number, address, seen, now_ns);
                }
            }
            Message::Connections { address, clients } => {
                let whose = (parcel.from, parcel.epoch);
                self.tickling.told(whose, address, &clients, now_ns);
            }
        }
    }

    fn due(&mut self) {
        let now_ns = boot_ns();
        if let Some((epoch, at_ns)) = self.closing
            && at_ns <= now_ns
        {
            self.closing = None;
            self.close_all(Some(epoch));
        }
        let borne = self.borne();
        self.tickling.due(&borne, now_ns).iter().for_each(Due::send);
        self.verify(now_ns);
        let lost = self.lost.load(Ordering::Relaxed);
        if lost > self.lost_told {
            warn!(
                lost,
                "messages about takeovers were lost: they came faster than they could be looked at"
            );
            self.lost_told = lost;
        }
    }

    fn verify(&mut self, now_ns: u64) {
        let Some((whose, verification)) = self.bearing.first() else {
            return;
        };
        let places = &self.around.places;
        let acts = verification.due(now_ns, |address| own_mac(places, address));
        let epoch = verification.epoch;
        for act in acts {
            match act {
                Act::Ask(to, number) => {
                    let question = Message::Verify(whose);
                    self.setup.tellers.tell(to, epoch, number, &question);
                }
                Act::Announce => {
                    // A pulse that takes no order now has worse to do; the announcements go on at their times.
                    let _ = self.setup.pulse.send(PulseOrder::Announce(whose));
                }
                Act::Show => self.setup.view.show(&self.bearing.verified()),
                Act::Complete(at_ns) if whose == Whose::Master => {
                    // As above; the history then lacks one step.
                    let order = PulseOrder::Verified(epoch, at_ns);
                    let _ = self.setup.pulse.send(order);
                }
                // The history has no steps of a slot's address.
                Act::Complete(_) => {}
            }
        }
    }

    /// Of a mastership that is over, where there was one, and of the slots that were given up.
    fn close_all(&mut self, mastership: Option<Epoch>) {
        let slots = std::mem::take(&mut self.given_up).into_iter();
        let slots = slots.map(|slot| (Whose::Slot(slot), Epoch::NONE));
        let masters = mastership.map(|epoch| (Whose::Master, epoch));
        let all: Vec<_> = slots.chain(masters).collect();
        self.close(&all);
    }

    /// Closes the connections of these addresses, which this node bears no more, and tells everybody who may bear them
    /// next.
    fn close(&mut self, left: &[(Whose, Epoch)]) {
        let around = Arc::clone(&self.around);
        let epoch_of = |place: &Place| {
            let mut left = left.iter();
            left.find(|(whose, _)| *whose == place.whose)
        };
        let places = around.places.iter();
        let left: BTreeMap<IpAddr, &(Whose, Epoch)> = places
            .filter_map(|place| Some((place.address, epoch_of(place)?)))
            .collect();
        if left.is_empty() {
            return;
        }
        let addresses: Vec<IpAddr> = left.keys().copied().collect();
        for (address, clients) in closing::close(&addresses, &self.setup.view) {
            let (whose, epoch) = *left[&address];
            let now_ns = boot_ns();
            // This node may bear it next itself.
            let own = (self.setup.slot, epoch);
            self.tickling.told(own, address, &clients, now_ns);
            for part in clients.chunks(CONNECTIONS_A_MESSAGE) {
                let message = Message::Connections {
                    address,
                    clients: part.to_vec(),
                };
                for to in self.next_bearers(whose) {
                    self.setup.tellers.tell(to, epoch, 0, &message);
                }
            }
        }
    }

    /// The other members that may bear these addresses next.
    fn next_bearers(&self, whose: Whose) -> BTreeSet<Slot> {
        let electors = &self.setup.electors;
        let heirs = self.around.heirs.iter().copied();
        let owner = match whose {
            Whose::Slot(slot) if slot != self.setup.slot => Some(slot),
            Whose::Slot(_) | Whose::Master => None,
        };
        heirs
            .filter(|slot| electors.has_elector(*slot))
            .chain(owner)
            .collect()
    }

    fn end(&mut self, removed: bool) {
        let left = self.closing.take().map(|(epoch, _)| epoch);
        let lost = self.bearing.epoch_of(Whose::Master).filter(|_| removed);
        if removed {
            self.leave_all_but_own();
        }
        self.close_all(left.or(lost));
    }
}

/// This node's hardware address where it carries `address`.
fn own_mac(places: &[Place], address: IpAddr) -> Option<MacAddress> {
    let place = places.iter().find(|place| place.address == address)?;
    let mut netlink = Netlink::open().ok()?;
    netlink.link(place.interface.as_deref()?).ok()?.mac
}
