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
//! | 7 health | count u16, then each: slot u16, healthy u8, diagnosis u8, role u8, round trip u32 us |
//!
//! [`Subject`]: super::envelope::Subject

use std::time::Duration;

use bytes::{Buf, BufMut, TryGetError};
use heartbeat_core::Epoch;
use heartbeat_core::message::{MemberHealth, Message, VoteAnswer};
use heartbeat_core::snapshot::Diagnosis;
use heartbeat_core::time::nanos;

use super::envelope::MAX_BODY;

/// Bytes of one member's health.
const HEALTH_LEN: usize = 9;
/// How many members' health fits one message; a larger cluster's goes in several.
pub const MAX_HEALTH_MEMBERS: usize = (MAX_BODY - 3) / HEALTH_LEN;

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
        Message::Promote { epoch } => {
            out.put_u8(kind::PROMOTE);
            (*epoch, 0)
        }
        Message::Release { epoch, target } => {
            out.put_u8(kind::RELEASE);
            out.put_u16_le(*target);
            (*epoch, 0)
        }
        Message::Health { epoch, members } => {
            put_health(members, &mut out)?;
            (*epoch, 0)
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
        kind::PROMOTE => Message::Promote { epoch },
        kind::RELEASE => Message::Release {
            epoch,
            target: body.try_get_u16_le()?,
        },
        kind::HEALTH => Message::Health {
            epoch,
            members: get_health(&mut body)?,
        },
        kind => return Err(DecodeError::UnknownKind { kind }),
    };
    match body.len() {
        0 => Ok(message),
        bytes => Err(DecodeError::Surplus { bytes }),
    }
}

fn put_answer(answer: VoteAnswer, out: &mut impl BufMut) {
    match answer {
        VoteAnswer::Granted => out.put_u8(1),
        VoteAnswer::Held(left) => {
            out.put_u8(2);
            out.put_u64_le(nanos(left));
        }
        VoteAnswer::Old { promised, probed } => {
            out.put_u8(3);
            out.put_u64_le(promised.0);
            out.put_u64_le(probed.0);
        }
        VoteAnswer::Abstains(left) => {
            out.put_u8(4);
            out.put_u64_le(nanos(left));
        }
        VoteAnswer::OtherElectors => out.put_u8(5),
        VoteAnswer::NotAllowed => out.put_u8(6),
    }
}

fn get_answer(body: &mut &[u8]) -> Result<VoteAnswer, DecodeError> {
    let answer = match body.try_get_u8()? {
        1 => VoteAnswer::Granted,
        2 => VoteAnswer::Held(Duration::from_nanos(body.try_get_u64_le()?)),
        3 => VoteAnswer::Old {
            promised: Epoch(body.try_get_u64_le()?),
            probed: Epoch(body.try_get_u64_le()?),
        },
        4 => VoteAnswer::Abstains(Duration::from_nanos(body.try_get_u64_le()?)),
        5 => VoteAnswer::OtherElectors,
        6 => VoteAnswer::NotAllowed,
        value => {
            return Err(DecodeError::BadField {
                field: "answer",
                value,
            });
        }
    };
    Ok(answer)
}

fn put_health(members: &[MemberHealth], out: &mut impl BufMut) -> Result<(), EncodeError> {
    let too_many = EncodeError::TooManyMembers {
        members: members.len(),
    };
    let count = u16::try_from(members.len())
        .ok()
        .filter(|count| usize::from(*count) <= MAX_HEALTH_MEMBERS)
        .ok_or(too_many)?;
    out.put_u8(kind::HEALTH);
    out.put_u16_le(count);
    for member in members {
        out.put_u16_le(member.slot);
        out.put_u8(u8::from(member.healthy));
        out.put_u8(diagnosis_number(member.diagnosis));
        out.put_u8(member.role);
        out.put_u32_le(member.rtt_us);
    }
    Ok(())
}

fn get_health(body: &mut &[u8]) -> Result<Vec<MemberHealth>, DecodeError> {
    let count = usize::from(body.try_get_u16_le()?);
    // Before anything is allocated for a count that no body can hold.
    if body.len() < count * HEALTH_LEN {
        return Err(DecodeError::Truncated);
    }
    (0..count)
        .map(|_| {
            Ok(MemberHealth {
                slot: body.try_get_u16_le()?,
                healthy: get_bool(body, "healthy")?,
                diagnosis: get_diagnosis(body)?,
                role: body.try_get_u8()?,
                rtt_us: body.try_get_u32_le()?,
            })
        })
        .collect()
}

