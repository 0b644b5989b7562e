use super::{maps, status};
use crate::control::tests::{master, slave};
use crate::control::{
    Alarm, AlarmName, Answering, Bearer, Diagnosis, EpochParts, Event, HistoryEntry, HookStatus,
    HookWord, NotElectable, Role, Scope, ServiceEvent, ServiceStatus, ServiceWord, Severity,
    SlotChange, SlotEvent, SlotLeaseStatus, Status, TakeoverStamps, pinned_maps,
};
use crate::ctl::names::Names;
use crate::ctl::past::history;

#[test]
fn a_healthy_cluster_fits_on_one_screen() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        status(&master()),
        format!(
            "\
cluster    storage-a (heartbeatd {version})
this node  slot 1 (n1), master for 3.0 s: a majority of electors voted for this node
master     slot 1 (n1) in round 4, lease 38.2 ms more
successor  slot 2 (n2)
guarantee  quorum: 3 of 3 electors answer, 2 are needed

   SLOT  NAME  ADDRESS       ROLE    ELECTOR  ANSWERING  DIAGNOSIS  ROUND TRIP  LAST HEARD
*  1     n1    198.51.100.1  master  yes      healthy    healthy    -           -
   2     n2    198.51.100.2  slave   yes      healthy    healthy    120 us      4.0 ms
   3     n3    198.51.100.3  slave   yes      healthy    healthy    120 us      4.0 ms

VIRTUAL ADDRESS  INTERFACE  FOLLOWS  HERE  GATE  VERIFIED
203.0.113.100    biz0       master   yes   open  by slot 2 (n2), 2.0 s ago

answers in the kernel on mgmt0 (native) and biz0 (generic)
"
        )
    );
}

#[test]
fn of_a_large_cluster_the_electors_are_shown_and_those_that_are_not_healthy_and_the_others_are_counted()
 {
    let mut large = master();
    let one = large.members[2].clone();
    for slot in 4..=1_000 {
        let mut member = one.clone();
        (member.slot, member.name, member.elector) = (slot, format!("n{slot}"), false);
        if slot >= 900 {
            member.diagnosis = Diagnosis::Down;
        }
        large.members.push(member);
    }
    let text = status(&large);
    let is_shown = |name: &str| {
        text.lines()
            .any(|line| line.split_whitespace().any(|word| word == name))
    };
    for name in ["n1", "n2", "n3", "n900", "n963"] {
        assert!(is_shown(name), "{name} in {text}");
    }
    for name in ["n4", "n899", "n964"] {
        assert!(!is_shown(name), "{name} in {text}");
    }
    assert!(
        text.contains("and 896 healthy members that are no electors, and 37 others: `heartbeatctl status --json`"),
        "{text}"
    );
}

#[test]
fn services_and_hooks_have_tables_of_their_own() {
    let mut watched = slave();
    watched.services = vec![ServiceStatus {
        name: "web".to_owned(),
        check: "tcp".to_owned(),
        state: ServiceWord::Recovering,
        state_age_us: 1_500_000,
        last_success_age_us: Some(2_500_000),
        last_fault: Some("no connection to 127.0.0.1:80".to_owned()),
        last_fault_age_us: Some(500_000),
        fault: Some("no connection to 127.0.0.1:80".to_owned()),
        overruns: 4,
        attempts: 1,
        next_attempt_us: Some(2_000_000),
    }];
    let text = status(&watched);
    let table = "\
SERVICE  CHECK  STATE       FOR    LAST WELL  HUNG  ATTEMPTS  NEXT   FAULT
web      tcp    recovering  1.5 s  2.5 s      4     1         2.0 s  no connection to 127.0.0.1:80
";
    assert!(text.contains(table), "{text}");
    assert!(!status(&slave()).contains("SERVICE"));
    watched.hooks = vec![failed_hook()];
    let text = status(&watched);
    let table = "\
HOOK       STATE   ROUND/SLOT  WHEN (UTC)                TOOK    FAULT                   WHY
on_demote  failed  4/2         2026-01-01T00:00:00.000Z  1.5 ms  ended with exit code 3  switchover to slot 1 (n1)
";
    assert!(text.contains(table), "{text}");
}

