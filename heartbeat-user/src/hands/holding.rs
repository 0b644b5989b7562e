//! Addresses held together, those of one mastership or of this slot: which are in place, which are missing,
//! when they are announced.

use super::schedule::{Due, Schedule};
use super::tools::Tools;
use super::{Action, Counters, Failure, Report, VirtualAddress};
use crate::net::netlink::{Added, Address, LinkChange};
use crate::sys::clock::boot_ns;

/// Pause between two attempts to bring missing addresses back, in nanoseconds. The first one is made at
/// once; a program that deletes an address again and again must not turn a real-time thread into a busy loop.
const RETRY_NS: u64 = 50_000_000;

/// Whether an address is on its interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is there, as far as we know.
    Held,
    /// It may be missing: to be added at the next opportunity.
    Missing,
    /// Adding it failed, which was reported; to be added like a missing one.
    Failed,
    /// Its interface is not there, which was reported; an order will tell when it is back and gated.
    NoInterface,
}

#[derive(Debug)]
struct Item {
    address: VirtualAddress,
    place: Place,
    /// Where it was added last; right even after the interface was renamed.
    link_index: Option<u32>,
}

/// Addresses held together.
#[derive(Debug)]
pub(super) struct Holding {
    items: Vec<Item>,
    schedule: Schedule,
    /// When missing addresses may be added again.
    retry_ns: u64,
}

impl Holding {
    /// Adds every address of a takeover and sends the first announcements. Gives the holding, when
    /// the last address was added and when the last announcement was sent.
    pub(super) fn take_over(tools: &mut Tools, addresses: &[VirtualAddress]) -> (Self, u64, u64) {
        let mut items: Vec<Item> = addresses.iter().map(Item::new).collect();
        for item in &mut items {
            item.add(tools);
        }
        let added_at_ns = boot_ns();
        let mut holding = Self {
            items,
            schedule: Schedule::starting_at(added_at_ns),
            retry_ns: added_at_ns + RETRY_NS,
        };
        holding.due(tools, added_at_ns);
        (holding, added_at_ns, boot_ns())
    }

    /// Holds these addresses at most from now on; gives the others, with the interface numbers they were added to.
    pub(super) fn keep_only(
        &mut self,
        wanted: &[VirtualAddress],
    ) -> Vec<(VirtualAddress, Option<u32>)> {
        let (stay, leave): (Vec<_>, Vec<_>) = std::mem::take(&mut self.items)
            .into_iter()
            .partition(|item| wanted.contains(&item.address));
        self.items = stay;
        leave
            .into_iter()
            .map(|item| (item.address, item.link_index))
            .collect()
    }

    /// Holds these addresses too: adds those that are new, and has them announced as after a takeover.
    pub(super) fn hold_too(
        &mut self,
        tools: &mut Tools,
        wanted: &[VirtualAddress],
    ) -> Result<(), Failure> {
        let mut outcome = Ok(());
        for address in wanted {
            if self.items.iter().any(|item| item.address == *address) {
                continue;
            }
            let mut item = Item::new(address);
            item.add(tools);
            if item.place != Place::Held {
                outcome = Err(Failure::Unchanged {
                    action: Action::Add,
                    address: address.address,
                });
            }
            self.items.push(item);
            self.schedule = Schedule::starting_at(boot_ns());
        }
        outcome
    }

    /// Every address with the interface number it was added to, if it ever was.
    pub(super) fn addresses(&self) -> impl Iterator<Item = (&VirtualAddress, Option<u32>)> {
        self.items
            .iter()
            .map(|item| (&item.address, item.link_index))
    }

    /// When something is to be done next.
    pub(super) fn next_ns(&self) -> u64 {
        let announcement = self.schedule.next_ns();
        if self.items.iter().any(Item::is_wanted) {
            announcement.min(self.retry_ns)
        } else {
            announcement
        }
    }

