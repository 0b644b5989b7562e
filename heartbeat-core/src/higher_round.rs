//! The higher round without a gap: a master that some elector's promise shuts out asks its electors for
//! a round above that promise, while its lease goes on.
//!
//! Every elector that grants to this master votes at once, since the asker holds its grant. Until a
//! majority did, the old lease stands and old probes go on; those who voted refuse them from then on, as
//! promised only, so the old lease lives on what they granted before.

use std::time::Duration;

use crate::event::Refusal;
use crate::lease::Lease;
use crate::node::{Node, Pending};
use crate::release::Tell;
use crate::request::Request;
use crate::snapshot::Reason;
use crate::stage::Stage;
use crate::{Command, Epoch, Instant};

impl Node {
    /// An elector refused a probe of ours.
    pub(crate) fn on_refusal(&mut self, refusal: &Refusal, now: Instant) {
        let promised_is_plausible = self.rounds.learn(refusal.promised);
        let is_plausible = self.rounds.learn(refusal.probed) && promised_is_plausible;
        self.expire(now);
        let Stage::Master(mastership) = &self.stage else {
            return;
        };
        let epoch = mastership.lease.epoch;
        if refusal.epoch != epoch || !is_plausible {
            return;
        }
        if refusal.probed > epoch {
            let reason = self.cause_of_loss(Reason::HigherEpoch(refusal.probed), now);
            self.demote(reason, Tell::Nobody, now);
        } else if refusal.promised > epoch
            && self.roster.is_elector(refusal.from)
            && self.may_attempt(now)
        {
            let Some(round) = self.rounds.next(self.config.slot) else {
                return;
            };
            self.promise(round, Pending::HigherRound);
        }
    }

    /// Whether a higher round may be asked for now: one at a time, and not faster than one fails.
    ///
    /// The electors that vote stop granting to the old epoch, so an attempt whose votes get lost costs
    /// the lease: while it is renewed without the refuser, only with a control port that is known to
    /// work.
    fn may_attempt(&self, now: Instant) -> bool {
        let Stage::Master(mastership) = &self.stage else {
            return false;
        };
        let timing = &self.config.timing;
        let is_renewed = now.since(mastership.granted_sent) <= timing.period * 3 / 2;
        mastership.attempt.is_none()
            && mastership.attempted_at + timing.vote_timeout() <= now
            && (self.poll.reaches_majority() || !is_renewed)
    }

    /// The higher round is promised to this node: ask for it.
    pub(crate) fn on_higher_round_promised(&mut self, epoch: Epoch, now: Instant) {
        if !matches!(self.stage, Stage::Master(_)) {
            return;
        }
        self.grant_to_myself(epoch, self.config.timing.lease(), now);
        self.raise_floor(epoch);
        let request = self.make_request(epoch, now);
        self.send_request(&request);
        let Stage::Master(mastership) = &mut self.stage else {
            return;
        };
        mastership.standing = epoch;
        mastership.attempt = Some(request);
        mastership.attempted_at = now;
        self.count_votes(now);
    }

    /// A majority voted for the higher round: the lease goes on under it.
    pub(crate) fn move_lease(&mut self, request: &Request, now: Instant) {
        let first_sequence = self.sequence + 1;
        let voted = Lease::since(request.epoch, request.first_sent, request.length);
        let Stage::Master(mastership) = &mut self.stage else {
            return;
        };
        assert!(
            mastership.lease.holds(now),
            "an expired lease moves nowhere"
        );
        assert!(
            request.epoch == mastership.standing,
            "only the newest round asked for can be won"
        );
        let forced = mastership.forced.take();
        // What was forced rests on nobody's grants: from here on votes are what it rests on.
        let deadline = match forced {
            Some(_) => voted.deadline,
            None => voted.deadline.max(mastership.lease.deadline),
        };
        mastership.lease = Lease {
            epoch: request.epoch,
            deadline,
        };
        mastership.first_sequence = first_sequence;
        mastership.own_sent = None;
        mastership.attempt = None;
        self.succession.follow(request.epoch, 0);
        self.push(Command::Lease {
            epoch: request.epoch,
            deadline,
        });
        if forced.is_some() {
            self.rest_on_majority(now);
        }
        self.tell_taken();
        self.expire(now);
        self.probe(now);
    }

    /// The votes for the higher round did not come: the lease goes on as it is.
    pub(crate) fn drop_attempt(&mut self) {
        if let Stage::Master(mastership) = &mut self.stage {
            mastership.attempt = None;
        }
    }

    /// Does what the attempt's time has come for.
    pub(crate) fn run_attempt(&mut self, now: Instant) {
        let period: Duration = self.config.timing.period;
        let Stage::Master(mastership) = &mut self.stage else {
            return;
        };
        let Some(request) = &mut mastership.attempt else {
            return;
        };
        if request.give_up_at <= now {
            self.drop_attempt();
        } else if request.resend_at <= now {
            request.resend_at = now + period;
            let request = request.clone();
            self.resend_request(&request);
        }
    }
}
