//! What clients ask of the dynamic information, and what they are answered: on the control socket as JSON, between
//! nodes as postcard.

use heartbeat_core::Slot;
use serde::{Deserialize, Serialize};

use super::snapshot::EpochParts;

/// Most entries in one answer to [`InfoRequest::List`], and changes in one to [`InfoRequest::Watch`].
pub const PAGE: usize = 1000;
/// Most bytes of values in one answer; a single longer one stands alone.
pub const PAGE_BYTES: usize = 1 << 20;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InfoRequest {
    /// One entry.
    Get {
        /// Its key.
        key: String,
        /// This node's own copy, which may lag behind; else the master's.
        local: bool,
    },
    /// All entries whose keys begin so, in the keys' order, at most [`PAGE`] at once.
    List {
        /// Beginning of the keys.
        prefix: String,
        /// Only those behind this key; null from the first.
        after: Option<String>,
        /// As with [`InfoRequest::Get`].
        local: bool,
    },
    /// To store a value.
    Put {
        /// Under this key.
        key: String,
        /// The value.
        value: Value,
        /// Only if the entry is so.
        expect: Expected,
    },
    /// To delete an entry.
    Delete {
        /// Its key.
        key: String,
        /// Only if the entry is so.
        expect: Expected,
    },
    /// Changes of keys that begin so, as soon as there are any.
    Watch {
        /// Beginning of the keys.
        prefix: String,
        /// After this revision; null: from now on.
        since: Option<u64>,
    },
    /// How the store itself is.
    Store,
    /// On the master: to go on without the stores that are silent.
    Force {
        /// The cluster's name, as who asks typed it.
        cluster: String,
    },
}

impl InfoRequest {
    /// Whether this node may answer it whoever is master.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        match self {
            Self::Get { local, .. } | Self::List { local, .. } => *local,
            // Whoever gives such an order must be at the master.
            Self::Store | Self::Force { .. } => true,
            Self::Put { .. } | Self::Delete { .. } | Self::Watch { .. } => false,
        }
    }

    /// Whether something is changed by it.
    #[must_use]
    pub const fn is_write(&self) -> bool {
        match self {
            Self::Put { .. } | Self::Delete { .. } | Self::Force { .. } => true,
            Self::Get { .. } | Self::List { .. } | Self::Watch { .. } | Self::Store => false,
        }
    }
}

/// What an entry must be like for a write to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// Whatever it is.
    Anything,
    /// It must not exist.
    Nothing,
    /// This must be its newest change.
    Revision(u64),
}

/// A value: any bytes. In JSON it is text where it is UTF-8 (`{"text": "..."}`), else `{"base64": "..."}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value(pub bytes::Bytes);

/// The forms of a value in JSON.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Readable {
    Text(String),
    Base64(String),
}

