//! A second sender on a control socket, for a thread that is not the pulse.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use heartbeat_core::{Epoch, Slot};

use super::{Datagrams, SendError};
use crate::net::envelope::{Envelope, HEADER_LEN, MAX_BODY, MAX_DATAGRAM, Subject};

/// Sends from the same address and port as the [`Datagrams`] it was made from. As long as it lives that
/// port stays taken.
#[derive(Debug)]
pub struct Teller {
    socket: UdpSocket,
    port: u16,
    envelope: Envelope,
    members: BTreeMap<Slot, IpAddr>,
    outgoing: Box<[u8; MAX_DATAGRAM]>,
}

impl Datagrams {
    /// A second sender on this socket.
    ///
    /// # Errors
    /// When the process has no more descriptors.
    pub fn teller(&self) -> io::Result<Teller> {
        Ok(Teller {
            socket: self.socket.try_clone()?,
            port: self.port,
            envelope: self.envelope.clone(),
            members: self.members.clone(),
            outgoing: Box::new([0; MAX_DATAGRAM]),
        })
    }
}

impl Teller {
    /// What leaves from now on is sealed so, and members are here.
    pub fn go_by(&mut self, envelope: Envelope, members: BTreeMap<Slot, IpAddr>) {
        (self.envelope, self.members) = (envelope, members);
    }

    /// Seals and sends the message that `write` puts into the body, whose length it gives; never waits.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn send(
        &mut self,
        to: Slot,
        epoch: Epoch,
        nonce: u64,
        write: impl FnOnce(&mut [u8; MAX_BODY]) -> usize,
    ) -> Result<(), SendError> {
        let address = *self
            .members
            .get(&to)
            .ok_or(SendError::NoMember { slot: to })?;
        let body = self.outgoing[HEADER_LEN..]
            .first_chunk_mut()
            .expect("a datagram has room for the longest body");
        let length = write(body);
        let subject = Subject {
            receiver: to,
            epoch,
            nonce,
        };
        let datagram = self.envelope.seal(&subject, length, &mut self.outgoing);
        self.socket
            .send_to(datagram, SocketAddr::new(address, self.port))
            .map(drop)
            .map_err(|source| SendError::Socket { slot: to, source })
    }
}
