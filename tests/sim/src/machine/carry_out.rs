//! What a daemon does about its node's commands.

use heartbeat_core::command::Question;
use heartbeat_core::message::Network;
use heartbeat_core::snapshot::Guarantee;
use heartbeat_core::{Command, Instant};
use heartbeat_wire::frame::Kind;

use super::{Change, Machine, Out, Step};

impl Machine {
    pub(super) fn carry_out_one(&mut self, command: Command, at: u64) {
        match command {
            Command::Promise(epoch) => {
                self.kernel.promise(epoch);
                let now = Instant(self.clock.boot(at));
                let kernel = self.kernel.words();
                self.steps
                    .push_front((Step::Promised(epoch, Box::new(kernel)), Some(now)));
            }
            Command::Lease { epoch, .. } => {
                if self.kernel.control.lease_epoch != epoch.0 {
                    self.begun = Some(epoch);
                }
                self.kernel.write(&command);
            }
            Command::Floor(epoch) => {
                self.floor = self.floor.max(epoch);
                self.kernel.write(&command);
            }
            Command::GateShut => {
                self.guarantee = Guarantee::Quorum;
                self.kernel.write(&command);
            }
            Command::VoteGrant { .. }
            | Command::Released(_)
            | Command::Abstain(_)
            | Command::Role(_)
            | Command::Eligible(_)
            | Command::Forced(_) => self.kernel.write(&command),
            Command::SaveElectors(record) => {
                let wait = self.seed.rotate_left(17) ^ at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let done = at + 100_000 + (wait >> 20) % self.slow_disk;
                self.writes.push_back((done, record));
            }
            Command::Electors(record) => {
                self.kernel.name_sets(&record);
                self.asks_by = record.in_force;
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
            } => self.out.push(Out::Datagram {
                to,
                network,
                message,
            }),
            Command::AddAddresses(epoch) => {
                self.has_addresses = true;
                if self.begun.take_if(|begun| *begun == epoch).is_some() {
                    self.taken.push(epoch);
                }
            }
            Command::RemoveAddresses(_) => {
                assert!(
                    !self.kernel.gate_is_open(self.clock.boot(at)),
                    "the gate is shut before the addresses go"
                );
                self.has_addresses = false;
            }
            Command::RoleChanged {
                from,
                to,
                reason,
                epoch,
                lasted: _,
            } => {
                self.changes.push(Change {
                    at,
                    from,
                    to,
                    reason,
                    epoch,
                    services: self.known_services,
                });
            }
            Command::Alarm(alarm, is_raised) => self.alarms.push((alarm, is_raised)),
            Command::OrderAnswer(answer) => self.answers.push(answer),
            Command::AskReference { id } => self.ask_references(id),
            Command::Fence { id, target } => self.out.push(Out::Fence { id, target }),
            Command::SavePair(record) => self.save_pair(record, at),
            Command::Guarantee(guarantee) => self.guarantee = guarantee,
            // No slot's address goes by a lease here.
            Command::SlotLease(_)
            | Command::SlotTaken { .. }
            | Command::HoldSlot(_)
            | Command::DropSlot(_) => {}
            Command::Exit | Command::ExitKeeping => {
                self.has_exited = true;
                self.node = None;
            }
        }
    }

    fn probe(&mut self, network: Network, question: &Question) {
        self.ask(network, Kind::Probe, question);
        self.answers_at = Some(question.sent + self.config.timing.period / 4);
    }

    fn ask(&mut self, network: Network, kind: Kind, question: &Question) {
        let frame = self.kernel.ask(kind, question, &self.asks_by);
        self.out.push(Out::Question(network, frame));
    }
}
