//! What a daemon does about its node's commands.

use heartbeat_core::command::Question;
use heartbeat_core::message::Network;
use heartbeat_core::snapshot::Role;
use heartbeat_core::{Command, Instant};
use heartbeat_wire::frame::{AGE_UNKNOWN, Frame, Kind, MAGIC, VERSION, flag, role};
use heartbeat_wire::maps::{self, Sent};

use super::sets::set_electors;
use super::{Change, Machine, Out, Step};

impl Machine {
    pub(super) fn carry_out_one(&mut self, command: Command, at: u64) {
        let control = &mut self.kernel.control;
        match command {
            Command::Promise(epoch) => {
                control.promised_epoch = control.promised_epoch.max(epoch.0);
                let now = Instant(self.clock.boot(at));
                let kernel = self.kernel.words();
                self.steps
                    .push_front((Step::Promised(epoch, Box::new(kernel)), Some(now)));
            }
            Command::VoteGrant {
                epoch,
                incarnation,
                end,
            } => {
                control.vote_grant_end_ns = end.0;
                control.vote_epoch = epoch.0;
                control.vote_incarnation = incarnation;
            }
            Command::Lease { epoch, deadline } => {
                if control.lease_epoch != epoch.0 {
                    self.begun = Some(epoch);
                }
                control.lease_epoch = epoch.0;
                control.lease_deadline_ns = deadline.0;
            }
            Command::GateShut => control.lease_deadline_ns = 0,
            Command::Released(epoch) => control.released_epoch = epoch.0,
            Command::Abstain(until) => control.abstain_until_ns = until.0,
            Command::Floor(epoch) => {
                control.epoch_floor = control.epoch_floor.max(epoch.0);
                self.floor = self.floor.max(epoch);
            }
            Command::SaveElectors(record) => {
                let wait = self.seed.rotate_left(17) ^ at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let done = at + 100_000 + (wait >> 20) % self.slow_disk;
                self.writes.push_back((done, record));
            }
            Command::Electors(record) => {
                set_electors(&mut self.kernel.config, &record);
                self.asks_by = record.in_force;
            }
            Command::Role(role) => control.role = role_number(role).into(),
            Command::Eligible(eligible) => {
                let others = control.flags & !u64::from(flag::ELIGIBLE);
                control.flags = others | if eligible { flag::ELIGIBLE.into() } else { 0 };
            }
            Command::Forced(forced) => {
                let others = control.flags & !maps::control_flag::FORCED;
                control.flags = others
                    | if forced {
                        maps::control_flag::FORCED
                    } else {
                        0
                    };
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
                });
            }
            Command::Alarm(alarm, is_raised) => self.alarms.push((alarm, is_raised)),
            Command::OrderAnswer(answer) => self.answers.push(answer),
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
        let (config, control) = (&self.kernel.config, &self.kernel.control);
        let lease_us = u32::try_from(question.lease.as_micros()).expect("a lease is short");
        let frame = Frame {
            magic: MAGIC,
            version: VERSION,
            kind: kind as u8,
            cluster_id: config.cluster_id,
            elector_version: self.asks_by.version,
            elector_digest: self.asks_by.digest(),
            incarnation: config.incarnation,
            sender: self.slot,
            successor: question.successor,
            role: u8::try_from(control.role).expect("a role"),
            epoch: question.epoch.0,
            sequence: question.sequence,
            sent_ns: question.sent.0,
            lease_us,
            service_age_us: AGE_UNKNOWN,
            stride: question.stride,
            offset: question.offset,
            promised_epoch: control.promised_epoch,
            probed_epoch: self.kernel.grant.probed_epoch,
            config_digest: config.config_digest,
            ..Frame::default()
        };
        self.kernel.record(Sent {
            epoch: question.epoch.0,
            sequence: question.sequence,
            sent_ns: question.sent.0,
            kind: kind as u64,
        });
        self.out.push(Out::Question(network, frame));
    }
}

fn role_number(role: Role) -> u8 {
    match role {
        Role::Init => role::INIT,
        Role::Slave => role::SLAVE,
        Role::Candidate => role::CANDIDATE,
        Role::Master => role::MASTER,
        Role::Witness => role::WITNESS,
    }
}
