//! The candidate's side of an election: ask whether a majority would vote, promising nothing; then take
//! the next round, promise it to oneself, and ask for votes.

use std::time::Duration;

use crate::command::Question;
use crate::event::QueryAnswer;
use crate::inquiry::Inquiry;
use crate::message::Network;
use crate::node::{Node, Pending};
use crate::request::Request;
use crate::roads::other_road;
use crate::snapshot::Reason;
use crate::stage::Stage;
use crate::{Command, Epoch, Instant};

/// One candidacy.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Candidacy {
    pub(crate) phase: Phase,
    /// The network that its questions go by: the other one once too few answer.
    pub(crate) road: Network,
    /// Questions and requests in a row that came to nothing, as far as they make the next pause longer.
    fails: u32,
}

#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Phase {
    /// It asks when the time has come.
    Waiting { until: Instant },
    /// It asked, and asks again when the time has come.
    Asking { inquiry: Inquiry, again_at: Instant },
    /// It promises the round to itself.
    Promising,
    /// It asked for votes.
    Requesting(Request),
}

impl Candidacy {
    const fn new(road: Network) -> Self {
        Self {
            phase: Phase::Promising,
            road,
            fails: 0,
        }
    }

    /// When it has something to do.
    pub(crate) fn timeout(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Waiting { until } => Some(*until),
            Phase::Asking { again_at, .. } => Some(*again_at),
            Phase::Promising => None,
            Phase::Requesting(request) => Some(request.resend_at.min(request.give_up_at)),
        }
    }
}

impl Node {
    /// Becomes a candidate that asks first.
    pub(crate) fn stand(&mut self, reason: Reason, now: Instant) {
        self.become_candidate(reason, now);
        self.ask(now);
    }

    /// Becomes a candidate that was handed mastership: who released the grants said so.
    pub(crate) fn stand_at_once(&mut self, reason: Reason, now: Instant) {
        self.become_candidate(reason, now);
        self.take_round_at_once(now);
    }

    /// Takes the next round without asking first, expecting every elector's vote.
    pub(crate) fn take_round_at_once(&mut self, now: Instant) {
        let Some(candidacy) = self.candidacy() else {
            return;
        };
        candidacy.phase = Phase::Promising;
        self.take_round(now);
    }

    fn become_candidate(&mut self, reason: Reason, now: Instant) {
        assert!(
            self.may_stand() && self.abstention.is_over(now),
            "who may not become master does not stand"
        );
        let stage = Stage::Candidate(Candidacy::new(self.first_road(now)));
        let change = self.take_stage(stage, reason, self.rounds.seen(), now);
        self.push(change);
    }

    pub(crate) const fn candidacy(&mut self) -> Option<&mut Candidacy> {
        match &mut self.stage {
            Stage::Candidate(candidacy) => Some(candidacy),
            Stage::Init
            | Stage::Slave
            | Stage::Master(_)
            | Stage::Undecided(_)
            | Stage::Witness => None,
        }
    }

    /// Asks all electors at once, promising nothing.
    fn ask(&mut self, now: Instant) {
        let Some(epoch) = self.rounds.next(self.config.slot) else {
            return self.end_candidacy(Reason::NotElected, now);
        };
        let pause = self.pause();
        let Some(road) = self.candidacy().map(|candidacy| candidacy.road) else {
            return;
        };
        let sequence = self.next_sequence(road);
        let Some(candidacy) = self.candidacy() else {
            return;
        };
        let inquiry = Inquiry::new(sequence, now);
        candidacy.phase = Phase::Asking {
            inquiry,
            again_at: now + pause,
        };
        let question = Question {
            epoch,
            sequence,
            sent: now,
            lease: self.config.timing.lease(),
            successor: 0,
            stride: 1,
            offset: 0,
        };
        self.push(match road {
            Network::Management => Command::Query(question),
            Network::Business => Command::QueryBusiness(question),
        });
        self.weigh_answers(now);
    }

    pub(crate) fn on_query_answer(&mut self, answer: &QueryAnswer, now: Instant) {
        self.rounds.learn(answer.promised);
        self.rounds.learn(answer.probed);
        if !self.roster.is_elector(answer.from) || answer.from == self.config.slot {
            return;
        }
        let same_electors = answer.elector_version == self.config.elector_version
            && answer.elector_digest == self.config.elector_digest;
        if !same_electors {
            // One of the two is to take over the other's set.
            self.tell_state(answer.from);
        }
        let is_sound = same_electors && !self.clashes(answer.from, now);
        let period = self.config.timing.period;
        let Some(Candidacy {
            phase: Phase::Asking { inquiry, .. },
            ..
        }) = self.candidacy()
        else {
            return;
        };
        if inquiry.accepts(answer, period) {
            inquiry.record(answer, is_sound);
            self.weigh_answers(now);
        }
    }

