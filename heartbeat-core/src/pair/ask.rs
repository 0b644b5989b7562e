//! Asking the peer, and hearing it.

use super::OPEN_QUESTIONS;
use super::record::{Age, PairState};
use super::silence::Step;
use crate::Instant;
use crate::command::Question;
use crate::event::{QueryAnswer, Reply};
use crate::message::{Message, Network};
use crate::node::Node;
use crate::roads::road_of;
use crate::stage::Stage;
use crate::{Command, Slot};

const BOTH: [Network; 2] = [Network::Management, Network::Business];

impl Node {
    /// Asks the peer when its answers are missed, and the reference once it is silent.
    pub(super) fn ask_about_peer(&mut self, has_read: bool, now: Instant) {
        let timing = self.config.timing;
        let may_judge = has_read || !matches!(self.stage, Stage::Master(_));
        while let Some(pair) = &mut self.pair {
            match pair.evidence.step(may_judge, &timing, now) {
                Step::Wait => break,
                Step::Ask => self.ask_peer(now),
                Step::Stands => {}
            }
        }
        let is_due = |asked_at| asked_at + timing.period <= now;
        if matches!(self.stage, Stage::Undecided(_))
            && self.pair.as_ref().is_some_and(|pair| is_due(pair.asked_at))
        {
            // Whether it is heard or not: it is by its own question that the lower slot decides.
            self.ask_peer(now);
        }
        if !self.seeks_mastership() {
            return;
        }
        if let Some(pair) = &mut self.pair
            && let Some(id) = pair.evidence.ask_reference(&timing, now)
        {
            self.push(Command::AskReference { id });
        }
    }

    /// Asks the peer's daemon and its kernel, by every network that counts. A master's question to the kernel is a
    /// probe, so that it may be granted.
    pub(super) fn ask_peer(&mut self, now: Instant) {
        let Some(state) = self.pair_state(now) else {
            return;
        };
        let id = self.random.next();
        let Some(pair) = &mut self.pair else { return };
        let peer = pair.peer;
        if pair.questions.len() == OPEN_QUESTIONS {
            pair.questions.pop_front();
        }
        pair.questions.push_back((id, state));
        pair.asked_at = now;
        for network in BOTH {
            if !self.counts_in_pair(network) {
                continue;
            }
            self.send_by(network, peer, Message::PairAsk { id, state });
            match (&self.stage, network) {
                // It probes there each period anyway.
                (Stage::Master(_), Network::Management) => {}
                (Stage::Master(_), Network::Business) => self.probe_by(network, now),
                _ => self.query_peer(network, now),
            }
        }
    }

    fn query_peer(&mut self, network: Network, now: Instant) {
        let Some(epoch) = self.rounds.next(self.config.slot) else {
            return;
        };
        let question = Question {
            epoch,
            sequence: self.next_sequence(network),
            sent: now,
            lease: self.config.timing.lease(),
            successor: 0,
            stride: 1,
            offset: 0,
        };
        self.push(match network {
            Network::Management => Command::Query(question),
            Network::Business => Command::QueryBusiness(question),
        });
    }

    fn counts_in_pair(&self, network: Network) -> bool {
        self.pair
            .as_ref()
            .is_some_and(|pair| pair.evidence.counts(network))
    }

    /// What this node says of itself.
    pub(super) fn pair_state(&self, now: Instant) -> Option<PairState> {
        let pair = self.pair.as_ref()?;
        let is_master = matches!(self.stage, Stage::Master(_));
        Some(PairState {
            role: self.stage.role(),
            eligible: self.may_stand(),
            abstains: !self.abstention.is_over(now),
            active: if is_master {
                Some(Age::NOW)
            } else {
                pair.activity.age(now)
            },
            epoch: pair.activity.epoch(self.succession.mastered),
            lease: self.config.timing.lease(),
        })
    }

    /// The peer's probe was accepted.
    pub(crate) fn hear_probe(&mut self) {
        let words = self.grants.kernel;
        let is_news = self.pair.as_ref().is_some_and(|pair| {
            words.probed.slot() == pair.peer && words.arrival > pair.evidence.heard_at()
        });
        if is_news {
            self.peer_heard(words.arrival);
        }
    }

    /// The answers to this master's probes were read.
    pub(crate) fn hear_replies(&mut self, replies: &[Reply]) {
        let Some(pair) = &mut self.pair else { return };
        let Stage::Master(mastership) = &self.stage else {
            return;
        };
        let newest = replies.iter().find(|reply| {
            reply.slot == pair.peer
                && reply.sequence >= mastership.first_sequence
                && pair.evidence.counts(road_of(reply.sequence))
                && reply.arrival > pair.evidence.heard_at()
        });
        let abstains = |reply: &Reply| reply.flags & heartbeat_wire::frame::flag::ABSTAINS != 0;
        if let Some(reply) = newest
            && pair.evidence.answered(reply.arrival, abstains(reply))
        {
            self.clear_fence_alarm();
        }
    }

    /// The peer's kernel answered a query of this node's.
    pub(crate) fn hear_query_answer(&mut self, answer: &QueryAnswer, now: Instant) {
        let lease = self.config.timing.lease();
        let Some(pair) = &mut self.pair else { return };
        if answer.from != pair.peer || !pair.evidence.counts(road_of(answer.sequence)) {
            return;
        }
        // A daemon that did not run for a lease has none left that it took before.
        let lives = answer.daemon_age.is_some_and(|age| age < lease);
        if pair.evidence.kernel_answered(answer.gate_open, lives, now) {
            self.clear_fence_alarm();
        }
    }

    /// A message or a refusal of the peer's came.
    pub(crate) fn hear_peer(&mut self, from: Slot, network: Network, now: Instant) {
        let is_peer = self.pair.as_ref().is_some_and(|pair| pair.peer == from);
        if is_peer && self.counts_in_pair(network) {
            self.peer_heard(now);
        }
    }

    pub(crate) fn on_pair_ask(
        &mut self,
        from: Slot,
        network: Network,
        id: u64,
        asker: PairState,
        now: Instant,
    ) {
        let Some(state) = self.pair_state(now) else {
            return;
        };
        self.send_by(network, from, Message::PairTell { id, state });
        self.note_told(asker, now);
        if from < self.config.slot {
            self.judge_battle(&asker, &state, now);
        }
    }

    pub(crate) fn on_pair_tell(&mut self, from: Slot, id: u64, state: PairState, now: Instant) {
        let Some(pair) = &self.pair else { return };
        let asked = pair.questions.iter().find(|(known, _)| *known == id);
        let Some((_, asked)) = asked.copied() else {
            return;
        };
        self.note_told(state, now);
        if self.config.slot < from {
            self.judge_battle(&asked, &state, now);
        }
    }

    fn note_told(&mut self, state: PairState, now: Instant) {
        if let Some(pair) = &mut self.pair {
            pair.told = Some((state, now));
        }
    }
}
