//! Tickles: bare acknowledgements that make a client find out that its connection is dead.
//!
//! A client that gets an acknowledgement outside its window answers with its own numbers (RFC 9293, section
//! 3.10.7.4). The new master's kernel knows no such connection and answers that with a reset whose number
//! is the right one. Nobody else could make it: the numbers were the old master's.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};

use super::checksum::Sum;

/// Sequence numbers of the two frames: half the number space apart, so that at most one can be inside the
/// client's window by chance.
const SEQUENCES: [u32; 2] = [0, 1 << 31];

const TCP_LEN: usize = 20;
const TCP: u8 = 6;
/// Five words of header, and the flag ACK.
const LENGTH_AND_ACK: [u8; 2] = [5 << 4, 1 << 4];
const HOP_LIMIT: u8 = 64;

/// Sends tickles from addresses of this node, through the gate like all of its traffic.
#[derive(Debug)]
pub struct Tickler {
    v4: Socket,
    /// None on a machine without IPv6.
    v6: Option<Socket>,
}

impl Tickler {
    /// # Errors
    /// What socket(2) answers: CAP_NET_RAW is needed.
    pub fn open() -> io::Result<Self> {
        let open = |domain| -> io::Result<Socket> {
            // IPPROTO_RAW: the IP header comes from us (raw(7)).
            let socket = Socket::new(domain, Type::RAW, Some(Protocol::from(libc::IPPROTO_RAW)))?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        };
        Ok(Self {
            v4: open(Domain::IPV4)?,
            v6: open(Domain::IPV6).ok(),
        })
    }

    /// Tickles the client of the connection from `local` (an address of this node) to `client`.
    ///
    /// # Errors
    /// What sendto(2) answers, EPERM and ENOBUFS when the gate is shut.
    pub fn tickle(&self, local: SocketAddr, client: SocketAddr) -> io::Result<()> {
        for sequence in SEQUENCES {
            let tcp = segment(local, client, sequence);
            let to = SocketAddr::new(client.ip(), 0).into();
            match (local.ip(), client.ip()) {
                (IpAddr::V4(from), IpAddr::V4(to_ip)) => {
                    self.v4.send_to(&v4_packet(from, to_ip, &tcp), &to)?;
                }
                (IpAddr::V6(from), IpAddr::V6(to_ip)) => {
                    let socket = self.v6.as_ref().ok_or(io::ErrorKind::Unsupported)?;
                    socket.send_to(&v6_packet(from, to_ip, &tcp), &to)?;
                }
                (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
                    return Err(io::ErrorKind::InvalidInput.into());
                }
            }
        }
        Ok(())
    }
}

fn segment(local: SocketAddr, client: SocketAddr, sequence: u32) -> [u8; TCP_LEN] {
    let mut tcp = [0; TCP_LEN];
    tcp[..2].copy_from_slice(&local.port().to_be_bytes());
    tcp[2..4].copy_from_slice(&client.port().to_be_bytes());
    tcp[4..8].copy_from_slice(&sequence.to_be_bytes());
    tcp[12..14].copy_from_slice(&LENGTH_AND_ACK);
    let length = u16::try_from(TCP_LEN).expect("a header is short");
    let pseudo = |ip: IpAddr, sum: Sum| match ip {
        IpAddr::V4(ip) => sum.add(&ip.octets()),
        IpAddr::V6(ip) => sum.add(&ip.octets()),
    };
    let sum = pseudo(client.ip(), pseudo(local.ip(), Sum::default()))
        .add(&[0, TCP])
        .add(&length.to_be_bytes())
        .add(&tcp)
        .finish();
    tcp[16..18].copy_from_slice(&sum.to_be_bytes());
    tcp
}

/// The kernel fills in identification and checksum (raw(7)).
fn v4_packet(from: Ipv4Addr, to: Ipv4Addr, tcp: &[u8; TCP_LEN]) -> [u8; 20 + TCP_LEN] {
    let mut packet = [0; 20 + TCP_LEN];
    packet[0] = 0x45;
    packet[3] = 40;
    // Do not fragment.
    packet[6] = 0x40;
    packet[8] = HOP_LIMIT;
    packet[9] = TCP;
    packet[12..16].copy_from_slice(&from.octets());
    packet[16..20].copy_from_slice(&to.octets());
    packet[20..].copy_from_slice(tcp);
    packet
}

fn v6_packet(from: Ipv6Addr, to: Ipv6Addr, tcp: &[u8; TCP_LEN]) -> [u8; 40 + TCP_LEN] {
    let mut packet = [0; 40 + TCP_LEN];
    packet[0] = 0x60;
    packet[5] = 20;
    packet[6] = TCP;
    packet[7] = HOP_LIMIT;
    packet[8..24].copy_from_slice(&from.octets());
    packet[24..40].copy_from_slice(&to.octets());
    packet[40..].copy_from_slice(tcp);
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tickle_is_a_bare_acknowledgement_with_a_right_checksum() {
        let (local, client) = ("203.0.113.100:80", "203.0.113.9:40000");
        let tcp = segment(local.parse().unwrap(), client.parse().unwrap(), 1 << 31);
        assert_eq!(tcp[..8], [0, 80, 0x9c, 0x40, 0x80, 0, 0, 0]);
        assert_eq!(tcp[13], 0x10, "nothing but ACK");
        let over_all = Sum::default()
            .add(&[203, 0, 113, 100, 203, 0, 113, 9, 0, 6, 0, 20])
            .add(&tcp);
        assert_eq!(over_all.finish(), 0);
    }
}
