//! Bodies of the probes and queries that this node sends.

use heartbeat_core::command::Question;
use heartbeat_core::time::nanos;
use heartbeat_core::{ElectorSet, Epoch, Instant, Slot};
use heartbeat_wire::frame::{AGE_UNKNOWN, Frame, Kind, MAGIC, VERSION, age_us, flag, gate_state};
use heartbeat_wire::tag::{Key, sign};

/// What every frame of this node says, and the key it is signed with.
#[derive(Clone, Debug)]
pub struct FrameSigner {
    /// Which cluster.
    pub cluster_id: u64,
    /// This node's slot.
    pub slot: Slot,
    /// Random number of this life of the maps.
    pub incarnation: u64,
    /// Version of the electors' set.
    pub elector_version: u32,
    /// Digest of the electors' set.
    pub elector_digest: u32,
    /// Digest of the shared configuration.
    pub config_digest: u64,
    /// Which key slot signs.
    pub key_slot: u8,
    /// The key in it.
    pub key: Key,
}

/// What the daemon says of itself in a question.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Standing {
    /// Role, a number of [`heartbeat_wire::frame::role`].
    pub role: u8,
    /// Whether it may become master.
    pub eligible: bool,
    /// Until when its gate is open.
    pub lease_deadline: Instant,
    /// Highest epoch it promised.
    pub promised: Epoch,
}

impl FrameSigner {
    /// Every question names this electors' set from now on.
    pub(crate) fn go_by(&mut self, set: &ElectorSet) {
        self.elector_version = set.version;
        self.elector_digest = set.digest();
    }

    /// The signed body of a question.
    pub(crate) fn question(
        &self,
        kind: Kind,
        question: &Question,
        standing: Standing,
        probed: Epoch,
    ) -> Frame {
        let gate_open = question.sent < standing.lease_deadline;
        let mut frame = Frame {
            magic: MAGIC,
            version: VERSION,
            kind: kind as u8,
            flags: if standing.eligible { flag::ELIGIBLE } else { 0 },
            cluster_id: self.cluster_id,
            elector_version: self.elector_version,
            elector_digest: self.elector_digest,
            incarnation: self.incarnation,
            sender: self.slot,
            successor: question.successor,
            role: standing.role,
            gate: if gate_open {
                gate_state::OPEN
            } else {
                gate_state::SHUT
            },
            epoch: question.epoch.0,
            sequence: question.sequence,
            sent_ns: question.sent.0,
            lease_us: age_us(nanos(question.lease)),
            // The daemon speaks: it is alive now.
            daemon_age_us: 0,
            service_age_us: AGE_UNKNOWN,
            stride: question.stride,
            offset: question.offset,
            promised_epoch: standing.promised.0,
            probed_epoch: probed.0,
            config_digest: self.config_digest,
            ..Frame::default()
        };
        sign(&mut frame, self.key_slot, &self.key);
        frame
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use heartbeat_wire::tag::verify;

    use super::*;

    #[test]
    fn a_question_carries_what_the_election_decided_and_is_authentic() {
        let key = Key::from_bytes([7; 16]);
        let signer = FrameSigner {
            cluster_id: 9,
            slot: 2,
            incarnation: 77,
            elector_version: 1,
            elector_digest: 3,
            config_digest: 5,
            key_slot: 1,
            key,
        };
        let question = Question {
            epoch: Epoch::new(4, 2),
            sequence: 12,
            sent: Instant(1_000),
            lease: Duration::from_millis(50),
            successor: 3,
            stride: 1,
            offset: 0,
        };
        let standing = Standing {
            role: heartbeat_wire::frame::role::MASTER,
            eligible: true,
            lease_deadline: Instant(2_000),
            promised: Epoch::new(4, 2),
        };
        let frame = signer.question(Kind::Probe, &question, standing, Epoch::NONE);
        assert!(verify(&frame, &key));
        assert!(
            !verify(&frame, &Key::from_bytes([8; 16])),
            "another key must not do"
        );
        assert_eq!(
            (frame.epoch, frame.sequence, frame.sent_ns),
            (Epoch::new(4, 2).0, 12, 1_000)
        );
        assert_eq!(frame.gate, gate_state::OPEN);
        assert_eq!(
            (frame.lease_us, frame.successor, frame.key_slot),
            (50_000, 3, 1)
        );
    }
}
