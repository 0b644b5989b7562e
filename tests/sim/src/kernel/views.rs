//! What the daemon reads of the maps.

use std::time::Duration;

use heartbeat_core::event::{DaemonWords, KernelWords, Reply};
use heartbeat_core::{Epoch, Instant, Slot};
use heartbeat_wire::frame::AGE_UNKNOWN;
use heartbeat_wire::maps;

use super::Kernel;

impl Kernel {
    /// The kernel's words.
    #[must_use]
    pub fn words(&self) -> KernelWords {
        KernelWords {
            grant_end: Instant(self.grant.end_ns),
            probed: Epoch(self.grant.probed_epoch),
            arrival: Instant(self.grant.arrival_ns),
            holder_incarnation: self.grant.holder_incarnation,
            successor: u16::try_from(self.grant.successor).expect("a slot"),
            duplicate_at: Instant(self.grant.duplicate_ns),
        }
    }

    /// The daemon's words, as its next process finds them.
    #[must_use]
    pub fn daemon_words(&self) -> DaemonWords {
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
            forced: control.flags & maps::control_flag::FORCED != 0,
            abstain_until: Instant(control.abstain_until_ns),
        }
    }

    /// The members' answers, of those that answered at least once.
    #[must_use]
    pub fn replies(&self) -> Vec<Reply> {
        self.replies
            .iter()
            .map(|(slot, record)| reply(*slot, record))
            .collect()
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
        daemon_age: (record.daemon_age_us != AGE_UNKNOWN)
            .then(|| Duration::from_micros(record.daemon_age_us.into())),
        service_age: None,
        flags: record.flags,
        role: record.role,
        diagnosis: 0,
        elector_version: record.elector_version,
        elector_digest: record.elector_digest,
        config_digest: record.config_digest,
        info_version: 0,
    }
}