    /// Does what is due: brings missing addresses back, announces.
    pub(super) fn due(&mut self, tools: &mut Tools, now_ns: u64) {
        let due = self.schedule.take(now_ns);
        if due == Due::Refresh {
            self.doubt(now_ns, |_| true);
        }
        if now_ns >= self.retry_ns && self.items.iter().any(Item::is_wanted) {
            self.retry_ns = now_ns + RETRY_NS;
            for item in self.items.iter_mut().filter(|item| item.is_wanted()) {
                item.bring_back(tools);
            }
        }
        if due != Due::Nothing {
            for item in self.items.iter().filter(|item| item.place == Place::Held) {
                tools.announce(&item.address);
            }
        }
    }

    /// Has every address looked for as soon as possible.
    pub(super) fn check(&mut self, now_ns: u64) {
        self.doubt(now_ns, |_| true);
    }

    /// Somebody on the network does not know of the takeover: it is told as at the first time.
    pub(super) fn announce_anew(&mut self, now_ns: u64) {
        self.doubt(now_ns, |_| true);
        self.schedule = Schedule::starting_at(now_ns);
    }

    /// Somebody deleted an address, perhaps one of these.
    pub(super) fn removed(&mut self, removed: &Address) {
        // Not at once if one was brought back just now.
        let retry_ns = self.retry_ns;
        self.doubt(retry_ns, |item| {
            item.address.address == removed.address && item.link_index == Some(removed.link_index)
        });
    }

    /// A gate stands on an interface that came back; it has none of the former one's addresses.
    pub(super) fn gated(&mut self, interface: &str, now_ns: u64) {
        self.doubt(now_ns, |item| item.address.interface == interface);
    }

    /// An interface changed, which may carry some of the addresses.
    pub(super) fn link_changed(&mut self, interface: &str, change: LinkChange, now_ns: u64) {
        let is_carried = |item: &Item| item.address.interface == interface;
        if !self.items.iter().any(is_carried) {
            return;
        }
        match change {
            // Whoever is behind the cable may have changed too, so all is announced anew.
            LinkChange::Up | LinkChange::CarrierFound | LinkChange::MacChanged => {
                self.schedule = Schedule::starting_at(now_ns);
            }
            // What came back is used when its gate stands.
            LinkChange::Appeared { .. }
            | LinkChange::Gone
            | LinkChange::Down
            | LinkChange::CarrierLost => {}
        }
    }

    /// Takes addresses for missing, to be looked for from `from_ns` on.
    fn doubt(&mut self, from_ns: u64, which: impl Fn(&Item) -> bool) {
        for item in self.items.iter_mut().filter(|item| which(item)) {
            if matches!(item.place, Place::Held | Place::NoInterface) {
                item.place = Place::Missing;
                self.retry_ns = self.retry_ns.min(from_ns);
            }
        }
    }
}

impl Item {
    fn new(address: &VirtualAddress) -> Self {
        Self {
            address: address.clone(),
            place: Place::Missing,
            link_index: None,
        }
    }

    /// Whether adding it now may bring it into place.
    fn is_wanted(&self) -> bool {
        matches!(self.place, Place::Missing | Place::Failed)
    }

    /// Adds it, and tells and announces if it really had been missing.
    fn bring_back(&mut self, tools: &mut Tools) {
        if self.add(tools) {
            Counters::add(&tools.counters.restored);
            tools.announce(&self.address);
            tools.report(Report::Restored {
                address: self.address.clone(),
            });
        }
    }

    /// True if it was not there before.
    fn add(&mut self, tools: &mut Tools) -> bool {
        match tools.add(&self.address) {
            Ok((added, link_index)) => {
                self.place = Place::Held;
                self.link_index = Some(link_index);
                added == Added::New
            }
            Err(error) => {
                let failed = if error.is_no_interface() {
                    Place::NoInterface
                } else {
                    Place::Failed
                };
                // Told once, however often it is tried.
                if self.place != failed {
                    tools.failed(Action::Add, &self.address, error.into());
                }
                self.place = failed;
                false
            }
        }
    }
}
