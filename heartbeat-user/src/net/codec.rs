//! Control messages as bytes: a kind, then its fields, fixed and little-endian.
//!
//! A message's epoch and request id stand in the envelope ([`Subject`]), once; the body holds the rest.
//!
//! | kind | body after the kind byte |
//! |---|---|
//! | 1 vote request | lease u64 ns, electors' version u32, electors' digest u32 |
//! | 2 vote | dynamic-information version u64, answer u8, then its words u64: held and abstains one (ns), old two (promised, probed) |
//! | 3 poll | |
//! | 4 poll answer | votes u8 |
//! | 5 promote | |
//! | 6 release | target slot u16 |
//! | 7 health | degraded u8, count u16, then each: slot u16, healthy u8, diagnosis u8, role u8, round trip u32 us |
//! | 8 electors | set, ballot u64, 0 or 1 and then the next set |
//! | 9 electors' state | set, proposed u8, promised ballot u64, longest lease u64 ns, 0 or 1 and then ballot u64 and the next set |
//! | 10 pair ask, 11 pair tell | role u8, eligible u8, abstains u8, lease u64 ns, epoch known u64, 0 or 1 and then the age: u64 ns, marked u8 |
//! | 12 ask about the business network | |
//! | 13 tell of it | carrier u8, 0 or 1 and then how long ago it was answered: u64 ns |
//! | 14 slot ask | lease u64 ns, renews u8 |
//! | 15 slot grant | |
//!
//! A set is: version u32, longest lease u64 ns, count u8, then each slot u16.
//!
//! Kinds from [`FIRST_TAKEOVER_KIND`] on are the takeover thread's, which reads them itself.
//!
//! [`Subject`]: super::envelope::Subject

mod electors;
mod fields;
mod pair;

use std::time::Duration;

use bytes::{Buf, BufMut, TryGetError};
use heartbeat_core::Epoch;
use heartbeat_core::electors::Ballot;
use heartbeat_core::message::Message;
use heartbeat_core::time::nanos;

use super::envelope::MAX_BODY;
use electors::{get_record, get_set, put_record, put_set};
use fields::{get_answer, get_bool, get_health, get_side, put_answer, put_health, put_side};
use pair::{get_state, put_state};

/// Messages of this kind and above are about takeovers: the election never sees them.
///
/// Far above the election's own, so that both can grow.
pub const FIRST_TAKEOVER_KIND: u8 = 32;

/// How many members' health fits one message; a larger cluster's goes in several.
pub const MAX_HEALTH_MEMBERS: usize = (MAX_BODY - 4) / fields::HEALTH_LEN;

/// Where a message's parts went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoded {
    /// For the envelope: the epoch it is about; [`Epoch::NONE`] for polls.
    pub epoch: Epoch,
    /// For the envelope: the request's id; 0 for what is neither request nor answer.
    pub nonce: u64,
    /// Bytes of body.
    pub body_len: usize,
}

/// Why a message cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// More members than fit.
    #[error(
        "{members} members' health does not fit one message of at most {MAX_HEALTH_MEMBERS}; send it in several"
    )]
    TooManyMembers {
        /// How many there were.
        members: usize,
    },
}

/// Why bytes are no message. After the envelope's tag was right, this is a member's fault, not a stranger's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Fewer bytes than the kind has.
    #[error("the message ends too early")]
    Truncated,
    /// More bytes than the kind has.
    #[error("{bytes} bytes follow after the message's end")]
    Surplus {
        /// How many.
        bytes: usize,
    },
    /// A kind this version does not know.
    #[error("unknown kind of message {kind}; run the same version on every node")]
    UnknownKind {
        /// The number found.
        kind: u8,
    },
    /// A number that no value of this field has.
    #[error("field {field} cannot be {value}")]
    BadField {
        /// Which field.
        field: &'static str,
        /// The number found.
        value: u8,
    },
}

impl From<TryGetError> for DecodeError {
    fn from(_: TryGetError) -> Self {
        Self::Truncated
    }
}

mod kind {
    pub(super) const VOTE_REQUEST: u8 = 1;
    pub(super) const VOTE: u8 = 2;
    pub(super) const POLL: u8 = 3;
    pub(super) const POLL_ANSWER: u8 = 4;
    pub(super) const PROMOTE: u8 = 5;
    pub(super) const RELEASE: u8 = 6;
    pub(super) const HEALTH: u8 = 7;
    pub(super) const ELECTORS: u8 = 8;
    pub(super) const ELECTORS_STATE: u8 = 9;
    pub(super) const PAIR_ASK: u8 = 10;
    pub(super) const PAIR_TELL: u8 = 11;
    pub(super) const SIDE_ASK: u8 = 12;
    pub(super) const SIDE_TELL: u8 = 13;
    pub(super) const SLOT_ASK: u8 = 14;
    pub(super) const SLOT_GRANT: u8 = 15;
}

