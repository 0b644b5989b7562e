//! Why a link is none, and what becomes of what was to go over it.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use heartbeat_core::Slot;

use super::bounds::{MAX_BODY, SILENCE, STALL};

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No such member, or this node itself.
    #[error("slot {0} is no other member")]
    NoMember(Slot),
    /// There is no link; nothing was asked.
    #[error("no link to slot {peer}: {why}")]
    NoLink {
        /// Whom it was for.
        peer: Slot,
        /// Why there is none.
        why: String,
    },
    /// Too much waits for this peer already; nothing was asked.
    #[error("too much waits for slot {0} already: it is slow, or is asked too often")]
    Busy(Slot),
    /// The body is too long; nothing was asked.
    #[error("{0} bytes are more than a message may have ({MAX_BODY})")]
    TooLong(usize),
    /// No answer in time. Whether it was carried out is unknown.
    #[error("slot {peer} did not answer within {} ms", .after.as_millis())]
    Late {
        /// Whom it was for.
        peer: Slot,
        /// The time it had.
        after: Duration,
    },
    /// The link ended before the answer came. Whether it was carried out is unknown.
    #[error("the link to slot {0} ended before the answer came")]
    LinkLost(Slot),
    /// The peer says why it does not answer.
    #[error("slot {peer} refuses: {why}")]
    Refused {
        /// Whom it was for.
        peer: Slot,
        /// Its words.
        why: String,
    },
}

/// Why a one-way message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No such member, or this node itself.
    #[error("slot {0} is no other member")]
    NoMember(Slot),
    /// There is no link now.
    #[error("no link to slot {0} now")]
    NoLink(Slot),
    /// Too much waits for this peer already.
    #[error("too much waits for slot {0} already: it is slow, or its network is")]
    Full(Slot),
    /// The body is too long.
    #[error("{0} bytes are more than a message may have ({MAX_BODY})")]
    TooLong(usize),
}

/// Why a link ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    #[error("the connection ended: {0}")]
    Io(#[from] io::Error),
    #[error("nothing was heard for {} s", SILENCE.as_secs())]
    Silent,
    #[error("nothing was taken for {} s", STALL.as_secs())]
    Stalled,
    #[error("a frame that is not authentic, or out of its order")]
    Unauthentic,
    #[error("a message of {0} bytes, and {MAX_BODY} are the most")]
    TooLong(usize),
    #[error("what it said is no message of this version: {0}")]
    Malformed(&'static str),
    #[error("the configuration has changed: another address, another key, or no member any more")]
    Outdated,
    #[error("a newer link of the same member took its place")]
    Replaced,
    #[error("nobody needs it")]
    Idle,
}

impl HandshakeError {
    /// The word that it is counted under.
    pub(super) const fn as_str(&self) -> &'static str {
        match self {
            Self::Io(_) => "broken_off",
            Self::Late => "late",
            Self::NotOurs => "not_ours",
            Self::OtherCluster(_) => "other_cluster",
            Self::OtherReceiver(_) => "other_receiver",
            Self::Impostor { .. } => "impostor",
            Self::UnknownKey(_) => "unknown_key",
            Self::Unauthentic => "unauthentic",
            Self::Refused(_) => "refused",
            Self::Stranger => "stranger",
            Self::Crowded => "crowded",
        }
    }
}

/// Why the two ends of a connection did not become a link.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandshakeError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it took longer than {} ms", super::bounds::HANDSHAKE_TIME.as_millis())]
    Late,
    #[error("not one of our connections, or not of this version")]
    NotOurs,
    #[error("from another cluster, {0:016x}; give the clusters different replication ports")]
    OtherCluster(u64),
    #[error("for slot {0}, not for this node")]
    OtherReceiver(Slot),
    #[error("slot {slot} is not at {address} in this node's configuration")]
    Impostor { slot: Slot, address: IpAddr },
    #[error(
        "sealed with key {0:04x}, which this node's key file does not have; put the same keys on every node before \
         the new one signs"
    )]
    UnknownKey(u16),
    #[error("not authentic")]
    Unauthentic,
    #[error("from an address that no member has")]
    Stranger,
    #[error("too many connections at once")]
    Crowded,
    #[error(
        "the other end closed the connection: its key file lacks key {0:04x}, or its configuration differs; its log \
         says which"
    )]
    Refused(u16),
}
