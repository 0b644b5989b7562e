//! Addresses: add, delete, list, and whose they are.

use std::net::IpAddr;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeader, AddressMessage, AddressProtocol, CacheInfo,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use nix::errno::Errno;

use super::Netlink;
use super::decode::{self, Address, Link};
use super::error::NetlinkError;
use super::socket::Failure;

/// How addresses of this product are marked (IFA_PROTO, Linux 5.18): 'H'. The kernel uses 1 to 3.
const PROTOCOL: u8 = 0x48;

/// Whose address it is: this product's, and which cluster's.
///
/// The product stands in IFA_PROTO, the cluster in the priority of the prefix route, which means
/// nothing else here since our addresses have no prefix route (IFA_F_NOPREFIXROUTE). So two clusters'
/// daemons in one network namespace do not take each other's addresses for stale ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnerMark {
    priority: u32,
}

impl OwnerMark {
    /// The mark of the cluster with this id.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the id is folded to its two halves' difference"
    )]
    pub const fn of_cluster(cluster: u64) -> Self {
        let folded = (cluster ^ (cluster >> 32)) as u32;
        // The kernel does not report a priority of zero.
        let priority = if folded == 0 { 1 } else { folded };
        Self { priority }
    }

    /// Whether this cluster's daemon put the address there.
    #[must_use]
    pub fn is_on(self, address: &Address) -> bool {
        address.protocol == PROTOCOL && address.priority == self.priority
    }
}

/// What adding an address did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It was not there, and is now.
    New,
    /// It was there with our mark.
    WasThere,
}

/// What deleting an address did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// It was there, and is no more.
    Gone,
    /// It was not there, or its interface was not.
    WasNotThere,
}

impl Netlink {
    /// Adds a virtual address, alone in its prefix (/32, /128): added as part of a longer prefix that
    /// the node's own address is in too, deleting it could delete the node's own address
    /// (promote_secondaries = 0). No prefix route and no duplicate address detection, which would
    /// take a second. Over IPv6 it is deprecated from the start, so that the node's own connections never
    /// choose it for their source and break when it moves; over IPv4 the kernel prefers the node's own anyway.
    ///
    /// # Errors
    /// [`NetlinkError::Foreign`] if the same address is there without our mark, else
    /// [`NetlinkError::Refused`] or [`NetlinkError::Broken`].
    pub fn add_address(
        &mut self,
        link: &Link,
        address: IpAddr,
        mark: OwnerMark,
    ) -> Result<Added, NetlinkError> {
        self.add(link, address, AddressFlags::empty(), mark)
    }

    /// Deletes a virtual address that [`Netlink::add_address`] added. The same address with another
    /// prefix length is not touched.
    ///
    /// # Errors
    /// [`NetlinkError::Refused`] or [`NetlinkError::Broken`]; that it is gone already is none.
    pub fn delete_address(
        &mut self,
        link_index: u32,
        address: IpAddr,
    ) -> Result<Deleted, NetlinkError> {
        let message = message(link_index, address, AddressFlags::empty(), None);
        match self
            .socket
            .change(RouteNetlinkMessage::DelAddress(message), 0)
        {
            Ok(()) => Ok(Deleted::Gone),
            Err(Failure::Refused {
                errno: Errno::EADDRNOTAVAIL | Errno::ENODEV | Errno::ENOENT,
                ..
            }) => Ok(Deleted::WasNotThere),
            Err(failure) => Err(NetlinkError::new(
                format!(
                    "delete {address}/{} from interface number {link_index}",
                    whole_prefix(address)
                ),
                failure,
            )),
        }
    }

    /// Joins a multicast group in a way that outlives this process: the group's address is put on the
    /// interface with IFA_F_MCAUTOJOIN (Linux 3.9). A socket's membership ends with its process, and
    /// a snooping switch would then cut the kernel of a dead daemon off from probes.
    ///
    /// # Errors
    /// As [`Netlink::add_address`].
    pub fn add_multicast_membership(
        &mut self,
        link: &Link,
        group: IpAddr,
        mark: OwnerMark,
    ) -> Result<Added, NetlinkError> {
        self.add(link, group, AddressFlags::Mcautojoin, mark)
    }

    /// Leaves a group that [`Netlink::add_multicast_membership`] joined.
    ///
    /// # Errors
    /// As [`Netlink::delete_address`].
    pub fn delete_multicast_membership(
        &mut self,
        link_index: u32,
        group: IpAddr,
    ) -> Result<Deleted, NetlinkError> {
        self.delete_address(link_index, group)
    }

