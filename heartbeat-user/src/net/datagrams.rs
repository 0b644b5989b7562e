//! Votes and commands between members: one UDP socket a network, sealed messages in and out.

mod dropped;
mod teller;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use heartbeat_core::{Epoch, Message, Slot};
use heartbeat_wire::frame::HOP_LIMIT;
use socket2::{Domain, Protocol, Socket, Type};

use super::codec::{self, EncodeError, FIRST_TAKEOVER_KIND};
use super::envelope::{Envelope, HEADER_LEN, MAX_BODY, MAX_DATAGRAM, Subject};
use super::ip::DSCP_CS6;

pub use dropped::{Counts, Dropped};
pub use teller::Teller;

/// Datagrams that are read at most in one turn of the pulse. Each costs a system call and at most a
/// tag over 1.5 kB (1.2 us measured), so a flood takes a tenth of a millisecond of a turn, while eight
/// other electors' votes and polls of one turn still fit several times over.
pub const DATAGRAMS_A_TURN: usize = 48;

/// Where this node's control datagrams come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlPlace {
    /// The network's interface; nothing else is listened to.
    pub interface: String,
    /// This node's address there.
    pub address: IpAddr,
    /// The control port, the same on every member.
    pub port: u16,
}

impl ControlPlace {
    /// Without the scope that a link-local address wants: the kernel takes the interface that the socket is
    /// bound to for it.
    const fn socket_address(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }
}

/// Why there is no control socket.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen on {} ({}): {source}; {}", .place.socket_address(), .place.interface, cure(.source)
)]
pub struct ControlSocketError {
    /// Where.
    pub place: ControlPlace,
    /// What the kernel answered.
    pub source: io::Error,
}

fn cure(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrNotAvailable => {
            "the address must be on the interface before the daemon starts"
        }
        io::ErrorKind::AddrInUse => {
            "another program has the port; stop it or choose another control_port"
        }
        io::ErrorKind::PermissionDenied => "give the process CAP_NET_RAW and CAP_NET_ADMIN",
        _ => "the interface must exist and the address be its own",
    }
}

/// Why a message was not sent. It is as good as lost on the way; the protocol repeats what matters.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// No such member.
    #[error("slot {slot} is no member")]
    NoMember {
        /// The slot asked for.
        slot: Slot,
    },
    /// The message does not fit.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The kernel did not take it.
    #[error("cannot send to slot {slot}: {source}")]
    Socket {
        /// Whom it was for.
        slot: Slot,
        /// What the kernel answered.
        source: io::Error,
    },
}

/// What reading brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// Nothing was there to be read.
    Nothing,
    /// An authentic message for this node.
    Message {
        /// Its sender.
        from: Slot,
        /// Its sender's incarnation.
        incarnation: u64,
        /// What it says.
        message: Message,
    },
    /// An authentic message about a takeover; [`Datagrams::body`] has it until the next one is read.
    Takeover {
        /// Its sender.
        from: Slot,
        /// The epoch it is about.
        epoch: Epoch,
        /// The number of the question that it is, or that it answers.
        nonce: u64,
        /// Bytes of its body.
        length: usize,
    },
    /// Something was read and dropped; it is counted.
    Dropped {
        /// Where it came from.
        source: SocketAddr,
        /// Why.
        why: Dropped,
    },
}

/// One network's control datagrams. Non-blocking; its descriptor is readable when one is there.
///
/// Bound to the interface as it is now: after [`LinkChange::Appeared`] a new one is needed.
///
/// [`LinkChange::Appeared`]: super::netlink::LinkChange::Appeared
#[derive(Debug)]
pub struct Datagrams {
    socket: UdpSocket,
    port: u16,
    envelope: Envelope,
    members: BTreeMap<Slot, IpAddr>,
    outgoing: Box<[u8; MAX_DATAGRAM]>,
    /// One byte more than the longest of ours, so that a longer one is seen to be longer.
    incoming: Box<[u8; MAX_DATAGRAM + 1]>,
    counts: Counts,
}

impl Datagrams {
    /// Listens at `place` to the members with these addresses on its network.
    ///
    /// # Errors
    /// [`ControlSocketError`]. "Address in use" may pass within a moment when a former socket of this
    /// process was just closed: a program that is being started has a copy of it until its exec.
    pub fn open(
        place: &ControlPlace,
        envelope: Envelope,
        members: BTreeMap<Slot, IpAddr>,
    ) -> Result<Self, ControlSocketError> {
        let socket = open_socket(place).map_err(|source| ControlSocketError {
            place: place.clone(),
            source,
        })?;
        Ok(Self {
            socket,
            port: place.port,
            envelope,
            members,
            outgoing: Box::new([0; MAX_DATAGRAM]),
            incoming: Box::new([0; MAX_DATAGRAM + 1]),
            counts: Counts::default(),
        })
    }

