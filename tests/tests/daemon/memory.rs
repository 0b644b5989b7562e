//! What a daemon remembers from its earlier lives.

use std::fs;

use crate::rig::Rig;

fn history(daemon: &crate::rig::Running) -> Vec<serde_json::Value> {
    let output = daemon.ask(&["history", "--json"]);
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn history_goes_on_where_the_last_life_ended() {
    let Some(rig) = Rig::new("history_goes_on") else {
        return;
    };
    let mut all = rig.cluster();
    let first = history(&all[0]);
    assert!(
        first.iter().any(|entry| entry["to"] == "master"),
        "{first:?}"
    );
    let ended = all.remove(0).terminate();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let mut again = rig.daemon(1).start();
    again.wait_for("a new life", |status| status["role"] == "slave");
    let second = history(&again);
    assert!(second.len() > first.len(), "{second:?}");
    assert_eq!(second[..first.len()], first[..]);
    assert_eq!(
        second[first.len()]["from"],
        "master",
        "its end is told: {second:?}"
    );
}

/// Writes a configuration whose `max_lease` differs from the one that was saved.
fn change_lease(rig: &Rig, multiplier: u16, max_lease: &str) {
    let text = fs::read_to_string(rig.config()).expect("written by the rig");
    let text = text
        .replace(
            "detect_multiplier = 5",
            &format!("detect_multiplier = {multiplier}"),
        )
        .replace(
            "[cluster]\n",
            &format!("[cluster]\nmax_lease = \"{max_lease}\"\n"),
        );
    fs::write(rig.config(), text).expect("own file");
}

#[test]
fn a_file_that_proposes_other_electors_is_warned_of_and_the_saved_set_stays() {
    let Some(rig) = Rig::new("a_file_that_proposes_other_electors") else {
        return;
    };
    let saved = rig.path("n1.state").join("electors.json");
    let all = rig.cluster();
    drop(all);
    let before = fs::read(&saved).expect("saved at the first start");
    change_lease(&rig, 5, "400ms");
    let mut all = rig.cluster();
    let status = all[0].wait_for("mastership", |status| status["role"] == "master");
    let warnings = status["warnings"].to_string();
    for part in ["only a proposal", "400ms", "500ms"] {
        assert!(warnings.contains(part), "{part} is missing in {warnings}");
    }
    assert_eq!(fs::read(&saved).expect("still there"), before);
}

#[test]
fn a_lease_that_the_saved_set_does_not_allow_is_refused_with_both() {
    let Some(rig) = Rig::new("a_lease_that_the_saved_set_does_not_allow") else {
        return;
    };
    drop(rig.cluster());
    change_lease(&rig, 60, "2s");
    rig.daemon(1).refused().check(
        78,
        &[
            "600000 us",
            "max_lease of 500000 us",
            "detect_multiplier",
            "move the saved sets away",
        ],
    );
}
