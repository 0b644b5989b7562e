//! The kernel's TCP connections by local address: listed and closed (sock_diag(7)).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR};
use netlink_sys::protocols::NETLINK_SOCK_DIAG;
use netlink_sys::{Socket, SocketAddr as NetlinkAddress};
use nix::errno::Errno;

use super::netlink::messages;

/// linux/sock_diag.h.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// linux/sock_diag.h, Linux 4.5 with CONFIG_INET_DIAG_DESTROY.
const SOCK_DESTROY: u16 = 21;

/// Bytes of a netlink message's header.
const HEADER_LEN: usize = 16;
/// Bytes of struct inet_diag_req_v2 (linux/inet_diag.h).
const REQUEST_LEN: usize = 56;
/// Where struct inet_diag_sockid stands in it, and in struct inet_diag_msg.
const REQUEST_ID: usize = 8;
const ANSWER_ID: usize = 4;
const ID_LEN: usize = 48;

/// States of a connection (include/net/tcp_states.h): all but TIME_WAIT (6), CLOSE (7) and LISTEN (10). Who
/// listens on the address serves it again when it comes back, so he is left alone.
const CONNECTED: u32 = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 8 | 1 << 9 | 1 << 11;
/// SYN_SENT and SYN_RECV: the other end has no connection yet that could be reset.
const OPENING: [u8; 2] = [2, 3];

/// Room for one answer; the kernel never makes a dump's part longer than 32 KiB.
const ANSWER_BYTES: usize = 64 * 1024;

/// One TCP connection of this network namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    /// This end.
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
    /// Whether it is only being opened.
    pub opening: bool,
    family: u8,
    /// struct inet_diag_sockid as the kernel gave it: addresses, ports, interface and the socket's cookie.
    id: [u8; ID_LEN],
}

/// Why a connection could not be closed.
#[derive(Debug, thiserror::Error)]
pub enum DestroyError {
    /// The kernel has no SOCK_DESTROY.
    #[error(
        "this kernel cannot close connections from outside (CONFIG_INET_DIAG_DESTROY is not set): a service here \
         keeps its connections to the virtual address until it finds them dead by itself"
    )]
    Unsupported,
    /// Anything else.
    #[error("cannot close a connection of the virtual address: {0}")]
    Failed(#[from] io::Error),
}

/// A conversation with the kernel about the sockets of the network namespace it was opened in.
#[derive(Debug)]
pub struct SockDiag {
    socket: Socket,
    sequence: u32,
    answer: Vec<u8>,
}

