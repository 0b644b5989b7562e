//! What `heartbeatctl status --json` shows. Programs rely on it: keys are added, never changed, under one
//! `schema`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use heartbeat_core::Slot;
use serde::{Deserialize, Serialize};

use super::alarm::Alarm;
use super::words::{
    Answering, Bearer, Diagnosis, Guarantee, HookWord, NotElectable, Role, ServiceWord,
};

/// Version of the socket's language and of the status.
pub const SCHEMA: u32 = 1;

/// What one node knows of its cluster at one moment. Durations are in microseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The daemon's version.
    pub version: String,
    /// The cluster's name.
    pub cluster: String,
    /// This node's slot.
    pub slot: Slot,
    /// This node's role.
    pub role: Role,
    /// How long it has had that role.
    pub role_age_us: u64,
    /// Why it has it.
    pub reason: String,
    /// The highest epoch known to have been probed or held.
    pub epoch: EpochParts,
    /// Who is master; null when none is known.
    pub master_slot: Option<Slot>,
    /// Who follows if the master is lost; null when nobody could.
    pub successor_slot: Option<Slot>,
    /// What is left of this node's lease; null unless it is master.
    pub lease_remaining_us: Option<u64>,
    /// How long this node votes for nobody else; null when no grant of its own runs.
    pub grant_remaining_us: Option<u64>,
    /// Which promise keeps a second master away.
    pub guarantee: Guarantee,
    /// Whether this node could become master now.
    pub electable: bool,
    /// Why not; null if it could.
    pub not_electable: Option<NotElectable>,
    /// How long it will neither vote nor grant, after a restart without its maps; null if it does.
    pub abstaining_for_us: Option<u64>,
    /// How long until it asks for votes itself if no probe comes; null while it may not, or needs not.
    pub stands_in_us: Option<u64>,
    /// Whether probes go by the business network, because the management network fails.
    pub degraded: bool,
    /// Whether an operator put this node into maintenance.
    pub maintenance: bool,
    /// The electors' slots.
    pub electors: Vec<Slot>,
    /// How many of them answered the last poll, this node included.
    pub electors_answering: usize,
    /// How many are a majority.
    pub majority: usize,
    /// One period's length.
    pub period_us: u64,
    /// How long a lease and a grant last.
    pub lease_us: u64,
    /// Every member, this node included, by slot.
    pub members: Vec<MemberStatus>,
    /// What became of the master before this one; null unless this node is master, and until that is found out.
    pub first_master: Option<FirstMaster>,
    /// The addresses that follow the master.
    pub virtual_addresses: Vec<VirtualAddressStatus>,
    /// What is watched on this node, in the configuration's order.
    pub services: Vec<ServiceStatus>,
    /// The newest run of each hook since the daemon's start.
    pub hooks: Vec<HookStatus>,
    /// Where and how heartbeats are answered; null while the interface is not there.
    pub datapath: Option<Datapath>,
    /// The same on the business network, which stands in while the management network fails; null without one.
    pub business_datapath: Option<Datapath>,
    /// How well this machine runs the daemon.
    pub local: Local,
    /// The reloads of the configuration since the daemon's start.
    pub reloads: ReloadStatus,
    /// The links between this daemon and others.
    pub links: LinksStatus,
    /// Alarms in force.
    pub alarms: Vec<Alarm>,
    /// What this node lacks, and what is lost by it.
    pub warnings: Vec<String>,
}

/// The number of one mastership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochParts {
    /// Its round; 0 before the first.
    pub round: u64,
    /// Whose it is; 0 before the first.
    pub slot: Slot,
}

impl From<heartbeat_core::Epoch> for EpochParts {
    fn from(epoch: heartbeat_core::Epoch) -> Self {
        Self {
            round: epoch.round(),
            slot: epoch.slot(),
        }
    }
}

/// One member, as the asked node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberStatus {
    /// Its slot.
    pub slot: Slot,
    /// Its name.
    pub name: String,
    /// Its management address.
    pub address: IpAddr,
    /// Whether its answers and votes count.
    pub elector: bool,
    /// Its role as last heard.
    pub role: Role,
    /// Whether it answered of late; null when the asked node cannot know.
    pub answering: Option<Answering>,
    /// What is wrong with it.
    pub diagnosis: Diagnosis,
    /// Why it is diagnosed so, in a sentence with the facts; null for one that is well, and where the master's
    /// word is not known.
    pub cause: Option<String>,
    /// Since when, as RFC 3339 in UTC; null as above.
    pub since: Option<String>,
    /// On a node that is not master: when its master found that, by that one's clock, as RFC 3339 in UTC; null where the
    /// asked node judges itself, and where nothing was told.
    pub told_at: Option<String>,
    /// What to do about it; null for one that is well.
    pub cure: Option<String>,
    /// Round trip of its newest answer; null without one.
    pub rtt_us: Option<u64>,
    /// How long ago its newest answer or probe arrived; null without one.
    pub last_reply_age_us: Option<u64>,
    /// On a master: since when it answers or does not, CLOCK_BOOTTIME in nanoseconds; null elsewhere.
    pub answering_since_ns: Option<u64>,
}

/// What became of the master before this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstMaster {
    /// When that was found out, as RFC 3339 in UTC.
    pub at: String,
    /// Its slot.
    pub first_master: Slot,
    /// The mastership that followed it.
    pub epoch: EpochParts,
    /// What is wrong with it; `unknown` if nobody could tell in time.
    pub diagnosis: Diagnosis,
    /// Why it is diagnosed so; null for one that is well or unknown.
    pub cause: Option<String>,
    /// How long after the promotion that was found out.
    pub after_us: u64,
}

