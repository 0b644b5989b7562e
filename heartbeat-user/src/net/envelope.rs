//! The envelope of every control datagram: who to whom, in which cluster, about which epoch, and a
//! tag that proves it.
//!
//! | bytes | field (little-endian) |
//! |---|---|
//! | 0..4 | magic `HBDC` |
//! | 4 | version, 1 |
//! | 5 | zero |
//! | 6..8 | key id |
//! | 8..16 | cluster id |
//! | 16..18 | sender slot |
//! | 18..20 | receiver slot |
//! | 20..28 | sender's incarnation |
//! | 28..36 | epoch |
//! | 36..44 | nonce: the random id of the request, or of the request that this answers; 0 for commands |
//! | 44..46 | body length |
//! | 46.. | body |
//! | then 32 | keyed BLAKE3 of all before it |

use std::fmt;

use bytes::{Buf, BufMut};
use heartbeat_core::{Epoch, Slot};

const MAGIC: [u8; 4] = *b"HBDC";
const VERSION: u8 = 1;
/// Bytes before the body.
pub const HEADER_LEN: usize = 46;
const TAG_LEN: usize = blake3::OUT_LEN;
/// Longest datagram: what fits one Ethernet frame with its IPv6 and UDP headers, so that no vote
/// hangs on a lost fragment.
pub const MAX_DATAGRAM: usize = 1500 - 40 - 8;
/// Longest body.
pub const MAX_BODY: usize = MAX_DATAGRAM - HEADER_LEN - TAG_LEN;
/// What the key is derived for: the same secret makes other keys for other uses (BLAKE3 key derivation).
const KEY_CONTEXT: &str = "heartbeatd 2026 control datagram";

/// A key for control datagrams, derived from one line of the cluster's key file.
#[derive(Clone, PartialEq, Eq)]
pub struct ControlKey {
    id: u16,
    key: [u8; 32],
}

impl ControlKey {
    /// The key made from a secret of the key file.
    #[must_use]
    pub fn derive(secret: &[u8; 32]) -> Self {
        let mut derived = blake3::Hasher::new_derive_key(KEY_CONTEXT)
            .update(secret)
            .finalize_xof();
        let (mut key, mut id) = ([0; 32], [0; 2]);
        derived.fill(&mut key);
        derived.fill(&mut id);
        Self {
            id: u16::from_le_bytes(id),
            key,
        }
    }

    /// What tells keys apart on the wire: it follows from the secret, so it means the same on every
    /// node whatever the order of lines in its key file.
    #[must_use]
    pub const fn id(&self) -> u16 {
        self.id
    }
}

impl fmt::Debug for ControlKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ControlKey({:04x}, secret)", self.id)
    }
}

/// This node as a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender {
    /// The cluster's id.
    pub cluster: u64,
    /// The node's slot.
    pub slot: Slot,
    /// Its incarnation: random, of one life of its pinned maps.
    pub incarnation: u64,
}

/// What one datagram is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// Whom it is for.
    pub receiver: Slot,
    /// The epoch the body is about.
    pub epoch: Epoch,
    /// Random id of the request, or of the request that this answers; 0 for what is neither.
    pub nonce: u64,
}

/// Why a datagram was not opened. The first three are found without a key and may be anybody's noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Not one of our datagrams, or not one of this version, or cut off.
    #[error("not a control datagram of this version ({length} bytes)")]
    Malformed {
        /// Bytes received.
        length: usize,
    },
    /// Another cluster on the same network and port.
    #[error("from another cluster, {cluster:016x}; give the clusters different control ports")]
    OtherCluster {
        /// The cluster named in it.
        cluster: u64,
    },
    /// Sealed with a key that is not in this node's key file.
    #[error(
        "sealed with key {id:04x}, which this node's key file does not have; put the same keys on every node before the new one signs"
    )]
    UnknownKey {
        /// The key's id.
        id: u16,
    },
    /// The tag does not match: forged or damaged.
    #[error("not authentic")]
    Unauthentic,
    /// Authentic, and for another member.
    #[error("for slot {receiver}, not for this node")]
    OtherReceiver {
        /// The slot it is for.
        receiver: Slot,
    },
}

/// An opened datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened<'a> {
    /// Who sealed it.
    pub sender: Sender,
    /// What it is about.
    pub subject: Subject,
    /// The message's bytes.
    pub body: &'a [u8],
}

/// Seals and opens one node's control datagrams.
#[derive(Debug, Clone)]
pub struct Envelope {
    own: Sender,
    signing: ControlKey,
    accepted: Option<ControlKey>,
}

