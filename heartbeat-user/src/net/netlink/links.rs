//! Links: facts by name.

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkAttribute, LinkExtentMask, LinkMessage};
use nix::errno::Errno;

use super::Netlink;
use super::decode::{self, Link};
use super::error::NetlinkError;
use super::socket::Failure;

impl Netlink {
    /// What the kernel knows of the interface with this name.
    ///
    /// # Errors
    /// [`NetlinkError::NoInterface`] if there is none, else [`NetlinkError::Refused`] or
    /// [`NetlinkError::Broken`].
    pub fn link(&mut self, name: &str) -> Result<Link, NetlinkError> {
        let absent = || NetlinkError::NoInterface {
            interface: name.to_owned(),
        };
        let mut request = LinkMessage::default();
        request.attributes = vec![LinkAttribute::IfName(name.to_owned()), without_statistics()];
        let mut found = None;
        let asked = self
            .socket
            .get(RouteNetlinkMessage::GetLink(request), |message| {
                found = decode::link(message.payload);
            });
        match asked {
            Ok(()) => found.ok_or_else(absent),
            // ERANGE and EINVAL: no interface can have such a name.
            Err(Failure::Refused {
                errno: Errno::ENODEV | Errno::ERANGE | Errno::EINVAL,
                ..
            }) => Err(absent()),
            Err(failure) => Err(NetlinkError::new(
                format!("ask for interface {name}"),
                failure,
            )),
        }
    }

    /// Every interface of this network namespace.
    ///
    /// # Errors
    /// [`NetlinkError::Refused`] or [`NetlinkError::Broken`].
    pub fn links(&mut self) -> Result<Vec<Link>, NetlinkError> {
        let mut request = LinkMessage::default();
        request.attributes = vec![without_statistics()];
        self.socket
            .list(&RouteNetlinkMessage::GetLink(request), |message| {
                decode::link(message.payload)
            })
            .map_err(|failure| NetlinkError::new("list interfaces".into(), failure))
    }
}

/// Statistics are the longest part of a link's facts, and nobody here reads them (Linux 4.4).
fn without_statistics() -> LinkAttribute {
    LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats])
}
