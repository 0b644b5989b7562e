//! The hands' thread: waits for orders, events and deadlines, and carries them out.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TryRecvError};

use heartbeat_core::Slot;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::channel::{Receiver, Sender};
use super::holding::Holding;
use super::tools::Tools;
use super::{Action, Counters, Failure, Order, Report, VirtualAddress};
use crate::net::announce::Announcer;
use crate::net::netlink::{Event, Events, LinkChange, LinkWatch, Netlink, OwnerMark};
use crate::sys::clock::{BootTimer, boot_ns};
use crate::sys::memory::prefault_stack;
use crate::sys::realtime::{self, RealtimeError};

/// Batches of events that are taken between two looks at the orders: while others configure networks
/// by the thousand, an order waits for a few of their events only.
const EVENT_BATCHES: usize = 8;

/// Pause between two attempts to delete what could not be deleted, in nanoseconds.
const DELETE_RETRY_NS: u64 = 20_000_000;

/// An address that is to go, and could not be deleted yet.
#[derive(Debug)]
pub(super) struct Leftover {
    pub(super) address: VirtualAddress,
    link_index: u32,
}

/// The addresses of a slot that go by a lease.
#[derive(Debug)]
pub(super) struct SlotHolding {
    pub(super) slot: Slot,
    /// They are another node's, and go with the mastership's.
    pub(super) is_taken: bool,
    pub(super) holding: Holding,
}

#[derive(Debug)]
pub(super) struct Worker {
    orders: Receiver<Order>,
    events: Events,
    timer: BootTimer,
    pub(super) tools: Tools,
    /// The addresses of the mastership, if there is one.
    pub(super) holding: Option<Holding>,
    /// Those of this node's slot that need no lease.
    pub(super) kept: Option<Holding>,
    /// Those that go by a slot's lease.
    pub(super) slots: Vec<SlotHolding>,
    pub(super) leftovers: Vec<Leftover>,
    delete_retry_ns: u64,
    /// Of one batch; kept for its memory.
    batch: Vec<Event>,
}

impl Worker {
    pub(super) fn new(
        orders: Receiver<Order>,
        reports: Sender<Report>,
        counters: Arc<Counters>,
        mark: OwnerMark,
        interfaces: impl IntoIterator<Item = String>,
    ) -> Result<Self, Failure> {
        // Events first: what changes while the links are listed is not missed.
        let events = Events::open()?;
        let mut netlink = Netlink::open()?;
        let mut watch = LinkWatch::new(interfaces);
        watch.resync(&netlink.links()?, |_, _| ());
        let timer = BootTimer::new().map_err(Failure::system("make a timer"))?;
        let tools = Tools {
            netlink,
            announcer: Announcer::open()?,
            watch,
            ungated: Vec::new(),
            mark,
            counters,
            reports,
        };
        Ok(Self {
            orders,
            events,
            timer,
            tools,
            holding: None,
            kept: None,
            slots: Vec::new(),
            leftovers: Vec::new(),
            delete_retry_ns: 0,
            batch: Vec::new(),
        })
    }

    /// The thread. Tells `ready` first, with the reason if it does not run as a real-time thread.
    pub(super) fn run(mut self, ready: &SyncSender<Option<RealtimeError>>) {
        let (_realtime, refused) = match realtime::enter(realtime::HANDS) {
            Ok(guard) => (Some(guard), None),
            Err(refused) => (None, Some(refused)),
        };
        prefault_stack();
        // Nobody listens if the starter gave up; the orders' end is then seen at once.
        let _ = ready.send(refused);
        if let Err(error) = self.work() {
            self.tools.report(Report::Broken { error });
        }
    }

    /// Returns when nobody can give orders any more.
    fn work(&mut self) -> Result<(), Failure> {
        while self.carry_out_orders() {
            self.take_events()?;
            let now_ns = boot_ns();
            for holding in held(&mut self.holding, &mut self.kept, &mut self.slots) {
                holding.due(&mut self.tools, now_ns);
            }
            if now_ns >= self.delete_retry_ns {
                self.delete_leftovers(now_ns);
            }
            self.wait()
                .map_err(Failure::system("wait for orders and events"))?;
        }
        Ok(())
    }

