//! heartbeatctl and a daemon that only pretends: what is printed, and the exit code.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use heartbeat_core::snapshot::{
    Diagnosis, ElectorsSnapshot, Guarantee, MemberSnapshot, Reason, Role, Snapshot,
};
use heartbeat_core::{ElectorRecord, Epoch, Instant};
use heartbeat_user::config;
use heartbeat_user::config::change::{Facts, Place};
use heartbeat_user::control::{
    Alarm, AlarmName, AlarmsStatus, Bucket, ControlSocket, Details, EpochParts, Event, Handler,
    HistoryEntry, InfoAnswer, InfoRequest, LinksStatus, Local, LocalFacts, Membership, NodeStatus,
    PinnedMap, ReloadStatus, Running, Scope, Severity, SinkStatus, SinkTest, Status, pinned_maps,
};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::checking::{Folder, GOOD};
use crate::{Ran, is_built, run};

/// A slave in slot 2 that knows this master, or none.
struct Pretender {
    master: Option<u16>,
}

impl Handler for Pretender {
    async fn status(&self) -> Result<Status, String> {
        Ok(known(self.master).0)
    }

    async fn history(&self) -> Vec<Event> {
        vec![Event::Role(HistoryEntry {
            at: "2025-01-31T12:00:00.000Z".to_owned(),
            slot: 2,
            from: Role::Init.into(),
            to: Role::Slave.into(),
            epoch: EpochParts { round: 4, slot: 1 },
            reason: "slot 1 probes as master".to_owned(),
            duration_us: 812,
            takeover: None,
        })]
    }

    fn maps(&self) -> Vec<PinnedMap> {
        pinned_maps(Path::new("/sys/fs/bpf/heartbeatd/storage-a"))
    }

    async fn alarms(&self) -> Result<AlarmsStatus, String> {
        let text = "slot 3 answers on neither network".to_owned();
        Ok(AlarmsStatus {
            alarms: vec![Alarm {
                key: "storage-a/down/slot-3".to_owned(),
                name: AlarmName::Down,
                severity: Severity::Warning,
                scope: Scope::Cluster,
                slot: Some(3),
                text,
                cure: "bring that node back".to_owned(),
                since: Some("2025-01-31T12:00:00.000Z".to_owned()),
                age_us: Some(65_000_000),
            }],
            sinks: vec![SinkStatus {
                name: "pager".to_owned(),
                kind: "webhook".to_owned(),
                least: Severity::Warning,
                delivered: 7,
                last_delivered: None,
                waiting: 2,
                dropped: 0,
                fault: Some("no connection to 203.0.113.9:80".to_owned()),
                failing_since: Some("2025-01-31T12:00:00.000Z".to_owned()),
                attempts: 3,
                next_attempt: Some("2025-01-31T12:00:04.000Z".to_owned()),
            }],
        })
    }

    async fn test_alarms(&self) -> Result<Vec<SinkTest>, String> {
        let test = |name: &str, fault: Option<&str>| SinkTest {
            name: name.to_owned(),
            kind: "webhook".to_owned(),
            fault: fault.map(str::to_owned),
            took_us: 1_500,
        };
        Ok(vec![
            test("log", None),
            test("pager", Some("no route to host")),
        ])
    }

    async fn details(&self) -> Result<Details, String> {
        Err("nothing is counted here".to_owned())
    }

    async fn lateness(&self) -> Result<Vec<Bucket>, String> {
        Err("nothing is counted here".to_owned())
    }

    async fn members(&self) -> Result<Membership, String> {
        let (status, snapshot) = known(self.master);
        let config = config::load(&Folder::new(GOOD).config()).expect("good");
        Ok(Membership::new(
            status,
            &snapshot,
            Ok(config.elector_set(0)),
        ))
    }

    async fn nodes(&self) -> Result<Vec<NodeStatus>, String> {
        Ok(vec![NodeStatus {
            slot: 2,
            name: "n2".to_owned(),
            answered: false,
            fault: Some("no link to slot 2: it is off".to_owned()),
            age_us: None,
            facts: None,
        }])
    }

