//! From the election's snapshot, and what else the daemon knows, to the status that an operator sees.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use heartbeat_core::event::Reply;
use heartbeat_core::snapshot::{self as core, MemberSnapshot, Snapshot};
use heartbeat_core::{Instant, Slot};

use super::alarm::Alarm;
use super::cause::{alarm_of, why};
use super::chronicle::MastersView;
use super::history::rfc3339;
use super::snapshot::{
    Datapath, FirstMaster, HookStatus, LinksStatus, Local, MemberStatus, ReloadStatus, SCHEMA,
    ServiceStatus, Status, VirtualAddressStatus,
};
use super::words::{AlarmName, Answering};
use crate::config::Config;

/// What the election does not know.
#[derive(Clone, Debug)]
pub struct LocalFacts {
    /// This node's slot.
    pub slot: Slot,
    /// The virtual addresses here.
    pub virtual_addresses: Vec<VirtualAddressStatus>,
    /// What is watched here.
    pub services: Vec<ServiceStatus>,
    /// The hooks that were run.
    pub hooks: Vec<HookStatus>,
    /// How heartbeats are answered on the management network, if they are.
    pub datapath: Option<Datapath>,
    /// How they are on the business network.
    pub business_datapath: Option<Datapath>,
    /// How late the pulse ran.
    pub local: Local,
    /// How often the configuration was reloaded.
    pub reloads: ReloadStatus,
    /// The links to other daemons.
    pub links: LinksStatus,
    /// The members' newest answers; of use on a master only.
    pub replies: Vec<Reply>,
    /// What became of the master before this one, once that was found out.
    pub first_master: Option<FirstMaster>,
    /// When each alarm in force was raised, by its key.
    pub raised_at: BTreeMap<String, SystemTime>,
    /// What the master wrote down of the members, on a node that is none.
    pub told: Option<MastersView>,
    /// What this node lacks.
    pub warnings: Vec<String>,
    /// By slot: in what the configuration of a member that differs from this node's does so, as far as it told.
    pub differing: BTreeMap<Slot, String>,
}

impl Status {
    /// The status of the node that `facts` are of.
    #[must_use]
    pub fn new(config: &Config, snapshot: &Snapshot, facts: LocalFacts) -> Self {
        let left = |end: Instant| {
            Some(end.since(snapshot.at))
                .filter(|left| !left.is_zero())
                .map(us)
        };
        let electors: Vec<Slot> = snapshot.electors.record.in_force.slots.iter().collect();
        let replies: BTreeMap<Slot, &Reply> = (facts.replies.iter())
            .map(|reply| (reply.slot, reply))
            .collect();
        let member = |member: &MemberSnapshot| {
            let reply = replies.get(&member.slot).copied();
            member_status(config, &electors, snapshot, &facts, reply, member)
        };
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            cluster: config.cluster.clone(),
            slot: facts.slot,
            role: snapshot.role.into(),
            role_age_us: us(snapshot.at.since(snapshot.since)),
            reason: snapshot.reason.to_string(),
            epoch: snapshot.epoch.into(),
            master_slot: snapshot.master,
            successor_slot: snapshot.successor,
            lease_remaining_us: snapshot
                .lease_deadline
                .map(|end| us(end.since(snapshot.at))),
            grant_remaining_us: left(snapshot.grant_end),
            guarantee: snapshot.guarantee.into(),
            electable: snapshot.electable,
            not_electable: snapshot.not_electable.map(Into::into),
            abstaining_for_us: snapshot.abstains_until.and_then(left),
            stands_in_us: snapshot.stands_at.map(|at| us(at.since(snapshot.at))),
            degraded: snapshot.degraded,
            maintenance: snapshot.maintenance,
            electors_answering: snapshot.electors_answering,
            majority: snapshot.majority,
            period_us: us(config.timing.period),
            lease_us: us(config.timing.lease()),
            members: snapshot.members.iter().filter_map(member).collect(),
            alarms: alarms(config, snapshot, &facts),
            first_master: facts
                .first_master
                .filter(|_| snapshot.role == core::Role::Master),
            electors,
            virtual_addresses: facts.virtual_addresses,
            services: facts.services,
            hooks: facts.hooks,
            datapath: facts.datapath,
            business_datapath: facts.business_datapath,
            local: facts.local,
            reloads: facts.reloads,
            links: facts.links,
            warnings: facts.warnings,
        }
    }

    /// A member's entry.
    #[must_use]
    pub fn member(&self, slot: Slot) -> Option<&MemberStatus> {
        self.members.iter().find(|member| member.slot == slot)
    }

    /// A member as a person is told of it: `slot 2 (n2)`.
    #[must_use]
    pub fn describe(&self, slot: Slot) -> String {
        match self.member(slot) {
            Some(member) => format!("slot {slot} ({})", member.name),
            None => format!("slot {slot}"),
        }
    }
}

