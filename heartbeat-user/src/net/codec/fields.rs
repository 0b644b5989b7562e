//! The fields that are more than a number.

use std::time::Duration;

use bytes::{Buf, BufMut};
use heartbeat_core::Epoch;
use heartbeat_core::message::{BusinessSide, MemberHealth, VoteAnswer};
use heartbeat_core::snapshot::Diagnosis;
use heartbeat_core::time::nanos;

use super::{DecodeError, EncodeError, MAX_HEALTH_MEMBERS};

/// Bytes of one member's health.
pub(super) const HEALTH_LEN: usize = 9;

pub(super) fn put_answer(answer: VoteAnswer, out: &mut impl BufMut) {
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

pub(super) fn get_answer(body: &mut &[u8]) -> Result<VoteAnswer, DecodeError> {
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

pub(super) fn put_health(
    members: &[MemberHealth],
    out: &mut impl BufMut,
) -> Result<(), EncodeError> {
    let too_many = EncodeError::TooManyMembers {
        members: members.len(),
    };
    let count = u16::try_from(members.len())
        .ok()
        .filter(|count| usize::from(*count) <= MAX_HEALTH_MEMBERS)
        .ok_or(too_many)?;
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

pub(super) fn get_health(body: &mut &[u8]) -> Result<Vec<MemberHealth>, DecodeError> {
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

pub(super) fn put_side(side: BusinessSide, out: &mut impl BufMut) {
    out.put_u8(u8::from(side.has_carrier));
    out.put_u8(u8::from(side.heard_ago.is_some()));
    if let Some(ago) = side.heard_ago {
        out.put_u64_le(nanos(ago));
    }
}

pub(super) fn get_side(body: &mut &[u8]) -> Result<BusinessSide, DecodeError> {
    Ok(BusinessSide {
        has_carrier: get_bool(body, "carrier")?,
        heard_ago: if get_bool(body, "answered")? {
            Some(Duration::from_nanos(body.try_get_u64_le()?))
        } else {
            None
        },
    })
}

const fn diagnosis_number(diagnosis: Diagnosis) -> u8 {
    match diagnosis {
        Diagnosis::Healthy => 0,
        Diagnosis::Misconfigured => 1,
        Diagnosis::DaemonStalled => 2,
        Diagnosis::ManagementFault => 3,
        Diagnosis::Down => 4,
        Diagnosis::Unknown => 5,
        Diagnosis::ServiceFault => 6,
        Diagnosis::BusinessFault => 7,
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
        6 => Ok(Diagnosis::ServiceFault),
        7 => Ok(Diagnosis::BusinessFault),
        value => Err(DecodeError::BadField {
            field: "diagnosis",
            value,
        }),
    }
}

pub(super) fn get_bool(body: &mut &[u8], field: &'static str) -> Result<bool, DecodeError> {
    match body.try_get_u8()? {
        0 => Ok(false),
        1 => Ok(true),
        value => Err(DecodeError::BadField { field, value }),
    }
}
