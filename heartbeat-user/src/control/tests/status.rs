//! The keys that programs rely on.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use heartbeat_core::event::Reply;
use heartbeat_core::snapshot::{Alarm, Diagnosis, Role};
use serde_json::{Value, json};

use super::{facts, master, slave, snapshot_of_master};
use crate::config::tests_support::three_nodes;
use crate::control::{MastersView, Seen, Status, explain};

#[test]
fn the_json_has_the_documented_keys_and_words() {
    let json = serde_json::to_value(master()).expect("writable");
    let expected = json!({
        "schema": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "cluster": "storage-a",
        "slot": 1,
        "role": "master",
        "role_age_us": 3_000_000,
        "reason": "a majority of electors voted for this node",
        "epoch": { "round": 4, "slot": 1 },
        "master_slot": 1,
        "successor_slot": 2,
        "lease_remaining_us": 38_200,
        "grant_remaining_us": 48_000,
        "guarantee": "quorum",
        "electable": true,
        "not_electable": null,
        "abstaining_for_us": null,
        "stands_in_us": null,
        "degraded": false,
        "maintenance": false,
        "electors": [1, 2, 3],
        "electors_answering": 3,
        "majority": 2,
        "period_us": 10_000,
        "lease_us": 50_000,
        "virtual_addresses": [
            {
                "address": "203.0.113.100", "interface": "biz0", "follows_slot": null, "held": true, "gate_open": true,
                "slot_lease": null,
                "verified": {
                    "ours": true, "by_slot": 2, "age_us": 2_000_000, "answered_by": ["02:00:00:00:00:01"],
                    "strangers": [], "unverified": false
                }
            }
        ],
        "first_master": null,
        "services": [],
        "hooks": [],
        "datapath": { "interface": "mgmt0", "mode": "native" },
        "business_datapath": { "interface": "biz0", "mode": "generic" },
        "local": {
            "turns": 0,
            "last_lateness_us": 0,
            "median_lateness_us": 0,
            "p999_lateness_us": 0,
            "worst_lateness_us": 0,
            "last_turn_us": 0,
            "median_turn_us": 0,
            "p999_turn_us": 0,
            "worst_turn_us": 0
        },
        "reloads": { "applied": 0, "refused": 0, "last_at": null, "fault": null },
        "links": {
            "dialled": [{ "slot": 2, "network": "management", "fault": null }],
            "refused": { "stranger": 4 }
        },
        "alarms": [],
        "warnings": []
    });
    for (key, value) in expected.as_object().expect("an object") {
        assert_eq!(json.get(key), Some(value), "{key}");
    }
    assert_eq!(
        json["members"][1],
        json!({
            "slot": 2, "name": "n2", "address": "198.51.100.2", "elector": true, "role": "slave",
            "answering": "healthy", "diagnosis": "healthy", "cause": null, "since": null, "told_at": null, "cure": null,
            "rtt_us": 120,
            "last_reply_age_us": 4_000, "answering_since_ns": 98_000_000_000_u64
        })
    );
    let keys = json.as_object().expect("an object").len();
    assert_eq!(keys, expected.as_object().expect("an object").len() + 1);
}

#[test]
fn a_status_is_read_back_as_it_was() {
    for status in [master(), slave()] {
        let line = serde_json::to_string(&status).expect("writable");
        assert_eq!(
            serde_json::from_str::<Status>(&line).expect("readable"),
            status
        );
    }
}

#[test]
fn what_is_over_or_unknown_is_null() {
    let mut snapshot = snapshot_of_master();
    snapshot.master = None;
    snapshot.grant_end = snapshot.at;
    snapshot.abstains_until = Some(snapshot.at);
    snapshot.members[1].healthy = None;
    let status = Status::new(&three_nodes(), &snapshot, facts(1, false));
    let json = serde_json::to_value(status).expect("writable");
    for key in ["master_slot", "grant_remaining_us", "abstaining_for_us"] {
        assert_eq!(json[key], Value::Null, "{key}");
    }
    assert_eq!(json["members"][1]["answering"], Value::Null);
}

#[test]
fn the_alarm_of_another_configuration_says_in_what_it_differs() {
    let mut snapshot = snapshot_of_master();
    snapshot.alarms = vec![
        Alarm::Member(2, Diagnosis::Misconfigured),
        Alarm::Member(3, Diagnosis::Misconfigured),
    ];
    let mut facts = facts(1, true);
    let how = "[management] period is 10ms here and 20ms there".to_owned();
    facts.differing.insert(2, how);
    let status = Status::new(&three_nodes(), &snapshot, facts);
    assert_eq!(
        status.alarms[0].text,
        "slot 2 (n2) has another configuration or electors' set: [management] period is 10ms here and 20ms there"
    );
    assert_eq!(
        status.alarms[1].text,
        "slot 3 (n3) has another configuration or electors' set"
    );
    let explained = explain(&status).join(" ");
    assert!(
        explained.contains("is 10ms here and 20ms there"),
        "{explained}"
    );
}

