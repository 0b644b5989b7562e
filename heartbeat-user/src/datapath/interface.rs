//! What the kernel says about one interface: index, hardware address, XDP program.
//!
//! By netlink, since /sys shows the network namespace that it was mounted in, not ours.

use std::io;

use netlink_packet_core::{NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    InfoKind, LinkAttribute, LinkInfo, LinkLayerType, LinkMessage, LinkXdp, XdpAttached,
};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};

use super::error::DatapathError;

/// Facts about one interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interface {
    /// Index in this network namespace.
    pub(super) index: u32,
    /// Hardware address; all zero on `lo`.
    pub(super) mac: [u8; 6],
    /// Whether frames have an Ethernet header; `lo`'s have.
    pub(super) framing: Framing,
    /// Whether it is one end of a pair (veth(4)).
    pub(super) is_veth: bool,
    /// The XDP program on it.
    pub(super) xdp: Option<Attached>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Ethernet,
    Loopback,
    /// With its number in linux/if_arp.h.
    Other(u16),
}

/// An XDP program that an interface has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attached {
    pub(super) program_id: u32,
    pub(super) native: bool,
}

/// Asks the kernel about the interface of this name.
pub(super) fn find(name: &str) -> Result<Interface, DatapathError> {
    let failed = |source| DatapathError::Netlink {
        interface: name.to_owned(),
        source,
    };
    let mut request = LinkMessage::default();
    request
        .attributes
        .push(LinkAttribute::IfName(name.to_owned()));
    match ask(request).map_err(failed)? {
        Some(link) => Ok(facts(&link)),
        None => Err(DatapathError::NoInterface {
            interface: name.to_owned(),
        }),
    }
}

/// An XDP program on an interface, whoever put it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnInterface {
    /// The kernel's number for it.
    pub id: u32,
    /// Its name, cut by the kernel at 15 characters.
    pub name: String,
    /// Whether it is this product's responder, by its name.
    pub is_ours: bool,
    /// Whether it runs in the driver.
    pub is_native: bool,
}

/// The XDP program that the interface of this name has, if any.
///
/// # Errors
/// [`DatapathError`] when there is no such interface, or the kernel does not tell.
pub fn program_on(name: &str) -> Result<Option<OnInterface>, DatapathError> {
    let Some(attached) = find(name)?.xdp else {
        return Ok(None);
    };
    // One that goes meanwhile has no name any more.
    let known = aya::programs::loaded_programs()
        .filter_map(Result::ok)
        .find(|program| program.id() == attached.program_id);
    let name = known
        .and_then(|program| program.name_as_str().map(str::to_owned))
        .unwrap_or_default();
    Ok(Some(OnInterface {
        id: attached.program_id,
        is_ours: name == super::RESPONDER,
        name,
        is_native: attached.native,
    }))
}

/// Whether an interface has this index now; one that cannot be asked about counts as there.
pub(super) fn exists(index: u32) -> bool {
    let mut request = LinkMessage::default();
    request.header.index = index;
    !matches!(ask(request), Ok(None))
}

/// RTM_GETLINK by the name or index in `request`; `None` if there is no such interface.
fn ask(request: LinkMessage) -> io::Result<Option<LinkMessage>> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST;
    let mut message = NetlinkMessage::new(header, RouteNetlinkMessage::GetLink(request).into());
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);

    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    socket.send(&bytes, 0)?;
    let (answer, _) = socket.recv_from_full()?;
    let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&answer)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
    match answer.payload {
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(link)) => Ok(Some(link)),
        NetlinkPayload::Error(error) => {
            let error = error.to_io();
            match error.raw_os_error() {
                Some(libc::ENODEV) => Ok(None),
                _ => Err(error),
            }
        }
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn facts(link: &LinkMessage) -> Interface {
    let mut mac = [0; 6];
    let mut is_veth = false;
    let mut xdp = None;
    for attribute in &link.attributes {
        match attribute {
            LinkAttribute::Address(address) if address.len() == mac.len() => {
                mac.copy_from_slice(address);
            }
            LinkAttribute::LinkInfo(info) => {
                is_veth = info.contains(&LinkInfo::Kind(InfoKind::Veth));
            }
            LinkAttribute::Xdp(attributes) => xdp = attached(attributes),
            _ => {}
        }
    }
    Interface {
        index: link.header.index,
        mac,
        framing: match link.header.link_layer_type {
            LinkLayerType::Ether => Framing::Ethernet,
            LinkLayerType::Loopback => Framing::Loopback,
            other => Framing::Other(other.into()),
        },
        is_veth,
        xdp,
    }
}

fn attached(attributes: &[LinkXdp]) -> Option<Attached> {
    let native = attributes
        .iter()
        .any(|attribute| matches!(attribute, LinkXdp::Attached(XdpAttached::Driver)));
    attributes.iter().find_map(|attribute| match attribute {
        LinkXdp::ProgId(program_id) => Some(Attached {
            program_id: *program_id,
            native,
        }),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_found_and_has_no_hardware_address() {
        let lo = find("lo").expect("every network namespace has lo");
        assert_eq!(lo.framing, Framing::Loopback);
        assert_eq!(lo.mac, [0; 6]);
        assert_eq!(lo.index, 1, "lo is the first interface of its namespace");
        assert!(exists(lo.index));
        assert!(!exists(0x7fff_fff0));
    }

    #[test]
    fn an_interface_that_is_not_there_is_named() {
        let error = find("nosuchif0").expect_err("there is none");
        assert_eq!(
            error.to_string(),
            "there is no interface nosuchif0 in this network namespace"
        );
    }
}