#[test]
fn a_troubled_node_shows_what_troubles_it() {
    let mut troubled = slave();
    troubled.master_slot = None;
    troubled.successor_slot = None;
    troubled.degraded = true;
    troubled.maintenance = true;
    troubled.abstaining_for_us = Some(90_000);
    troubled.electable = false;
    troubled.not_electable = Some(NotElectable::Maintenance);
    troubled.datapath = None;
    troubled.business_datapath = None;
    troubled.members[0].answering = Some(Answering::Missing);
    troubled.members[0].diagnosis = Diagnosis::Down;
    troubled.members[2].answering = None;
    troubled.alarms = vec![Alarm {
        key: "storage-a/no_master/node-2".to_owned(),
        name: AlarmName::NoMaster,
        severity: Severity::Critical,
        scope: Scope::Node,
        slot: None,
        text: "no master is known".to_owned(),
        cure: "start nodes".to_owned(),
        since: Some("2026-01-31T12:00:00.000Z".to_owned()),
        age_us: Some(65_000_000),
    }];
    troubled.warnings = vec!["memory is not locked".to_owned()];
    let text = status(&troubled);
    for line in [
        "master     none is known",
        "successor  none",
        "degraded: by the business network",
        "in maintenance: `heartbeatctl maintenance off` ends it",
        "neither votes nor grants for 90.0 ms more",
        "not electable: maintenance",
        "missing    down",
        "-          healthy",
        "203.0.113.100    biz0       master   no    shut",
        "answers nothing: the management interface is not there or not up",
        "alarm no_master for 1 min 5 s: no master is known; do: start nodes",
        "warning: memory is not locked",
    ] {
        assert!(text.contains(line), "{line:?} is missing in:\n{text}");
    }
    assert!(!text.contains("\n*"), "nobody is marked as master:\n{text}");
}

#[test]
fn history_shows_what_each_step_of_a_takeover_cost() {
    let ms = |ms: u64| Some(1_000_000_000 + ms * 1_000_000);
    let entry = HistoryEntry {
        at: "2025-01-31T12:00:00.000Z".to_owned(),
        slot: 2,
        from: Role::Candidate,
        to: Role::Master,
        epoch: EpochParts { round: 5, slot: 2 },
        reason: "a majority of electors voted for this node".to_owned(),
        duration_us: 1_300,
        takeover: Some(TakeoverStamps {
            last_probe_ns: ms(0),
            orphaned_ns: ms(50),
            queried_ns: ms(50),
            requested_ns: ms(51),
            elected_ns: ms(52),
            added_ns: None,
            announced_ns: ms(53),
            verified_ns: ms(200),
        }),
    };
    assert_eq!(
        history(&[Event::Role(entry)], &Names::default()),
        "WHEN (UTC)                WHAT  FROM       TO      ROUND/SLOT  LASTED  WHY\n\
         2025-01-31T12:00:00.000Z  role  candidate  master  5/2         1.3 ms  a majority of electors voted for this node \
         (last probe, grant over +50.0 ms, query +0 us, vote request +1.0 ms, elected +1.0 ms, announced +1.0 ms, \
         verified +147.0 ms)\n"
    );
    assert_eq!(history(&[], &Names::default()), "nothing happened so far\n");
}

#[test]
fn history_has_services_and_hooks_beside_role_changes() {
    let service = ServiceEvent {
        at: "2026-01-01T00:00:00.000Z".to_owned(),
        service: "web".to_owned(),
        from: ServiceWord::Healthy,
        to: ServiceWord::Recovering,
        attempts: 0,
        reason: "no connection".to_owned(),
        duration_us: 3_000_000,
    };
    let events = [Event::Service(service), Event::Hook(failed_hook())];
    assert_eq!(
        history(&events, &Names::default()),
        "\
WHEN (UTC)                WHAT         FROM     TO          ROUND/SLOT  LASTED  WHY
2026-01-01T00:00:00.000Z  service web  healthy  recovering  -           3.0 s   no connection
2026-01-01T00:00:00.000Z  on_demote    -        failed      4/2         1.5 ms  ended with exit code 3: switchover to slot 1
"
    );
}