    async fn apply_members(&self) -> Result<String, String> {
        Err("this node is not master".to_owned())
    }

    async fn switchover(&self, to: Option<u16>) -> Result<String, String> {
        match to {
            Some(slot) => Err(format!(
                "this node is not master, so it cannot hand over to {slot}"
            )),
            None => Ok("slot 2 is master now".to_owned()),
        }
    }

    async fn reload(&self) -> Result<String, String> {
        Err("the file is wrong; nothing was changed".to_owned())
    }

    async fn configuration(&self) -> Result<Running, String> {
        let folder = Folder::new(GOOD);
        let config = config::load(&folder.config()).expect("good");
        let node = Place {
            slot: 2,
            electors: config.electors.clone(),
            highest_slot: 63,
        };
        let facts = Facts::of(&config);
        Ok(Running { node, facts })
    }

    async fn info(&self, request: InfoRequest) -> Result<InfoAnswer, String> {
        crate::info::pretend(request, self.master.is_some())
    }

    async fn restart(&self) -> Result<String, String> {
        Err("no majority granted".to_owned())
    }

    async fn force(&self, cluster: String) -> Result<String, String> {
        Ok(format!("this node is master of {cluster}"))
    }

    async fn maintenance(&self, on: bool) -> Result<String, String> {
        Ok(format!("maintenance {}", if on { "on" } else { "off" }))
    }
}

fn known(master: Option<u16>) -> (Status, Snapshot) {
    let folder = Folder::new(GOOD);
    let config = config::load(&folder.config()).expect("good");
    let at = Instant(100_000_000_000);
    let member = |slot: &u16| MemberSnapshot {
        slot: *slot,
        role: Role::Slave,
        healthy: None,
        diagnosis: Diagnosis::Unknown,
        rtt: None,
        last_reply: None,
        since: None,
    };
    let snapshot = Snapshot {
        at,
        role: Role::Slave,
        reason: Reason::Started,
        since: at,
        epoch: Epoch::new(4, 1),
        master,
        guarantee: Guarantee::Quorum,
        lease_deadline: None,
        grant_end: at,
        successor: Some(2),
        electable: true,
        not_electable: None,
        abstains_until: None,
        stands_at: None,
        maintenance: false,
        services: None,
        electors_answering: 1,
        majority: 2,
        electors: ElectorsSnapshot {
            record: ElectorRecord::proposed(config.elector_set(1)),
            change: None,
        },
        degraded: false,
        members: config.members.keys().map(member).collect(),
        slot_lease: None,
        bearers: Vec::new(),
        alarms: Vec::new(),
    };
    let facts = LocalFacts {
        slot: 2,
        virtual_addresses: Vec::new(),
        services: Vec::new(),
        hooks: Vec::new(),
        datapath: None,
        business_datapath: None,
        local: Local::default(),
        reloads: ReloadStatus::default(),
        replies: Vec::new(),
        first_master: None,
        raised_at: BTreeMap::new(),
        told: None,
        warnings: Vec::new(),
        links: LinksStatus::default(),
        differing: BTreeMap::new(),
    };
    (Status::new(&config, &snapshot, facts), snapshot)
}

/// The pretended daemon, alive as long as this is.
pub(crate) struct Served {
    _runtime: Runtime,
    socket: PathBuf,
    _folder: tempfile::TempDir,
}

impl Served {
    pub(crate) fn with_master(master: Option<u16>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("control.sock");
        let runtime = Runtime::new().expect("a runtime");
        let socket = {
            let _inside = runtime.enter();
            ControlSocket::bind(&path).expect("nobody else has it")
        };
        runtime.spawn(async move { socket.serve(Arc::new(Pretender { master })).await });
        Self {
            _runtime: runtime,
            socket: path,
            _folder: folder,
        }
    }

    pub(crate) fn ask(&self, arguments: &[&str]) -> Ran {
        let socket = self.socket.to_str().expect("plain");
        run(
            "heartbeatctl",
            &[&["--control", socket], arguments].concat(),
        )
    }
}

