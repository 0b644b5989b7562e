//! The words of `status --json`: the election's own enums, as serde writes them.

use heartbeat_core::snapshot as core;
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word itself.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

words! {
    /// What a node is in its cluster.
    Role {
        /// Not decided yet.
        Init = "init",
        /// It follows a master, or waits for one.
        Slave = "slave",
        /// It asks for votes.
        Candidate = "candidate",
        /// It holds the lease.
        Master = "master",
        /// It answers and votes, and never becomes master.
        Witness = "witness",
        /// In a pair: it was the last master, and finds out what its peer is.
        IsMaster = "is_master",
        /// In a pair: neither is master, and both compare when each was active last.
        BattleMaster = "battle_master",
    }
}

impl From<core::Role> for Role {
    fn from(role: core::Role) -> Self {
        match role {
            core::Role::Init => Self::Init,
            core::Role::Slave => Self::Slave,
            core::Role::Candidate => Self::Candidate,
            core::Role::Master => Self::Master,
            core::Role::Witness => Self::Witness,
            core::Role::IsMaster => Self::IsMaster,
            core::Role::BattleMaster => Self::BattleMaster,
        }
    }
}

words! {
    /// Whether a member answered of late.
    Answering {
        /// It did.
        Healthy = "healthy",
        /// It did not.
        Missing = "missing",
    }
}

words! {
    /// What is wrong with a member.
    Diagnosis {
        /// Nothing.
        Healthy = "healthy",
        /// Its configuration, or its electors' set, is another one.
        Misconfigured = "misconfigured",
        /// Its kernel answers and its daemon gives no sign of life.
        DaemonStalled = "daemon_stalled",
        /// It answers on the business network only.
        ManagementFault = "management_fault",
        /// It answers on neither network.
        Down = "down",
        /// Nobody could judge yet.
        Unknown = "unknown",
        /// Its last successful service check is too old, or it says so itself.
        ServiceFault = "service_fault",
        /// It is not reachable over the business network, and all else is well.
        BusinessFault = "business_fault",
    }
}

impl From<core::Diagnosis> for Diagnosis {
    fn from(diagnosis: core::Diagnosis) -> Self {
        match diagnosis {
            core::Diagnosis::Healthy => Self::Healthy,
            core::Diagnosis::Misconfigured => Self::Misconfigured,
            core::Diagnosis::DaemonStalled => Self::DaemonStalled,
            core::Diagnosis::ManagementFault => Self::ManagementFault,
            core::Diagnosis::Down => Self::Down,
            core::Diagnosis::Unknown => Self::Unknown,
            core::Diagnosis::ServiceFault => Self::ServiceFault,
            core::Diagnosis::BusinessFault => Self::BusinessFault,
        }
    }
}

words! {
    /// Which promise keeps a second master away.
    Guarantee {
        /// A majority of electors grants the lease.
        Quorum = "quorum",
        /// An operator's word, until a majority grants again.
        Forced = "forced",
        /// In a pair: evidence that the peer is lost.
        Evidence = "evidence",
        /// In a pair: the fence command stopped the peer.
        Fenced = "fenced",
    }
}

impl From<core::Guarantee> for Guarantee {
    fn from(guarantee: core::Guarantee) -> Self {
        match guarantee {
            core::Guarantee::Quorum => Self::Quorum,
            core::Guarantee::Forced => Self::Forced,
            core::Guarantee::Evidence => Self::Evidence,
            core::Guarantee::Fenced => Self::Fenced,
        }
    }
}

words! {
    /// Why a node could not become master now.
    NotElectable {
        /// It is a witness.
        Witness = "witness",
        /// It is no elector.
        NotElector = "not_elector",
        /// An operator put it into maintenance.
        Maintenance = "maintenance",
        /// It restarted without its maps and waits.
        Abstaining = "abstaining",
        /// Its clock is at fault.
        ClockFault = "clock_fault",
        /// Another machine uses its slot.
        DuplicateSlot = "duplicate_slot",
        /// Too few electors answer on the control port.
        ControlPort = "control_port",
        /// It was told to stop.
        Stopping = "stopping",
        /// A service of it does not work, or was not seen to work yet.
        Service = "service",
        /// Its promotion hook did not succeed.
        NotPromoted = "not_promoted",
    }
}