/// Writes a message's body to the front of `body`.
///
/// # Errors
/// [`EncodeError`].
pub fn encode(message: &Message, body: &mut [u8; MAX_BODY]) -> Result<Encoded, EncodeError> {
    let mut out = &mut body[..];
    let (epoch, nonce) = match message {
        Message::VoteRequest {
            epoch,
            lease,
            id,
            elector_version,
            elector_digest,
        } => {
            out.put_u8(kind::VOTE_REQUEST);
            out.put_u64_le(nanos(*lease));
            out.put_u32_le(*elector_version);
            out.put_u32_le(*elector_digest);
            (*epoch, *id)
        }
        Message::Vote {
            epoch,
            id,
            answer,
            info_version,
        } => {
            out.put_u8(kind::VOTE);
            out.put_u64_le(*info_version);
            put_answer(*answer, &mut out);
            (*epoch, *id)
        }
        Message::Poll { id } => {
            out.put_u8(kind::POLL);
            (Epoch::NONE, *id)
        }
        Message::PollAnswer { id, votes } => {
            out.put_u8(kind::POLL_ANSWER);
            out.put_u8(u8::from(*votes));
            (Epoch::NONE, *id)
        }
        Message::SideAsk { id } => {
            out.put_u8(kind::SIDE_ASK);
            (Epoch::NONE, *id)
        }
        Message::SideTell { id, side } => {
            out.put_u8(kind::SIDE_TELL);
            put_side(*side, &mut out);
            (Epoch::NONE, *id)
        }
        Message::Promote { epoch } => {
            out.put_u8(kind::PROMOTE);
            (*epoch, 0)
        }
        Message::Release { epoch, target } => {
            out.put_u8(kind::RELEASE);
            out.put_u16_le(*target);
            (*epoch, 0)
        }
        Message::Electors { set, ballot, next } => {
            out.put_u8(kind::ELECTORS);
            put_set(set, &mut out);
            out.put_u64_le(ballot.0);
            out.put_u8(u8::from(next.is_some()));
            if let Some(next) = next {
                put_set(next, &mut out);
            }
            (Epoch::NONE, 0)
        }
        Message::ElectorsState(record) => {
            out.put_u8(kind::ELECTORS_STATE);
            put_record(record, &mut out);
            (Epoch::NONE, 0)
        }
        Message::Health {
            epoch,
            degraded,
            members,
        } => {
            out.put_u8(kind::HEALTH);
            out.put_u8(u8::from(*degraded));
            put_health(members, &mut out)?;
            (*epoch, 0)
        }
        Message::PairAsk { id, state } => {
            out.put_u8(kind::PAIR_ASK);
            put_state(state, &mut out);
            (Epoch::NONE, *id)
        }
        Message::PairTell { id, state } => {
            out.put_u8(kind::PAIR_TELL);
            put_state(state, &mut out);
            (Epoch::NONE, *id)
        }
        Message::SlotAsk { id, lease, renews } => {
            out.put_u8(kind::SLOT_ASK);
            out.put_u64_le(nanos(*lease));
            out.put_u8(u8::from(*renews));
            (Epoch::NONE, *id)
        }
        Message::SlotGrant { id } => {
            out.put_u8(kind::SLOT_GRANT);
            (Epoch::NONE, *id)
        }
    };
    let left = out.len();
    Ok(Encoded {
        epoch,
        nonce,
        body_len: MAX_BODY - left,
    })
}

/// The message with this body, in an envelope with this epoch and nonce.
///
/// # Errors
/// [`DecodeError`].
pub fn decode(epoch: Epoch, nonce: u64, mut body: &[u8]) -> Result<Message, DecodeError> {
    let message = match body.try_get_u8()? {
        kind::VOTE_REQUEST => Message::VoteRequest {
            epoch,
            lease: Duration::from_nanos(body.try_get_u64_le()?),
            id: nonce,
            elector_version: body.try_get_u32_le()?,
            elector_digest: body.try_get_u32_le()?,
        },
        kind::VOTE => Message::Vote {
            epoch,
            id: nonce,
            info_version: body.try_get_u64_le()?,
            answer: get_answer(&mut body)?,
        },
        kind::POLL => Message::Poll { id: nonce },
        kind::POLL_ANSWER => Message::PollAnswer {
            id: nonce,
            votes: get_bool(&mut body, "votes")?,
        },
        kind::SIDE_ASK => Message::SideAsk { id: nonce },
        kind::SIDE_TELL => Message::SideTell {
            id: nonce,
            side: get_side(&mut body)?,
        },
        kind::PROMOTE => Message::Promote { epoch },
        kind::RELEASE => Message::Release {
            epoch,
            target: body.try_get_u16_le()?,
        },
        kind::ELECTORS => Message::Electors {
            set: get_set(&mut body)?,
            ballot: Ballot(body.try_get_u64_le()?),
            next: if get_bool(&mut body, "next")? {
                Some(get_set(&mut body)?)
            } else {
                None
            },
        },
        kind::ELECTORS_STATE => Message::ElectorsState(get_record(&mut body)?),
        kind::HEALTH => Message::Health {
            epoch,
            degraded: get_bool(&mut body, "degraded")?,
            members: get_health(&mut body)?,
        },
        kind::PAIR_ASK => Message::PairAsk {
            id: nonce,
            state: get_state(&mut body)?,
        },
        kind::PAIR_TELL => Message::PairTell {
            id: nonce,
            state: get_state(&mut body)?,
        },
        kind::SLOT_ASK => Message::SlotAsk {
            id: nonce,
            lease: Duration::from_nanos(body.try_get_u64_le()?),
            renews: get_bool(&mut body, "renews")?,
        },
        kind::SLOT_GRANT => Message::SlotGrant { id: nonce },
        kind => return Err(DecodeError::UnknownKind { kind }),
    };
    match body.len() {
        0 => Ok(message),
        bytes => Err(DecodeError::Surplus { bytes }),
    }
}

#[cfg(test)]
mod tests;