#[test]
fn status_exits_with_4_when_no_master_is_known_and_says_so() {
    if !is_built("status_exits_with_4", "heartbeatctl") {
        return;
    }
    let orphan = Served::with_master(None);
    let ran = orphan.ask(&["status"]);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert!(ran.out.contains("master     none is known\n"), "{ran:?}");
    let ran = orphan.ask(&["status", "--json"]);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    let json: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(json["master_slot"], Value::Null);
    assert_eq!(orphan.ask(&["explain"]).code, Some(0));
}

#[test]
fn status_exits_with_0_when_a_master_is_known() {
    if !is_built("status_exits_with_0", "heartbeatctl") {
        return;
    }
    let slave = Served::with_master(Some(1));
    let ran = slave.ask(&["status"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.out.contains("master     slot 1 (n1) in round 4\n"),
        "{ran:?}"
    );
    let ran = slave.ask(&["status", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let json: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(
        (&json["schema"], &json["role"]),
        (&1.into(), &"slave".into())
    );
}

#[test]
fn what_was_done_goes_to_stdout_and_what_was_refused_to_stderr() {
    if !is_built("what_was_done", "heartbeatctl") {
        return;
    }
    let served = Served::with_master(Some(1));
    let done = served.ask(&["switchover"]);
    assert_eq!(
        (done.code, &*done.out),
        (Some(0), "slot 2 (n2) is master now\n")
    );
    let refused = served.ask(&["switchover", "--to", "3"]);
    assert_eq!((refused.code, &*refused.out), (Some(1), ""));
    assert_eq!(
        refused.err,
        "heartbeatctl: this node is not master, so it cannot hand over to 3\n"
    );
    for (state, said) in [("on", "maintenance on\n"), ("off", "maintenance off\n")] {
        assert_eq!(served.ask(&["maintenance", state]).out, said);
    }
}

#[test]
fn a_forced_promotion_asks_for_the_clusters_name_and_a_wrong_one_changes_nothing() {
    if !is_built("a_forced_promotion_asks", "heartbeatctl") {
        return;
    }
    let served = Served::with_master(None);
    assert_eq!(
        served.ask(&["promote"]).code,
        Some(2),
        "never without --force"
    );
    let wrong = served.ask(&["promote", "--force", "--cluster", "storage-b"]);
    assert_eq!((wrong.code, &*wrong.out), (Some(2), ""));
    assert!(
        wrong
            .err
            .contains("this is cluster storage-a, not \"storage-b\""),
        "{wrong:?}"
    );
    let right = served.ask(&["promote", "--force", "--cluster", "storage-a"]);
    assert_eq!(
        (right.code, &*right.out),
        (Some(0), "this node is master of storage-a\n")
    );
    for (typed, code) in [("storage-a\n", 0), ("yes\n", 2), ("", 2)] {
        let (code_found, asked) = typed_at(&served, typed);
        assert_eq!(code_found, Some(code), "{typed:?}: {asked}");
        for part in [
            "WITHOUT a majority",
            "every other node",
            "Type the cluster's name",
        ] {
            assert!(asked.contains(part), "{part}: {asked}");
        }
    }
}

/// The exit code of a forced promotion at whose question this is typed, and what it asked.
fn typed_at(served: &Served, typed: &str) -> (Option<i32>, String) {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    std::io::Write::write_all(&mut writer, typed.as_bytes()).expect("there is room");
    drop(writer);
    let socket = served.socket.to_str().expect("plain");
    let output = crate::command("heartbeatctl")
        .args(["--control", socket, "promote", "--force"])
        .stdin(reader)
        .output()
        .expect("it can be started");
    let asked = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), asked)
}

#[test]
fn history_and_maps_come_readable_and_as_json() {
    if !is_built("history_and_maps", "heartbeatctl") {
        return;
    }
    let served = Served::with_master(Some(1));
    let history = served.ask(&["history"]);
    assert!(
        history
            .out
            .contains("init  slave  4/1         812 us  slot 1 (n1) probes"),
        "{history:?}"
    );
    let json: Value = serde_json::from_str(&served.ask(&["history", "--json"]).out).expect("JSON");
    assert_eq!(json[0]["to"], "slave");
    let maps = served.ask(&["maps"]);
    let dump = "bpftool map dump pinned /sys/fs/bpf/heartbeatd/storage-a/maps/";
    assert!(maps.out.contains(dump), "{maps:?}");
    let json: Value = serde_json::from_str(&served.ask(&["maps", "--json"]).out).expect("JSON");
    assert!(
        json[0]["dump"]
            .as_str()
            .is_some_and(|line| line.starts_with(dump))
    );
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    if !is_built("a_reader_that_goes_away", "heartbeatctl") {
        return;
    }
    let served = Served::with_master(Some(1));
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let status = crate::command("heartbeatctl")
        .args(["--control", served.socket.to_str().expect("plain"), "maps"])
        .stdout(writer)
        .stderr(std::process::Stdio::piped())
        .output()
        .expect("it can be started");
    assert_eq!(status.status.code(), Some(0));
    assert_eq!(status.stderr, b"");
}

#[test]
fn a_file_is_checked_and_compared_before_it_is_reloaded() {
    if !is_built("a_file_is_checked", "heartbeatctl") {
        return;
    }
    let served = Served::with_master(Some(1));
    let differ = |text: &str, more: &[&str]| {
        let folder = Folder::new(text);
        let path = folder.config();
        let file = path.to_str().expect("plain");
        served.ask(&[&["check-config", file], more].concat())
    };
    assert_eq!(differ(GOOD, &[]).code, Some(0));
    let same = differ(GOOD, &["--diff"]);
    assert_eq!(
        (same.code, &*same.out),
        (Some(0), "nothing differs from what the daemon goes by\n")
    );
    let reloadable = GOOD.replace("[cluster]", "[handovers]\nmost = 9\n[cluster]");
    let ran = differ(&reloadable, &["--diff"]);
    assert_eq!(
        (ran.code, &*ran.out),
        (
            Some(0),
            "reload: [handovers] most: 3 -> 9\nA reload applies it.\n"
        )
    );
    let renamed = reloadable.replace("storage-a", "storage-b");
    let ran = differ(&renamed, &["--diff", "--json"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let json: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(
        (&json[0]["key"], &json[0]["by"]),
        (&"name".into(), &"restart".into())
    );
    assert_eq!(differ("[cluster]", &["--diff"]).code, Some(78));
    let refused = served.ask(&["reload"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
}

#[test]
fn alarms_are_shown_with_their_cure_and_who_heard_of_them() {
    if !is_built("alarms_are_shown", "heartbeatctl") {
        return;
    }
    let served = Served::with_master(Some(1));
    let ran = served.ask(&["alarms"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for part in [
        "down   warning   3     2025-01-31T12:00:00.000Z  1 min 5 s  slot 3 answers on neither network\n",
        "down: bring that node back\n",
        "pager  webhook  warning  7          -     2        0        3         2025-01-31T12:00:04.000Z  no connection",
    ] {
        assert!(
            ran.out.contains(part),
            "{part:?} is missing in:\n{}",
            ran.out
        );
    }
    let json: Value = serde_json::from_str(&served.ask(&["alarms", "--json"]).out).expect("JSON");
    assert_eq!(json["alarms"][0]["key"], "storage-a/down/slot-3");
    assert_eq!(json["sinks"][0]["waiting"], 2);
}

#[test]
fn a_test_that_one_sink_does_not_take_has_failed() {
    if !is_built("a_test_that_one_sink", "heartbeatctl") {
        return;
    }
    let served = Served::with_master(Some(1));
    let ran = served.ask(&["alarms", "test"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.out.contains("log    webhook  took it  1.5 ms  -\n"),
        "{}",
        ran.out
    );
    assert!(
        ran.out
            .contains("pager  webhook  failed   1.5 ms  no route to host\n"),
        "{}",
        ran.out
    );
}
