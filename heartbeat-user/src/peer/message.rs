//! What goes over a link: a header and a body, cut into frames where it is long.
//!
//! | bytes | field (little-endian) |
//! |---|---|
//! | 0 | sort: 0 alive, 1 one-way, 2 request, 3 answer, 4 refusal |
//! | 1 | kind |
//! | 2..6 | number of the request, also in what answers it; 0 for others |
//! | 6..10 | bytes of the body |
//! | 10.. | body |

use bytes::{Buf, BufMut, Bytes};

use super::bounds::MAX_BODY;
use super::error::LinkError;

/// Bytes before the body.
pub(super) const HEADER_LEN: usize = 10;

/// Whom a message is for at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The replication of the dynamic information.
    Store,
    /// Clients' questions about the dynamic information, forwarded to the master.
    Client,
    /// A node's own facts: host name, version, interfaces.
    Node,
    /// What the configuration in force says.
    Configuration,
    /// Whether an epoch is on the other node's disk.
    Floor,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Store,
        Self::Client,
        Self::Node,
        Self::Configuration,
        Self::Floor,
    ];

    const fn number(self) -> u8 {
        match self {
            Self::Store => 1,
            Self::Client => 2,
            Self::Node => 3,
            Self::Configuration => 4,
            Self::Floor => 5,
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Client => "client",
            Self::Node => "node",
            Self::Configuration => "configuration",
            Self::Floor => "floor",
        }
    }

    /// `None`: of a later version.
    fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// A sign of life.
    Alive,
    OneWay {
        kind: Option<Kind>,
        body: Bytes,
    },
    Request {
        kind: Option<Kind>,
        id: u32,
        body: Bytes,
    },
    Answer {
        id: u32,
        body: Bytes,
    },
    /// Why there is no answer, in words.
    Refusal {
        id: u32,
        body: Bytes,
    },
}

/// What stands before a body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    sort: u8,
    kind: u8,
    id: u32,
    pub(super) length: usize,
}

impl Message {
    /// Its two parts.
    ///
    /// # Panics
    /// If the body is longer than [`MAX_BODY`].
    pub(super) fn parts(&self) -> ([u8; HEADER_LEN], &[u8]) {
        let number = |kind: &Option<Kind>| kind.map_or(0, Kind::number);
        let (sort, kind, id, body): (u8, u8, u32, &[u8]) = match self {
            Self::Alive => (0, 0, 0, &[]),
            Self::OneWay { kind, body } => (1, number(kind), 0, body),
            Self::Request { kind, id, body } => (2, number(kind), *id, body),
            Self::Answer { id, body } => (3, 0, *id, body),
            Self::Refusal { id, body } => (4, 0, *id, body),
        };
        assert!(body.len() <= MAX_BODY, "refused where it was handed in");
        let mut header = [0; HEADER_LEN];
        let mut out = &mut header[..];
        out.put_u8(sort);
        out.put_u8(kind);
        out.put_u32_le(id);
        out.put_u32_le(u32::try_from(body.len()).expect("bounded above"));
        (header, body)
    }
}

impl Header {
    /// Reads what stands before the body.
    ///
    /// # Errors
    /// [`LinkError`] if it is of no message, or of one that is too long.
    pub(super) fn read(mut bytes: &[u8]) -> Result<Self, LinkError> {
        if bytes.len() < HEADER_LEN {
            return Err(LinkError::Malformed("less than a header"));
        }
        let (sort, kind) = (bytes.get_u8(), bytes.get_u8());
        let id = bytes.get_u32_le();
        let length = usize::try_from(bytes.get_u32_le()).unwrap_or(usize::MAX);
        if length > MAX_BODY {
            return Err(LinkError::TooLong(length));
        }
        if sort > 4 {
            return Err(LinkError::Malformed("an unknown sort"));
        }
        Ok(Self {
            sort,
            kind,
            id,
            length,
        })
    }

    /// The message with this body.
    pub(super) fn with(self, body: Bytes) -> Message {
        let (kind, id) = (Kind::from_number(self.kind), self.id);
        match self.sort {
            0 => Message::Alive,
            1 => Message::OneWay { kind, body },
            2 => Message::Request { kind, id, body },
            3 => Message::Answer { id, body },
            _ => Message::Refusal { id, body },
        }
    }
}