    /// Goes on at once when a majority would vote; else finds out when to ask again.
    fn weigh_answers(&mut self, now: Instant) {
        let votes = self.roster.votes_needed();
        let guard = self.config.timing.ask_again_guard();
        let Some(Candidacy {
            phase: Phase::Asking { inquiry, again_at },
            ..
        }) = self.candidacy()
        else {
            return;
        };
        if inquiry.yes() < votes {
            if let Some(free_at) = inquiry.free_at(votes) {
                *again_at = free_at.max(now) + guard;
            }
            return;
        }
        self.take_round(now);
    }

    /// Takes the next round; what follows comes with [`crate::Event::Promised`].
    fn take_round(&mut self, now: Instant) {
        let Some(epoch) = self.rounds.next(self.config.slot) else {
            return self.end_candidacy(Reason::NotElected, now);
        };
        self.promise(epoch, Pending::Stand);
    }

    /// The round is promised to this node: grant it to oneself, then ask the others.
    pub(crate) fn on_round_promised(&mut self, epoch: Epoch, now: Instant) {
        if !matches!(self.stage, Stage::Candidate(_)) {
            // A probe slipped in, and this node follows it now.
            return;
        }
        if self.grants.held_against(self.me, now) > Duration::ZERO
            || self.grants.kernel.probed >= epoch
        {
            return self.wait_before_asking(now);
        }
        self.grant_to_myself(epoch, self.config.timing.lease(), now);
        self.raise_floor(epoch);
        let request = self.make_request(epoch, now);
        self.send_request(&request);
        let Some(candidacy) = self.candidacy() else {
            return;
        };
        candidacy.phase = Phase::Requesting(request);
        self.count_votes(now);
    }

    /// Does what the candidate's time has come for.
    pub(crate) fn run_candidacy(&mut self, now: Instant) {
        let period = self.config.timing.period;
        let votes = self.roster.votes_needed();
        let Some(candidacy) = self.candidacy() else {
            return;
        };
        match &mut candidacy.phase {
            Phase::Waiting { until } if *until <= now => self.ask(now),
            Phase::Asking { inquiry, again_at } if *again_at <= now => {
                if inquiry.answered() < votes {
                    candidacy.road = other_road(candidacy.road);
                }
                self.count_failure();
                self.ask(now);
            }
            Phase::Requesting(request) if request.give_up_at <= now => self.give_up_request(now),
            Phase::Requesting(request) if request.resend_at <= now => {
                request.resend_at = now + period;
                let request = request.clone();
                self.resend_request(&request);
            }
            Phase::Waiting { .. }
            | Phase::Asking { .. }
            | Phase::Promising
            | Phase::Requesting(_) => {}
        }
    }

    /// Gives this request up: ends the vote for oneself, and everybody else's at once.
    pub(crate) fn give_up_request(&mut self, now: Instant) {
        self.take_votes_back(now);
        self.wait_before_asking(now);
    }

    pub(crate) fn take_votes_back(&mut self, now: Instant) {
        let Some(Candidacy {
            phase: Phase::Requesting(request),
            ..
        }) = self.candidacy()
        else {
            return;
        };
        let epoch = request.epoch;
        self.end_vote(epoch, now);
        self.send_release(epoch, 0);
    }

    fn wait_before_asking(&mut self, now: Instant) {
        let longest = self.pause();
        let wait = longest / 4 + self.random.up_to(longest - longest / 4);
        self.count_failure();
        let Some(candidacy) = self.candidacy() else {
            return;
        };
        candidacy.phase = Phase::Waiting { until: now + wait };
    }

    /// Asks again after `pause`, whatever it was about: grants were released.
    pub(crate) fn ask_after(&mut self, pause: Duration, now: Instant) {
        self.take_votes_back(now);
        let Some(candidacy) = self.candidacy() else {
            return;
        };
        candidacy.phase = Phase::Waiting { until: now + pause };
    }

    /// Ends a candidacy, taking back the votes it asked for.
    pub(crate) fn end_candidacy(&mut self, reason: Reason, now: Instant) {
        self.take_votes_back(now);
        let change = self.take_stage(Stage::Slave, reason, self.rounds.seen(), now);
        self.push(change);
    }

    /// A period, doubled with each failure up to a lease.
    fn pause(&mut self) -> Duration {
        let timing = self.config.timing;
        let fails = self.candidacy().map_or(0, |candidacy| candidacy.fails);
        (timing.period * 2_u32.pow(fails)).min(timing.lease())
    }

    fn count_failure(&mut self) {
        let is_longest = self.pause() == self.config.timing.lease();
        if let Some(candidacy) = self.candidacy()
            && !is_longest
        {
            candidacy.fails += 1;
        }
    }
}
