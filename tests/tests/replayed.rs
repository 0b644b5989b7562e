//! A failover that was recorded in the lab once is stepped through to the same decisions by the same reasons ever
//! after. What changes on purpose is written anew: run the scenario `recorded` with HEARTBEAT_BLESS=1 for other
//! records, and then this test for other words.

use std::fs;
use std::path::Path;

use heartbeat_tests::replay::{RECORDS, run};
use heartbeat_tests::skip::{Need, lacks};

/// What every record in the repository may take, in bytes.
const MOST: u64 = 200_000;

#[test]
fn a_recorded_failover_is_told_as_it_is_written() {
    if lacks("a_recorded_failover", &[Need::Program("heartbeatctl")]) {
        return;
    }
    let mut length = 0;
    for slot in 1..=3 {
        let record = Path::new(RECORDS).join(format!("n{slot}.record"));
        length += fs::metadata(&record).expect("it is checked in").len();
        let output = run(&record, &[]).expect("it runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "slot {slot}: {errors}");
        let found = String::from_utf8(output.stdout).expect("text");
        // Its path is another one on every machine.
        let found = found.replace(&format!("{RECORDS}/"), "");
        compare(&record.with_extension("txt"), &found);
    }
    assert!(length <= MOST, "{length} bytes of records");
}

fn compare(path: &Path, found: &str) {
    if std::env::var_os("HEARTBEAT_BLESS").is_some() {
        fs::write(path, found).expect("writable");
        return;
    }
    let written = fs::read_to_string(path).expect("it is checked in");
    for (written, found) in written.lines().zip(found.lines()) {
        assert_eq!(written, found, "{}", path.display());
    }
    assert_eq!(written.lines().count(), found.lines().count());
}

#[test]
fn the_record_of_the_master_that_followed_tells_how_it_came_to_that() {
    if lacks("the_record_of_the_master", &[Need::Program("heartbeatctl")]) {
        return;
    }
    let record = Path::new(RECORDS).join("n2.record");
    let text = String::from_utf8(run(&record, &[]).expect("it runs").stdout).expect("text");
    let mut lines = text.lines();
    for words in [
        "slot 1 probes as master",
        "slave -> candidate: no probe came for a whole grant",
        "-> query ",
        "slot 3 answers query",
        "vote request",
        "slot 3 by the management network: vote",
        "candidate -> master: a majority of electors voted for this node",
    ] {
        assert!(
            lines.any(|line| line.contains(words)),
            "then {words:?} in\n{text}"
        );
    }
}
