//! What a client wants written, and what becomes of it.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::bounds::{ENTRIES, QUEUED_WRITES, STATE_BYTES, VALUE_BYTES};
use crate::change::Change;
use crate::key::{Key, OWN_PREFIX};
use crate::stamp::Revision;

/// A client's number of its write: what becomes of it bears the same. Two writes on the way must not share one.
pub type WriteId = u64;

/// What a client wants written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Write {
    /// Who.
    pub author: Author,
    /// The entry.
    pub key: Key,
    /// Its new value; `None`: the entry is to be no more.
    pub value: Option<Bytes>,
    /// What the entry must be like before.
    pub expect: Expect,
}

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Author {
    /// The product itself, anywhere.
    Product,
    /// Somebody else, anywhere but under [`OWN_PREFIX`].
    User,
}

/// What an entry must be like before it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Expect {
    /// Anything, or nothing.
    Anything,
    /// There must be none.
    Nothing,
    /// Its newest change must be this one.
    Revision(Revision),
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// It is in every later state.
    Done {
        /// Its number.
        revision: Revision,
        /// How many of the stores that count had it on their disks by then; one only for a node of a pair that is alone.
        copies: usize,
    },
    /// The entry is not as it was expected to be, or not there to be deleted; nothing was written.
    Conflict {
        /// Its newest change; `None`: there is no such entry.
        revision: Option<Revision>,
    },
    /// Nothing was written.
    Refused(Refusal),
    /// The leadership ended while it was on its way: it may be in later states, or not.
    Unknown,
}

/// Why nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// This node leads nothing, or not yet, or no longer.
    #[error(
        "this node does not serve writes now; ask the master, and when it has just been promoted, again in a moment"
    )]
    NotServing,
    /// As many writes wait as may.
    #[error("{QUEUED_WRITES} writes, or as many bytes as may, wait already; try again in a moment")]
    Busy,
    /// A user's key begins like the product's own.
    #[error("keys that begin with {OWN_PREFIX:?} are the product's own; choose another one")]
    OwnKey,
    /// The value is too long.
    #[error("a value of {0} bytes is too long; at most {VALUE_BYTES} bytes are allowed")]
    ValueTooLong(usize),
    /// All keys and values together would be too long.
    #[error(
        "all keys and values together would be longer than {STATE_BYTES} bytes; delete what is not needed"
    )]
    NoRoom,
    /// There are as many entries as may be.
    #[error("there are {ENTRIES} entries, and there can be no more; delete what is not needed")]
    TooManyEntries,
}

impl Write {
    /// Whether it may be written at all.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        if self.author == Author::User && self.key.is_own() {
            return Err(Refusal::OwnKey);
        }
        match &self.value {
            Some(value) if value.len() > VALUE_BYTES => Err(Refusal::ValueTooLong(value.len())),
            Some(_) | None => Ok(()),
        }
    }

    /// Bytes of its key and value.
    pub(crate) fn bytes(&self) -> usize {
        self.key.as_str().len() + self.value.as_ref().map_or(0, Bytes::len)
    }

    /// What it changes.
    pub(crate) fn change(&self) -> Change {
        let key = self.key.clone();
        match &self.value {
            Some(value) => Change::Put {
                key,
                value: value.clone(),
            },
            None => Change::Delete { key },
        }
    }
}
