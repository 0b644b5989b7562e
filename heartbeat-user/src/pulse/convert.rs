//! The maps' plain numbers as the election's types.

use std::time::Duration;

use heartbeat_core::event::{DaemonWords, KernelWords, Reply};
use heartbeat_core::{Epoch, Instant};
use heartbeat_wire::frame::AGE_UNKNOWN;
use heartbeat_wire::maps::{Control, Grant, control_flag};

use crate::datapath::MergedReply;

/// The kernel's words about the grant it gave.
#[must_use]
pub fn kernel_words(grant: &Grant) -> KernelWords {
    KernelWords {
        grant_end: Instant(grant.end_ns),
        probed: Epoch(grant.probed_epoch),
        arrival: Instant(grant.arrival_ns),
        holder_incarnation: grant.holder_incarnation,
        // Slots are 16 bits; the word is wide because every word is.
        successor: grant.successor as u16,
        duplicate_at: Instant(grant.duplicate_ns),
    }
}

/// The last daemon's words.
#[must_use]
pub fn daemon_words(control: &Control) -> DaemonWords {
    DaemonWords {
        promised: Epoch(control.promised_epoch),
        vote_grant_end: Instant(control.vote_grant_end_ns),
        vote_epoch: Epoch(control.vote_epoch),
        vote_incarnation: control.vote_incarnation,
        lease_epoch: Epoch(control.lease_epoch),
        lease_deadline: Instant(control.lease_deadline_ns),
        sequence: control.sequence,
        epoch_floor: Epoch(control.epoch_floor),
        released: Epoch(control.released_epoch),
        forced: control.flags & control_flag::FORCED != 0,
        abstain_until: Instant(control.abstain_until_ns),
        slot_lease: Instant(control.slot_lease_ns),
    }
}

/// One member's answers.
#[must_use]
pub fn reply(merged: &MergedReply) -> Reply {
    let reply = &merged.reply;
    Reply {
        slot: merged.slot,
        granted_sequence: reply.granted_sequence,
        granted_sent: Instant(reply.granted_sent_ns),
        sequence: reply.sequence,
        epoch: Epoch(reply.epoch),
        arrival: Instant(reply.arrival_ns),
        rtt: Duration::from_nanos(reply.rtt_ns),
        incarnation: reply.incarnation,
        clash_at: Instant(reply.clash_ns),
        daemon_age: age(reply.daemon_age_us),
        service_age: age(reply.service_age_us),
        flags: reply.flags,
        role: reply.role,
        diagnosis: reply.diagnosis,
        elector_version: reply.elector_version,
        elector_digest: reply.elector_digest,
        config_digest: reply.config_digest,
        info_version: reply.info_version,
    }
}

/// An age as frames and maps say it.
pub(super) fn age(us: u32) -> Option<Duration> {
    (us != AGE_UNKNOWN).then(|| Duration::from_micros(u64::from(us)))
}