const fn diagnosis_number(diagnosis: Diagnosis) -> u8 {
    match diagnosis {
        Diagnosis::Healthy => 0,
        Diagnosis::Misconfigured => 1,
        Diagnosis::DaemonStalled => 2,
        Diagnosis::ManagementFault => 3,
        Diagnosis::Down => 4,
        Diagnosis::Unknown => 5,
    }
}

fn get_diagnosis(body: &mut &[u8]) -> Result<Diagnosis, DecodeError> {
    match body.try_get_u8()? {
        0 => Ok(Diagnosis::Healthy),
        1 => Ok(Diagnosis::Misconfigured),
        2 => Ok(Diagnosis::DaemonStalled),
        3 => Ok(Diagnosis::ManagementFault),
        4 => Ok(Diagnosis::Down),
        5 => Ok(Diagnosis::Unknown),
        value => Err(DecodeError::BadField {
            field: "diagnosis",
            value,
        }),
    }
}

fn get_bool(body: &mut &[u8], field: &'static str) -> Result<bool, DecodeError> {
    match body.try_get_u8()? {
        0 => Ok(false),
        1 => Ok(true),
        value => Err(DecodeError::BadField { field, value }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn durations() -> impl Strategy<Value = Duration> {
        any::<u64>().prop_map(Duration::from_nanos)
    }

    fn epochs() -> impl Strategy<Value = Epoch> {
        any::<u64>().prop_map(Epoch)
    }

    fn answers() -> impl Strategy<Value = VoteAnswer> {
        prop_oneof![
            Just(VoteAnswer::Granted),
            durations().prop_map(VoteAnswer::Held),
            (epochs(), epochs())
                .prop_map(|(promised, probed)| VoteAnswer::Old { promised, probed }),
            durations().prop_map(VoteAnswer::Abstains),
            Just(VoteAnswer::OtherElectors),
            Just(VoteAnswer::NotAllowed),
        ]
    }

    fn member_healths() -> impl Strategy<Value = MemberHealth> {
        let diagnosis = prop_oneof![
            Just(Diagnosis::Healthy),
            Just(Diagnosis::Misconfigured),
            Just(Diagnosis::DaemonStalled),
            Just(Diagnosis::ManagementFault),
            Just(Diagnosis::Down),
            Just(Diagnosis::Unknown),
        ];
        (
            any::<u16>(),
            any::<bool>(),
            diagnosis,
            any::<u8>(),
            any::<u32>(),
        )
            .prop_map(|(slot, healthy, diagnosis, role, rtt_us)| MemberHealth {
                slot,
                healthy,
                diagnosis,
                role,
                rtt_us,
            })
    }

    fn messages() -> impl Strategy<Value = Message> {
        let members = proptest::collection::vec(member_healths(), 0..=MAX_HEALTH_MEMBERS);
        prop_oneof![
            (
                epochs(),
                durations(),
                any::<u64>(),
                any::<u32>(),
                any::<u32>()
            )
                .prop_map(|(epoch, lease, id, elector_version, elector_digest)| {
                    Message::VoteRequest {
                        epoch,
                        lease,
                        id,
                        elector_version,
                        elector_digest,
                    }
                }),
            (epochs(), any::<u64>(), answers(), any::<u64>()).prop_map(
                |(epoch, id, answer, info_version)| Message::Vote {
                    epoch,
                    id,
                    answer,
                    info_version,
                }
            ),
            any::<u64>().prop_map(|id| Message::Poll { id }),
            (any::<u64>(), any::<bool>()).prop_map(|(id, votes)| Message::PollAnswer { id, votes }),
            epochs().prop_map(|epoch| Message::Promote { epoch }),
            (epochs(), any::<u16>()).prop_map(|(epoch, target)| Message::Release { epoch, target }),
            (epochs(), members).prop_map(|(epoch, members)| Message::Health { epoch, members }),
        ]
    }

    fn encoded(message: &Message) -> (Encoded, Vec<u8>) {
        let mut body = [0; MAX_BODY];
        let encoded = encode(message, &mut body).expect("it fits");
        (encoded, body[..encoded.body_len].to_vec())
    }

    proptest! {
        #[test]
        fn every_message_comes_back_as_it_went(message in messages()) {
            let (Encoded { epoch, nonce, .. }, body) = encoded(&message);
            prop_assert_eq!(decode(epoch, nonce, &body), Ok(message));
        }

        #[test]
        fn a_message_that_was_cut_off_anywhere_is_refused(message in messages(), cut in any::<prop::sample::Index>()) {
            let (Encoded { epoch, nonce, .. }, body) = encoded(&message);
            let cut = &body[..cut.index(body.len())];
            prop_assert_eq!(decode(epoch, nonce, cut), Err(DecodeError::Truncated));
        }

        #[test]
        fn a_message_with_more_behind_it_is_refused(message in messages(), more in 1_usize..5) {
            let (Encoded { epoch, nonce, .. }, mut body) = encoded(&message);
            body.extend(vec![0; more]);
            prop_assert_eq!(decode(epoch, nonce, &body), Err(DecodeError::Surplus { bytes: more }));
        }

        #[test]
        fn noise_is_refused_or_is_a_message_that_encodes_to_the_same_bytes(noise in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(message) = decode(Epoch(5), 6, &noise) {
                prop_assert_eq!(encoded(&message).1, noise);
            }
        }
    }

    #[test]
    fn the_layouts_are_the_documented_ones() {
        let epoch = Epoch::new(9, 3);
        let request = Message::VoteRequest {
            epoch,
            lease: Duration::from_millis(50),
            id: 0xabcd,
            elector_version: 2,
            elector_digest: 0x0a0b_0c0d,
        };
        let (parts, body) = encoded(&request);
        assert_eq!((parts.epoch, parts.nonce), (epoch, 0xabcd));
        #[rustfmt::skip]
        assert_eq!(body, [1, 0x80, 0xf0, 0xfa, 0x02, 0, 0, 0, 0, 2, 0, 0, 0, 0x0d, 0x0c, 0x0b, 0x0a]);
        let answer = VoteAnswer::Held(Duration::from_nanos(5));
        let vote = Message::Vote {
            epoch,
            id: 1,
            answer,
            info_version: 7,
        };
        #[rustfmt::skip]
        assert_eq!(encoded(&vote).1, [2, 7, 0, 0, 0, 0, 0, 0, 0, 2, 5, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(encoded(&Message::Poll { id: 1 }).1, [3]);
        assert_eq!(
            encoded(&Message::PollAnswer { id: 1, votes: true }).1,
            [4, 1]
        );
        assert_eq!(encoded(&Message::Promote { epoch }).1, [5]);
        assert_eq!(encoded(&Message::Release { epoch, target: 2 }).1, [6, 2, 0]);
        let member = MemberHealth {
            slot: 2,
            healthy: true,
            diagnosis: Diagnosis::Down,
            role: 1,
            rtt_us: 300,
        };
        let health = Message::Health {
            epoch,
            members: vec![member],
        };
        assert_eq!(encoded(&health).1, [7, 1, 0, 2, 0, 1, 4, 1, 44, 1, 0, 0]);
    }

    #[test]
    fn values_that_no_field_has_are_named() {
        let field = |body: &[u8]| match decode(Epoch::NONE, 0, body) {
            Err(DecodeError::BadField { field, value }) => (field, value),
            other => panic!("{other:?}"),
        };
        assert_eq!(field(&[4, 2]), ("votes", 2));
        assert_eq!(field(&[2, 0, 0, 0, 0, 0, 0, 0, 0, 9]), ("answer", 9));
        assert_eq!(
            field(&[7, 1, 0, 2, 0, 1, 6, 1, 0, 0, 0, 0]),
            ("diagnosis", 6)
        );
        assert_eq!(
            decode(Epoch::NONE, 0, &[8]),
            Err(DecodeError::UnknownKind { kind: 8 })
        );
    }

    #[test]
    fn health_of_more_members_than_fit_is_refused_before_it_is_sent() {
        let member = MemberHealth {
            slot: 1,
            healthy: true,
            diagnosis: Diagnosis::Healthy,
            role: 1,
            rtt_us: 1,
        };
        let members = MAX_HEALTH_MEMBERS + 1;
        let health = Message::Health {
            epoch: Epoch::NONE,
            members: vec![member; members],
        };
        assert_eq!(
            encode(&health, &mut [0; MAX_BODY]),
            Err(EncodeError::TooManyMembers { members })
        );
    }
}
