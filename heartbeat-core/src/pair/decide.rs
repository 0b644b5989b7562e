//! What a node of a pair does when neither is master: it stands for the peer's vote, compares with the peer who was
//! active later, or goes by evidence.

use super::battle::{Winner, winner};
use super::evidence::Proof;
use super::record::{LastRole, PairState};
use crate::lease::Lease;
use crate::node::{Node, Pending};
use crate::snapshot::{Reason, Role};
use crate::stage::{Stage, Undecided};
use crate::{Command, Epoch, Instant, Slot};

/// Periods for which the peer's word on its role is good: it is asked again sooner.
const TOLD_PERIODS: u32 = 2;

impl Node {
    /// From `init`: what it was last decides. A pair that never ran begins with its lower slot.
    pub(super) fn leave_init(&mut self, now: Instant) {
        let (Stage::Init, Some(pair)) = (&self.stage, &self.pair) else {
            return;
        };
        let was_master = match pair.activity.last() {
            Some(last) => last == LastRole::Master,
            None => self.config.slot < pair.peer,
        };
        let (stage, reason) = if was_master {
            (Stage::Undecided(Undecided::IsMaster), Reason::LastMaster)
        } else {
            (Stage::Slave, Reason::LastSlave)
        };
        let change = self.take_stage(stage, reason, self.succession.mastered, now);
        self.push(change);
    }

    /// When nobody else is master any more as far as this node can tell, and whoever goes first has had its time;
    /// `None` while it may not stand.
    pub(crate) fn pair_free_at(&self) -> Option<Instant> {
        if !self.may_stand() {
            return None;
        }
        let free = self
            .heard_until()
            .max(self.abstention.until)
            .max(self.succession.not_before);
        let pause = match &self.stage {
            Stage::Undecided(_) | Stage::Candidate(_) => std::time::Duration::ZERO,
            // At a start a slave lets the last master come up.
            _ if self.succession.mastered.is_none() => self.config.timing.max_lease,
            _ => self.rank_pause(),
        };
        Some(free + pause)
    }

    pub(super) fn decide_in_pair(&mut self, now: Instant) {
        let waits = matches!(
            self.stage,
            Stage::Slave | Stage::Undecided(_) | Stage::Candidate(_)
        );
        if !waits || !self.seeks_mastership() {
            return;
        }
        let Some(free_at) = self.pair_free_at() else {
            return;
        };
        let timing = self.config.timing;
        let Some(pair) = &mut self.pair else { return };
        let (peer, told) = (pair.peer, pair.told);
        match pair.evidence.prove(free_at, &timing, now) {
            Proof::Complete(sent) => return self.take_round_by_evidence(sent),
            Proof::Fence(id) => self.push(Command::Fence { id, target: peer }),
            Proof::None => {}
        }
        let is_fresh = |at| now.since(at) <= timing.period * TOLD_PERIODS;
        if let Some((state, _)) = told.filter(|(_, at)| now >= free_at && is_fresh(*at)) {
            self.go_by_peer(peer, &state, now);
        }
    }

    /// The peer is there, and this node could stand.
    fn go_by_peer(&mut self, peer: Slot, state: &PairState, now: Instant) {
        let next = match (&self.stage, state.role) {
            (Stage::Undecided(Undecided::IsMaster), Role::Slave) => {
                if state.abstains || !self.abstention.is_over(now) {
                    return;
                }
                return self.stand(Reason::PeerIsSlave(peer), now);
            }
            (Stage::Undecided(Undecided::IsMaster), Role::Init) => return,
            (Stage::Undecided(Undecided::IsMaster), _) => Undecided::BattleMaster,
            // The peer is about to stand, and is voted for.
            (Stage::Slave, Role::IsMaster | Role::Candidate) if state.eligible => return,
            // Its probes are about to come.
            (Stage::Slave, Role::Master | Role::Init) => return,
            (Stage::Slave, _) => Undecided::BattleMaster,
            _ => return,
        };
        let stage = Stage::Undecided(next);
        let change = self.take_stage(
            stage,
            Reason::NoMasterInPair(peer),
            self.succession.mastered,
            now,
        );
        self.push(change);
        self.ask_peer(now);
    }

    /// One exchange of states: the lower slot's question and the upper one's answer.
    pub(super) fn judge_battle(&mut self, lower: &PairState, upper: &PairState, now: Instant) {
        let Some(winner) = winner(lower, upper) else {
            return;
        };
        let peer = self.pair.as_ref().map_or(0, |pair| pair.peer);
        let has_won = (winner == Winner::Lower) == (self.config.slot < peer);
        let waits = matches!(self.stage, Stage::Slave | Stage::Undecided(_));
        if has_won {
            let is_free = self.grants.held_against(self.me, now).is_zero();
            if waits && is_free && self.may_stand() && self.abstention.is_over(now) {
                self.stand(Reason::BattleWon(peer), now);
            }
            return;
        }
        if waits {
            // The winner has a lease's time to be voted for.
            let not_before = now + self.config.timing.lease();
            self.succession.not_before = self.succession.not_before.max(not_before);
        }
        if let Stage::Undecided(_) = self.stage {
            let reason = Reason::BattleLost(peer);
            let change = self.take_stage(Stage::Slave, reason, self.succession.mastered, now);
            self.push(change);
        }
    }

    /// Takes the next round without the peer's vote; what follows comes with [`crate::Event::Promised`].
    fn take_round_by_evidence(&mut self, sent: Instant) {
        if let Some(epoch) = self.rounds.next(self.config.slot) {
            self.promise(epoch, Pending::Evidence(sent));
        }
    }

    /// The round is promised to this node, and a probe that slipped in before is heard by now.
    pub(crate) fn on_evidence_promised(&mut self, epoch: Epoch, sent: Instant, now: Instant) {
        let length = self.config.timing.lease();
        let lease = Lease::since(epoch, sent, length);
        let is_free = self.grants.held_against(self.me, now).is_zero()
            && self.grants.kernel.probed < epoch
            && self.is_peer_silent();
        let waits = matches!(
            self.stage,
            Stage::Slave | Stage::Undecided(_) | Stage::Candidate(_)
        );
        let Some(pair) = &self.pair else { return };
        if !waits || !is_free || !lease.holds(now) {
            return;
        }
        let (peer, basis) = (pair.peer, pair.evidence.guarantee());
        self.take_votes_back(now);
        self.grant_to_myself(epoch, length, now);
        self.raise_floor(epoch);
        self.rest_on(basis);
        self.begin_mastership(lease, None, Reason::Evidence(peer), now);
    }
}