    /// Waits for an order, an event or the next deadline. Setting the timer anew takes back its last
    /// firing, so that it is never read.
    fn wait(&self) -> io::Result<()> {
        let leftovers = (!self.leftovers.is_empty()).then_some(self.delete_retry_ns);
        let slots = self.slots.iter().map(|held| &held.holding);
        let held = self.holding.iter().chain(&self.kept).chain(slots);
        let due = held.map(Holding::next_ns);
        match leftovers.into_iter().chain(due).min() {
            Some(at_ns) => self.timer.set(at_ns)?,
            None => self.timer.unset()?,
        }
        let mut fds = [self.orders.as_fd(), self.events.as_fd(), self.timer.as_fd()]
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// False when there will be no more orders.
    fn carry_out_orders(&mut self) -> bool {
        loop {
            match self.orders.next() {
                Ok(Order::Keep { addresses }) => {
                    let (kept, _, _) = Holding::take_over(&mut self.tools, &addresses);
                    self.kept = Some(kept);
                }
                Ok(Order::TakeOver { epoch, addresses }) => {
                    self.give_up_all_but(&addresses);
                    let (holding, added_at_ns, announced_at_ns) =
                        Holding::take_over(&mut self.tools, &addresses);
                    self.holding = Some(holding);
                    self.tools.report(Report::TookOver {
                        epoch,
                        added_at_ns,
                        announced_at_ns,
                    });
                }
                Ok(Order::HoldSlot {
                    slot,
                    is_taken,
                    addresses,
                }) => self.hold_slot(slot, is_taken, &addresses),
                Ok(Order::DropSlot { slot }) => {
                    self.drop_slots(|held| held.slot == slot);
                    self.tools.report(Report::DroppedSlot { slot });
                }
                Ok(Order::Gated { interface }) => self.gated(&interface),
                Ok(Order::Change(change)) => {
                    let outcome = self.change(&change);
                    // Whoever ordered it waits for it.
                    let _ = change.done.send(outcome);
                }
                Ok(Order::Announce(whose)) => self.announce(whose),
                Ok(Order::Release { epoch }) => {
                    self.drop_slots(|held| held.is_taken);
                    self.give_up_all_but(&[]);
                    let at_ns = boot_ns();
                    self.tools.report(Report::Released { epoch, at_ns });
                }
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn gated(&mut self, interface: &str) {
        self.tools.ungated.retain(|ungated| ungated != interface);
        for holding in held(&mut self.holding, &mut self.kept, &mut self.slots) {
            holding.gated(interface, boot_ns());
        }
    }

    /// Deletes every address held for a mastership that is not in `wanted`, and holds none.
    fn give_up_all_but(&mut self, wanted: &[VirtualAddress]) {
        self.leftovers
            .retain(|leftover| !wanted.contains(&leftover.address));
        for (address, link_index) in self.holding.take().iter().flat_map(Holding::addresses) {
            if !wanted.contains(address) {
                self.give_up(address, link_index);
            }
        }
    }

    /// Deletes an address, if it ever was added.
    pub(super) fn give_up(&mut self, address: &VirtualAddress, link_index: Option<u32>) {
        let Some(link_index) = link_index else {
            // Not ours to delete.
            return;
        };
        let netlink = &mut self.tools.netlink;
        if let Err(error) = netlink.delete_address(link_index, address.address) {
            self.tools.failed(Action::Delete, address, error.into());
            self.leftovers.push(Leftover {
                address: address.clone(),
                link_index,
            });
            self.delete_retry_ns = boot_ns() + DELETE_RETRY_NS;
        }
    }

    fn delete_leftovers(&mut self, now_ns: u64) {
        self.delete_retry_ns = now_ns + DELETE_RETRY_NS;
        let netlink = &mut self.tools.netlink;
        self.leftovers.retain(|leftover| {
            let address = leftover.address.address;
            netlink
                .delete_address(leftover.link_index, address)
                .is_err()
        });
    }

    fn take_events(&mut self) -> Result<(), Failure> {
        for _ in 0..EVENT_BATCHES {
            let batch = &mut self.batch;
            if !self.events.read(|event| batch.push(event))? {
                break;
            }
            let mut batch = std::mem::take(&mut self.batch);
            for event in batch.drain(..) {
                self.handle(&event)?;
            }
            self.batch = batch;
        }
        Ok(())
    }

    fn handle(&mut self, event: &Event) -> Result<(), Failure> {
        let mut changes = Vec::new();
        let changed = |name: &str, change| changes.push((name.to_owned(), change));
        match event {
            Event::Link(_) | Event::LinkGone { .. } => self.tools.watch.handle(event, changed),
            Event::Overrun => {
                Counters::add(&self.tools.counters.overruns);
                let links = self.tools.netlink.links()?;
                self.tools.watch.resync(&links, changed);
                for holding in held(&mut self.holding, &mut self.kept, &mut self.slots) {
                    holding.check(boot_ns());
                }
            }
            Event::AddressRemoved(address) => {
                for holding in held(&mut self.holding, &mut self.kept, &mut self.slots) {
                    holding.removed(address);
                }
            }
            Event::AddressAdded(_) => {}
        }
        for (interface, change) in changes {
            self.link_changed(interface, change);
        }
        Ok(())
    }

    pub(super) fn link_changed(&mut self, interface: String, change: LinkChange) {
        if matches!(change, LinkChange::Appeared { .. }) && !self.tools.ungated.contains(&interface)
        {
            self.tools.ungated.push(interface.clone());
        }
        for holding in held(&mut self.holding, &mut self.kept, &mut self.slots) {
            holding.link_changed(&interface, change, boot_ns());
        }
        self.tools.report(Report::Link { interface, change });
    }
}

/// Everything that is held; of the fields and not of the worker, whose tools are used meanwhile.
fn held<'a>(
    holding: &'a mut Option<Holding>,
    kept: &'a mut Option<Holding>,
    slots: &'a mut [SlotHolding],
) -> impl Iterator<Item = &'a mut Holding> {
    let slots = slots.iter_mut().map(|held| &mut held.holding);
    holding.iter_mut().chain(kept).chain(slots)
}
