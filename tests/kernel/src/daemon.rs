//! What the daemon writes into the maps.

use heartbeat_core::command::Question;
use heartbeat_core::message::Network;
use heartbeat_core::time::nanos;
use heartbeat_core::{Command, Config, ElectorRecord, ElectorSet, Epoch, Instant};
use heartbeat_wire::frame::{AGE_UNKNOWN, Frame, Kind, MAGIC, VERSION, age_us, flag, gate_state};
use heartbeat_wire::maps::{self, Sent, control_flag};

use crate::kernel::Kernel;
use crate::members::address_of;

impl Kernel {
    /// A node's configuration, without its sets.
    pub(crate) fn configuration(
        config: &Config,
        incarnation: u64,
        created_ns: u64,
    ) -> maps::Config {
        maps::Config {
            cluster_id: 1,
            incarnation,
            created_ns,
            config_digest: config.config_digest,
            detect_ns: nanos(config.timing.lease()),
            own_address: address_of(config.slot, Network::Management),
            business_address: address_of(config.slot, Network::Business),
            slot: config.slot,
            ..maps::Config::default()
        }
    }

    /// By which sets it grants.
    pub fn name_sets(&mut self, record: &ElectorRecord) {
        let sets = || {
            [Some(&record.in_force), record.next()]
                .into_iter()
                .flatten()
        };
        let longest = sets().map(|set| set.max_lease).max().unwrap_or_default();
        let is_elector = sets().any(|set| set.slots.contains(self.config.slot));
        let config = &mut self.config;
        config.elector_version = record.in_force.version;
        config.elector_digest = record.in_force.digest();
        config.next_version = record.next().map_or(0, |next| next.version);
        config.next_digest = record.next().map_or(0, ElectorSet::digest);
        config.max_lease_ns = nanos(longest);
        config.is_elector = u16::from(is_elector);
    }

    /// Maps that were made now, while others may rest on grants that stood in maps of before.
    pub fn abstain(&mut self, record: &ElectorRecord) {
        let until = Instant(self.config.created_ns) + record.abstention();
        self.control.abstain_until_ns = until.0;
    }

    /// Raises the promise.
    pub fn promise(&mut self, epoch: Epoch) {
        let promised = &mut self.control.promised_epoch;
        *promised = (*promised).max(epoch.0);
    }

    /// Carries out a command that is a word and nothing else; anything else changes nothing here.
    pub fn write(&mut self, command: &Command) {
        let control = &mut self.control;
        match command {
            Command::VoteGrant {
                epoch,
                incarnation,
                end,
            } => {
                control.vote_grant_end_ns = end.0;
                control.vote_epoch = epoch.0;
                control.vote_incarnation = *incarnation;
            }
            Command::Lease { epoch, deadline } => {
                control.lease_epoch = epoch.0;
                control.lease_deadline_ns = deadline.0;
            }
            Command::GateShut => control.lease_deadline_ns = 0,
            Command::Released(epoch) => control.released_epoch = epoch.0,
            Command::SlotLease(deadline) => control.slot_lease_ns = deadline.0,
            Command::Abstain(until) => control.abstain_until_ns = until.0,
            Command::Floor(epoch) => control.epoch_floor = control.epoch_floor.max(epoch.0),
            Command::Role(role) => control.role = role.number().into(),
            Command::Eligible(is_eligible) => self.flag(flag::ELIGIBLE.into(), *is_eligible),
            Command::Forced(is_forced) => self.flag(control_flag::FORCED, *is_forced),
            _ => {}
        }
    }

    const fn flag(&mut self, flag: u64, is_set: bool) {
        let others = self.control.flags & !flag;
        self.control.flags = if is_set { others | flag } else { others };
    }

    /// Writes the record of a question that names the set `asks_by`, before it leaves; its frame.
    ///
    /// # Panics
    /// When its number is not above the last one's.
    pub fn ask(&mut self, kind: Kind, question: &Question, asks_by: &ElectorSet) -> Frame {
        assert!(
            question.sequence > self.control.sequence,
            "sequence numbers only grow"
        );
        self.control.sequence = question.sequence;
        self.sent.note(Sent {
            epoch: question.epoch.0,
            sequence: question.sequence,
            sent_ns: question.sent.0,
            kind: kind as u64,
        });
        let (config, control) = (&self.config, &self.control);
        let is_open = question.sent.0 < control.lease_deadline_ns;
        Frame {
            magic: MAGIC,
            version: VERSION,
            kind: kind as u8,
            flags: control.flags as u8 & flag::ELIGIBLE,
            cluster_id: config.cluster_id,
            elector_version: asks_by.version,
            elector_digest: asks_by.digest(),
            incarnation: config.incarnation,
            sender: config.slot,
            successor: question.successor,
            role: control.role as u8,
            gate: if is_open {
                gate_state::OPEN
            } else {
                gate_state::SHUT
            },
            epoch: question.epoch.0,
            sequence: question.sequence,
            sent_ns: question.sent.0,
            lease_us: age_us(nanos(question.lease)),
            service_age_us: AGE_UNKNOWN,
            stride: question.stride,
            offset: question.offset,
            promised_epoch: control.promised_epoch,
            probed_epoch: self.grant.probed_epoch,
            config_digest: config.config_digest,
            ..Frame::default()
        }
    }
}
