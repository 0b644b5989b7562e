//! The key that both ends of a link must have.

use std::fmt;

use crate::config::ClusterKey;

/// What the key is derived for: the same secret makes other keys for other uses (BLAKE3 key derivation).
const KEY_CONTEXT: &str = "heartbeatd 2026 link between daemons";

/// A pre-shared key for links, derived from one line of the cluster's key file.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkKey {
    id: u16,
    secret: [u8; 32],
}

impl LinkKey {
    /// The key made from a line of the key file.
    #[must_use]
    pub fn of(key: &ClusterKey) -> Self {
        let mut derived = blake3::Hasher::new_derive_key(KEY_CONTEXT)
            .update(&key.link())
            .finalize_xof();
        let (mut secret, mut id) = ([0; 32], [0; 2]);
        derived.fill(&mut secret);
        derived.fill(&mut id);
        Self {
            id: u16::from_le_bytes(id),
            secret,
        }
    }

    /// What tells keys apart on the wire: it follows from the secret, so it means the same on every node whatever
    /// the order of lines in its key file.
    #[must_use]
    pub const fn id(&self) -> u16 {
        self.id
    }

    pub(super) const fn secret(&self) -> &[u8; 32] {
        &self.secret
    }
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinkKey({:04x}, secret)", self.id)
    }
}
