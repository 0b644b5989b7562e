//! A daemon that knows a cluster of three, and counts what it is asked and told.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use heartbeat_core::snapshot as core;

use crate::config::tests_support::three_nodes;
use crate::control::tests::{details, master};
use crate::control::{
    Alarm, AlarmsStatus, Answering, Bearer, Bucket, Details, Diagnosis, EpochParts, Event,
    FirstMaster, Handler, HistoryEntry, HookStatus, HookWord, InfoAnswer, InfoRequest, LinkStatus,
    LinksStatus, Membership, NodeStatus, PinnedMap, Role, Running, ServiceEvent, ServiceStatus,
    ServiceWord, SinkTest, SlotChange, SlotEvent, SlotLeaseStatus, Status, TakeoverStamps,
    pinned_maps,
};

#[derive(Default)]
pub(super) struct Pretender {
    /// How often it was asked for its status.
    pub(super) asked: AtomicU32,
    /// What it was ordered.
    pub(super) ordered: Mutex<Vec<String>>,
    /// Slot 3 does not answer from now on.
    pub(super) is_missing: Mutex<bool>,
    /// Why it cannot say what it knows, if it cannot.
    pub(super) waits: Mutex<Option<String>>,
}

impl Pretender {
    fn order(&self, what: String) -> Result<String, String> {
        self.ordered.lock().expect("no panic").push(what);
        Ok("done".to_owned())
    }
}

/// A status in which everything occurs that may.
fn full() -> Status {
    let mut status = master();
    let epoch = EpochParts { round: 4, slot: 1 };
    status.services = vec![ServiceStatus {
        name: "gateway".to_owned(),
        check: "http".to_owned(),
        state: ServiceWord::Healthy,
        state_age_us: 1,
        last_success_age_us: Some(1),
        fault: None,
        last_fault: None,
        last_fault_age_us: None,
        overruns: 0,
        attempts: 0,
        next_attempt_us: None,
    }];
    status.hooks = vec![HookStatus {
        hook: "on_promote".to_owned(),
        state: HookWord::Succeeded,
        epoch,
        reason: "elected".to_owned(),
        at: "2026-01-01T00:00:00.000Z".to_owned(),
        took_us: Some(9),
        waited_us: Some(3),
        fault: None,
        owed: 0,
    }];
    let down = core::Alarm::Member(3, core::Diagnosis::Down);
    status.alarms = Alarm::of_election(&three_nodes(), 1, down)
        .into_iter()
        .collect();
    status.first_master = Some(FirstMaster {
        at: "2026-01-01T00:00:02.000Z".to_owned(),
        first_master: 3,
        epoch,
        diagnosis: Diagnosis::Down,
        cause: Some("no answer on the management network for 2 s".to_owned()),
        after_us: 52_000,
    });
    status.virtual_addresses[0].slot_lease = Some(SlotLeaseStatus {
        bearer: Some(Bearer::Master),
        left_us: Some(5),
        taken_over_us: Some(5),
    });
    status.links = LinksStatus {
        dialled: vec![LinkStatus {
            slot: 3,
            network: None,
            fault: Some("no route".to_owned()),
        }],
        refused: BTreeMap::new(),
    };
    status.warnings = vec!["no real-time priority".to_owned()];
    status
}

fn events() -> Vec<Event> {
    let status = full();
    let role = HistoryEntry {
        at: "2026-01-01T00:00:00.000Z".to_owned(),
        slot: 1,
        from: Role::Candidate,
        to: Role::Master,
        epoch: status.epoch,
        reason: "elected".to_owned(),
        duration_us: 5,
        takeover: Some(TakeoverStamps::default()),
    };
    let service = ServiceEvent {
        at: "2026-01-01T00:00:01.000Z".to_owned(),
        service: "gateway".to_owned(),
        from: ServiceWord::Healthy,
        to: ServiceWord::Recovering,
        attempts: 0,
        reason: "status 503".to_owned(),
        duration_us: 5,
    };
    vec![
        Event::Role(role),
        Event::Service(service),
        Event::Hook(status.hooks[0].clone()),
        Event::FirstMaster(status.first_master.expect("it is known")),
        Event::Slot(SlotEvent {
            at: "2026-01-01T00:00:03.000Z".to_owned(),
            slot_addresses: 3,
            change: SlotChange::TakenOver,
        }),
    ]
}

impl Handler for Pretender {
    async fn status(&self) -> Result<Status, String> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if let Some(why) = &*self.waits.lock().expect("no panic") {
            return Err(why.clone());
        }
        let mut status = full();
        status.local.turns = self.asked.load(Ordering::SeqCst).into();
        if *self.is_missing.lock().expect("no panic") {
            status.members[2].answering = Some(Answering::Missing);
        }
        Ok(status)
    }

    async fn history(&self) -> Vec<Event> {
        events()
    }

    fn maps(&self) -> Vec<PinnedMap> {
        pinned_maps(Path::new("/sys/fs/bpf/heartbeatd/storage-a"))
    }

    async fn details(&self) -> Result<Details, String> {
        Ok(details())
    }

    async fn lateness(&self) -> Result<Vec<Bucket>, String> {
        Err("only the control socket asks for it".to_owned())
    }

    async fn switchover(&self, to: Option<u16>) -> Result<String, String> {
        match to {
            Some(9) => Err("slot 9 is no member".to_owned()),
            to => self.order(format!("switchover {to:?}")),
        }
    }

    async fn maintenance(&self, on: bool) -> Result<String, String> {
        self.order(format!("maintenance {on}"))
    }

    async fn members(&self) -> Result<Membership, String> {
        Err("nobody asks for it here".to_owned())
    }

    async fn alarms(&self) -> Result<AlarmsStatus, String> {
        Err("nobody asks for it here".to_owned())
    }

    async fn nodes(&self) -> Result<Vec<NodeStatus>, String> {
        Err("nobody asks for it here".to_owned())
    }

    async fn info(&self, _: InfoRequest) -> Result<InfoAnswer, String> {
        Err("nobody asks for it here".to_owned())
    }

    async fn test_alarms(&self) -> Result<Vec<SinkTest>, String> {
        self.order("test".to_owned()).map(|_| Vec::new())
    }

    async fn configuration(&self) -> Result<Running, String> {
        Err("nobody asks for it here".to_owned())
    }

    async fn apply_members(&self) -> Result<String, String> {
        self.order("apply".to_owned())
    }

    async fn reload(&self) -> Result<String, String> {
        self.order("reload".to_owned())
    }

    async fn restart(&self) -> Result<String, String> {
        self.order("restart".to_owned())
    }

    async fn force(&self, cluster: String) -> Result<String, String> {
        self.order(format!("force {cluster}"))
    }
}
