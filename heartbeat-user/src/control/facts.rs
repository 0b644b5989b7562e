//! From the election's snapshot, and what else the daemon knows, to the status that an operator sees.

use std::collections::BTreeMap;
use std::time::Duration;

use heartbeat_core::snapshot::{self as core, MemberSnapshot, Snapshot};
use heartbeat_core::{Instant, Slot};

use super::snapshot::{
    Alarm, Datapath, HookStatus, LinksStatus, Local, MemberStatus, ReloadStatus, SCHEMA,
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
        let member = |member| member_status(config, &electors, snapshot.at, member);
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
            alarms: (snapshot.alarms.iter())
                .filter_map(|raised| alarm(config, *raised, &facts.differing))
                .chain(facts.virtual_addresses.iter().flat_map(address_alarms))
                .collect(),
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

fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn member_status(
    config: &Config,
    electors: &[Slot],
    now: Instant,
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
    Some(MemberStatus {
        slot: seen.slot,
        name: member.name.clone(),
        address: member.management.address,
        elector: electors.contains(&seen.slot),
        role: seen.role.into(),
        answering: seen.healthy.map(answering),
        diagnosis: seen.diagnosis.into(),
        rtt_us: seen.rtt.map(us),
        last_reply_age_us: seen.last_reply.map(|at| us(now.since(at))),
        answering_since_ns: seen.since.map(|at| at.0),
    })
}

fn alarm(
    config: &Config,
    raised: core::Alarm,
    differing: &BTreeMap<Slot, String>,
) -> Option<Alarm> {
    let name_of = |slot| config.members.get(&slot).map_or("?", |member| &member.name);
    let (name, slot, text) = match raised {
        core::Alarm::Member(slot, diagnosis) => {
            let (name, what) = member_alarm(diagnosis)?;
            let mut text = format!("slot {slot} ({}) {what}", name_of(slot));
            if let (core::Diagnosis::Misconfigured, Some(how)) = (diagnosis, differing.get(&slot)) {
                text += &format!(": {how}");
            }
            (name, Some(slot), text)
        }
        core::Alarm::DuplicateSlot(slot) => (
            AlarmName::DuplicateSlot,
            Some(slot),
            format!("another machine uses slot {slot}: shut one of the two down"),
        ),
        core::Alarm::ClockFault => (
            AlarmName::ClockFault,
            None,
            "this node's clock ran faster or slower than the drift guard covers".to_owned(),
        ),
        core::Alarm::NoMaster => (
            AlarmName::NoMaster,
            None,
            "no master is known for longer than an election may take".to_owned(),
        ),
        core::Alarm::Forced => (
            AlarmName::Forced,
            None,
            "this node is master because an operator forced it: no majority keeps a second master away".to_owned(),
        ),
        core::Alarm::NotElectable => (
            AlarmName::NotElectable,
            None,
            "too few electors answer on the control port: this node could not be elected"
                .to_owned(),
        ),
        core::Alarm::ElectorsChange => (
            AlarmName::ElectorsChange,
            None,
            "a change of the electors does not come to its end: `heartbeatctl members` names who is missing"
                .to_owned(),
        ),
        core::Alarm::FenceFailed => (
            AlarmName::FenceFailed,
            None,
            "the fence command failed, so this node does not take the silent peer's place"
                .to_owned(),
        ),
        core::Alarm::Degraded => (
            AlarmName::Degraded,
            None,
            "no majority answers on the management network: probes go over the business network"
                .to_owned(),
        ),
        core::Alarm::Service => (
            AlarmName::ServiceFault,
            None,
            "a service of this node does not work, and what could be tried did not help: `heartbeatctl status` names it"
                .to_owned(),
        ),
        core::Alarm::HandoversSpent => (
            AlarmName::HandoversSpent,
            None,
            "mastership was handed on for a service's sake as often as [handovers] allows: this node stays master,              with its service lost"
                .to_owned(),
        ),
    };
    Some(Alarm { name, slot, text })
}

/// What is wrong with an address that this node serves, as another member saw it.
fn address_alarms(entry: &VirtualAddressStatus) -> Vec<Alarm> {
    let (address, on) = (entry.address, entry.interface.as_deref().unwrap_or("?"));
    let Some(verified) = &entry.verified else {
        return Vec::new();
    };
    let alarm = |name, text| Alarm {
        name,
        slot: None,
        text,
    };
    let mut alarms = Vec::new();
    if verified.unverified {
        let by = match &verified.answered_by[..] {
            [] => "nobody".to_owned(),
            macs => macs.join(" and "),
        };
        let text = format!(
            "{address} was announced again and again on {on}, and is answered by {by}, not by this node"
        );
        alarms.push(alarm(AlarmName::TakeoverUnverified, text));
    }
    if !verified.strangers.is_empty() {
        let text = format!(
            "{} answers for {address} on the network of {on}: another machine has this address",
            verified.strangers.join(" and ")
        );
        alarms.push(alarm(AlarmName::DuplicateAddress, text));
    }
    alarms
}

/// Name and sentence of an alarm about a member; none for one that is well or not judged yet.
fn member_alarm(diagnosis: core::Diagnosis) -> Option<(AlarmName, &'static str)> {
    Some(match diagnosis {
        core::Diagnosis::Misconfigured => (
            AlarmName::Misconfigured,
            "has another configuration or electors' set",
        ),
        core::Diagnosis::DaemonStalled => (
            AlarmName::DaemonStalled,
            "answers from its kernel, and its daemon gives no sign of life",
        ),
        core::Diagnosis::ManagementFault => (
            AlarmName::ManagementFault,
            "answers on the business network only",
        ),
        core::Diagnosis::Down => (AlarmName::Down, "answers on neither network"),
        core::Diagnosis::ServiceFault => (
            AlarmName::ServiceFault,
            "has a service that no check found well of late",
        ),
        core::Diagnosis::Healthy | core::Diagnosis::Unknown => return None,
    })
}