impl SockDiag {
    /// # Errors
    /// What socket(2) answers: the sandbox must allow AF_NETLINK.
    pub fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_SOCK_DIAG)?;
        socket.bind_auto()?;
        socket.connect(&NetlinkAddress::new(0, 0))?;
        Ok(Self {
            socket,
            sequence: 0,
            answer: Vec::with_capacity(ANSWER_BYTES),
        })
    }

    /// Every TCP connection whose local address is `address`, those of IPv6 sockets that speak IPv4 included.
    ///
    /// # Errors
    /// What the kernel answers.
    pub fn connections(&mut self, address: IpAddr) -> io::Result<Vec<Connection>> {
        let families: &[i32] = match address {
            IpAddr::V4(_) => &[libc::AF_INET, libc::AF_INET6],
            IpAddr::V6(_) => &[libc::AF_INET6],
        };
        let mut found = Vec::new();
        for family in families {
            let mut request = [0; REQUEST_LEN];
            request[0] = u8::try_from(*family).expect("address families are small");
            request[1] = u8::try_from(libc::IPPROTO_TCP).expect("TCP is 6");
            request[4..8].copy_from_slice(&CONNECTED.to_ne_bytes());
            self.send(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &request)?;
            self.receive(|payload| {
                let connection = Connection::parse(payload);
                found.extend(connection.filter(|it| it.local.ip() == address));
            })?;
        }
        Ok(found)
    }

    /// Closes a connection at this end; its reset leaves only if the gate is open. One that is gone already
    /// is as good.
    ///
    /// # Errors
    /// [`DestroyError`].
    pub fn destroy(&mut self, connection: &Connection) -> Result<(), DestroyError> {
        let mut request = [0; REQUEST_LEN];
        request[0] = connection.family;
        request[1] = u8::try_from(libc::IPPROTO_TCP).expect("TCP is 6");
        request[4..8].copy_from_slice(&CONNECTED.to_ne_bytes());
        request[REQUEST_ID..].copy_from_slice(&connection.id);
        self.send(SOCK_DESTROY, NLM_F_ACK, &request)?;
        match self.receive(|_| ()) {
            Ok(()) => Ok(()),
            Err(error) => match Errno::from_raw(error.raw_os_error().unwrap_or(0)) {
                Errno::ENOENT => Ok(()),
                Errno::EOPNOTSUPP => Err(DestroyError::Unsupported),
                _ => Err(error.into()),
            },
        }
    }

    fn send(&mut self, kind: u16, flags: u16, body: &[u8; REQUEST_LEN]) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let length = u32::try_from(HEADER_LEN + REQUEST_LEN).expect("a request is short");
        let mut message = [0; HEADER_LEN + REQUEST_LEN];
        message[..4].copy_from_slice(&length.to_ne_bytes());
        message[4..6].copy_from_slice(&kind.to_ne_bytes());
        message[6..8].copy_from_slice(&(NLM_F_REQUEST | flags).to_ne_bytes());
        message[8..12].copy_from_slice(&self.sequence.to_ne_bytes());
        message[HEADER_LEN..].copy_from_slice(body);
        self.socket.send(&message, 0).map(drop)
    }

    /// Reads to the end of the answer; the kernel has it ready when the request's send(2) returns.
    fn receive(&mut self, mut take: impl FnMut(&[u8])) -> io::Result<()> {
        loop {
            self.answer.clear();
            self.socket.recv(&mut self.answer, 0)?;
            for message in messages(&self.answer) {
                if message.sequence != self.sequence {
                    continue;
                }
                match message.kind {
                    NLMSG_DONE => return Ok(()),
                    NLMSG_ERROR => return acknowledged(message.payload),
                    _ => take(message.payload),
                }
            }
        }
    }
}

fn acknowledged(payload: &[u8]) -> io::Result<()> {
    match payload.first_chunk().map(|code| i32::from_ne_bytes(*code)) {
        Some(0) => Ok(()),
        Some(code) => Err(io::Error::from_raw_os_error(-code)),
        None => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
    }
}

impl Connection {
    /// From struct inet_diag_msg.
    fn parse(payload: &[u8]) -> Option<Self> {
        let (family, state) = (*payload.first()?, *payload.get(1)?);
        let id: [u8; ID_LEN] = *payload.get(ANSWER_ID..)?.first_chunk()?;
        let port = |at: usize| u16::from_be_bytes([id[at], id[at + 1]]);
        let end = |at: usize, port| -> Option<SocketAddr> {
            let ip = if i32::from(family) == libc::AF_INET {
                IpAddr::V4(Ipv4Addr::from_octets(*id[at..].first_chunk()?))
            } else {
                // ::ffff:a.b.c.d is IPv4 spoken by an IPv6 socket.
                IpAddr::V6(Ipv6Addr::from_octets(*id[at..].first_chunk()?)).to_canonical()
            };
            Some(SocketAddr::new(ip, port))
        };
        Some(Self {
            local: end(4, port(0))?,
            remote: end(20, port(2))?,
            opening: OPENING.contains(&state),
            family,
            id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_read_and_ipv4_spoken_by_an_ipv6_socket_is_ipv4() {
        let mut payload = [0; 72];
        payload[0] = u8::try_from(libc::AF_INET6).unwrap();
        payload[1] = 1;
        payload[4..8].copy_from_slice(&[0x00, 0x50, 0x9c, 0x40]);
        payload[8..24].copy_from_slice(&Ipv4Addr::new(203, 0, 113, 100).to_ipv6_mapped().octets());
        payload[24..40].copy_from_slice(&Ipv4Addr::new(203, 0, 113, 9).to_ipv6_mapped().octets());
        let found = Connection::parse(&payload).expect("whole");
        assert_eq!(found.local, "203.0.113.100:80".parse().unwrap());
        assert_eq!(found.remote, "203.0.113.9:40000".parse().unwrap());
        assert!(!found.opening);
        assert_eq!(Connection::parse(&payload[..51]), None);
    }
}
