//! Links, addresses and traffic-control filters by netlink (rtnetlink(7)): asked and changed synchronously
//! by [`Netlink`], followed by [`Events`].
//!
//! Never through /sys, which shows the network namespace that mounted it, not the one we are in.

mod addresses;
mod decode;
mod error;
mod events;
mod filters;
mod links;
mod socket;
mod watch;

pub use addresses::{Added, Deleted, OwnerMark};
pub(super) use decode::messages;
pub use decode::{Address, Link};
pub use error::NetlinkError;
pub use events::{Event, Events};
pub use filters::{Filter, Hook};
/// An address's flags (IFA_F_*).
pub use netlink_packet_route::address::AddressFlags;
pub use watch::{LinkChange, LinkWatch};

use socket::RequestSocket;

/// A conversation with the kernel about links, addresses and filters of this thread's network namespace (of
/// the moment it was opened). Every call is one request and its answer; changes take the kernel's
/// RTNL lock, so they wait for whoever else configures networks (16 us in the median, a millisecond
/// under load).
#[derive(Debug)]
pub struct Netlink {
    socket: RequestSocket,
}

impl Netlink {
    /// # Errors
    /// [`NetlinkError::Open`].
    pub fn open() -> Result<Self, NetlinkError> {
        let socket = RequestSocket::open().map_err(|source| NetlinkError::Open { source })?;
        Ok(Self { socket })
    }
}