fn failed_hook() -> HookStatus {
    HookStatus {
        hook: "on_demote".to_owned(),
        state: HookWord::Failed,
        epoch: EpochParts { round: 4, slot: 2 },
        reason: "switchover to slot 1".to_owned(),
        at: "2026-01-01T00:00:00.000Z".to_owned(),
        took_us: Some(1_500),
        waited_us: None,
        fault: Some("ended with exit code 3".to_owned()),
        owed: 0,
    }
}

#[test]
fn every_map_has_a_line_that_dumps_it() {
    let text = maps(&pinned_maps(std::path::Path::new("/sys/fs/bpf/x")));
    assert_eq!(text.lines().count(), 2 * heartbeat_wire::maps::MAPS.len());
    assert!(
        text.contains("\n    bpftool map dump pinned /sys/fs/bpf/x/maps/v7/hb_grant\n"),
        "{text}"
    );
}

#[test]
fn an_address_that_was_taken_over_says_so_and_whose_it_is() {
    let text = status(&leased(Some(Bearer::Master), None, Some(2_000_000)));
    let row = "203.0.113.100    biz0       slot 3 (n3), else master  taken over 2.0 s ago  open";
    assert!(text.contains(row), "{text}");
}

/// A master's status with an address of slot 3 that goes by a lease.
fn leased(bearer: Option<Bearer>, left_us: Option<u64>, taken_over_us: Option<u64>) -> Status {
    let mut status = master();
    let entry = &mut status.virtual_addresses[0];
    entry.follows_slot = Some(3);
    entry.slot_lease = Some(SlotLeaseStatus {
        bearer,
        left_us,
        taken_over_us,
    });
    status
}

#[test]
fn who_bears_a_slots_address_is_said_in_words_and_how_long_its_lease_lasts() {
    let line = |bearer, left_us| {
        let text = status(&leased(bearer, left_us, None));
        let lines = text.lines();
        let mut lines = lines.filter(|line| line.contains("203.0.113.100 is"));
        (lines.next().map(str::to_owned), text)
    };
    for (bearer, left_us, expected) in [
        (
            Some(Bearer::Slot),
            Some(540_000),
            "203.0.113.100 is borne by slot 3 (n3) itself, whose lease lasts 540.0 ms more",
        ),
        (
            Some(Bearer::Master),
            None,
            "203.0.113.100 is borne by the master, slot 1 (n1), in place of slot 3 (n3)",
        ),
        (
            Some(Bearer::Nobody),
            None,
            "203.0.113.100 is borne by nobody: the lease of slot 3 (n3) is over",
        ),
        (
            None,
            Some(300_000),
            "who bears 203.0.113.100 is not known yet: a lease that slot 3 (n3) has from the master before lasts 300.0 ms \
             more at most",
        ),
        (
            None,
            None,
            "who bears 203.0.113.100 is known to the master and to slot 3 (n3)",
        ),
    ] {
        let (found, text) = line(bearer, left_us);
        assert_eq!(found.as_deref(), Some(expected), "{text}");
    }
    let text = status(&master());
    assert!(
        !text.contains("203.0.113.100 is"),
        "it follows the master: {text}"
    );
}

#[test]
fn history_tells_what_became_of_a_slots_addresses() {
    let event = SlotEvent {
        at: "2026-01-01T00:00:00.000Z".to_owned(),
        slot_addresses: 3,
        change: SlotChange::TakenOver,
    };
    let text = history(&[Event::Slot(event)], &Names::default());
    let row = "slot 3's addresses  -     taken_over  -           -       the slot's lease is over";
    assert!(text.contains(row), "{text}");
}
