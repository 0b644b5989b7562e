//! Why control datagrams are dropped, and how many were.

use heartbeat_core::Slot;

use crate::net::codec::DecodeError;
use crate::net::envelope::OpenError;

/// Why a datagram was dropped, in the order in which it is found out, the cheapest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Dropped {
    /// Longer than any of ours.
    #[error("longer than a control datagram can be")]
    TooLong,
    /// Not from a member's address and control port.
    #[error("not from any member's address and control port")]
    Stranger,
    /// The envelope did not open.
    #[error(transparent)]
    NotOpened(OpenError),
    /// Authentic, and sent from another address than its sender has.
    #[error("claims slot {slot}, whose address is another one")]
    Impostor {
        /// The slot it claims.
        slot: Slot,
    },
    /// Authentic, and not to be understood.
    #[error("from slot {slot}: {error}")]
    NotUnderstood {
        /// Its sender.
        slot: Slot,
        /// What is wrong with it.
        error: DecodeError,
    },
}

/// How many datagrams were taken and dropped, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages taken.
    pub taken: u64,
    /// [`Dropped::TooLong`].
    pub too_long: u64,
    /// [`Dropped::Stranger`].
    pub stranger: u64,
    /// [`OpenError::Malformed`].
    pub malformed: u64,
    /// [`OpenError::OtherCluster`].
    pub other_cluster: u64,
    /// [`OpenError::UnknownKey`].
    pub unknown_key: u64,
    /// [`OpenError::Unauthentic`].
    pub unauthentic: u64,
    /// [`OpenError::OtherReceiver`].
    pub other_receiver: u64,
    /// [`Dropped::Impostor`].
    pub impostor: u64,
    /// [`Dropped::NotUnderstood`].
    pub not_understood: u64,
}

impl Counts {
    pub(super) fn add(&mut self, why: &Dropped) {
        let count = match why {
            Dropped::TooLong => &mut self.too_long,
            Dropped::Stranger => &mut self.stranger,
            Dropped::NotOpened(OpenError::Malformed { .. }) => &mut self.malformed,
            Dropped::NotOpened(OpenError::OtherCluster { .. }) => &mut self.other_cluster,
            Dropped::NotOpened(OpenError::UnknownKey { .. }) => &mut self.unknown_key,
            Dropped::NotOpened(OpenError::Unauthentic) => &mut self.unauthentic,
            Dropped::NotOpened(OpenError::OtherReceiver { .. }) => &mut self.other_receiver,
            Dropped::Impostor { .. } => &mut self.impostor,
            Dropped::NotUnderstood { .. } => &mut self.not_understood,
        };
        *count += 1;
    }
}