impl Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use base64::Engine as _;
        if !serializer.is_human_readable() {
            return serializer.serialize_bytes(&self.0);
        }
        let readable = match str::from_utf8(&self.0) {
            Ok(text) => Readable::Text(text.to_owned()),
            Err(_) => Readable::Base64(base64::engine::general_purpose::STANDARD.encode(&self.0)),
        };
        readable.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use base64::Engine as _;
        use serde::de::Error as _;
        if !deserializer.is_human_readable() {
            return Ok(Self(<Vec<u8>>::deserialize(deserializer)?.into()));
        }
        Ok(Self(match Readable::deserialize(deserializer)? {
            Readable::Text(text) => text.into(),
            Readable::Base64(text) => base64::engine::general_purpose::STANDARD
                .decode(text)
                .map_err(D::Error::custom)?
                .into(),
        }))
    }
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InfoAnswer {
    /// To [`InfoRequest::Get`]; null: there is none.
    Entry(Option<InfoEntry>),
    /// To [`InfoRequest::List`].
    Entries {
        /// In the keys' order.
        entries: Vec<InfoEntry>,
        /// There are more behind the last one.
        more: bool,
        /// The revision of the state that was read: [`InfoRequest::Watch`] goes on from here.
        revision: u64,
    },
    /// To [`InfoRequest::Put`] and [`InfoRequest::Delete`]: it is in every later master.
    Written {
        /// Its number.
        revision: u64,
        /// On so many disks that count it was known to be.
        copies: usize,
    },
    /// The entry is not as it was expected to be; nothing was written.
    Conflict {
        /// Its newest change; null: there is no such entry.
        revision: Option<u64>,
    },
    /// To [`InfoRequest::Watch`].
    Changes {
        /// Oldest first; none came in time if there is none.
        changes: Vec<InfoChange>,
        /// To go on from.
        revision: u64,
    },
    /// Changes so old are not kept: list, and watch from the list's revision on.
    Compacted,
    /// To [`InfoRequest::Store`].
    Store(StoreStatus),
    /// To [`InfoRequest::Force`]: what was done.
    Forced(String),
    /// It may be written or not: the mastership, or the link to the master, ended while it was on its way.
    Unknown(String),
    /// Why nothing was done.
    Refused(String),
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InfoEntry {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: Value,
    /// Its newest change: what `--if-revision` compares.
    pub revision: u64,
    /// The change that made it.
    pub created: u64,
    /// Changes since then, from 1.
    pub version: u64,
    /// The mastership that made the newest change.
    pub epoch: EpochParts,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InfoChange {
    /// The entry's key.
    pub key: String,
    /// Its value from then on; null: deleted.
    pub value: Option<Value>,
    /// The change's number.
    pub revision: u64,
}

/// How a node's store is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreStatus {
    /// What it does: `following`, `promising`, `fetching`, `spreading`, `forming`, `serving`, `set_back`, `absent`.
    pub state: String,
    /// One sentence: what it waits for, if it does.
    pub text: String,
    /// Which mastership its state is of.
    pub epoch: EpochParts,
    /// The number of its newest change.
    pub revision: u64,
    /// Entries.
    pub entries: usize,
    /// Bytes of all keys and values.
    pub bytes: u64,
    /// Why its disk did not take its last write; null if it did.
    pub disk: Option<String>,
    /// The stores that count, and those that are to count, as this node knows of them.
    pub holders: Vec<HolderStatus>,
}

/// One elector's store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HolderStatus {
    /// Where it is.
    pub slot: Slot,
    /// Whether it counts in a majority.
    pub counts: bool,
    /// How it is, in a word; null where only the master knows.
    pub state: Option<String>,
    /// How many changes it lacks; null where only the master knows.
    pub behind: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_readable_where_it_is_text_and_survives_where_it_is_not() {
        for (bytes, json) in [
            (&b"a \"text\""[..], r#"{"text":"a \"text\""}"#),
            (&[0xff, 0x00][..], r#"{"base64":"/wA="}"#),
            (&[][..], r#"{"text":""}"#),
        ] {
            let value = Value(bytes::Bytes::copy_from_slice(bytes));
            assert_eq!(serde_json::to_string(&value).unwrap(), json);
            assert_eq!(serde_json::from_str::<Value>(json).unwrap(), value);
            let between = postcard::to_allocvec(&value).unwrap();
            assert_eq!(postcard::from_bytes::<Value>(&between).unwrap(), value);
        }
        assert!(serde_json::from_str::<Value>(r#"{"base64":"%"}"#).is_err());
    }

    #[test]
    fn only_reads_of_a_copy_need_no_master() {
        let get = |local| InfoRequest::Get {
            key: "a".into(),
            local,
        };
        assert!(get(true).is_local() && !get(false).is_local());
        let put = InfoRequest::Put {
            key: "a".into(),
            value: Value(bytes::Bytes::new()),
            expect: Expected::Anything,
        };
        assert!(put.is_write() && !put.is_local());
        assert!(InfoRequest::Store.is_local() && !InfoRequest::Store.is_write());
    }
}
