//! Who writes the log, and what a role change looks like in it.

use std::fs;
use std::path::Path;

use crate::rig::Rig;

#[test]
fn every_role_change_is_one_line_with_from_to_reason_epoch_and_duration() {
    let Some(rig) = Rig::new("every_role_change_is_one_line") else {
        return;
    };
    let mut all = rig.cluster();
    let log = all.remove(0).terminate().log;
    let lines: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("role changed"))
        .collect();
    assert!(lines.len() >= 3, "{log}");
    for line in &lines {
        for part in [
            "from=\"",
            "to=\"",
            "reason=",
            "round=",
            "slot=",
            "lasted_us=",
        ] {
            assert!(line.contains(part), "{part} is missing in {line}");
        }
    }
    let steps = ["to=\"candidate\"", "to=\"master\"", "from=\"master\""];
    for step in steps {
        let of_step = lines.iter().filter(|line| line.contains(step));
        assert_eq!(of_step.count(), 1, "{step} in {lines:?}");
    }
}

/// A log line may wait for a disk or a terminal: those threads must have no way to write one.
#[test]
fn nothing_in_the_real_time_threads_can_write_to_the_log() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../heartbeat-user/src");
    let mut looked_at = 0;
    for folder in ["pulse", "hands"] {
        for entry in fs::read_dir(sources.join(folder)).expect("it is there") {
            let path = entry.expect("readable").path();
            let text = fs::read_to_string(&path).expect("text");
            for word in ["tracing", "println!", "eprint", "log::"] {
                assert!(!text.contains(word), "{word} in {}", path.display());
            }
            looked_at += 1;
        }
    }
    assert!(looked_at > 10, "{looked_at} files");
}