impl FirstMaster {
    /// What was found out of it: `was found daemon_stalled at ...: its daemon ...`.
    #[must_use]
    pub fn words(&self) -> String {
        let cause = (self.cause.as_ref()).map_or_else(String::new, |cause| format!(": {cause}"));
        format!(
            "was found {} at {}{cause}",
            self.diagnosis.as_str(),
            self.at
        )
    }
}

/// One virtual address on the asked node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VirtualAddressStatus {
    /// The address.
    pub address: IpAddr,
    /// The interface that carries it here; null where none would.
    pub interface: Option<String>,
    /// The slot that it belongs to; null if it follows the master.
    pub follows_slot: Option<Slot>,
    /// Whether it is on that interface now.
    pub held: bool,
    /// Whether the kernel lets its traffic through now.
    pub gate_open: bool,
    /// How it stands with the lease of the slot's addresses; null for an address that needs none of a slot.
    pub slot_lease: Option<SlotLeaseStatus>,
    /// What another member saw of it on its network; null unless this node bears it.
    pub verified: Option<VerifiedStatus>,
}

/// The lease of a slot whose addresses the master takes over while its node is away, as the asked node knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotLeaseStatus {
    /// Who bears its addresses now; null where the asked node cannot know: on one that is neither the slot's nor the
    /// master, and for a lease after a promotion.
    pub bearer: Option<Bearer>,
    /// What is left of the lease, in microseconds: on the slot's own node, and on the master, by whose count it ends a
    /// little later; there also of one that a master before may have granted. Null without one, and elsewhere.
    pub left_us: Option<u64>,
    /// On a master that took the address over: how long ago, in microseconds; null for not.
    pub taken_over_us: Option<u64>,
}

/// One service of the asked node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// Its name.
    pub name: String,
    /// How it is looked at.
    pub check: String,
    /// How it is.
    pub state: ServiceWord,
    /// For how long.
    pub state_age_us: u64,
    /// How long ago the last check that succeeded began; null if none did.
    pub last_success_age_us: Option<u64>,
    /// Why the last check failed; null if it succeeded.
    pub fault: Option<String>,
    /// Why a check failed last, whatever came after; null if none did.
    pub last_fault: Option<String>,
    /// How long ago that check ended.
    pub last_fault_age_us: Option<u64>,
    /// Checks that did not end in their time, since the daemon's start.
    pub overruns: u64,
    /// How often it was tried to be brought back since it failed.
    pub attempts: u32,
    /// After which time it is tried again; null if it is not.
    pub next_attempt_us: Option<u64>,
}

/// One run of a hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookStatus {
    /// Which one: `on_promote`, `on_demote`, `on_fault`.
    pub hook: String,
    /// What became of it.
    pub state: HookWord,
    /// The mastership that it was told.
    pub epoch: EpochParts,
    /// Why it was run.
    pub reason: String,
    /// When it began, or ended if it has.
    pub at: String,
    /// How long it took; null while it runs.
    pub took_us: Option<u64>,
    /// Of `on_promote`: how long it waited for its token to be on a majority of the electors' disks; null while it waits,
    /// and where it had not to.
    pub waited_us: Option<u64>,
    /// What is wrong with how it ended, or which disks it waits for; null if nothing is.
    pub fault: Option<String>,
    /// How many hooks were owed then, itself included while it ran.
    pub owed: usize,
}

/// Who answers for a virtual address, as another member saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedStatus {
    /// Whether this node does; null until a member could look.
    pub ours: Option<bool>,
    /// The member that looked last.
    pub by_slot: Option<Slot>,
    /// How long ago.
    pub age_us: Option<u64>,
    /// The hardware addresses that answered.
    pub answered_by: Vec<String>,
    /// Those among them that are not this node's: alarm `duplicate_address`.
    pub strangers: Vec<String>,
    /// Announced again and again, and still not answered by this node: alarm `takeover_unverified`.
    pub unverified: bool,
}

/// How heartbeats are answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Datapath {
    /// The interface.
    pub interface: String,
    /// `native` or `generic`; `tc` where another XDP program has the interface.
    pub mode: String,
}

/// How often the configuration was reloaded since the daemon's start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadStatus {
    /// So often it was put in force, with or without a difference.
    pub applied: u64,
    /// So often it was refused, and nothing was changed.
    pub refused: u64,
    /// When it was tried last; null if it never was.
    pub last_at: Option<String>,
    /// Why it was refused then; null if it was not.
    pub fault: Option<String>,
}

/// The links between daemons.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinksStatus {
    /// Those that this node dialled and that stand, or could not be dialled.
    pub dialled: Vec<LinkStatus>,
    /// How many connections became no link, and how many messages nobody took, since the daemon's start, by the word
    /// of the cause.
    pub refused: BTreeMap<String, u64>,
}

/// One link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkStatus {
    /// To which slot.
    pub slot: Slot,
    /// `management` or `business`; null while there is none.
    pub network: Option<String>,
    /// Why there is none; null while there is one.
    pub fault: Option<String>,
}

/// How late the pulse's turns ran since the daemon's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Local {
    /// Turns counted.
    pub turns: u64,
    /// Lateness of the last one.
    pub last_lateness_us: u64,
    /// Lateness that half of them did not exceed.
    pub median_lateness_us: u64,
    /// Lateness that 99.9 % of them did not exceed.
    pub p999_lateness_us: u64,
    /// The worst.
    pub worst_lateness_us: u64,
    /// How long the last one took, from waking up to waiting again.
    pub last_turn_us: u64,
    /// What half of them did not exceed.
    pub median_turn_us: u64,
    /// What 99.9 % of them did not exceed.
    pub p999_turn_us: u64,
    /// The longest.
    pub worst_turn_us: u64,
}
