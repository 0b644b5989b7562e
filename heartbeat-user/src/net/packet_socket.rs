//! Sending whole Ethernet frames (packet(7)).

use std::io;

use socket2::{Domain, SockAddr, Socket, Type};

/// What the traffic control of the interface sorts by: TC_PRIO_CONTROL (linux/pkt_sched.h), the
/// first band of the default queue. Needs CAP_NET_ADMIN, which the daemon has.
pub(super) const PRIORITY: u32 = 7;

/// Why there is no packet socket.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot open a packet socket: {source}; give the process CAP_NET_RAW and CAP_NET_ADMIN, and let the sandbox \
     (RestrictAddressFamilies) allow AF_PACKET"
)]
pub struct PacketSocketError {
    /// What the kernel answered.
    pub source: io::Error,
}

/// A packet socket that only sends: opened for no protocol and bound to nothing, it never has
/// anything queued for receiving.
#[derive(Debug)]
pub(super) struct PacketSocket(Socket);

impl PacketSocket {
    pub(super) fn open() -> Result<Self, PacketSocketError> {
        let open = || -> io::Result<Socket> {
            let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
            socket.set_nonblocking(true)?;
            socket.set_priority(PRIORITY)?;
            Ok(socket)
        };
        open()
            .map(Self)
            .map_err(|source| PacketSocketError { source })
    }

    /// Sends one frame, Ethernet header included, over the interface of `to`; never waits.
    ///
    /// # Errors
    /// ENETDOWN and ENXIO when the interface is off or gone, ENOBUFS when the gate is shut or the
    /// queue is full, EWOULDBLOCK when the socket's own buffer is full.
    pub(super) fn send(&self, frame: &[u8], to: &SockAddr) -> io::Result<()> {
        let sent = self.0.send_to(frame, to)?;
        if sent < frame.len() {
            return Err(io::Error::from(io::ErrorKind::WriteZero));
        }
        Ok(())
    }
}
