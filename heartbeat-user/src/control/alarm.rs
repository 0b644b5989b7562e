//! Alarms as operators and their programs see them: the election's own, and those of addresses.

use std::fmt::Display;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use heartbeat_core::Slot;
use heartbeat_core::snapshot as core;
use serde::{Deserialize, Serialize};

use super::history::rfc3339;
use super::snapshot::VerifiedStatus;
use super::words::{AlarmName, Scope};
use crate::config::Config;
use crate::config::alarms::Severity;

/// A state of affairs that an operator should hear of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// Cluster, name, and what it is about: one alarm has the same on every node.
    pub key: String,
    /// Its name.
    pub name: AlarmName,
    /// How much depends on it.
    pub severity: Severity,
    /// Who says it.
    pub scope: Scope,
    /// The member it is about; null when it is about this node or the cluster.
    pub slot: Option<Slot>,
    /// One sentence.
    pub text: String,
    /// What to do about it.
    pub cure: String,
    /// Since when it is in force, by the wall clock, as RFC 3339 in UTC; null until that is known.
    pub since: Option<String>,
    /// For how long, in microseconds by the wall clock.
    pub age_us: Option<u64>,
}

/// What an alarm is about.
#[derive(Clone, Copy)]
enum About {
    /// The cluster, by its master's word.
    Cluster,
    /// A member, by its master's word.
    Member(Slot),
    /// The node itself.
    Node(Slot),
    /// A virtual address, by its master's word.
    Address(IpAddr),
    /// A virtual address as this node holds it.
    AddressOf(Slot, IpAddr),
}

impl About {
    const fn scope(self) -> Scope {
        match self {
            Self::Cluster | Self::Member(_) | Self::Address(_) => Scope::Cluster,
            Self::Node(_) | Self::AddressOf(..) => Scope::Node,
        }
    }

    fn key(self, cluster: &str, name: AlarmName) -> String {
        let of = |what: &dyn Display| format!("{cluster}/{}/{what}", name.as_str());
        match self {
            Self::Cluster => of(&"cluster"),
            Self::Member(slot) => of(&format_args!("slot-{slot}")),
            Self::Node(slot) => of(&format_args!("node-{slot}")),
            Self::Address(address) => of(&address),
            Self::AddressOf(slot, address) => of(&format_args!("node-{slot}/{address}")),
        }
    }
}

impl Alarm {
    fn new(cluster: &str, name: AlarmName, about: About, text: String) -> Self {
        Self {
            key: about.key(cluster, name),
            name,
            severity: name.severity(),
            scope: about.scope(),
            slot: None,
            text,
            cure: name.cure().to_owned(),
            since: None,
            age_us: None,
        }
    }

    /// One of the election's alarms on the node in `own`; none for a member that is well or not judged yet.
    #[must_use]
    pub fn of_election(config: &Config, own: Slot, raised: core::Alarm) -> Option<Self> {
        let name_of = |slot| config.members.get(&slot).map_or("?", |member| &member.name);
        let (name, about, text) = match raised {
            core::Alarm::Member(slot, diagnosis) => {
                let (name, what) = of_member(diagnosis)?;
                let text = format!("slot {slot} ({}) {what}", name_of(slot));
                (name, About::Member(slot), text)
            }
            core::Alarm::DuplicateSlot(slot) => (
                AlarmName::DuplicateSlot,
                // Of its own slot a node says it itself, whoever is master.
                if slot == own {
                    About::Node(own)
                } else {
                    About::Member(slot)
                },
                format!(
                    "another machine uses slot {slot} ({}): shut one of the two down",
                    name_of(slot)
                ),
            ),
            core::Alarm::ElectorsChange | core::Alarm::Degraded => {
                let (name, text) = of_node(raised)?;
                (name, About::Cluster, text.to_owned())
            }
            core::Alarm::ClockFault
            | core::Alarm::NoMaster
            | core::Alarm::NotElectable
            | core::Alarm::Forced
            | core::Alarm::FenceFailed
            | core::Alarm::Service
            | core::Alarm::HandoversSpent
            | core::Alarm::Business => {
                let (name, text) = of_node(raised)?;
                (name, About::Node(own), text.to_owned())
            }
        };
        let slot = match raised {
            core::Alarm::Member(slot, _) | core::Alarm::DuplicateSlot(slot) => Some(slot),
            _ => None,
        };
        let alarm = Self::new(&config.cluster, name, about, text);
        Some(Self { slot, ..alarm })
    }

