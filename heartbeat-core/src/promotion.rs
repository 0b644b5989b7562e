//! Becoming master, and what others make of it.

use crate::forced::Forced;
use crate::grants::Holder;
use crate::lease::Lease;
use crate::mastership::Mastership;
use crate::message::Message;
use crate::node::Node;
use crate::release::Tell;
use crate::request::Request;
use crate::snapshot::{Guarantee, Reason};
use crate::stage::Stage;
use crate::{Command, Epoch, Instant, Slot};

impl Node {
    /// A majority voted for this candidate: open the gate, take the addresses, probe, tell everybody.
    pub(crate) fn promote(&mut self, request: &Request, now: Instant) {
        let lease = Lease::since(request.epoch, request.first_sent, request.length);
        if !lease.holds(now) || self.grants.kernel.probed >= lease.epoch {
            return self.give_up_request(now);
        }
        assert!(
            !self.grants.is_voted_away_from(self.me, now),
            "a candidate that votes for another one is none any more"
        );
        self.rest_on(Guarantee::Quorum);
        self.begin_mastership(lease, None, Reason::Elected, now);
    }

    /// Opens the gate, takes the addresses, probes, tells everybody.
    pub(crate) fn begin_mastership(
        &mut self,
        lease: Lease,
        forced: Option<Forced>,
        reason: Reason,
        now: Instant,
    ) {
        let length = self.config.timing.lease();
        let first_master = self.succession.mastered.slot();
        self.push(Command::Lease {
            epoch: lease.epoch,
            deadline: lease.deadline,
        });
        self.push(Command::AddAddresses(lease.epoch));
        let slots = self.new_granter(now);
        let mut mastership = Mastership::new(lease, lease.epoch, self.sequence + 1, length, slots);
        mastership.forced = forced;
        let change = self.take_stage(Stage::Master(mastership), reason, lease.epoch, now);
        self.succession.follow(lease.epoch, 0);
        self.detector.forget();
        self.side.forget();
        self.health.begin();
        self.probe(now);
        self.tell_promotion(lease.epoch, first_master);
        self.push(change);
    }

    /// Tells the first master first, since it is the one to step down, then every other elector. Other
    /// members hear of it by the probe.
    fn tell_promotion(&mut self, epoch: Epoch, first_master: Slot) {
        let message = Message::Promote { epoch };
        if first_master != self.config.slot && self.config.members.contains_key(&first_master) {
            self.send_by_both(first_master, &message);
        }
        let others: Vec<_> = self.other_electors().collect();
        for to in others.into_iter().filter(|slot| *slot != first_master) {
            self.send_by_both(to, &message);
        }
    }

    /// Another node became master: a majority voted for it, so this one's lease is over, if it had one.
    pub(crate) fn on_promote(&mut self, from: Holder, epoch: Epoch, now: Instant) {
        if epoch.slot() != from.slot || !self.rounds.learn(epoch) {
            return;
        }
        if let Stage::Master(mastership) = &self.stage
            && epoch > mastership.lease.epoch
        {
            let reason = self.cause_of_loss(Reason::HigherEpoch(epoch), now);
            self.demote(reason, Tell::Nobody, now);
        }
    }
}
