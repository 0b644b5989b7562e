//! How two ends become a link: a preamble that says who dials whom, then Noise with the cluster's key.
//!
//! | bytes | field of the preamble (little-endian) |
//! |---|---|
//! | 0..4 | magic `HBDP` |
//! | 4 | version, 1 |
//! | 5 | zero |
//! | 6..8 | key id |
//! | 8..16 | cluster id |
//! | 16..18 | slot that dials |
//! | 18..20 | slot that is dialled |
//!
//! The preamble is the handshake's prologue: an end that sees another one than was sent opens nothing. What is sent
//! back to who sent it names the wrong slot, and nothing of one direction opens in the other. The first message
//! holds a tag under the key already, so strangers cost no elliptic curve; the dialler's first frame proves that it
//! is no recording.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::{Buf, BufMut};
use heartbeat_core::Slot;
use heartbeat_core::message::Network;
use snow::{Builder, HandshakeState, StatelessTransportState};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::bounds::SEAL;
use super::error::{HandshakeError, LinkError};
use super::key::LinkKey;
use super::membership::{LinkFacts, Membership};
use super::message::Message;
use super::sealed::{Opener, Sealer};

/// Nobody has a long-term key of his own (NN), and the cluster's key goes into the first message (psk0).
const PATTERN: &str = "Noise_NNpsk0_25519_ChaChaPoly_BLAKE2s";
const MAGIC: [u8; 4] = *b"HBDP";
const VERSION: u8 = 1;
const PREAMBLE_LEN: usize = 20;
/// An ephemeral public key, and the tag of an empty text.
const NOISE_LEN: usize = 32 + SEAL;

/// Who dials whom, where and by which key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Preamble {
    key_id: u16,
    cluster: u64,
    from: Slot,
    to: Slot,
}

/// Two ends that have proved who they are.
#[derive(Debug)]
pub(super) struct Linked<R, W> {
    pub(super) facts: LinkFacts,
    pub(super) opener: Opener<R>,
    pub(super) sealer: Sealer<W>,
}

/// Becomes a link with the member in slot `to`, which is at `address` of this network.
pub(super) async fn dial<R, W>(
    own: &Membership,
    (to, network, address): (Slot, Network, IpAddr),
    mut read: R,
    mut write: W,
) -> Result<Linked<R, W>, HandshakeError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let key = own.keys.first().expect("a checked configuration has a key");
    let preamble = Preamble {
        key_id: key.id(),
        cluster: own.cluster,
        from: own.slot,
        to,
    };
    let prologue = preamble.bytes();
    let mut noise = builder(key, &prologue)
        .build_initiator()
        .expect("the pattern wants no more than it has");
    let mut hello = Vec::with_capacity(PREAMBLE_LEN + NOISE_LEN);
    hello.extend_from_slice(&prologue);
    hello.extend_from_slice(&written(&mut noise));
    write.write_all(&hello).await?;
    let mut answer = [0; NOISE_LEN];
    if read.read_exact(&mut answer).await.is_err() {
        return Err(HandshakeError::Refused(key.id()));
    }
    take(&mut noise, &answer)?;
    let facts = LinkFacts {
        peer: to,
        network,
        address,
        key_id: key.id(),
    };
    let mut linked = Linked::new(facts, noise, read, write);
    (linked.sealer.write(&Message::Alive).await).map_err(of_link)?;
    Ok(linked)
}

