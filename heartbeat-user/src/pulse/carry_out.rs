//! Carrying out the node's commands, in their order.

use std::fmt;
use std::sync::Arc;

use heartbeat_core::command::Question;
use heartbeat_core::message::Network;
use heartbeat_core::{Command, ElectorRecord, Epoch, Event, Instant, Message, Slot};
use heartbeat_wire::Kind;

use super::convert::kernel_words;
use super::{ANSWERS_AFTER, Ending, Note, Pulse};
use crate::datapath::Question as SentQuestion;
use crate::hands::Order as HandsOrder;
use crate::sys::clock::boot_ns;
use crate::takeover::Task;

/// Commands that one wake-up may bring, the answers to promises included. A turn brings about five,
/// a promotion about three a member: past this the election has a fault, and ends here rather than
/// holding the processor at real-time priority.
const MOST_COMMANDS: usize = 100_000;

impl Pulse {
    pub(super) fn carry_out(&mut self) {
        for _ in 0..MOST_COMMANDS {
            let Some(command) = self.parts.node.poll_command() else {
                return;
            };
            self.observe(&command);
            self.carry_out_one(command);
        }
        panic!("the election issued {MOST_COMMANDS} commands in one turn");
    }

    fn observe(&mut self, command: &Command) {
        let words = self.kernel();
        self.stamps
            .observe(command, Instant(boot_ns()), words.arrival, words.grant_end);
    }

    fn carry_out_one(&mut self, command: Command) {
        let words = &self.parts.words;
        match command {
            Command::Promise(epoch) => self.promise(epoch),
            Command::VoteGrant {
                epoch,
                incarnation,
                end,
            } => words.set_vote(epoch, incarnation, end.0),
            Command::Lease { epoch, deadline } => {
                words.set_lease(epoch, deadline.0);
                self.standing.lease_deadline = deadline;
            }
            Command::GateShut => {
                words.shut_gate();
                self.standing.lease_deadline = Instant::ZERO;
            }
            Command::Forced(forced) => words.set_forced(forced),
            Command::Released(epoch) => words.set_released(epoch),
            Command::Abstain(until) => words.set_abstain_until(until.0),
            Command::Floor(epoch) => {
                words.raise_floor(epoch);
                self.note(Note::Floor(epoch));
            }
            Command::SaveElectors(record) => self.note(Note::Electors(Box::new(record))),
            Command::Electors(record) => self.name_sets(&record),
            Command::Role(role) => {
                self.standing.role = role.number();
                words.set_role(self.standing.role);
            }
            Command::Eligible(eligible) => {
                self.standing.eligible = eligible;
                words.set_eligible(eligible);
            }
            Command::Probe(question) => self.probe(Network::Management, &question),
            Command::ProbeBusiness(question) => self.probe(Network::Business, &question),
            Command::Query(question) => self.ask(Network::Management, Kind::Query, &question),
            Command::QueryBusiness(question) => {
                self.ask(Network::Business, Kind::Query, &question);
            }
            Command::Send {
                to,
                network,
                message,
            } => self.send(to, network, &message),
            Command::AddAddresses(epoch) if self.parts.addresses_wait => self.waiting = Some(epoch),
            Command::AddAddresses(epoch) => self.take_over(epoch),
            Command::RemoveAddresses(epoch) => {
                self.waiting = None;
                self.order_hands(HandsOrder::Release { epoch });
                self.parts.takeover.give(Task::Demoted(epoch));
            }
            Command::RoleChanged {
                from,
                to,
                reason,
                epoch,
                lasted,
            } => {
                self.note(Note::RoleChanged {
                    from,
                    to,
                    reason,
                    epoch,
                    lasted,
                });
            }
            Command::Alarm(alarm, raised) => self.note(Note::Alarm(alarm, raised)),
            Command::OrderAnswer(answer) => self.answer(answer),
            Command::Exit => self.ending = Some(Ending::Stop),
            Command::ExitKeeping => self.ending = Some(Ending::Restart),
            Command::AskReference { id } => self.ask_references(id),
            Command::Fence { id, target } => self.note(Note::Fence(id, target)),
            Command::SavePair(record) => self.note(Note::Pair(record, Instant(boot_ns()))),
            Command::SlotLease(deadline) => words.set_slot_lease(deadline.0),
            Command::SlotTaken { slot, epoch } => words.set_taken(slot, epoch),
            Command::HoldSlot(slot) => self.hold_slot(slot),
            Command::DropSlot(slot) => self.drop_slot(slot),
            Command::Guarantee(guarantee) => self.note(Note::Guarantee(guarantee)),
        }
    }