impl Envelope {
    /// For the node `own`; `signing` seals, and both keys open.
    #[must_use]
    pub const fn new(own: Sender, signing: ControlKey, accepted: Option<ControlKey>) -> Self {
        Self {
            own,
            signing,
            accepted,
        }
    }

    /// Closes the datagram around the `body_len` bytes of body that stand at [`HEADER_LEN`], and
    /// gives what is to be sent.
    ///
    /// # Panics
    /// If `body_len` is above [`MAX_BODY`].
    pub fn seal<'a>(
        &self,
        subject: &Subject,
        body_len: usize,
        datagram: &'a mut [u8; MAX_DATAGRAM],
    ) -> &'a [u8] {
        assert!(body_len <= MAX_BODY, "no message has such a body");
        self.write_header(subject, body_len, &mut datagram[..HEADER_LEN]);
        let tag_at = HEADER_LEN + body_len;
        let tag = blake3::keyed_hash(&self.signing.key, &datagram[..tag_at]);
        datagram[tag_at..tag_at + TAG_LEN].copy_from_slice(tag.as_bytes());
        &datagram[..tag_at + TAG_LEN]
    }

    fn write_header(&self, subject: &Subject, body_len: usize, mut out: &mut [u8]) {
        out.put_slice(&MAGIC);
        out.put_u8(VERSION);
        out.put_u8(0);
        out.put_u16_le(self.signing.id);
        out.put_u64_le(self.own.cluster);
        out.put_u16_le(self.own.slot);
        out.put_u16_le(subject.receiver);
        out.put_u64_le(self.own.incarnation);
        out.put_u64_le(subject.epoch.0);
        out.put_u64_le(subject.nonce);
        out.put_u16_le(u16::try_from(body_len).expect("checked against MAX_BODY by the caller"));
    }

    /// Checks a received datagram and gives what it says.
    ///
    /// # Errors
    /// [`OpenError`]; nothing of what it says is true then.
    pub fn open<'a>(&self, datagram: &'a [u8]) -> Result<Opened<'a>, OpenError> {
        let malformed = OpenError::Malformed {
            length: datagram.len(),
        };
        let outer = Outer::read(datagram).ok_or(malformed)?;
        let cluster = outer.sender.cluster;
        if cluster != self.own.cluster {
            return Err(OpenError::OtherCluster { cluster });
        }
        let (signed, tag) = datagram
            .split_last_chunk::<TAG_LEN>()
            .filter(|(signed, _)| signed.len() == HEADER_LEN + usize::from(outer.body_len))
            .ok_or(malformed)?;
        self.verify(outer.key_id, signed, tag)?;
        let receiver = outer.subject.receiver;
        if receiver != self.own.slot {
            return Err(OpenError::OtherReceiver { receiver });
        }
        Ok(Opened {
            sender: outer.sender,
            subject: outer.subject,
            body: &signed[HEADER_LEN..],
        })
    }

    fn verify(&self, id: u16, signed: &[u8], tag: &[u8; TAG_LEN]) -> Result<(), OpenError> {
        let keys = std::iter::once(&self.signing).chain(&self.accepted);
        let mut known = false;
        for key in keys.filter(|key| key.id == id) {
            known = true;
            // Hashes are compared in constant time.
            if blake3::keyed_hash(&key.key, signed) == *tag {
                return Ok(());
            }
        }
        Err(if known {
            OpenError::Unauthentic
        } else {
            OpenError::UnknownKey { id }
        })
    }
}

/// What stands before the body.
struct Outer {
    key_id: u16,
    sender: Sender,
    subject: Subject,
    body_len: u16,
}

impl Outer {
    /// None if there are too few bytes, or it is not ours.
    fn read(mut datagram: &[u8]) -> Option<Self> {
        let ours = datagram.len() >= HEADER_LEN + TAG_LEN
            && datagram[..4] == MAGIC
            && datagram[4..6] == [VERSION, 0];
        if !ours {
            return None;
        }
        datagram.advance(6);
        // Longer than HEADER_LEN, as checked above, so that none of these can run out.
        let key_id = datagram.get_u16_le();
        let cluster = datagram.get_u64_le();
        let slot = datagram.get_u16_le();
        let receiver = datagram.get_u16_le();
        let incarnation = datagram.get_u64_le();
        Some(Self {
            key_id,
            sender: Sender {
                cluster,
                slot,
                incarnation,
            },
            subject: Subject {
                receiver,
                epoch: Epoch(datagram.get_u64_le()),
                nonce: datagram.get_u64_le(),
            },
            body_len: datagram.get_u16_le(),
        })
    }
}

#[cfg(test)]
mod tests;
