//! Announcements: gratuitous ARP for an IPv4 address, an unsolicited neighbour advertisement for an IPv6 one.

mod advertisement;
mod arp;

use std::io;
use std::net::IpAddr;

use super::mac::MacAddress;
use super::packet_socket::{PacketSocket, PacketSocketError};
use crate::sys::link_address::link_address;

pub use advertisement::{ADVERTISEMENT_FRAME_LEN, advertisement_frame};
pub use arp::{ARP_FRAME_LEN, Form, arp_frame};

/// Sends announcements over any interface.
#[derive(Debug)]
pub struct Announcer(PacketSocket);

impl Announcer {
    /// # Errors
    /// [`PacketSocketError`].
    pub fn open() -> Result<Self, PacketSocketError> {
        PacketSocket::open().map(Self)
    }

    /// Announces `address` once, over IPv4 in both forms; never waits.
    ///
    /// # Errors
    /// ENETDOWN and ENXIO when the interface is off or gone, ENOBUFS when the gate is shut.
    pub fn announce(
        &self,
        interface_index: u32,
        mac: MacAddress,
        address: IpAddr,
    ) -> io::Result<()> {
        match address {
            IpAddr::V4(v4) => {
                let to = link_address(interface_index, arp::ETHERTYPE_ARP);
                for form in Form::BOTH {
                    self.0.send(&arp_frame(form, mac, v4), &to)?;
                }
                Ok(())
            }
            IpAddr::V6(v6) => {
                let to = link_address(interface_index, advertisement::ETHERTYPE_IPV6);
                self.0.send(&advertisement_frame(mac, v6), &to)
            }
        }
    }
}
