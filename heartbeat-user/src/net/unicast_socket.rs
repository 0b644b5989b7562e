//! Sends heartbeats to each member by itself, where multicast is not to be had or not to be wanted.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use heartbeat_core::Slot;
use heartbeat_wire::frame::{FRAME_LEN, HOP_LIMIT};
use socket2::{Domain, Protocol, Socket, Type};

use super::ip::DSCP_CS6;
use super::packet_socket::PRIORITY;

/// Where heartbeats to single members leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnicastPlace {
    /// The network's interface.
    pub interface: String,
    /// This node's address there.
    pub address: IpAddr,
    /// UDP port of heartbeats, source and destination.
    pub port: u16,
}

/// Why there is no socket for heartbeats to single members.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot send heartbeats from {}:{} ({}): {source}; the address must be on the interface, and no other program on the port",
    .place.address, .place.port, .place.interface
)]
pub struct UnicastSocketError {
    /// Where.
    pub place: UnicastPlace,
    /// What the kernel answered.
    pub source: io::Error,
}

/// Sends heartbeat bodies to some members over one network.
///
/// An ordinary UDP socket, so that the kernel finds the neighbours. What it leaves half made of the UDP
/// checksum does no harm: the responder does not look at it, and makes a whole one for its answer. Nothing is
/// ever read from it: answers are consumed in the kernel.
#[derive(Debug)]
pub struct UnicastSocket {
    socket: UdpSocket,
    port: u16,
    members: Vec<(Slot, SocketAddr)>,
}

impl UnicastSocket {
    /// Opens a socket at `place` that sends to members with these addresses.
    ///
    /// # Errors
    /// [`UnicastSocketError`].
    pub fn open(
        place: &UnicastPlace,
        members: impl Iterator<Item = (Slot, IpAddr)>,
    ) -> Result<Self, UnicastSocketError> {
        let socket = open_socket(place).map_err(|source| UnicastSocketError {
            place: place.clone(),
            source,
        })?;
        let mut heartbeats = Self {
            socket,
            port: place.port,
            members: Vec::new(),
        };
        heartbeats.enrol(members);
        Ok(heartbeats)
    }

    /// Members are here from now on.
    pub fn enrol(&mut self, members: impl Iterator<Item = (Slot, IpAddr)>) {
        let members = members.map(|(slot, member)| (slot, SocketAddr::new(member, self.port)));
        self.members = members.collect();
    }

    /// Sends one heartbeat body to each of them that `is_asked`. Neither waits nor allocates.
    ///
    /// # Errors
    /// The first error, after all the others were tried: what did not leave is lost, as on the wire.
    pub fn send(&self, body: &[u8; FRAME_LEN], is_asked: impl Fn(Slot) -> bool) -> io::Result<()> {
        let mut outcome = Ok(());
        for (_, to) in self.members.iter().filter(|(slot, _)| is_asked(*slot)) {
            let sent = self.socket.send_to(body, to).map(drop);
            outcome = outcome.and(sent);
        }
        outcome
    }
}

fn open_socket(place: &UnicastPlace) -> io::Result<UdpSocket> {
    let address = SocketAddr::new(place.address, place.port);
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    socket.set_nonblocking(true)?;
    match place.address {
        IpAddr::V4(_) => {
            socket.set_tos_v4(u32::from(DSCP_CS6))?;
            socket.set_ttl_v4(u32::from(HOP_LIMIT))?;
        }
        IpAddr::V6(_) => {
            socket.set_tclass_v6(u32::from(DSCP_CS6))?;
            socket.set_unicast_hops_v6(u32::from(HOP_LIMIT))?;
        }
    }
    // After the class, which sets a priority too.
    socket.set_priority(PRIORITY)?;
    // The least there is: what strangers send to the port is not read.
    socket.set_recv_buffer_size(0)?;
    socket.bind_device(Some(place.interface.as_bytes()))?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}
