//! Sends the master's probes.

use std::io;

use heartbeat_wire::frame::FRAME_LEN;
use socket2::SockAddr;

use super::packet_socket::{PacketSocket, PacketSocketError};
use super::probe_frame::{ProbeFrame, ProbePath};
use crate::sys::link_address::link_address;

/// Sends heartbeat bodies to the cluster's multicast group over the management interface.
///
/// A packet socket, since only there the UDP checksum is whole (see [`ProbeFrame`]). Bound to the
/// interface's number and hardware address: after [`LinkChange::Appeared`] or
/// [`LinkChange::MacChanged`] a new one is needed.
///
/// [`LinkChange::Appeared`]: super::netlink::LinkChange::Appeared
/// [`LinkChange::MacChanged`]: super::netlink::LinkChange::MacChanged
#[derive(Debug)]
pub struct ProbeSocket {
    socket: PacketSocket,
    to: SockAddr,
    frame: ProbeFrame,
}

impl ProbeSocket {
    /// Opens a socket that sends on `path` over the interface with this number.
    ///
    /// # Errors
    /// [`PacketSocketError`].
    pub fn open(interface_index: u32, path: &ProbePath) -> Result<Self, PacketSocketError> {
        let frame = ProbeFrame::new(path);
        Ok(Self {
            socket: PacketSocket::open()?,
            to: link_address(interface_index, frame.ether_type()),
            frame,
        })
    }

    /// Sends one heartbeat body. Neither waits nor allocates.
    ///
    /// # Errors
    /// ENETDOWN and ENXIO when the interface is off or gone, ENOBUFS or EWOULDBLOCK when the queue
    /// is full: the probe is lost, as on the wire, and the next one comes in a period.
    pub fn send(&mut self, body: &[u8; FRAME_LEN]) -> io::Result<()> {
        self.socket.send(self.frame.with_body(body), &self.to)
    }
}
