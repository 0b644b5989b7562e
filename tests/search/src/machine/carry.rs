//! What a daemon does about its node's commands.

use heartbeat_core::command::Question;
use heartbeat_core::message::{Message, Network};
use heartbeat_core::snapshot::Role;
use heartbeat_core::{Command, Slot};
use heartbeat_wire::frame::Kind;

use super::{Machine, Outcome};
use crate::packet::{Body, Packet};
use crate::processors::Answer;
use crate::reduce;

impl Machine {
    pub(super) fn carry(&mut self, command: Command, at: u32, outcome: &mut Outcome) {
        self.note_lease(&command, outcome);
        match command {
            Command::Promise(_) => unreachable!("a promise is made in steps"),
            Command::VoteGrant { epoch, .. } => {
                outcome.votes += u32::from(epoch.slot() != self.slot);
                self.kernel.write(&command);
            }
            Command::Floor(epoch) => {
                self.floor = self.floor.max(epoch);
                self.kernel.write(&command);
            }
            Command::Lease { .. }
            | Command::GateShut
            | Command::Released(_)
            | Command::Abstain(_)
            | Command::Forced(_)
            | Command::Eligible(_) => self.kernel.write(&command),
            Command::SaveElectors(record) => {
                if let Some(daemon) = &mut self.daemon {
                    daemon.writes.push_back(record);
                }
            }
            Command::Electors(record) => {
                self.kernel.name_sets(&record);
                if let Some(daemon) = &mut self.daemon {
                    daemon.asks_by = record.in_force;
                }
            }
            Command::Probe(question) => self.probe(Network::Management, &question, at, outcome),
            Command::ProbeBusiness(question) => {
                self.probe(Network::Business, &question, at, outcome);
            }
            Command::Query(question) => {
                self.ask(Network::Management, Kind::Query, &question, at, outcome);
            }
            Command::QueryBusiness(question) => {
                self.ask(Network::Business, Kind::Query, &question, at, outcome);
            }
            Command::Send {
                to,
                network,
                message,
            } => outcome.packets.push(self.message(to, network, message)),
            Command::RoleChanged {
                from,
                to,
                epoch,
                reason,
                ..
            } => {
                if from == Role::Master {
                    outcome.ended.push((epoch, reason));
                }
                outcome.roles.push((to, reason));
            }
            Command::AskReference { id } => outcome.asked.push(id),
            Command::Fence { id, .. } => outcome.fences.push(id),
            Command::SavePair(record) => self.save_pair(record, self.now(at)),
            Command::Role(_)
            | Command::AddAddresses(_)
            | Command::RemoveAddresses(_)
            | Command::SlotLease(_)
            | Command::SlotTaken { .. }
            | Command::HoldSlot(_)
            | Command::DropSlot(_)
            | Command::Alarm(..)
            | Command::OrderAnswer(_)
            | Command::Guarantee(_) => {}
            Command::Exit | Command::ExitKeeping => self.daemon = None,
        }
    }

    fn note_lease(&self, command: &Command, outcome: &mut Outcome) {
        let Command::Lease { epoch, .. } = command else {
            return;
        };
        let control = &self.kernel.control;
        if control.lease_epoch != epoch.0 {
            outcome.begun.push(*epoch);
        } else if control.lease_deadline_ns == 0 {
            outcome.revived = Some(*epoch);
        } else {
            outcome.renewals += 1;
        }
    }

    fn message(&self, to: Slot, network: Network, message: Message) -> Packet {
        let incarnation = self.kernel.config.incarnation;
        let body = Body::Message {
            incarnation,
            message,
        };
        Packet {
            from: self.slot,
            to,
            network,
            body,
        }
    }

    /// Its kernel's answer, on its way.
    pub(crate) fn answered(&self, answer: Option<Answer>) -> Option<Packet> {
        answer.map(|(to, network, frame)| Packet {
            from: self.slot,
            to,
            network,
            body: Body::Frame(frame),
        })
    }

    fn probe(&mut self, network: Network, question: &Question, at: u32, outcome: &mut Outcome) {
        self.ask(network, Kind::Probe, question, at, outcome);
        if let Some(daemon) = &mut self.daemon {
            // A part of a period later, which is within the tick.
            daemon.answers_at = Some(question.sent);
        }
    }

    fn ask(
        &mut self,
        network: Network,
        kind: Kind,
        question: &Question,
        at: u32,
        outcome: &mut Outcome,
    ) {
        let Some(asks_by) = self.daemon.as_ref().map(|daemon| daemon.asks_by) else {
            return;
        };
        // Records that are too old to match anything change nothing by being there.
        self.kernel.sent.forget_before(self.oldest_question(at));
        let frame = self.kernel.ask(kind, question, &asks_by);
        let frame = if self.is_pair {
            frame
        } else {
            reduce::question(frame)
        };
        let others = self.kernel.members().slots().filter(|to| *to != self.slot);
        outcome.packets.extend(others.map(|to| Packet {
            from: self.slot,
            to,
            network,
            body: Body::Frame(Box::new(frame)),
        }));
    }
}

/// Whether what this does is seen by the kernel program or outlives the daemon. A question or message that is sent
/// late is one that arrives late, so a pause before it is not one of its own.
pub(super) const fn is_visible(command: &Command) -> bool {
    match command {
        Command::Promise(_)
        | Command::VoteGrant { .. }
        | Command::Lease { .. }
        | Command::GateShut
        | Command::Released(_)
        | Command::Abstain(_)
        | Command::Electors(_)
        | Command::SavePair(_)
        | Command::ExitKeeping => true,
        Command::Forced(_)
        | Command::Floor(_)
        | Command::SaveElectors(_)
        | Command::Role(_)
        | Command::Eligible(_)
        | Command::Probe(_)
        | Command::ProbeBusiness(_)
        | Command::Query(_)
        | Command::QueryBusiness(_)
        | Command::Send { .. }
        | Command::AddAddresses(_)
        | Command::RemoveAddresses(_)
        | Command::SlotLease(_)
        | Command::SlotTaken { .. }
        | Command::HoldSlot(_)
        | Command::DropSlot(_)
        | Command::RoleChanged { .. }
        | Command::Alarm(..)
        | Command::OrderAnswer(_)
        | Command::Exit
        | Command::AskReference { .. }
        | Command::Fence { .. }
        | Command::Guarantee(_) => false,
    }
}
