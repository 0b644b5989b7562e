//! Asks devices that are no members whether this node is still on its business network: ICMP echo (RFC 792,
//! RFC 4443), so that any switch, router or printer will do.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use socket2::{Domain, Protocol, SockFilter, Socket, Type};

use super::checksum::Sum;
use super::ip::DSCP_CS6;
use super::packet_socket::PRIORITY;

/// Sent, so that nobody behind a router can answer: a reference is on the network itself.
const HOP_LIMIT: u32 = 1;
/// Type, code, checksum, identifier, sequence number; then the question's number and the secret.
const MESSAGE_LEN: usize = 8 + 16;
/// Longest header that comes before an ICMP message on an IPv4 socket.
const LONGEST_IPV4_HEADER: usize = 60;
/// Packets looked through for one answer; the rest wakes the reader again.
const MOST_PACKETS: usize = 32;

/// Load X with a header's length, load byte or half word from X on, load byte or half word, jump if equal, return
/// (linux/bpf_common.h).
const HEADER_LENGTH: u16 = 0xb1;
const BYTE_FROM_X: u16 = 0x50;
const HALF_FROM_X: u16 = 0x48;
const BYTE: u16 = 0x30;
const HALF: u16 = 0x28;
const JUMP_IF_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;

/// Why references cannot be asked.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot ask references from {address} ({interface}): {source}; give the process CAP_NET_RAW; the address must be \
     on the interface"
)]
pub struct ReferencesError {
    /// The business network's interface.
    pub interface: String,
    /// This node's address there.
    pub address: IpAddr,
    /// What the kernel answered.
    pub source: io::Error,
}

/// The devices that tell a node whether it is the one that is cut off. Neither asking nor reading waits or
/// allocates.
#[derive(Debug)]
pub struct References {
    /// A raw ICMP socket: std's type only carries it.
    socket: UdpSocket,
    echo: Echo,
    references: Vec<IpAddr>,
}

/// That a reference answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReferenceAnswer {
    /// The question's number.
    pub question: u64,
    /// Which one: its place among the references, from 0.
    pub reference: u8,
}

impl References {
    /// Asks from `address` on `interface`. `secret` is any random number: an answer has to bear it.
    ///
    /// # Errors
    /// [`ReferencesError`].
    pub fn open(
        interface: &str,
        address: IpAddr,
        references: &[IpAddr],
        secret: u64,
    ) -> Result<Self, ReferencesError> {
        let echo = Echo::new(address.is_ipv4(), secret);
        let socket = open(interface, address, &echo).map_err(|source| ReferencesError {
            interface: interface.to_owned(),
            address,
            source,
        })?;
        Ok(Self {
            socket,
            echo,
            references: references.to_vec(),
        })
    }

    /// Asks all of them; their answers bear the question's number.
    ///
    /// # Errors
    /// The first error, after all the others were asked: what did not leave is not answered.
    pub fn ask(&self, question: u64) -> io::Result<()> {
        let message = self.echo.request(question);
        let mut outcome = Ok(());
        for reference in &self.references {
            let to = SocketAddr::new(*reference, 0);
            let sent = self.socket.send_to(&message, to).map(drop);
            outcome = outcome.and(sent);
        }
        outcome
    }

    /// The next answer of a reference that came; none if there is none now.
    pub fn next_answer(&self) -> Option<ReferenceAnswer> {
        let mut packet = [0; LONGEST_IPV4_HEADER + MESSAGE_LEN];
        for _ in 0..MOST_PACKETS {
            // An error here is the interface's (gone, down) or a device's refusal: no answer either way.
            let (length, from) = self.socket.recv_from(&mut packet).ok()?;
            let place = (self.references.iter()).position(|reference| *reference == from.ip());
            if let Some(place) = place
                && let Some(question) = self.echo.answered(&packet[..length])
                && let Ok(reference) = u8::try_from(place)
            {
                return Some(ReferenceAnswer {
                    question,
                    reference,
                });
            }
        }
        None
    }
}

impl AsFd for References {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// How questions and answers are written in one family.
#[derive(Debug, Clone, Copy)]
struct Echo {
    is_ipv4: bool,
    request: u8,
    reply: u8,
    /// Told apart in the kernel by it from other programs' pings, and by the secret for sure.
    identifier: u16,
    secret: u64,
}

impl Echo {
    fn new(is_ipv4: bool, secret: u64) -> Self {
        let (request, reply) = if is_ipv4 { (8, 0) } else { (128, 129) };
        let [a, b, ..] = secret.to_be_bytes();
        Self {
            is_ipv4,
            request,
            reply,
            identifier: u16::from_be_bytes([a, b]),
            secret,
        }
    }

