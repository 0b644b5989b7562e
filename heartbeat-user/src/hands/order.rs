//! What the hands are told, and what they tell.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use heartbeat_core::{Epoch, Slot};

use crate::net::PacketSocketError;
use crate::net::netlink::{LinkChange, NetlinkError};

/// A virtual address and where it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualAddress {
    /// The carrying interface.
    pub interface: String,
    /// The address; its prefix is always /32 or /128 on the interface.
    pub address: IpAddr,
}

/// Whose addresses some are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The mastership's.
    Master,
    /// Those of that slot that go by its lease.
    Slot(Slot),
}

/// What is to be held from now on, and who is told when it is.
#[derive(Debug)]
pub struct Change {
    /// The addresses of a mastership, where there is one.
    pub masters: Arc<[VirtualAddress]>,
    /// Those of this node's slot that need no lease.
    pub own: Arc<[VirtualAddress]>,
    /// Those that go by a slot's lease, where that slot's are held.
    pub leased: Arc<BTreeMap<Slot, Arc<[VirtualAddress]>>>,
    /// Interfaces that are watched from now on, besides those that are.
    pub interfaces: Vec<String>,
    /// Told how it went.
    pub done: SyncSender<Result<(), Failure>>,
}

/// What the pulse wants done. Orders are carried out one after the other.
#[derive(Debug)]
pub enum Order {
    /// Add these addresses, announce them, and guard them as long as the hands live: they belong to this
    /// node's slot, whoever is master.
    Keep {
        /// All of them.
        addresses: Arc<[VirtualAddress]>,
    },
    /// Add these addresses, announce them, and guard them from now on. Others that were held before
    /// are deleted; those that are there already are only announced.
    TakeOver {
        /// The mastership.
        epoch: Epoch,
        /// All addresses to hold; shared, so that the pulse gives them without allocating.
        addresses: Arc<[VirtualAddress]>,
    },
    /// Add these addresses of a slot, announce them, and guard them from now on.
    HoldSlot {
        /// The slot.
        slot: Slot,
        /// Whether they are another node's, taken over: then they go with the mastership's.
        is_taken: bool,
        /// All of them that go by a lease.
        addresses: Arc<[VirtualAddress]>,
    },
    /// Delete them.
    DropSlot {
        /// The slot.
        slot: Slot,
    },
    /// The gate stands on this interface, which had vanished and came back: addresses may be added to it.
    Gated {
        /// Its name.
        interface: String,
    },
    /// Delete what is held and no longer to be, then add and announce what is new; what stays is not touched.
    Change(Box<Change>),
    /// Announce each of these addresses that is held once more, as after a takeover; one that is missing is added first.
    Announce(Whose),
    /// Delete every address that is held for a mastership, those of slots that it took over included.
    Release {
        /// The mastership that is over.
        epoch: Epoch,
    },
}

/// What was done, or happened. Times are CLOCK_BOOTTIME in nanoseconds.
#[derive(Debug)]
pub enum Report {
    /// [`Order::TakeOver`] was carried out. What failed was reported before.
    TookOver {
        /// The mastership.
        epoch: Epoch,
        /// When the last address was added.
        added_at_ns: u64,
        /// When the last of the first announcements was sent.
        announced_at_ns: u64,
    },
    /// [`Order::Release`] was carried out.
    Released {
        /// The mastership.
        epoch: Epoch,
        /// When the last address was deleted.
        at_ns: u64,
    },
    /// [`Order::HoldSlot`] was carried out. What failed was reported before.
    HeldSlot {
        /// The slot.
        slot: Slot,
        /// When the last of the first announcements was sent.
        announced_at_ns: u64,
    },
    /// [`Order::DropSlot`] was carried out.
    DroppedSlot {
        /// The slot.
        slot: Slot,
    },
    /// A held address was missing (somebody deleted it, or its interface came back) and is there again.
    Restored {
        /// Which.
        address: VirtualAddress,
    },
    /// Something could not be done. Adding and deleting are tried again until they succeed, which
    /// [`Report::Restored`] tells of an address.
    Failed {
        /// What.
        action: Action,
        /// With which address.
        address: VirtualAddress,
        /// Why.
        error: Failure,
    },
    /// A watched interface changed.
    Link {
        /// Which.
        interface: String,
        /// How.
        change: LinkChange,
    },
    /// The last report: the hands cannot go on. Addresses stay as they are; the gate must be shut
    /// and the daemon must end.
    Broken {
        /// Why.
        error: Failure,
    },
}

/// What the hands do with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Put it on its interface.
    Add,
    /// Take it off.
    Delete,
    /// Tell the network where it is.
    Announce,
}

/// Why the hands could not do something.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The kernel's tables could not be read or changed.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// An announcement could not be sent.
    #[error(
        "cannot announce {address} on interface {interface}: {source}; ENOBUFS means that the gate is shut or the \
         interface's queue is full, ENETDOWN that the interface is off"
    )]
    Announce {
        /// The address.
        address: IpAddr,
        /// Its interface.
        interface: String,
        /// What the kernel answered.
        source: io::Error,
    },
    /// It stands in the way of a change; what the kernel answered was reported before.
    #[error("{action:?} of {address} failed: the log says why")]
    Unchanged {
        /// What was tried.
        action: Action,
        /// With which address.
        address: IpAddr,
    },
    /// No packet socket.
    #[error(transparent)]
    Packet(#[from] PacketSocketError),
    /// What the thread needs from the system, or waiting itself, failed.
    #[error("cannot {what}: {source}; the process may be out of descriptors (LimitNOFILE)")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the kernel answered.
        source: io::Error,
    },
}

impl Failure {
    pub(super) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}
