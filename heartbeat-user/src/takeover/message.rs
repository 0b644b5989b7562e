//! What the takeover threads of two nodes say to each other, as bytes in the control datagrams' envelope.
//!
//! The envelope names the epoch and, for question and answer, a number. A kind, then its fields, fixed and
//! little-endian; addresses have 16 bytes, those of IPv4 mapped.
//!
//! | kind | body after the kind byte |
//! |---|---|
//! | 32 verify | |
//! | 33 verified | address, asked u8, count u8, then each: hardware address of 6 bytes |
//! | 34 connections | address, count u16, then each: port u16, client's address, client's port u16 |
//! | 35 verify a slot's | slot u16 |

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use bytes::{Buf, BufMut, TryGetError};

use crate::hands::Whose;
use crate::net::ask_neighbour::MOST_ANSWERS;
use crate::net::codec::FIRST_TAKEOVER_KIND;
use crate::net::envelope::MAX_BODY;
use crate::net::mac::MacAddress;

const VERIFY: u8 = FIRST_TAKEOVER_KIND;
const VERIFIED: u8 = FIRST_TAKEOVER_KIND + 1;
const CONNECTIONS: u8 = FIRST_TAKEOVER_KIND + 2;
const VERIFY_SLOT: u8 = FIRST_TAKEOVER_KIND + 3;

/// Bytes of one connection.
const CONNECTION_LEN: usize = 2 + 16 + 2;
/// How many connections fit one message.
pub const CONNECTIONS_A_MESSAGE: usize = (MAX_BODY - 1 - 16 - 2) / CONNECTION_LEN;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Who bears these addresses from now on asks: who answers for them, where you are?
    Verify(Whose),
    /// The answer, one message an address.
    Verified {
        /// The address.
        address: IpAddr,
        /// Whether the sender could ask at all.
        asked: bool,
        /// Who answered, at most [`MOST_ANSWERS`].
        macs: Vec<MacAddress>,
    },
    /// The first master lists the connections of an address that it closed without a word to their clients.
    Connections {
        /// The address.
        address: IpAddr,
        /// At most [`CONNECTIONS_A_MESSAGE`].
        clients: Vec<Client>,
    },
}

/// The other end of a connection to a virtual address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Client {
    /// The service's port.
    pub port: u16,
    /// The client.
    pub client: SocketAddr,
}

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a message about a takeover that this version knows; run the same version on every node"
)]
pub struct NotUnderstood;

impl From<TryGetError> for NotUnderstood {
    fn from(_: TryGetError) -> Self {
        Self
    }
}

impl Message {
    /// Writes it to the front of `body` and gives its length.
    ///
    /// # Panics
    /// If a list is longer than its limit: the caller cuts it.
    pub fn encode(&self, body: &mut [u8; MAX_BODY]) -> usize {
        let mut out = &mut body[..];
        match self {
            Self::Verify(Whose::Master) => out.put_u8(VERIFY),
            Self::Verify(Whose::Slot(slot)) => {
                out.put_u8(VERIFY_SLOT);
                out.put_u16_le(*slot);
            }
            Self::Verified {
                address,
                asked,
                macs,
            } => {
                assert!(macs.len() <= MOST_ANSWERS, "{} answers", macs.len());
                out.put_u8(VERIFIED);
                put_ip(*address, &mut out);
                out.put_u8(u8::from(*asked));
                out.put_u8(u8::try_from(macs.len()).expect("checked above"));
                for mac in macs {
                    out.put_slice(&mac.0);
                }
            }
            Self::Connections { address, clients } => {
                assert!(
                    clients.len() <= CONNECTIONS_A_MESSAGE,
                    "{} connections",
                    clients.len()
                );
                out.put_u8(CONNECTIONS);
                put_ip(*address, &mut out);
                out.put_u16_le(u16::try_from(clients.len()).expect("checked above"));
                for client in clients {
                    out.put_u16_le(client.port);
                    put_ip(client.client.ip(), &mut out);
                    out.put_u16_le(client.client.port());
                }
            }
        }
        MAX_BODY - out.len()
    }

    /// # Errors
    /// [`NotUnderstood`].
    pub fn decode(mut body: &[u8]) -> Result<Self, NotUnderstood> {
        let body = &mut body;
        let message = match body.try_get_u8()? {
            VERIFY => Self::Verify(Whose::Master),
            VERIFY_SLOT => Self::Verify(Whose::Slot(body.try_get_u16_le()?)),
            VERIFIED => {
                let (address, asked) = (get_ip(body)?, body.try_get_u8()? != 0);
                let count = usize::from(body.try_get_u8()?);
                if count > MOST_ANSWERS {
                    return Err(NotUnderstood);
                }
                let macs = (0..count)
                    .map(|_| {
                        let mut mac = [0; 6];
                        body.try_copy_to_slice(&mut mac)?;
                        Ok(MacAddress(mac))
                    })
                    .collect::<Result<_, NotUnderstood>>()?;
                Self::Verified {
                    address,
                    asked,
                    macs,
                }
            }
            CONNECTIONS => {
                let (address, count) = (get_ip(body)?, usize::from(body.try_get_u16_le()?));
                // Before anything is allocated for a count that no body can hold.
                if count > CONNECTIONS_A_MESSAGE {
                    return Err(NotUnderstood);
                }
                let clients = (0..count)
                    .map(|_| {
                        let port = body.try_get_u16_le()?;
                        let client = SocketAddr::new(get_ip(body)?, body.try_get_u16_le()?);
                        Ok(Client { port, client })
                    })
                    .collect::<Result<_, NotUnderstood>>()?;
                Self::Connections { address, clients }
            }
            _ => return Err(NotUnderstood),
        };
        if body.is_empty() {
            Ok(message)
        } else {
            Err(NotUnderstood)
        }
    }
}

fn put_ip(ip: IpAddr, out: &mut impl BufMut) {
    let bytes = match ip {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    };
    out.put_slice(&bytes);
}

fn get_ip(body: &mut &[u8]) -> Result<IpAddr, TryGetError> {
    let mut bytes = [0; 16];
    body.try_copy_to_slice(&mut bytes)?;
    Ok(IpAddr::V6(Ipv6Addr::from_octets(bytes)).to_canonical())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn connections(count: usize) -> Message {
        Message::Connections {
            address: "203.0.113.100".parse().unwrap(),
            clients: (0..count)
                .map(|number| Client {
                    port: 443,
                    client: SocketAddr::new(
                        "2001:db8::9".parse().unwrap(),
                        u16::try_from(number).unwrap(),
                    ),
                })
                .collect(),
        }
    }

    #[test]
    fn each_message_is_read_back_as_it_was_and_no_part_of_it_is() {
        let verified = Message::Verified {
            address: "203.0.113.100".parse().unwrap(),
            asked: true,
            macs: vec![
                MacAddress([2, 0, 0, 0, 0, 1]),
                MacAddress([2, 0, 0, 0, 0, 2]),
            ],
        };
        let messages = [
            Message::Verify(Whose::Master),
            Message::Verify(Whose::Slot(259)),
            verified,
            connections(0),
            connections(CONNECTIONS_A_MESSAGE),
        ];
        for message in messages {
            let mut body = [0; MAX_BODY];
            let length = message.encode(&mut body);
            assert_eq!(Message::decode(&body[..length]), Ok(message));
            assert_eq!(Message::decode(&body[..length - 1]), Err(NotUnderstood));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_whatever_make_the_decoder_fall_over(
            kind in VERIFY..=VERIFY_SLOT,
            rest in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let _ = Message::decode(&[&[kind], &rest[..]].concat());
        }
    }
}
