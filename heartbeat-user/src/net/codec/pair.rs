//! What a node of a pair says of itself.

use std::time::Duration;

use bytes::{Buf, BufMut};
use heartbeat_core::Epoch;
use heartbeat_core::pair::{Age, PairState};
use heartbeat_core::snapshot::Role;
use heartbeat_core::time::nanos;

use super::DecodeError;
use super::fields::get_bool;

pub(super) fn put_state(state: &PairState, out: &mut impl BufMut) {
    out.put_u8(state.role.number());
    out.put_u8(u8::from(state.eligible));
    out.put_u8(u8::from(state.abstains));
    out.put_u64_le(nanos(state.lease));
    out.put_u64_le(state.epoch.0);
    out.put_u8(u8::from(state.active.is_some()));
    if let Some(age) = state.active {
        out.put_u64_le(nanos(age.ago));
        out.put_u8(u8::from(age.is_marked));
    }
}

pub(super) fn get_state(body: &mut &[u8]) -> Result<PairState, DecodeError> {
    let value = body.try_get_u8()?;
    let role = Role::of_number(value).ok_or(DecodeError::BadField {
        field: "role",
        value,
    })?;
    Ok(PairState {
        role,
        eligible: get_bool(body, "eligible")?,
        abstains: get_bool(body, "abstains")?,
        lease: Duration::from_nanos(body.try_get_u64_le()?),
        epoch: Epoch(body.try_get_u64_le()?),
        active: get_age(body)?,
    })
}

fn get_age(body: &mut &[u8]) -> Result<Option<Age>, DecodeError> {
    if !get_bool(body, "active")? {
        return Ok(None);
    }
    Ok(Some(Age {
        ago: Duration::from_nanos(body.try_get_u64_le()?),
        is_marked: get_bool(body, "marked")?,
    }))
}
