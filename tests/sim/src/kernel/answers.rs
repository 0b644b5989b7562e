//! The asker's side: answers are matched with what was asked, and counted by slot.

use heartbeat_core::Epoch;
use heartbeat_core::Instant;
use heartbeat_core::event::{QueryAnswer, Refusal};
use heartbeat_wire::frame::{Frame, Kind, flag};
use heartbeat_wire::maps::{self, SENT_RECORDS, Sent};
use heartbeat_wire::matching::match_answer;
use heartbeat_wire::verdict::Verdict;
use std::time::Duration;

use super::{Kernel, Ring};

impl Kernel {
    pub(super) fn count(&mut self, frame: &Frame, kind: Kind, now_ns: u64) -> Verdict {
        let place = usize::try_from(frame.sequence).unwrap_or(0) % SENT_RECORDS;
        let sent = self.sent.get(place).copied().unwrap_or_default();
        let verdict = match_answer(frame, kind, &sent, &self.config, now_ns);
        if verdict == Verdict::Stale {
            return verdict;
        }
        let record = self.replies.entry(frame.sender).or_default();
        note_incarnation(record, frame.incarnation, now_ns);
        let is_query = verdict == Verdict::QueryReplyCounted;
        let newest = if is_query {
            &mut record.query_sequence
        } else {
            &mut record.sequence
        };
        if frame.sequence <= *newest {
            return Verdict::Repeated;
        }
        *newest = frame.sequence;
        note_answer(record, frame, &sent, verdict, now_ns);
        if is_query {
            self.ring
                .push(Ring::QueryAnswer(query_answer(frame, now_ns)));
        }
        if matches!(verdict, Verdict::RefusalPromised | Verdict::RefusalProbed) {
            self.ring.push(Ring::Refusal(refusal(frame)));
        }
        if verdict == Verdict::RefusalProbed {
            self.grant.probed_epoch = self.grant.probed_epoch.max(frame.probed_epoch);
        }
        verdict
    }

    /// Writes the daemon's record of a question before it leaves.
    pub fn record(&mut self, sent: Sent) {
        assert!(
            sent.sequence > self.control.sequence,
            "sequence numbers only grow"
        );
        self.control.sequence = sent.sequence;
        self.sent.resize(SENT_RECORDS, Sent::default());
        let place = usize::try_from(sent.sequence).expect("a test is short") % SENT_RECORDS;
        self.sent[place] = sent;
    }
}

fn note_incarnation(record: &mut maps::Reply, incarnation: u64, now_ns: u64) {
    if incarnation == record.incarnation {
        return;
    }
    if incarnation == record.former_incarnation {
        record.clash_ns = now_ns;
    }
    record.former_incarnation = record.incarnation;
    record.incarnation = incarnation;
}

fn note_answer(
    record: &mut maps::Reply,
    frame: &Frame,
    sent: &Sent,
    verdict: Verdict,
    now_ns: u64,
) {
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
    record.daemon_age_us = frame.daemon_age_us;
    record.service_age_us = frame.service_age_us;
    record.elector_version = frame.elector_version;
    record.elector_digest = frame.elector_digest;
    record.role = frame.role;
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
        info_version: 0,
    }
}

fn refusal(frame: &Frame) -> Refusal {
    Refusal {
        from: frame.sender,
        epoch: Epoch(frame.epoch),
        promised: Epoch(frame.promised_epoch),
        probed: Epoch(frame.probed_epoch),
    }
}
