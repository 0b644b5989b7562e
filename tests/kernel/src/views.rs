//! What the daemon reads of the maps.

use std::time::Duration;

use heartbeat_core::event::{DaemonWords, KernelWords, Reply};
use heartbeat_core::{Epoch, Instant, Slot};
use heartbeat_wire::frame::AGE_UNKNOWN;
use heartbeat_wire::maps::{self, control_flag};

use crate::kernel::Kernel;

impl Kernel {
    /// The kernel's words.
    ///
    /// # Panics
    /// When the successor is no slot.
    #[must_use]
    pub fn words(&self) -> KernelWords {
        let grant = &self.grant;
        KernelWords {
            grant_end: Instant(grant.end_ns),
            probed: Epoch(grant.probed_epoch),
            arrival: Instant(grant.arrival_ns),
            holder_incarnation: grant.holder_incarnation,
            successor: u16::try_from(grant.successor).expect("a slot"),
            duplicate_at: Instant(grant.duplicate_ns),
        }
    }

    /// The daemon's words, as its next process finds them.
    #[must_use]
    pub const fn daemon_words(&self) -> DaemonWords {
        let control = &self.control;
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

    /// The members' answers, of those that answered at least once.
    #[must_use]
    pub fn replies(&self) -> Vec<Reply> {
        let counted = self.counted.iter();
        counted.map(|(slot, record)| reply(*slot, record)).collect()
    }
}

fn reply(slot: Slot, record: &maps::Reply) -> Reply {
    Reply {
        slot,
        granted_sequence: record.granted_sequence,
        granted_sent: Instant(record.granted_sent_ns),
        sequence: record.sequence,
        epoch: Epoch(record.epoch),
        arrival: Instant(record.arrival_ns),
        rtt: Duration::from_nanos(record.rtt_ns),
        incarnation: record.incarnation,
        clash_at: Instant(record.clash_ns),
        daemon_age: age(record.daemon_age_us),
        service_age: age(record.service_age_us),
        flags: record.flags,
        role: record.role,
        diagnosis: record.diagnosis,
        elector_version: record.elector_version,
        elector_digest: record.elector_digest,
        config_digest: record.config_digest,
        info_version: record.info_version,
    }
}

fn age(us: u32) -> Option<Duration> {
    (us != AGE_UNKNOWN).then(|| Duration::from_micros(us.into()))
}