/// Everything in force, with since when where that is known.
fn alarms(config: &Config, snapshot: &Snapshot, facts: &LocalFacts) -> Vec<Alarm> {
    let of_election = |raised: &core::Alarm| Alarm::of_election(config, facts.slot, *raised);
    let of_address = |entry: &VirtualAddressStatus| {
        let verified = entry.verified.as_ref();
        let interface = entry.interface.as_deref();
        let which = (entry.address, entry.follows_slot);
        let of = |it| Alarm::of_address(&config.cluster, facts.slot, which, interface, it);
        verified.map_or_else(Vec::new, of)
    };
    let now = SystemTime::now();
    (snapshot.alarms.iter().filter_map(of_election))
        .chain(facts.virtual_addresses.iter().flat_map(of_address))
        .map(|mut alarm| {
            let how = alarm.slot.and_then(|slot| facts.differing.get(&slot));
            if let (AlarmName::Misconfigured, Some(how)) = (alarm.name, how) {
                alarm.text += &format!(": {how}");
            }
            let raised_at = facts.raised_at.get(&alarm.key).copied();
            alarm.since(raised_at, now)
        })
        .collect()
}

fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn member_status(
    config: &Config,
    electors: &[Slot],
    snapshot: &Snapshot,
    facts: &LocalFacts,
    reply: Option<&Reply>,
    seen: &MemberSnapshot,
) -> Option<MemberStatus> {
    let member = config.members.get(&seen.slot)?;
    let answering = |healthy| {
        if healthy {
            Answering::Healthy
        } else {
            Answering::Missing
        }
    };
    let (slot, diagnosis) = (seen.slot, seen.diagnosis);
    let judges = snapshot.role == core::Role::Master && slot != facts.slot;
    let cause = || why(config, snapshot, reply, diagnosis);
    let raised = core::Alarm::Member(slot, diagnosis);
    let raised_at = Alarm::of_election(config, facts.slot, raised)
        .and_then(|alarm| facts.raised_at.get(&alarm.key).copied());
    let told = (facts.told.as_ref())
        .filter(|_| snapshot.role != core::Role::Master)
        .and_then(|view| view.of(slot, diagnosis.into()))
        .filter(|seen| seen.cause.is_some());
    Some(MemberStatus {
        slot,
        name: member.name.clone(),
        address: member.management.address,
        elector: electors.contains(&slot),
        role: seen.role.into(),
        answering: seen.healthy.map(answering),
        diagnosis: diagnosis.into(),
        cause: match told {
            Some(seen) => seen.cause.clone(),
            None => judges.then(cause).flatten(),
        },
        since: match told {
            Some(seen) => seen.since.clone(),
            None => raised_at.filter(|_| judges).map(rfc3339),
        },
        told_at: told.map(|seen| seen.at.clone()),
        cure: alarm_of(diagnosis).map(|name| name.cure().to_owned()),
        rtt_us: seen.rtt.map(us),
        last_reply_age_us: seen.last_reply.map(|at| us(snapshot.at.since(at))),
        answering_since_ns: seen.since.map(|at| at.0),
    })
}
