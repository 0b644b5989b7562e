//! Ceasing to be master, and giving an epoch up for good: by its holder, and as seen by who granted it.

use std::time::Duration;

use crate::grants::Holder;
use crate::lease::reach;
use crate::message::Message;
use crate::node::Node;
use crate::snapshot::{Guarantee, Reason};
use crate::stage::Stage;
use crate::{Command, Epoch, Instant, Slot};

/// Whom a demoted master tells that its epoch is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tell {
    /// Nobody: a higher epoch was probed, so they know.
    Nobody,
    /// Every elector; this slot follows at once, 0 for nobody in particular.
    Electors(Slot),
}

impl Node {
    /// Ends this mastership for good: the gate first, then the addresses, then the grants.
    pub(crate) fn demote(&mut self, reason: Reason, tell: Tell, now: Instant) {
        let Stage::Master(mastership) = &self.stage else {
            return;
        };
        let (epoch, standing) = (mastership.lease.epoch, mastership.standing);
        let is_forced = mastership.forced.is_some();
        self.push(Command::GateShut);
        if is_forced {
            self.rest_on_majority(now);
        }
        self.push(Command::RemoveAddresses(epoch));
        self.end_vote(standing, now);
        self.forget_basis();
        if let Tell::Electors(target) = tell {
            self.send_release(epoch, target);
            if standing > epoch {
                self.send_release(standing, target);
            }
            self.succession.follow(epoch, target);
        }
        self.succession.not_before = self.succession.not_before.max(now);
        let change = self.take_stage(Stage::Slave, reason, epoch, now);
        // First, so that whoever passes alarms on knows that these are the next master's to judge.
        self.push(change);
        self.clear_member_alarms();
        self.side.forget();
    }

    /// No majority granted for a whole lease, or this node did not run to see it.
    pub(crate) fn lose_majority(&mut self, now: Instant) {
        let Stage::Master(mastership) = &self.stage else {
            return;
        };
        let (is_renewed, successor) = (mastership.is_renewed, mastership.successor);
        if mastership.forced.is_some() {
            return self.demote(Reason::ForcedLapsed, Tell::Electors(successor), now);
        }
        let lost = match &self.pair {
            Some(pair) if self.is_peer_silent() => Reason::CutOff(pair.peer()),
            Some(_) | None => Reason::MajorityLost,
        };
        let reason = self.cause_of_loss(lost, now);
        if !is_renewed && self.guarantee() == Guarantee::Quorum {
            let pause = self.succession.futile_pause(self.config.timing.lease());
            self.succession.not_before = now + pause;
        }
        self.demote(reason, Tell::Electors(successor), now);
    }

    /// Why a mastership ends that `seen` ends: this node's own lateness, if that alone would have.
    ///
    /// The newest probe that the lease rests on left one turn before the late one, or two if the late one was
    /// to read its answers: whatever the others replied, a turn that late came when the lease was over, and
    /// maybe another one's had begun. A lateness below a period loses no turn. A turn that was due and has not
    /// begun, since the one before it took so long, is as late as it is by now.
    pub(crate) fn cause_of_loss(&self, seen: Reason, now: Instant) -> Reason {
        let Stage::Master(mastership) = &self.stage else {
            return seen;
        };
        let period = self.config.timing.period;
        let left = reach(mastership.length).saturating_sub(period * 2);
        let overdue = match *mastership.next_turn {
            Instant::ZERO => Duration::ZERO,
            due => now.since(due),
        };
        let late = mastership.late.max(overdue);
        if late >= left.max(period) {
            Reason::Late(late)
        } else {
            seen
        }
    }

    /// Gives up whatever this node holds or asks for.
    pub(crate) fn step_back(&mut self, reason: Reason, now: Instant) {
        match &self.stage {
            Stage::Master(mastership) => {
                let successor = mastership.successor;
                self.demote(reason, Tell::Electors(successor), now);
            }
            Stage::Candidate(_) => self.end_candidacy(reason, now),
            Stage::Init | Stage::Slave | Stage::Undecided(_) | Stage::Witness => {}
        }
    }

    /// Tells every other elector that this node's `epoch` is over, the target last: when it asks for
    /// votes, the others have heard.
    pub(crate) fn send_release(&mut self, epoch: Epoch, target: Slot) {
        assert!(
            epoch.slot() == self.config.slot,
            "a node gives up its own epochs only"
        );
        let others: Vec<_> = self.other_electors().collect();
        for to in others.iter().filter(|slot| **slot != target) {
            self.send_by_both(*to, &Message::Release { epoch, target });
        }
        if others.contains(&target) {
            self.send_by_both(target, &Message::Release { epoch, target });
        }
    }

    /// The holder of this node's grant gives its epoch up: obeyed only for the highest epoch known here,
    /// and only from the machine that holds it.
    pub(crate) fn on_release(&mut self, from: Holder, epoch: Epoch, target: Slot, now: Instant) {
        if epoch < self.grants.highest() {
            return;
        }
        let was_master = self.grants.is_probed_by(epoch, from);
        if was_master {
            self.grants.release(epoch);
            self.push(Command::Released(epoch));
        } else if self.grants.is_voted_for(epoch, from) {
            // A candidate that never probed. Only its vote ends: the word that says what was released
            // may still end the grant of the master before it.
            self.end_vote(epoch, now);
        } else {
            return;
        }
        if was_master || target != 0 {
            self.succession.follow(epoch, target);
        }
        self.succession.not_before = self.succession.not_before.max(now);
        self.after_release(from.slot, target, now);
    }

    fn after_release(&mut self, from: Slot, target: Slot, now: Instant) {
        let is_target =
            target == self.config.slot && self.may_stand() && self.abstention.is_over(now);
        let is_free = self.grants.held_against(self.me, now).is_zero();
        match self.stage {
            Stage::Init | Stage::Slave if is_target && is_free => {
                self.stand_at_once(Reason::HandedOver(from), now);
            }
            Stage::Candidate(_) if is_target && is_free => self.take_round_at_once(now),
            Stage::Candidate(_) => {
                let pause = self.rank_pause();
                self.ask_after(pause, now);
            }
            Stage::Init
            | Stage::Slave
            | Stage::Master(_)
            | Stage::Undecided(_)
            | Stage::Witness => {}
        }
    }
}