/// Becomes a link with whoever dialled from `address` of this network, if it is who it says.
pub(super) async fn accept<R, W>(
    own: &Membership,
    (network, address): (Network, IpAddr),
    mut read: R,
    mut write: W,
) -> Result<Linked<R, W>, HandshakeError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut prologue = [0; PREAMBLE_LEN];
    read.read_exact(&mut prologue).await?;
    let preamble = Preamble::read(&prologue).ok_or(HandshakeError::NotOurs)?;
    let key = preamble.judge(own, network, address)?;
    let mut hello = [0; NOISE_LEN];
    read.read_exact(&mut hello).await?;
    let mut noise = builder(key, &prologue)
        .build_responder()
        .expect("the pattern wants no more than it has");
    take(&mut noise, &hello)?;
    write.write_all(&written(&mut noise)).await?;
    let facts = LinkFacts {
        peer: preamble.from,
        network,
        address,
        key_id: preamble.key_id,
    };
    let mut linked = Linked::new(facts, noise, read, write);
    match linked.opener.read().await.map_err(of_link)? {
        Message::Alive => Ok(linked),
        _ => Err(HandshakeError::NotOurs),
    }
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Linked<R, W> {
    fn new(facts: LinkFacts, noise: HandshakeState, read: R, write: W) -> Self {
        let transport: StatelessTransportState = noise
            .into_stateless_transport_mode()
            .expect("both messages have passed");
        let transport = Arc::new(transport);
        Self {
            facts,
            opener: Opener::new(Arc::clone(&transport), read),
            sealer: Sealer::new(transport, write),
        }
    }
}

impl Preamble {
    fn bytes(&self) -> [u8; PREAMBLE_LEN] {
        let mut bytes = [0; PREAMBLE_LEN];
        let mut out = &mut bytes[..];
        out.put_slice(&MAGIC);
        out.put_u8(VERSION);
        out.put_u8(0);
        out.put_u16_le(self.key_id);
        out.put_u64_le(self.cluster);
        out.put_u16_le(self.from);
        out.put_u16_le(self.to);
        bytes
    }

    fn read(bytes: &[u8; PREAMBLE_LEN]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(&MAGIC)?.strip_prefix(&[VERSION, 0])?;
        Some(Self {
            key_id: rest.get_u16_le(),
            cluster: rest.get_u64_le(),
            from: rest.get_u16_le(),
            to: rest.get_u16_le(),
        })
    }

    /// The key that it must be proved by.
    fn judge<'a>(
        &self,
        own: &'a Membership,
        network: Network,
        address: IpAddr,
    ) -> Result<&'a LinkKey, HandshakeError> {
        if self.cluster != own.cluster {
            return Err(HandshakeError::OtherCluster(self.cluster));
        }
        if self.to != own.slot {
            return Err(HandshakeError::OtherReceiver(self.to));
        }
        if own.address(self.from, network) != Some(address) {
            let slot = self.from;
            return Err(HandshakeError::Impostor { slot, address });
        }
        own.key(self.key_id)
            .ok_or(HandshakeError::UnknownKey(self.key_id))
    }
}

fn builder<'a>(key: &'a LinkKey, prologue: &'a [u8; PREAMBLE_LEN]) -> Builder<'a> {
    let pattern = PATTERN.parse().expect("a pattern of the specification");
    Builder::new(pattern)
        .prologue(prologue)
        .and_then(|builder| builder.psk(0, key.secret()))
        .expect("each is given once")
}

fn written(noise: &mut HandshakeState) -> [u8; NOISE_LEN] {
    let mut message = [0; NOISE_LEN];
    let length = noise
        .write_message(&[], &mut message)
        .expect("it is this end's turn, and the kernel has random numbers");
    assert_eq!(length, NOISE_LEN, "the pattern's messages have one length");
    message
}

fn take(noise: &mut HandshakeState, message: &[u8; NOISE_LEN]) -> Result<(), HandshakeError> {
    match noise.read_message(message, &mut [0; NOISE_LEN]) {
        Ok(_) => Ok(()),
        Err(_) => Err(HandshakeError::Unauthentic),
    }
}

fn of_link(error: LinkError) -> HandshakeError {
    match error {
        LinkError::Io(error) => HandshakeError::Io(error),
        LinkError::Silent | LinkError::Stalled => HandshakeError::Late,
        LinkError::Unauthentic => HandshakeError::Unauthentic,
        LinkError::TooLong(_)
        | LinkError::Malformed(_)
        | LinkError::Outdated
        | LinkError::Replaced
        | LinkError::Idle => HandshakeError::NotOurs,
    }
}

#[cfg(test)]
#[path = "handshake_tests.rs"]
mod tests;
