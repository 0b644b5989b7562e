//! The voter's side of an election: one vote for an epoch, and none while somebody else holds a grant.

use std::time::Duration;

use crate::electors::ElectorSet;
use crate::grants::Holder;
use crate::message::{Message, Network, VoteAnswer};
use crate::node::{Node, Pending};
use crate::snapshot::Reason;
use crate::stage::Stage;
use crate::{Command, Epoch, Instant};

/// A vote request.
#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Asked {
    pub(crate) from: Holder,
    pub(crate) epoch: Epoch,
    pub(crate) lease: Duration,
    pub(crate) id: u64,
    /// The network that the request came by, and the answer goes by.
    pub(crate) network: Network,
}

/// The request that got the newest vote: the same one gets the same answer, and extends nothing.
#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Answered {
    from: Holder,
    epoch: Epoch,
    id: u64,
}

impl Answered {
    fn is(&self, asked: &Asked) -> bool {
        self.from == asked.from && self.epoch == asked.epoch && self.id == asked.id
    }
}

impl Node {
    /// Votes, in this order: grants in force, raise the promise, look at the grants again, answer.
    /// `set`: the electors' set that the asker goes by, if this node votes by it.
    pub(crate) fn on_vote_request(&mut self, asked: Asked, set: Option<&ElectorSet>, now: Instant) {
        if self.answered.is_some_and(|answered| answered.is(&asked)) {
            return self.answer_vote(&asked, VoteAnswer::Granted);
        }
        match self.objection(&asked, set, now) {
            Some(objection) => {
                self.answer_vote(&asked, objection);
                if set.is_none() {
                    // One of the two is to take over the other's set.
                    self.tell_state(asked.from.slot);
                }
            }
            None => self.promise(asked.epoch, Pending::Vote(asked)),
        }
    }

    /// Why this node does not vote for the asker now.
    fn objection(
        &mut self,
        asked: &Asked,
        set: Option<&ElectorSet>,
        now: Instant,
    ) -> Option<VoteAnswer> {
        let Some(set) = set.filter(|set| set.slots.contains(self.config.slot)) else {
            return Some(VoteAnswer::OtherElectors);
        };
        let is_allowed = asked.epoch.slot() == asked.from.slot
            && set.slots.contains(asked.from.slot)
            && !self.config.is_witness(asked.from.slot)
            && !asked.lease.is_zero()
            && asked.lease <= set.max_lease;
        if !is_allowed || !self.rounds.learn(asked.epoch) {
            return Some(VoteAnswer::NotAllowed);
        }
        if !self.abstention.is_over(now) {
            return Some(VoteAnswer::Abstains(self.abstention.until.since(now)));
        }
        let left = self.grants.held_against(asked.from, now);
        if !left.is_zero() {
            return Some(VoteAnswer::Held(left));
        }
        (asked.epoch <= self.oldest_allowed()).then(|| self.too_old())
    }

    /// What a vote must lie above: what was promised or probed here, and what is on the disk. A node that lost its
    /// maps knows by its disk alone of a mastership, and none may begin below that one.
    fn oldest_allowed(&self) -> Epoch {
        self.grants.highest().max(self.floor)
    }

    fn too_old(&self) -> VoteAnswer {
        let grants = &self.grants;
        let promised = if self.floor > grants.highest() {
            self.floor
        } else {
            grants.promised
        };
        VoteAnswer::Old {
            promised,
            probed: grants.kernel.probed,
        }
    }

    /// The promise is raised: a probe that slipped in before is seen by now. `now` was read after the
    /// request was received, so the grant does not end before the asker's lease.
    pub(crate) fn on_vote_promised(&mut self, asked: Asked, now: Instant) {
        let left = self.grants.held_against(asked.from, now);
        let answer = if !left.is_zero() {
            VoteAnswer::Held(left)
        } else if self.grants.kernel.probed >= asked.epoch {
            self.too_old()
        } else if !self.abstention.is_over(now) {
            VoteAnswer::Abstains(self.abstention.until.since(now))
        } else {
            self.vote(&asked, now);
            VoteAnswer::Granted
        };
        self.answer_vote(&asked, answer);
    }

    fn vote(&mut self, asked: &Asked, now: Instant) {
        assert!(
            !matches!(self.stage, Stage::Master(_)),
            "a master's own grant keeps it from voting for others"
        );
        let reason = Reason::VotedFor(asked.from.slot);
        match self.stage {
            Stage::Candidate(_) => self.end_candidacy(reason, now),
            Stage::Undecided(_) => {
                let change = self.take_stage(Stage::Slave, reason, self.rounds.seen(), now);
                self.push(change);
            }
            Stage::Init | Stage::Slave | Stage::Master(_) | Stage::Witness => {}
        }
        let end = self
            .grants
            .vote(asked.epoch, asked.from.incarnation, now + asked.lease);
        self.push(Command::VoteGrant {
            epoch: asked.epoch,
            incarnation: asked.from.incarnation,
            end,
        });
        self.answered = Some(Answered {
            from: asked.from,
            epoch: asked.epoch,
            id: asked.id,
        });
    }

    fn answer_vote(&mut self, asked: &Asked, answer: VoteAnswer) {
        let message = Message::Vote {
            epoch: asked.epoch,
            id: asked.id,
            answer,
            info_version: 0,
        };
        self.send_by(asked.network, asked.from.slot, message);
    }
}