impl From<core::NotElectable> for NotElectable {
    fn from(why: core::NotElectable) -> Self {
        match why {
            core::NotElectable::Witness => Self::Witness,
            core::NotElectable::NotElector => Self::NotElector,
            core::NotElectable::Maintenance => Self::Maintenance,
            core::NotElectable::Abstaining => Self::Abstaining,
            core::NotElectable::ClockFault => Self::ClockFault,
            core::NotElectable::DuplicateSlot => Self::DuplicateSlot,
            core::NotElectable::ControlPort => Self::ControlPort,
            core::NotElectable::Stopping => Self::Stopping,
            core::NotElectable::Service => Self::Service,
            core::NotElectable::NotPromoted => Self::NotPromoted,
        }
    }
}

words! {
    /// An alarm's name.
    AlarmName {
        /// A member's configuration differs.
        Misconfigured = "misconfigured",
        /// A member's daemon gives no sign of life.
        DaemonStalled = "daemon_stalled",
        /// A member answers on the business network only.
        ManagementFault = "management_fault",
        /// A member answers on neither network.
        Down = "down",
        /// Another machine uses this slot.
        DuplicateSlot = "duplicate_slot",
        /// The clock ran outside the drift guard.
        ClockFault = "clock_fault",
        /// No master for longer than an election may take.
        NoMaster = "no_master",
        /// Too few electors answer on the control port.
        NotElectable = "not_electable",
        /// This node is master by an operator's word alone.
        Forced = "forced",
        /// A virtual address is not answered by this node, though it is master.
        TakeoverUnverified = "takeover_unverified",
        /// Another machine answers for a virtual address.
        DuplicateAddress = "duplicate_address",
        /// A change of the electors does not come to its end.
        ElectorsChange = "electors_change",
        /// Probes go over the business network, since the management network fails.
        Degraded = "degraded",
        /// In a pair: the fence command failed, so nobody takes the peer's place.
        FenceFailed = "fence_failed",
        /// A service does not work, and its recovery did not help.
        ServiceFault = "service_fault",
        /// A node is not reachable over the business network.
        BusinessFault = "business_fault",
        /// Mastership was handed on for a fault's sake as often as it may be.
        HandoversSpent = "handovers_spent",
        /// More alarms waited for a sink than are kept: the oldest were dropped. Only sinks hear it.
        AlarmsDropped = "alarms_dropped",
        /// `heartbeatctl alarms test`. Only sinks hear it.
        Test = "test",
    }
}

words! {
    /// Who says an alarm.
    Scope {
        /// Whoever is master.
        Cluster = "cluster",
        /// The node on which it is in force.
        Node = "node",
    }
}

words! {
    /// Who bears an address of a slot that goes by a lease.
    Bearer {
        /// The slot's own node.
        Slot = "slot",
        /// The master in its place.
        Master = "master",
        /// Nobody: the lease is over, and the master did not take it over yet.
        Nobody = "nobody",
    }
}

words! {
    /// How a service of the asked node is.
    ServiceWord {
        /// It is watched on the master only, and this node is none.
        NotWatched = "not_watched",
        /// No check has succeeded yet.
        Starting = "starting",
        /// It works.
        Healthy = "healthy",
        /// It failed, and is being brought back.
        Recovering = "recovering",
        /// It failed, and nothing more is tried.
        Lost = "lost",
    }
}

words! {
    /// What became of a hook.
    HookWord {
        /// It is run once a majority of the electors' disks has its token.
        Waiting = "waiting",
        /// It runs.
        Running = "running",
        /// It ended with exit code 0.
        Succeeded = "succeeded",
        /// It did not, or was not run.
        Failed = "failed",
    }
}
