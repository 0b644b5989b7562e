//! The electors' sets in a message.

use std::time::Duration;

use bytes::{Buf, BufMut};
use heartbeat_core::electors::{Accepted, Ballot};
use heartbeat_core::time::nanos;
use heartbeat_core::{ElectorRecord, ElectorSet, Slots};
use heartbeat_wire::maps::MAX_ELECTORS;

use super::DecodeError;
use super::fields::get_bool;

pub(super) fn put_set(set: &ElectorSet, out: &mut impl BufMut) {
    out.put_u32_le(set.version);
    out.put_u64_le(nanos(set.max_lease));
    // At most nine.
    out.put_u8(set.slots.len() as u8);
    for slot in set.slots.iter() {
        out.put_u16_le(slot);
    }
}

pub(super) fn get_set(body: &mut &[u8]) -> Result<ElectorSet, DecodeError> {
    let version = body.try_get_u32_le()?;
    let max_lease = Duration::from_nanos(body.try_get_u64_le()?);
    let count = body.try_get_u8()?;
    let bad = DecodeError::BadField {
        field: "electors",
        value: count,
    };
    let mut slots = [0; MAX_ELECTORS];
    let listed = slots.get_mut(..usize::from(count)).ok_or(bad)?;
    for slot in &mut *listed {
        *slot = body.try_get_u16_le()?;
    }
    let slots = Slots::new(listed.iter().copied()).filter(|slots| slots.as_slice() == &*listed);
    Ok(ElectorSet {
        version,
        slots: slots.ok_or(bad)?,
        max_lease,
    })
}

pub(super) fn put_record(record: &ElectorRecord, out: &mut impl BufMut) {
    put_set(&record.in_force, out);
    out.put_u8(u8::from(record.is_proposed));
    out.put_u64_le(record.promised.0);
    out.put_u64_le(nanos(record.longest_lease));
    out.put_u8(u8::from(record.accepted.is_some()));
    if let Some(accepted) = &record.accepted {
        out.put_u64_le(accepted.ballot.0);
        put_set(&accepted.set, out);
    }
}

pub(super) fn get_record(body: &mut &[u8]) -> Result<ElectorRecord, DecodeError> {
    let in_force = get_set(body)?;
    let is_proposed = get_bool(body, "proposed")?;
    let promised = Ballot(body.try_get_u64_le()?);
    let longest_lease = Duration::from_nanos(body.try_get_u64_le()?);
    let accepted = if get_bool(body, "accepted")? {
        let ballot = Ballot(body.try_get_u64_le()?);
        let set = get_set(body)?;
        Some(Accepted { ballot, set })
    } else {
        None
    };
    Ok(ElectorRecord {
        in_force,
        is_proposed,
        promised,
        accepted,
        longest_lease,
    })
}
