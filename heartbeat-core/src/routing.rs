//! Which part handles which event.

use std::time::Duration;

use crate::ballot::Asked;
use crate::event::{Event, KernelWords, Order, Reply};
use crate::grants::Holder;
use crate::message::{Message, Network};
use crate::node::{Node, Pending};
use crate::order::OrderDone;
use crate::stage::Stage;
use crate::{Command, Epoch, Instant};

impl Node {
    pub(crate) fn route(&mut self, event: Event<'_>, now: Instant) {
        match event {
            Event::Turn {
                kernel,
                replies,
                lateness,
                raw_ns,
            } => {
                self.note_lateness(lateness, now);
                self.on_words(kernel, now);
                self.expire(now);
                self.watch_clock(raw_ns, now);
                self.on_turn(replies, lateness, now);
            }
            Event::Heard(answers) => self.detector.heard(answers),
            Event::Kernel(kernel) => self.on_words(kernel, now),
            Event::Answers { kernel, replies } => {
                self.on_words(kernel, now);
                self.expire(now);
                self.detector.note(replies);
                self.hear_replies(replies);
                self.renew_lease(replies, now);
                self.ask_by_business(now);
            }
            Event::QueryAnswer(answer) => {
                self.hear_query_answer(&answer, now);
                self.on_query_answer(&answer, now);
            }
            Event::Refusal(refusal) => {
                self.hear_peer(refusal.from, Network::Management, now);
                self.on_refusal(&refusal, now);
            }
            Event::Message {
                from,
                incarnation,
                network,
                message,
            } => {
                self.expire(now);
                self.on_message(
                    Holder {
                        slot: from,
                        incarnation,
                    },
                    network,
                    message,
                    now,
                );
            }
            Event::Order(order) => self.on_order(order, now),
            Event::ElectorsSaved(record) => {
                self.expire(now);
                self.on_electors_saved(&record, now);
            }
            Event::ReferenceAnswer { id, reference } => {
                self.on_reference_answer(id, reference, now);
            }
            Event::Fenced { id, done } => self.on_fenced(id, done, now),
            Event::Services(told) => {
                self.expire(now);
                self.on_services(told, now);
            }
            Event::Carrier(is_there) => {
                self.expire(now);
                self.side.has_carrier = is_there;
            }
            Event::Reconfigured(config) => {
                self.expire(now);
                self.on_reconfigured(*config, now);
            }
            Event::Promised { .. } => {}
        }
    }

    fn on_turn(&mut self, replies: &[Reply], lateness: Duration, now: Instant) {
        self.detector.note(replies);
        self.hear_replies(replies);
        if let Stage::Master(_) = self.stage {
            let is_excused = self.judge_members(lateness, now);
            self.master_turn(replies, is_excused, now);
            self.tell_health(now);
        }
        self.watch_electors(now);
        self.poll_members(now);
        self.clear_fault(now);
        self.run_slots(now);
        self.watch_for_master(now);
    }

    fn on_message(&mut self, from: Holder, network: Network, message: Message, now: Instant) {
        if from.slot == self.config.slot || !self.config.members.contains_key(&from.slot) {
            return;
        }
        self.hear_peer(from.slot, network, now);
        match message {
            Message::VoteRequest {
                epoch,
                lease,
                id,
                elector_version,
                elector_digest,
            } => {
                let asked = Asked {
                    from,
                    epoch,
                    lease,
                    id,
                    network,
                };
                let set = self.set_of(elector_version, elector_digest);
                self.on_vote_request(asked, set.as_ref(), now);
            }
            Message::Vote {
                epoch,
                id,
                answer,
                info_version: _,
            } => self.on_vote(from, epoch, id, answer, now),
            Message::Poll { id } => self.on_poll(from.slot, network, id, now),
            Message::PollAnswer { id, votes } => {
                self.on_poll_answer(from.slot, network, id, votes, now);
            }
            Message::SideAsk { id } => self.on_side_ask(from.slot, id, now),
            Message::SideTell { id, side } => self.on_side_tell(from.slot, id, side),
            Message::Promote { epoch } => self.on_promote(from, epoch, now),
            Message::Release { epoch, target } => self.on_release(from, epoch, target, now),
            Message::Electors { set, ballot, next } => {
                self.on_electors(from, &set, ballot, next.as_ref(), now);
            }
            Message::ElectorsState(state) => self.on_electors_state(from, &state, now),
            Message::Health {
                epoch,
                degraded,
                members,
            } => {
                if self.on_health(from.slot, epoch, &members, now) {
                    self.health.degraded = degraded;
                }
            }
            Message::SlotAsk { id, lease, renews } => {
                self.on_slot_ask(from, network, (id, lease, renews), now);
            }
            Message::SlotGrant { id } => self.on_slot_grant(id, now),
            Message::PairAsk { id, state } => self.on_pair_ask(from.slot, network, id, state, now),
            Message::PairTell { id, state } => self.on_pair_tell(from.slot, id, state, now),
        }
    }

    fn on_order(&mut self, order: Order, now: Instant) {
        self.expire(now);
        self.overtake_restart();
        let answer = match order {
            Order::Switchover(target) => self.switch_over(target, now),
            Order::Maintenance(true) => self.enter_maintenance(now),
            Order::Maintenance(false) => Ok(self.leave_maintenance()),
            Order::Stop => Ok(self.stop(now)),
            // Its answer comes when the longer lease is granted, or when it was waited for in vain.
            Order::Restart => return self.restart(now),
            // Its answer comes when the promise is made.
            Order::Force => return self.force(now),
            Order::Electors(target) => self.change_electors(&target, now),
        };
        self.tell_eligible(now);
        let is_handed_over = matches!(answer, Ok(OrderDone::HandedTo(_)));
        self.push(Command::OrderAnswer(answer));
        self.write_down(now);
        if self.stopping && !(is_handed_over && self.stays_to_vote(now)) {
            // A pair, which may stay, has no such addresses.
            self.end_own_slot();
            self.push(Command::Exit);
        }
    }

    pub(crate) fn on_promised(&mut self, epoch: Epoch, kernel: KernelWords, now: Instant) {
        assert!(
            epoch == self.grants.promised,
            "the promise that was asked for is the one that was made"
        );
        let pending = self.pending.take();
        self.grants.settle(&kernel);
        self.on_words(kernel, now);
        self.expire(now);
        match pending {
            Some(Pending::Vote(asked)) => self.on_vote_promised(asked, now),
            Some(Pending::Stand) => self.on_round_promised(epoch, now),
            Some(Pending::HigherRound) => self.on_higher_round_promised(epoch, now),
            Some(Pending::Forced) => self.on_forced_promised(epoch, now),
            Some(Pending::Evidence(sent)) => self.on_evidence_promised(epoch, sent, now),
            None => {}
        }
    }
}
