//! Asking for votes and counting them: for a candidate, and for a master that needs a higher round.

use crate::candidacy::{Candidacy, Phase};
use crate::grants::Holder;
use crate::message::{Message, VoteAnswer};
use crate::node::Node;
use crate::request::Request;
use crate::stage::Stage;
use crate::{Epoch, Instant};

impl Node {
    pub(crate) fn make_request(&mut self, epoch: Epoch, now: Instant) -> Request {
        let id = self.random.next();
        let inquiry = match &self.stage {
            Stage::Candidate(Candidacy {
                phase: Phase::Asking { inquiry, .. },
                ..
            }) => Some(inquiry),
            Stage::Candidate(_)
            | Stage::Init
            | Stage::Slave
            | Stage::Master(_)
            | Stage::Undecided(_)
            | Stage::Witness => None,
        };
        let others = self.other_electors();
        let asked = others.map(|slot| (slot, inquiry.is_none_or(|inquiry| inquiry.is_yes(slot))));
        Request::new(epoch, id, now, &self.config.timing, asked)
    }

    /// Asks by the network that the electors' kernels answered by.
    pub(crate) fn send_request(&mut self, request: &Request) {
        let road = match &self.stage {
            Stage::Candidate(candidacy) => candidacy.road,
            Stage::Master(mastership) => mastership.roads.preferred(),
            Stage::Init | Stage::Slave | Stage::Undecided(_) | Stage::Witness => return,
        };
        let message = self.request_message(request);
        for to in request.unconvinced() {
            self.send_by(road, to, message.clone());
        }
    }

    /// Asks once more who did not vote, by both networks: one of them may pass heartbeats and no requests.
    pub(crate) fn resend_request(&mut self, request: &Request) {
        let message = self.request_message(request);
        for to in request.unconvinced() {
            self.send_by_both(to, &message);
        }
    }

    fn request_message(&self, request: &Request) -> Message {
        Message::VoteRequest {
            epoch: request.epoch,
            lease: request.length,
            id: request.id,
            elector_version: self.config.elector_version,
            elector_digest: self.config.elector_digest,
        }
    }

    /// An elector's answer to a candidate's request, or to a master's for a higher round.
    pub(crate) fn on_vote(
        &mut self,
        from: Holder,
        epoch: Epoch,
        id: u64,
        answer: VoteAnswer,
        now: Instant,
    ) {
        if let VoteAnswer::Old { promised, probed } = answer {
            self.rounds.learn(promised);
            self.rounds.learn(probed);
        }
        if !self.roster.is_elector(from.slot)
            || from.slot == self.config.slot
            || self.clashes(from.slot, now)
        {
            return;
        }
        let guard = self.config.timing.ask_again_guard();
        let Some(request) = self.open_request() else {
            return;
        };
        if request.id != id || request.epoch != epoch {
            return;
        }
        match answer {
            VoteAnswer::Granted => request.record(from, true),
            VoteAnswer::Held(left) if now + left + guard < request.give_up_at => {
                request.resend_at = request.resend_at.min(now + left + guard);
            }
            VoteAnswer::Held(_)
            | VoteAnswer::Old { .. }
            | VoteAnswer::Abstains(_)
            | VoteAnswer::OtherElectors
            | VoteAnswer::NotAllowed => request.record(from, false),
        }
        self.count_votes(now);
    }

    const fn open_request(&mut self) -> Option<&mut Request> {
        match &mut self.stage {
            Stage::Candidate(Candidacy {
                phase: Phase::Requesting(request),
                ..
            }) => Some(request),
            Stage::Master(mastership) => mastership.attempt.as_mut(),
            Stage::Candidate(_)
            | Stage::Init
            | Stage::Slave
            | Stage::Undecided(_)
            | Stage::Witness => None,
        }
    }

    /// Draws the conclusion from the votes so far: this node's own is always among them.
    pub(crate) fn count_votes(&mut self, now: Instant) {
        let votes = self.roster.votes_needed();
        let Some(request) = self.open_request() else {
            return;
        };
        if request.yes() >= votes {
            self.win(now);
        } else if request.is_hopeless(votes) {
            self.lose(now);
        }
    }

    fn win(&mut self, now: Instant) {
        let Some(request) = self.open_request() else {
            return;
        };
        let request = request.clone();
        match &self.stage {
            Stage::Candidate(_) => self.promote(&request, now),
            Stage::Master(_) => self.move_lease(&request, now),
            Stage::Init | Stage::Slave | Stage::Undecided(_) | Stage::Witness => {}
        }
    }

    fn lose(&mut self, now: Instant) {
        match &self.stage {
            Stage::Candidate(_) => self.give_up_request(now),
            Stage::Master(_) => self.drop_attempt(),
            Stage::Init | Stage::Slave | Stage::Undecided(_) | Stage::Witness => {}
        }
    }
}
