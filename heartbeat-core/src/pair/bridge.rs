//! A master whose peer is silent: the reference's answer stands for the peer's grant.

use std::time::Duration;

use super::evidence::Evidence;
use crate::lease::Lease;
use crate::node::Node;
use crate::snapshot::Alarm;
use crate::stage::Stage;
use crate::{Command, Instant};

impl Node {
    /// A reference answered.
    pub(crate) fn on_reference_answer(&mut self, id: u64, reference: u8, now: Instant) {
        self.expire(now);
        let timing = self.config.timing;
        let Some(pair) = &mut self.pair else { return };
        if let Some(sent) = pair.evidence.reference.answer(id, reference, &timing)
            && pair.evidence.is_absent()
        {
            self.renew_by_evidence(sent, now);
        }
    }

    /// Renews the lease of a master that needs no reference by its own word, while the peer is silent.
    pub(super) fn bridge(&mut self, now: Instant) {
        let Some(pair) = &self.pair else { return };
        let Stage::Master(mastership) = &self.stage else {
            return;
        };
        let is_needed = pair.evidence.is_absent() && !pair.evidence.reference.is_required();
        if let Some(sent) = mastership.own_sent.filter(|_| is_needed) {
            self.renew_by_evidence(sent, now);
        }
    }

    /// The lease goes on from what was asked at `sent`, after the peer fell silent.
    fn renew_by_evidence(&mut self, sent: Instant, now: Instant) {
        let length = self.config.timing.lease();
        let seeks = self.seeks_mastership();
        let Stage::Master(mastership) = &mut self.stage else {
            return;
        };
        if !seeks || !mastership.lease.renew(sent, length, now) {
            return;
        }
        *mastership.late = Duration::ZERO;
        let Lease { epoch, deadline } = mastership.lease;
        if let Some(pair) = &self.pair {
            let basis = pair.evidence.guarantee();
            self.rest_on(basis);
        }
        self.push(Command::Lease { epoch, deadline });
    }

    /// The fence command has ended.
    pub(crate) fn on_fenced(&mut self, id: u64, done: bool, now: Instant) {
        let Some(pair) = &mut self.pair else { return };
        let Evidence { fence, .. } = &mut pair.evidence;
        if let Some(done) = fence.ended(id, done, now) {
            self.set_alarm(Alarm::FenceFailed, !done);
        }
    }

    pub(super) fn clear_fence_alarm(&mut self) {
        self.set_alarm(Alarm::FenceFailed, false);
    }
}
