//! `heartbeatctl info` against a daemon that only pretends: what is printed, and the exit code.

use heartbeat_user::control::{
    EpochParts, Expected, HolderStatus, InfoAnswer, InfoEntry, InfoRequest, StoreStatus, Value,
};

use crate::is_built;
use crate::served::Served;

/// What a node answers that has one entry, at revision 7.
pub(crate) fn pretend(request: InfoRequest, has_master: bool) -> Result<InfoAnswer, String> {
    if !has_master {
        return Err("no master is known now".to_owned());
    }
    let entry = |value: &'static [u8]| InfoEntry {
        key: "known".to_owned(),
        value: Value(value.into()),
        revision: 7,
        created: 3,
        version: 2,
        epoch: EpochParts { round: 4, slot: 1 },
    };
    Ok(match request {
        InfoRequest::Get { key, .. } => {
            InfoAnswer::Entry((key == "known").then(|| entry(b"its value\n")))
        }
        InfoRequest::List { .. } => InfoAnswer::Entries {
            entries: vec![entry(b"its value")],
            more: false,
            revision: 9,
        },
        InfoRequest::Put { expect, .. } | InfoRequest::Delete { expect, .. } => match expect {
            Expected::Anything => InfoAnswer::Written {
                revision: 10,
                copies: 2,
            },
            Expected::Nothing => InfoAnswer::Conflict { revision: Some(7) },
            Expected::Revision(_) => InfoAnswer::Unknown("the link was lost".to_owned()),
        },
        InfoRequest::Force { cluster } => InfoAnswer::Forced(format!("forced in {cluster}")),
        InfoRequest::Watch { .. } => InfoAnswer::Compacted,
        InfoRequest::Store => InfoAnswer::Store(StoreStatus {
            state: "following".to_owned(),
            text: "it keeps what the master writes".to_owned(),
            epoch: EpochParts { round: 4, slot: 1 },
            revision: 9,
            entries: 1,
            bytes: 15,
            disk: None,
            holders: vec![HolderStatus {
                slot: 1,
                counts: true,
                state: None,
                behind: None,
            }],
        }),
    })
}

#[test]
fn a_value_is_written_to_the_output_as_it_is() {
    if !is_built("a_value_is_written", "heartbeatctl") {
        return;
    }
    let served = Served::with_master(Some(1));
    let ran = served.ask(&["info", "get", "known"]);
    assert_eq!((ran.code, &*ran.out), (Some(0), "its value\n"));
    let ran = served.ask(&["info", "get", "known", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(
        (&json["revision"], &json["value"]["text"]),
        (&7.into(), &"its value\n".into())
    );
    let ran = served.ask(&["info", "get", "other"]);
    assert_eq!((ran.code, &*ran.out), (Some(1), ""));
    assert!(ran.err.contains("no entry \"other\""), "{ran:?}");
}

#[test]
fn a_write_says_what_became_of_it() {
    if !is_built("a_write_says", "heartbeatctl") {
        return;
    }
    let served = Served::with_master(Some(1));
    let ran = served.ask(&["info", "put", "k", "v"]);
    assert_eq!(
        (ran.code, &*ran.out),
        (Some(0), "revision 10, on 2 disks\n")
    );
    for (arguments, said) in [
        (
            &["put", "k", "v", "--if-absent"][..],
            "newest change is 7; nothing was written",
        ),
        (
            &["delete", "k", "--if-revision", "6"][..],
            "not known whether it was written",
        ),
        (
            &["watch", "--since", "1"][..],
            "changes so old are not kept",
        ),
    ] {
        let ran = served.ask(&[&["info"], arguments].concat());
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains(said), "{ran:?}");
    }
    for wrong in [
        &["put", "k"][..],
        &["put", "k", "v", "--file", "f"][..],
        &["put", "k", "v", "--if-absent", "--if-revision", "1"][..],
    ] {
        let ran = served.ask(&[&["info"], wrong].concat());
        assert_eq!(ran.code, Some(2), "{ran:?}");
    }
    let ran = Served::with_master(None).ask(&["info", "get", "known"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("no master is known now"), "{ran:?}");
}

#[test]
fn going_on_without_silent_stores_takes_the_clusters_name() {
    if !is_built("going_on_without", "heartbeatctl") {
        return;
    }
    let served = Served::with_master(Some(1));
    let ran = served.ask(&["info", "force", "--cluster", "storage-b"]);
    assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{ran:?}");
    let ran = served.ask(&["info", "force", "--cluster", "storage-a"]);
    assert_eq!((ran.code, &*ran.out), (Some(0), "forced in storage-a\n"));
}

#[test]
fn entries_and_stores_are_tables() {
    if !is_built("entries_and_stores", "heartbeatctl") {
        return;
    }
    let served = Served::with_master(Some(1));
    let ran = served.ask(&["info", "list"]);
    assert_eq!(
        ran.out,
        "KEY    REVISION  VERSION  ROUND/SLOT  VALUE\nknown  7         2        4/1         its value\n"
    );
    let ran = served.ask(&["info", "store"]);
    assert!(
        ran.out
            .starts_with("following: it keeps what the master writes\nround 4, slot 1, revision 9"),
        "{ran:?}"
    );
    assert!(
        ran.out
            .ends_with("SLOT  COUNTS  STATE  BEHIND\n1     yes     -      -\n"),
        "{ran:?}"
    );
}