    /// What is wrong with an address that the node in `own` serves on `interface`, as another member saw it.
    #[must_use]
    pub fn of_address(
        cluster: &str,
        own: Slot,
        (address, follows): (IpAddr, Option<Slot>),
        interface: Option<&str>,
        verified: &VerifiedStatus,
    ) -> Vec<Self> {
        let on = interface.unwrap_or("?");
        let mut alarms = Vec::new();
        if verified.unverified {
            let by = match &verified.answered_by[..] {
                [] => "nobody".to_owned(),
                macs => macs.join(" and "),
            };
            let text = format!(
                "{address} was announced again and again on {on}, and is answered by {by}, not by this node"
            );
            let about = About::AddressOf(own, address);
            alarms.push(Self::new(
                cluster,
                AlarmName::TakeoverUnverified,
                about,
                text,
            ));
        }
        if !verified.strangers.is_empty() {
            let text = format!(
                "{} answers for {address} on the network of {on}: another machine has this address",
                verified.strangers.join(" and ")
            );
            // Of its own slot's addresses a node says it itself, whoever is master.
            let about = if follows == Some(own) {
                About::AddressOf(own, address)
            } else {
                About::Address(address)
            };
            alarms.push(Self::new(cluster, AlarmName::DuplicateAddress, about, text));
        }
        alarms
    }

    /// The same, in force since then.
    #[must_use]
    pub fn since(self, raised_at: Option<SystemTime>, now: SystemTime) -> Self {
        let age = |at| now.duration_since(at).unwrap_or(Duration::ZERO);
        Self {
            since: raised_at.map(rfc3339),
            age_us: raised_at.map(|at| u64::try_from(age(at).as_micros()).unwrap_or(u64::MAX)),
            ..self
        }
    }
}

/// Name and sentence of an alarm that is about no member.
const fn of_node(alarm: core::Alarm) -> Option<(AlarmName, &'static str)> {
    Some(match alarm {
        core::Alarm::Member(..) | core::Alarm::DuplicateSlot(_) => return None,
        core::Alarm::ClockFault => (
            AlarmName::ClockFault,
            "this node's clock ran faster or slower than the drift guard covers",
        ),
        core::Alarm::NoMaster => (
            AlarmName::NoMaster,
            "no master is known for longer than an election may take",
        ),
        core::Alarm::Forced => (
            AlarmName::Forced,
            "this node is master because an operator forced it: no majority keeps a second master away",
        ),
        core::Alarm::NotElectable => (
            AlarmName::NotElectable,
            "too few electors answer on the control port: this node could not be elected",
        ),
        core::Alarm::ElectorsChange => (
            AlarmName::ElectorsChange,
            "a change of the electors does not come to its end: `heartbeatctl members` names who is missing",
        ),
        core::Alarm::FenceFailed => (
            AlarmName::FenceFailed,
            "the fence command failed, so this node does not take the silent peer's place",
        ),
        core::Alarm::Degraded => (
            AlarmName::Degraded,
            "no majority answers on the management network: probes go over the business network",
        ),
        core::Alarm::Service => (
            AlarmName::ServiceFault,
            "a service of this node does not work, and what could be tried did not help: `heartbeatctl status` names it",
        ),
        core::Alarm::HandoversSpent => (
            AlarmName::HandoversSpent,
            "mastership was handed on for a fault's sake as often as [handovers] allows: this node stays master, with its fault",
        ),
        core::Alarm::Business => (
            AlarmName::BusinessFault,
            "nobody answers this node over the business network: clients may not reach it either",
        ),
    })
}

/// Name and sentence of an alarm about a member; none for one that is well or not judged yet.
const fn of_member(diagnosis: core::Diagnosis) -> Option<(AlarmName, &'static str)> {
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
        core::Diagnosis::BusinessFault => (
            AlarmName::BusinessFault,
            "answers on the management network only",
        ),
        core::Diagnosis::Healthy | core::Diagnosis::Unknown => return None,
    })
}