    /// What leaves and comes in from now on is sealed and opened so, and members are here.
    pub fn go_by(&mut self, envelope: Envelope, members: BTreeMap<Slot, IpAddr>) {
        (self.envelope, self.members) = (envelope, members);
    }

    /// Seals and sends one message; never waits.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn send(&mut self, to: Slot, message: &Message) -> Result<(), SendError> {
        let address = *self
            .members
            .get(&to)
            .ok_or(SendError::NoMember { slot: to })?;
        let (_, rest) = self
            .outgoing
            .split_first_chunk_mut::<HEADER_LEN>()
            .expect("a datagram is longer than its header");
        let body = rest
            .first_chunk_mut::<MAX_BODY>()
            .expect("a datagram has room for the longest body");
        let encoded = codec::encode(message, body)?;
        let subject = Subject {
            receiver: to,
            epoch: encoded.epoch,
            nonce: encoded.nonce,
        };
        let datagram = self
            .envelope
            .seal(&subject, encoded.body_len, &mut self.outgoing);
        self.socket
            .send_to(datagram, SocketAddr::new(address, self.port))
            .map(drop)
            .map_err(|source| SendError::Socket { slot: to, source })
    }

    /// Reads one datagram; never waits. At most [`DATAGRAMS_A_TURN`] in one turn.
    ///
    /// # Errors
    /// What recvfrom(2) answers, "would block" and "interrupted" apart.
    pub fn receive(&mut self) -> io::Result<Incoming> {
        let (length, source) = match self.socket.recv_from(&mut self.incoming[..]) {
            Ok(received) => received,
            Err(error) => {
                return match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(Incoming::Nothing),
                    _ => Err(error),
                };
            }
        };
        Ok(match self.judge(length, source) {
            Ok(incoming) => {
                self.counts.taken += 1;
                incoming
            }
            Err(why) => {
                self.counts.add(&why);
                Incoming::Dropped { source, why }
            }
        })
    }

    /// The body of the [`Incoming::Takeover`] that was read last.
    ///
    /// # Panics
    /// If it was not that long.
    #[must_use]
    pub fn body(&self, length: usize) -> &[u8] {
        &self.incoming[HEADER_LEN..HEADER_LEN + length]
    }

    /// What was taken and dropped so far.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    fn judge(&self, length: usize, source: SocketAddr) -> Result<Incoming, Dropped> {
        let datagram = &self.incoming[..length];
        if length > MAX_DATAGRAM {
            return Err(Dropped::TooLong);
        }
        // Before the tag is computed: a flood from elsewhere costs next to nothing.
        let is_members = |address: &IpAddr| *address == source.ip();
        if source.port() != self.port || !self.members.values().any(is_members) {
            return Err(Dropped::Stranger);
        }
        let opened = self.envelope.open(datagram).map_err(Dropped::NotOpened)?;
        let slot = opened.sender.slot;
        if !self.members.get(&slot).is_some_and(is_members) {
            return Err(Dropped::Impostor { slot });
        }
        let Subject { epoch, nonce, .. } = opened.subject;
        if opened.body.first() >= Some(&FIRST_TAKEOVER_KIND) {
            return Ok(Incoming::Takeover {
                from: slot,
                epoch,
                nonce,
                length: opened.body.len(),
            });
        }
        let message = codec::decode(epoch, nonce, opened.body)
            .map_err(|error| Dropped::NotUnderstood { slot, error })?;
        Ok(Incoming::Message {
            from: slot,
            incarnation: opened.sender.incarnation,
            message,
        })
    }
}

impl AsFd for Datagrams {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn open_socket(place: &ControlPlace) -> io::Result<UdpSocket> {
    let address = place.socket_address();
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    socket.set_nonblocking(true)?;
    match address {
        SocketAddr::V4(_) => {
            socket.set_tos_v4(u32::from(DSCP_CS6))?;
            socket.set_ttl_v4(u32::from(HOP_LIMIT))?;
        }
        SocketAddr::V6(_) => {
            socket.set_tclass_v6(u32::from(DSCP_CS6))?;
            socket.set_unicast_hops_v6(u32::from(HOP_LIMIT))?;
        }
    }
    socket.bind_device(Some(place.interface.as_bytes()))?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}
