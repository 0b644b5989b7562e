//! The asker's side: answers are matched with what was asked, and counted by slot.

use heartbeat_core::event::{QueryAnswer, Refusal};
use heartbeat_core::{Epoch, Instant};
use heartbeat_wire::frame::{AGE_UNKNOWN, Frame, Kind, flag, gate_state};
use heartbeat_wire::maps::{Reply, Sent};
use heartbeat_wire::matching::match_answer;
use heartbeat_wire::verdict::Verdict;
use std::time::Duration;

use crate::guard::Guard;
use crate::kernel::{Kernel, Ring};

impl Kernel {
    pub(crate) fn count(&mut self, frame: &Frame, kind: Kind, now_ns: u64) -> Verdict {
        if !self.guards.hold(Guard::OwnRecord) {
            let claimed = self.as_if_newest(frame);
            return self.count_echo(&claimed, kind, now_ns);
        }
        self.count_echo(frame, kind, now_ns)
    }

    /// The answer as it would count if any answer counted for the newest question of its kind.
    fn as_if_newest(&self, frame: &Frame) -> Frame {
        let asked = self.sent.of(frame.sequence).kind;
        let newest = self.sent.iter().rev().find(|sent| sent.kind == asked);
        let sent = newest.copied().unwrap_or_default();
        Frame {
            epoch: sent.epoch,
            sequence: sent.sequence,
            sent_ns: sent.sent_ns,
            ..*frame
        }
    }

    fn count_echo(&mut self, frame: &Frame, kind: Kind, now_ns: u64) -> Verdict {
        let sent = self.sent.of(frame.sequence);
        let verdict = match_answer(frame, kind, &sent, &self.config, now_ns);
        if verdict == Verdict::Stale {
            return verdict;
        }
        let record = self.counted.entry(frame.sender).or_default();
        note_incarnation(record, frame.incarnation, now_ns);
        let newest = match verdict {
            Verdict::QueryReplyCounted => &mut record.query_sequence,
            _ => &mut record.sequence,
        };
        if frame.sequence <= *newest {
            return Verdict::Repeated;
        }
        *newest = frame.sequence;
        note_answer(record, frame, &sent, verdict, now_ns);
        match verdict {
            Verdict::QueryReplyCounted => {
                let answer = query_answer(frame, now_ns);
                self.ring.push_back(Ring::QueryAnswer(answer));
            }
            Verdict::RefusalPromised | Verdict::RefusalProbed => {
                self.ring.push_back(Ring::Refusal(refusal(frame)));
            }
            _ => {}
        }
        // The gate goes by this word.
        if verdict == Verdict::RefusalProbed {
            self.grant.probed_epoch = self.grant.probed_epoch.max(frame.probed_epoch);
        } else if verdict == Verdict::RefusalPromised && !self.guards.hold(Guard::ProbedOnly) {
            self.grant.probed_epoch = self.grant.probed_epoch.max(frame.promised_epoch);
        }
        verdict
    }
}

/// A restart changes the incarnation once; two machines in one slot make it come back.
const fn note_incarnation(record: &mut Reply, incarnation: u64, now_ns: u64) {
    if incarnation == record.incarnation {
        return;
    }
    if incarnation == record.former_incarnation {
        record.clash_ns = now_ns;
    }
    record.former_incarnation = record.incarnation;
    record.incarnation = incarnation;
}

fn note_answer(record: &mut Reply, frame: &Frame, sent: &Sent, verdict: Verdict, now_ns: u64) {
    if verdict == Verdict::ReplyCounted {
        record.granted_sent_ns = sent.sent_ns;
        record.granted_sequence = frame.sequence;
    }
    if verdict != Verdict::QueryReplyCounted {
        record.epoch = frame.epoch;
    }
    record.arrival_ns = now_ns;
    record.count += 1;
    record.rtt_ns = now_ns.saturating_sub(sent.sent_ns);
    record.config_digest = frame.config_digest;
    record.info_version = frame.info_version;
    record.daemon_age_us = frame.daemon_age_us;
    record.service_age_us = frame.service_age_us;
    record.elector_version = frame.elector_version;
    record.elector_digest = frame.elector_digest;
    record.diagnosis = frame.diagnosis;
    record.role = frame.role;
    record.gate = frame.gate;
    record.flags = frame.flags;
}

fn query_answer(frame: &Frame, now_ns: u64) -> QueryAnswer {
    QueryAnswer {
        from: frame.sender,
        sequence: frame.sequence,
        arrival: Instant(now_ns),
        incarnation: frame.incarnation,
        promised: Epoch(frame.promised_epoch),
        probed: Epoch(frame.probed_epoch),
        grant_left: Duration::from_micros(frame.lease_us.into()),
        abstains: frame.flags & flag::ABSTAINS != 0,
        elector_version: frame.elector_version,
        elector_digest: frame.elector_digest,
        info_version: frame.info_version,
        gate_open: frame.gate == gate_state::OPEN,
        daemon_age: (frame.daemon_age_us != AGE_UNKNOWN)
            .then(|| Duration::from_micros(frame.daemon_age_us.into())),
    }
}

const fn refusal(frame: &Frame) -> Refusal {
    Refusal {
        from: frame.sender,
        epoch: Epoch(frame.epoch),
        promised: Epoch(frame.promised_epoch),
        probed: Epoch(frame.probed_epoch),
    }
}
