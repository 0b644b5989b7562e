//! What this node knows, as one published value.

use std::time::Duration;

use crate::detector::Answering;
use crate::message::MemberHealth;
use crate::message::Network;
use crate::node::Node;
use crate::snapshot::{Diagnosis, ElectorsSnapshot, MemberSnapshot, Role, Snapshot};
use crate::stage::Stage;
use crate::{Instant, Slot};

impl Node {
    /// What this node knows at `now`.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        let not_electable = self.not_electable(now);
        let master = self.known_master(now);
        let is_elector = self.roster.is_elector(self.config.slot);
        let degraded = self.is_degraded(master, now);
        let road = if degraded {
            Network::Business
        } else {
            Network::Management
        };
        let (lease_deadline, successor) = match &self.stage {
            Stage::Master(mastership) => (Some(mastership.lease.deadline), mastership.successor),
            Stage::Init
            | Stage::Slave
            | Stage::Candidate(_)
            | Stage::Undecided(_)
            | Stage::Witness => (None, self.succession.heir),
        };
        Snapshot {
            at: now,
            role: self.stage.role(),
            reason: *self.reason,
            since: *self.since,
            epoch: self.succession.mastered,
            master,
            guarantee: self.guarantee(),
            lease_deadline,
            grant_end: self.grants.end(),
            successor: (successor != 0).then_some(successor),
            electable: not_electable.is_none(),
            not_electable,
            abstains_until: (!self.abstention.is_over(now)).then_some(self.abstention.until),
            stands_at: self.stands_at(),
            maintenance: self.maintenance,
            services: self.services.state(),
            electors_answering: self.poll.answering(road, is_elector),
            majority: self.roster.majority,
            electors: ElectorsSnapshot {
                record: self.electors.record,
                change: self.change_snapshot(),
            },
            degraded,
            members: self
                .config
                .members
                .keys()
                .map(|slot| self.member(*slot, master, now))
                .collect(),
            slot_lease: self.asking.lease.deadline(now),
            bearers: self.bearers(now),
            alarms: self.alarms.in_force().to_vec(),
        }
    }

    fn member(&self, slot: Slot, master: Option<Slot>, now: Instant) -> MemberSnapshot {
        if slot == self.config.slot {
            return MemberSnapshot {
                healthy: Some(true),
                diagnosis: self.own_diagnosis(),
                ..unknown(slot, self.stage.role())
            };
        }
        match &self.stage {
            Stage::Master(_) => self.judged(slot),
            Stage::Init
            | Stage::Slave
            | Stage::Candidate(_)
            | Stage::Undecided(_)
            | Stage::Witness
                if master == Some(slot) =>
            {
                MemberSnapshot {
                    healthy: Some(true),
                    diagnosis: Diagnosis::Healthy,
                    last_reply: Some(self.grants.kernel.arrival),
                    ..unknown(slot, Role::Master)
                }
            }
            Stage::Init
            | Stage::Slave
            | Stage::Candidate(_)
            | Stage::Undecided(_)
            | Stage::Witness => self.told(slot, master, now),
        }
    }

    /// What this master judged itself.
    fn judged(&self, slot: Slot) -> MemberSnapshot {
        let Some(member) = self.detector.member(slot) else {
            return unknown(slot, Role::Init);
        };
        let healthy = match member.answering() {
            Answering::Unknown => None,
            Answering::Healthy => Some(true),
            Answering::Missing => Some(false),
        };
        let reply = member.reply.as_ref();
        MemberSnapshot {
            slot,
            role: reply.map_or(Role::Init, |reply| role_of(reply.role)),
            healthy,
            diagnosis: member.diagnosis(),
            rtt: reply.map(|reply| reply.rtt),
            last_reply: reply.map(|reply| reply.arrival),
            since: healthy.map(|_| *member.since),
        }
    }

    /// What the master said of it; of the lost master itself, that it is missing.
    fn told(&self, slot: Slot, master: Option<Slot>, now: Instant) -> MemberSnapshot {
        let told = self.health.of(self.succession.mastered, slot, now);
        match (master, told) {
            (Some(_), Some(told)) => from_told(told),
            (Some(_), None) => unknown(slot, Role::Init),
            (None, _) => {
                let was_master = slot == self.succession.mastered.slot();
                MemberSnapshot {
                    healthy: was_master.then_some(false),
                    ..unknown(slot, Role::Init)
                }
            }
        }
    }
}

fn from_told(told: &MemberHealth) -> MemberSnapshot {
    MemberSnapshot {
        healthy: (told.diagnosis != Diagnosis::Unknown || told.healthy).then_some(told.healthy),
        diagnosis: told.diagnosis,
        rtt: (told.rtt_us != u32::MAX).then(|| Duration::from_micros(u64::from(told.rtt_us))),
        ..unknown(told.slot, role_of(told.role))
    }
}

const fn unknown(slot: Slot, role: Role) -> MemberSnapshot {
    MemberSnapshot {
        slot,
        role,
        healthy: None,
        diagnosis: Diagnosis::Unknown,
        rtt: None,
        last_reply: None,
        since: None,
    }
}

/// What a member of another version calls by a number that is not known here counts as not decided.
fn role_of(number: u8) -> Role {
    Role::of_number(number).unwrap_or(Role::Init)
}