    /// Every address of this network namespace, group memberships of
    /// [`Netlink::add_multicast_membership`] included.
    ///
    /// # Errors
    /// [`NetlinkError::Refused`] or [`NetlinkError::Broken`].
    pub fn addresses(&mut self) -> Result<Vec<Address>, NetlinkError> {
        let all = RouteNetlinkMessage::GetAddress(AddressMessage::default());
        self.socket
            .list(&all, |message| decode::address(message.payload))
            .map_err(|failure| NetlinkError::new("list addresses".into(), failure))
    }

    fn add(
        &mut self,
        link: &Link,
        address: IpAddr,
        flags: AddressFlags,
        mark: OwnerMark,
    ) -> Result<Added, NetlinkError> {
        let message = message(link.index, address, flags, Some(mark));
        let request = RouteNetlinkMessage::NewAddress(message);
        match self.socket.change(request, NLM_F_CREATE | NLM_F_EXCL) {
            Ok(()) => Ok(Added::New),
            Err(Failure::Refused {
                errno: Errno::EEXIST,
                ..
            }) => self.whose(link, address, mark),
            Err(failure) => Err(NetlinkError::new(
                format!(
                    "add {address}/{} to interface {}",
                    whole_prefix(address),
                    link.name
                ),
                failure,
            )),
        }
    }

    /// Tells our own address from somebody else's after the kernel said that it exists.
    fn whose(
        &mut self,
        link: &Link,
        address: IpAddr,
        mark: OwnerMark,
    ) -> Result<Added, NetlinkError> {
        let all = self.addresses()?;
        let mut same = all.iter().filter(|other| {
            other.link_index == link.index
                && other.address == address
                // IPv6 knows an address once, whatever its prefix length.
                && (address.is_ipv6() || other.prefix_len == whole_prefix(address))
        });
        match same.find(|other| !mark.is_on(other)) {
            None => Ok(Added::WasThere),
            Some(foreign) => Err(NetlinkError::Foreign {
                address,
                interface: link.name.clone(),
                prefix_len: foreign.prefix_len,
            }),
        }
    }
}

/// The prefix length of one address alone.
const fn whole_prefix(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// Lifetimes of an address that stays, and that nobody prefers.
fn deprecated_for_ever() -> CacheInfo {
    let mut lifetimes = CacheInfo::default();
    lifetimes.ifa_preferred = 0;
    lifetimes.ifa_valid = u32::MAX;
    lifetimes
}

fn message(
    link_index: u32,
    address: IpAddr,
    flags: AddressFlags,
    mark: Option<OwnerMark>,
) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header = AddressHeader {
        family: match address {
            IpAddr::V4(_) => AddressFamily::Inet,
            IpAddr::V6(_) => AddressFamily::Inet6,
        },
        prefix_len: whole_prefix(address),
        index: link_index,
        ..AddressHeader::default()
    };
    message.attributes = vec![
        AddressAttribute::Local(address),
        AddressAttribute::Address(address),
    ];
    if let Some(mark) = mark {
        let flags = flags | AddressFlags::Noprefixroute | AddressFlags::Nodad;
        message.attributes.extend([
            AddressAttribute::Flags(flags),
            AddressAttribute::Protocol(AddressProtocol::Other(PROTOCOL)),
            AddressAttribute::RoutePriority(mark.priority),
        ]);
        if address.is_ipv6() {
            message
                .attributes
                .push(AddressAttribute::CacheInfo(deprecated_for_ever()));
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(protocol: u8, priority: u32) -> Address {
        Address {
            link_index: 2,
            address: IpAddr::from([203, 0, 113, 100]),
            prefix_len: 32,
            flags: AddressFlags::empty(),
            protocol,
            priority,
        }
    }

    #[test]
    fn only_the_product_and_the_cluster_together_make_an_address_ours() {
        let mark = OwnerMark::of_cluster(0x1122_3344_5566_7788);
        let priority = 0x1122_3344 ^ 0x5566_7788;
        assert!(mark.is_on(&address(PROTOCOL, priority)));
        assert!(!mark.is_on(&address(0, priority)));
        assert!(!mark.is_on(&address(PROTOCOL, 0)));
        assert!(!OwnerMark::of_cluster(7).is_on(&address(PROTOCOL, priority)));
    }

    #[test]
    fn a_cluster_whose_id_folds_to_zero_has_a_mark_that_the_kernel_reports() {
        let mark = OwnerMark::of_cluster(0x0000_0009_0000_0009);
        assert!(mark.is_on(&address(PROTOCOL, 1)));
    }
}
