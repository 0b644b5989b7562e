//! The status of three nodes, as the other tests need it.

mod explaining;
mod serving;
mod status;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use heartbeat_core::snapshot::{
    Diagnosis, ElectorsSnapshot, Guarantee, MemberSnapshot, Reason, Role, Snapshot,
};
use heartbeat_core::{ElectorRecord, Epoch, Instant};

use super::{
    Answer, Bucket, Counted, Datapath, Details, EpochParts, LinkStatus, LinksStatus, Local,
    LocalFacts, ReloadStatus, SCHEMA, Status, VerifiedStatus, VirtualAddressStatus,
};
use crate::config::tests_support::three_nodes;

/// What slot 1 knows as master of round 4, three seconds after its election.
pub(crate) fn snapshot_of_master() -> Snapshot {
    let at = Instant(100_000_000_000);
    let member = |slot| MemberSnapshot {
        slot,
        role: if slot == 1 { Role::Master } else { Role::Slave },
        healthy: Some(true),
        diagnosis: Diagnosis::Healthy,
        rtt: (slot != 1).then_some(Duration::from_micros(120)),
        since: (slot != 1).then_some(at - Duration::from_secs(2)),
        last_reply: (slot != 1).then_some(at - Duration::from_millis(4)),
    };
    Snapshot {
        at,
        role: Role::Master,
        reason: Reason::Elected,
        since: at - Duration::from_secs(3),
        epoch: Epoch::new(4, 1),
        master: Some(1),
        guarantee: Guarantee::Quorum,
        lease_deadline: Some(at + Duration::from_micros(38_200)),
        grant_end: at + Duration::from_millis(48),
        successor: Some(2),
        electable: true,
        not_electable: None,
        abstains_until: None,
        stands_at: None,
        maintenance: false,
        services: None,
        electors_answering: 3,
        majority: 2,
        electors: ElectorsSnapshot {
            record: ElectorRecord {
                is_proposed: false,
                ..ElectorRecord::proposed(three_nodes().elector_set(7))
            },
            change: None,
        },
        degraded: false,
        members: (1..=3).map(member).collect(),
        slot_lease: None,
        bearers: Vec::new(),
        alarms: Vec::new(),
    }
}

/// What the daemon of `slot` adds; it serves the address if it is `serving`.
pub(crate) fn facts(slot: u16, serving: bool) -> LocalFacts {
    LocalFacts {
        slot,
        services: Vec::new(),
        hooks: Vec::new(),
        virtual_addresses: vec![VirtualAddressStatus {
            verified: serving.then(verified),
            address: IpAddr::V4(Ipv4Addr::new(203, 0, 113, 100)),
            interface: Some("biz0".to_owned()),
            follows_slot: None,
            held: serving,
            gate_open: serving,
            slot_lease: None,
        }],
        datapath: Some(Datapath {
            interface: "mgmt0".to_owned(),
            mode: "native".to_owned(),
        }),
        business_datapath: Some(Datapath {
            interface: "biz0".to_owned(),
            mode: "generic".to_owned(),
        }),
        local: Local::default(),
        reloads: ReloadStatus::default(),
        replies: Vec::new(),
        first_master: None,
        raised_at: BTreeMap::new(),
        told: None,
        warnings: Vec::new(),
        differing: BTreeMap::new(),
        links: LinksStatus {
            dialled: vec![LinkStatus {
                slot: 2,
                network: Some("management".to_owned()),
                fault: None,
            }],
            refused: BTreeMap::from([("stranger".to_owned(), 4)]),
        },
    }
}

/// Slot 2 saw this node answer two seconds ago.
pub(crate) fn verified() -> VerifiedStatus {
    VerifiedStatus {
        ours: Some(true),
        by_slot: Some(2),
        age_us: Some(2_000_000),
        answered_by: vec!["02:00:00:00:00:01".to_owned()],
        strangers: Vec::new(),
        unverified: false,
    }
}

/// The master's status.
pub(crate) fn master() -> Status {
    Status::new(&three_nodes(), &snapshot_of_master(), facts(1, true))
}

/// The status of slot 2 that follows it, and is its successor.
pub(crate) fn slave() -> Status {
    let mut snapshot = snapshot_of_master();
    snapshot.role = Role::Slave;
    snapshot.reason = Reason::ProbeHeard(1);
    snapshot.lease_deadline = None;
    Status::new(&three_nodes(), &snapshot, facts(2, false))
}

/// What its kernel counted.
pub(crate) fn details() -> Details {
    let counted = |name: &str, count| Counted {
        name: name.to_owned(),
        count,
    };
    Details {
        schema: SCHEMA,
        slot: 1,
        round_trips: vec![Bucket {
            from_ns: 98_304,
            below_ns: Some(131_072),
            count: 42,
        }],
        gaps: vec![Bucket {
            from_ns: 8_388_608,
            below_ns: Some(12_582_912),
            count: 7,
        }],
        verdicts: vec![counted("granted", 7), counted("reply_counted", 42)],
        gate_verdicts: vec![counted("open_in", 5)],
        answers: vec![Answer {
            slot: 2,
            count: 42,
            age_us: 4_000,
            rtt_ns: 120_000,
            daemon_age_us: Some(3_100),
            service_age_us: None,
            epoch: EpochParts { round: 4, slot: 1 },
            config_digest: "00000000000000ab".to_owned(),
            elector_version: 7,
        }],
    }
}