    fn request(&self, question: u64) -> [u8; MESSAGE_LEN] {
        let mut message = [0; MESSAGE_LEN];
        message[0] = self.request;
        message[4..6].copy_from_slice(&self.identifier.to_be_bytes());
        message[8..16].copy_from_slice(&question.to_be_bytes());
        message[16..].copy_from_slice(&self.secret.to_be_bytes());
        if self.is_ipv4 {
            // The kernel makes ICMPv6's own, which covers the addresses.
            let sum = Sum::default().add(&message).finish();
            message[2..4].copy_from_slice(&sum.to_be_bytes());
        }
        message
    }

    /// Which question of ours a packet answers, as the socket gives it: IPv4's with its header.
    fn answered(&self, packet: &[u8]) -> Option<u64> {
        let header = if self.is_ipv4 {
            usize::from(packet.first()? & 0xf) * 4
        } else {
            0
        };
        let message: &[u8; MESSAGE_LEN] = packet.get(header..)?.first_chunk()?;
        let number = |from: usize| {
            let bytes = message[from..].first_chunk().expect("it has 24 bytes");
            u64::from_be_bytes(*bytes)
        };
        let is_ours = message[0] == self.reply
            && message[4..6] == self.identifier.to_be_bytes()
            && number(16) == self.secret;
        is_ours.then(|| number(8))
    }

    /// Lets echo replies with our identifier in, and nothing else: a raw socket gets a copy of every ICMP message.
    fn filter(&self) -> [SockFilter; 7] {
        let (first, byte, half) = if self.is_ipv4 {
            (HEADER_LENGTH, BYTE_FROM_X, HALF_FROM_X)
        } else {
            (BYTE, BYTE, HALF)
        };
        [
            SockFilter::new(first, 0, 0, 0),
            SockFilter::new(byte, 0, 0, 0),
            SockFilter::new(JUMP_IF_EQUAL, 0, 3, self.reply.into()),
            SockFilter::new(half, 0, 0, 4),
            SockFilter::new(JUMP_IF_EQUAL, 0, 1, self.identifier.into()),
            SockFilter::new(RETURN, 0, 0, u32::MAX),
            SockFilter::new(RETURN, 0, 0, 0),
        ]
    }
}

fn open(interface: &str, address: IpAddr, echo: &Echo) -> io::Result<UdpSocket> {
    let address = SocketAddr::new(address, 0);
    let protocol = match address {
        SocketAddr::V4(_) => Protocol::ICMPV4,
        SocketAddr::V6(_) => Protocol::ICMPV6,
    };
    let socket = Socket::new(Domain::for_address(address), Type::RAW, Some(protocol))?;
    // First, so that no strangers' messages are queued.
    socket.attach_filter(&echo.filter())?;
    socket.set_nonblocking(true)?;
    match address {
        SocketAddr::V4(_) => {
            socket.set_tos_v4(u32::from(DSCP_CS6))?;
            socket.set_ttl_v4(HOP_LIMIT)?;
        }
        SocketAddr::V6(_) => {
            socket.set_tclass_v6(u32::from(DSCP_CS6))?;
            socket.set_unicast_hops_v6(HOP_LIMIT)?;
        }
    }
    // After the class, which sets a priority too.
    socket.set_priority(PRIORITY)?;
    socket.bind_device(Some(interface.as_bytes()))?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: u64 = 0x1234_5678_9abc_def0;

    /// As a device sends it back: the type changed, the checksum is not looked at.
    fn reply(echo: &Echo, question: u64) -> Vec<u8> {
        let mut message = echo.request(question);
        message[0] = echo.reply;
        let header: &[u8] = if echo.is_ipv4 { &[0x45; 20] } else { &[] };
        [header, &message].concat()
    }

    #[test]
    fn an_answer_says_which_question_it_answers() {
        for is_ipv4 in [true, false] {
            let echo = Echo::new(is_ipv4, SECRET);
            assert_eq!(echo.answered(&reply(&echo, 77)), Some(77));
        }
    }

    #[test]
    fn neither_a_question_nor_anothers_answer_nor_a_stump_counts() {
        for is_ipv4 in [true, false] {
            let echo = Echo::new(is_ipv4, SECRET);
            let whole = reply(&echo, 77);
            let header = whole.len() - MESSAGE_LEN;
            let mut question = whole.clone();
            question[header] = echo.request;
            assert_eq!(echo.answered(&question), None);
            assert_eq!(echo.answered(&whole[..whole.len() - 1]), None);
            assert_eq!(echo.answered(&[]), None);
            // The last byte of the secret, and the first, which stands in the identifier too.
            let other = Echo::new(is_ipv4, SECRET ^ 1);
            assert_eq!(other.answered(&whole), None);
            let other = Echo::new(is_ipv4, SECRET ^ 1 << 63);
            assert_eq!(other.answered(&whole), None);
        }
    }

    #[test]
    fn an_ipv4_question_has_a_whole_checksum() {
        let message = Echo::new(true, SECRET).request(77);
        assert_eq!(Sum::default().add(&message).finish(), 0);
    }
}
