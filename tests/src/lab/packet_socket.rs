//! Raw frames on one interface (packet(7)).

use std::io::{self, Read};

use anyhow::{Context, Result};
use heartbeat_user::sys::link_address::link_address;
use nix::net::if_::if_nametoindex;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

/// A socket that sends and receives whole frames on one interface.
#[derive(Debug)]
pub struct PacketSocket {
    socket: Socket,
    to: SockAddr,
}

impl PacketSocket {
    /// Opens one on `interface` of the calling thread's namespace, for frames of that EtherType.
    ///
    /// # Errors
    /// Without CAP_NET_RAW, or without that interface.
    pub fn open(interface: &str, protocol: u16) -> Result<Self> {
        let index =
            if_nametoindex(interface).with_context(|| format!("no interface {interface}"))?;
        // Protocol 0 receives nothing before the bind, so no frame of another interface slips in.
        let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(0)))
            .context("cannot open a packet socket; it needs CAP_NET_RAW")?;
        let to = link_address(index, protocol);
        socket
            .bind(&to)
            .with_context(|| format!("cannot bind a packet socket to {interface}"))?;
        Ok(Self { socket, to })
    }

    /// Sends one whole frame.
    ///
    /// # Errors
    /// What sendto(2) answers, ENOBUFS when a program on the interface dropped the frame.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        self.socket.send_to(frame, &self.to).map(drop)
    }

    /// Receives one frame; what does not fit is cut off. Also frames that others send from here.
    ///
    /// # Errors
    /// What recv(2) answers.
    pub fn receive(&self, frame: &mut [u8]) -> io::Result<usize> {
        (&self.socket).read(frame)
    }

    /// The socket itself.
    #[must_use]
    pub const fn socket(&self) -> &Socket {
        &self.socket
    }
}