    /// The kernel grants by these sets from now on, and every question names the one in force.
    fn name_sets(&mut self, record: &ElectorRecord) {
        if let Err(error) = self.parts.sets.name(record) {
            // The kernel then refuses what this node agreed to, which costs grants and nothing else.
            self.note(Note::SetsFailed(error));
        }
        self.parts.wiring.electors = *record;
        self.parts.takeover.give(Task::Electors(*record));
        self.parts.signer.go_by(&record.in_force);
        self.parts.answers.regroup(&record.in_force);
    }

    /// Raises the promise, and hands what stood in the grant after it straight back to the election.
    fn promise(&mut self, epoch: Epoch) {
        let now = Instant(boot_ns());
        let grant = self.parts.words.promise(epoch);
        self.standing.promised = self.standing.promised.max(epoch);
        let kernel = kernel_words(&grant);
        self.parts
            .node
            .handle(Event::Promised { epoch, kernel }, now);
    }

    fn probe(&mut self, network: Network, question: &Question) {
        self.ask(network, Kind::Probe, question);
        self.answers_at = Some(question.sent + self.parts.node.period() / ANSWERS_AFTER);
    }

    /// Writes the record that answers are matched with, then sends.
    fn ask(&mut self, network: Network, kind: Kind, question: &Question) {
        self.parts.words.record_question(&SentQuestion {
            kind,
            epoch: question.epoch,
            sequence: question.sequence,
            sent_ns: question.sent.0,
        });
        let probed = self.kernel().probed;
        let frame = self
            .parts
            .signer
            .question(kind, question, self.standing, probed);
        let sent = self.parts.wiring.heartbeat(network, frame.as_bytes());
        // The business network stands in only: its silence is an answer, not a fault.
        if network == Network::Management {
            self.note_sending(sent);
        }
    }

    /// What does not leave is not answered, which is all that the election goes by.
    fn ask_references(&self, id: u64) {
        for channel in &self.parts.wiring.control {
            if let Some(references) = &channel.references {
                let _ = references.ask(id);
            }
        }
    }

    fn send(&mut self, to: Slot, network: Network, message: &Message) {
        let channel = self
            .parts
            .wiring
            .control
            .iter_mut()
            .find(|channel| channel.network == network);
        // A member without a business address has nobody to ask over the business network.
        let Some(channel) = channel else { return };
        let sent = channel.datagrams.send(to, message);
        // The business network stands in for cross-checks only: its silence is an answer, not a fault.
        if network == Network::Management {
            self.note_sending(sent);
        }
    }

    /// Tells once that sending fails, and once that it works again: a link that is down fails each period.
    fn note_sending<E: fmt::Display>(&mut self, sent: Result<(), E>) {
        match sent {
            Ok(()) if self.send_failing => {
                self.send_failing = false;
                self.note(Note::SendWorks);
            }
            Err(error) if !self.send_failing => {
                self.send_failing = true;
                self.note(Note::SendFailed(error.to_string()));
            }
            Ok(()) | Err(_) => {}
        }
    }

    /// A hook has made this node fit to serve in this mastership.
    pub(super) fn promoted(&mut self, epoch: Epoch) {
        if self.waiting.is_some_and(|waiting| waiting == epoch) {
            self.waiting = None;
            self.take_over(epoch);
        }
    }

    pub(super) fn take_over(&mut self, epoch: Epoch) {
        let addresses = Arc::clone(&self.parts.addresses);
        self.order_hands(HandsOrder::TakeOver { epoch, addresses });
    }

    fn hold_slot(&mut self, slot: Slot) {
        self.note(Note::SlotHeld(slot));
        // An address may have left by a change that the election hears of a moment later.
        if let Some(addresses) = self.parts.leased.get(&slot) {
            let order = HandsOrder::HoldSlot {
                slot,
                is_taken: slot != self.parts.slot,
                addresses: Arc::clone(addresses),
            };
            self.order_hands(order);
        }
    }

    fn drop_slot(&mut self, slot: Slot) {
        self.note(Note::SlotDropped(slot));
        self.order_hands(HandsOrder::DropSlot { slot });
        self.parts.takeover.give(Task::GivesUpSlot(slot));
    }

    pub(super) fn order_hands(&mut self, order: HandsOrder) {
        if let Err(error) = self.parts.hands.order(order) {
            self.note(Note::HandsBehind(error));
        }
    }
}