#[test]
fn each_alarm_has_a_name_a_member_and_a_sentence() {
    let mut snapshot = snapshot_of_master();
    snapshot.alarms = vec![
        Alarm::Member(3, Diagnosis::Down),
        Alarm::Member(2, Diagnosis::DaemonStalled),
        Alarm::DuplicateSlot(1),
        Alarm::ClockFault,
        Alarm::NoMaster,
        Alarm::NotElectable,
    ];
    let status = Status::new(&three_nodes(), &snapshot, facts(1, true));
    let names: Vec<(&str, Option<u16>)> = status
        .alarms
        .iter()
        .map(|alarm| (alarm.name.as_str(), alarm.slot))
        .collect();
    assert_eq!(
        names,
        [
            ("down", Some(3)),
            ("daemon_stalled", Some(2)),
            ("duplicate_slot", Some(1)),
            ("clock_fault", None),
            ("no_master", None),
            ("not_electable", None),
        ]
    );
    assert_eq!(
        status.alarms[0].text,
        "slot 3 (n3) answers on neither network"
    );
}

#[test]
fn a_slave_shows_what_its_master_wrote_down_as_that_ones_word_and_nothing_that_is_no_more_so() {
    let mut snapshot = snapshot_of_master();
    (snapshot.role, snapshot.master) = (Role::Slave, Some(2));
    snapshot.members[2].diagnosis = Diagnosis::BusinessFault;
    let seen = Seen {
        slot: 3,
        name: "n3".to_owned(),
        diagnosis: Diagnosis::BusinessFault.into(),
        cause: Some("it answered none of 5 questions".to_owned()),
        since: Some("2026-01-01T00:00:00.000Z".to_owned()),
        at: "2026-01-01T00:00:01.000Z".to_owned(),
    };
    let mut facts = facts(1, false);
    facts.told = Some(MastersView {
        members: vec![seen.clone()],
        ..MastersView::default()
    });
    let status = Status::new(&three_nodes(), &snapshot, facts.clone());
    let member = &status.members[2];
    assert_eq!((&member.cause, &member.since), (&seen.cause, &seen.since));
    assert_eq!(member.told_at.as_ref(), Some(&seen.at));
    assert!(member.cure.is_some());
    assert!(
        explain(&status)
            .join("\n")
            .contains(", as its master tells: it answered none")
    );
    snapshot.members[2].diagnosis = Diagnosis::Down;
    let status = Status::new(&three_nodes(), &snapshot, facts);
    assert_eq!(
        (&status.members[2].cause, &status.members[2].told_at),
        (&None, &None)
    );
}

#[test]
fn a_masters_word_on_a_member_has_its_cause_since_when_and_what_to_do() {
    let mut snapshot = snapshot_of_master();
    let config = three_nodes();
    let set = config.elector_set(7);
    let well = Reply {
        slot: 3,
        arrival: snapshot.at - Duration::from_millis(4),
        daemon_age: Some(Duration::from_millis(9)),
        config_digest: config.digest,
        elector_version: set.version,
        elector_digest: set.digest(),
        ..Reply::default()
    };
    let silent = Reply {
        arrival: snapshot.at - Duration::from_secs(2),
        ..well
    };
    for (diagnosis, reply, cause) in [
        (
            Diagnosis::Misconfigured,
            Reply {
                config_digest: 1,
                ..well
            },
            "has the digest 0000000000000001",
        ),
        (
            Diagnosis::Misconfigured,
            Reply {
                elector_version: 6,
                ..well
            },
            "its electors' set is version 6",
        ),
        (
            Diagnosis::DaemonStalled,
            Reply {
                daemon_age: Some(Duration::from_millis(300)),
                ..well
            },
            "gave no sign of life for 304.0 ms",
        ),
        (
            Diagnosis::DaemonStalled,
            Reply {
                daemon_age: None,
                ..well
            },
            "since its maps were made",
        ),
        (
            Diagnosis::ServiceFault,
            Reply {
                service_age: Some(Duration::from_secs(3)),
                ..well
            },
            "last found well 3.0 s ago",
        ),
        (
            Diagnosis::BusinessFault,
            well,
            "none of 5 questions in a row over the business network",
        ),
        (
            Diagnosis::ManagementFault,
            silent,
            "no answer on the management network for 2.0 s; it answers",
        ),
        (
            Diagnosis::Down,
            silent,
            "for 2.0 s, nor on the business network",
        ),
    ] {
        snapshot.members[2].diagnosis = diagnosis;
        snapshot.alarms = vec![Alarm::Member(3, diagnosis)];
        let mut facts = facts(1, true);
        facts.replies = vec![reply];
        let key = format!("storage-a/{}/slot-3", diagnosis.as_str());
        facts.raised_at = BTreeMap::from([(key.clone(), SystemTime::UNIX_EPOCH)]);
        let status = Status::new(&config, &snapshot, facts);
        let member = &status.members[2];
        let found = member.cause.as_deref().unwrap_or_default();
        assert!(found.contains(cause), "{diagnosis:?}: {found}");
        assert_eq!(member.since.as_deref(), Some("1970-01-01T00:00:00.000Z"));
        assert_eq!(member.cure.as_ref(), Some(&status.alarms[0].cure));
        assert_eq!(
            (&status.alarms[0].key, &status.alarms[0].since),
            (&key, &member.since)
        );
        let explained = explain(&status).join("\n");
        assert!(explained.contains(&format!("Slot 3 (n3) is {} since 1970", diagnosis.as_str())));
        assert!(explained.contains("What to do: "), "{explained}");
    }
}
