//! heartbeatd-maps(7): each of its commands shows what the page says of the map.

use std::path::Path;
use std::process::Command;

use heartbeat_tests::kernel::frames::probe;
use heartbeat_tests::skip::{Need, lacks};
use heartbeat_wire::maps::MAPS;

use crate::verdicts::EPOCH;

const PAGE: &str = include_str!("../../../packaging/man/heartbeatd-maps.7");
/// What the page has in the place of a cluster's folder.
const FOLDER: &str = "/sys/fs/bpf/heartbeatd/CLUSTER";

/// A command of the page, and the fields that follow it there.
struct Shown {
    command: String,
    fields: Vec<String>,
}

/// The page's commands, in order.
fn page() -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    for line in PAGE.lines() {
        if line.starts_with("bpftool ") {
            shown.push(Shown {
                command: line.to_owned(),
                fields: Vec::new(),
            });
        } else if let (Some(last), Some(term)) = (shown.last_mut(), line.strip_prefix("\\fB"))
            && let Some(field) = term.strip_suffix("\\fR")
        {
            last.fields.push(field.to_owned());
        }
    }
    shown
}

#[test]
fn every_command_of_the_maps_page_runs_and_shows_the_fields_that_the_page_names() {
    if lacks("every_command_of_the_maps_page", &[Need::Bpftool]) {
        return;
    }
    let Some(kernel) = crate::kernel("every_command_of_the_maps_page") else {
        return;
    };
    kernel
        .responder(&probe(EPOCH, 1).packet())
        .expect("the program runs");
    let page = page();
    assert_eq!(page.len(), MAPS.len(), "a command for each map");
    for Shown { command, fields } in page {
        let said = run(&command, &kernel.pins().0);
        if command.contains(" dump ") {
            let has = |field: &&String| said.contains(&format!("\"{field}\""));
            let missing: Vec<_> = fields
                .iter()
                .flat_map(|field| field.split(", ").map(str::to_owned))
                .filter(|field| !has(&field))
                .collect();
            assert!(
                !fields.is_empty() && missing.is_empty(),
                "{command}: no {missing:?} in {said}"
            );
        } else {
            assert!(said.contains("ringbuf"), "{command}: {said}");
        }
    }
}

/// What a command of the page prints, of the maps in this folder.
fn run(command: &str, pins: &Path) -> String {
    let folder = pins.to_str().expect("a temporary folder's name");
    let command = command.replace(FOLDER, folder);
    let output = Command::new("sh")
        .args(["-c", &command])
        .output()
        .expect("a shell runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {said}{complaints}");
    said
}
