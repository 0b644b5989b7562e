//! Tables of every state and every event, as they stand in a file: one row a pair.
//!
//! `HEARTBEAT_BLESS=1 cargo test -p heartbeat-core --test table` writes the files anew; each changed row is then to be
//! read and understood before it is committed.

use std::fmt::Write as _;

use heartbeat_core::{Command, Instant};

use super::bench::*;

/// A state, by its name, and how a node comes to be in it.
pub(crate) type State = (&'static str, fn() -> (Bench, Instant));
/// An event, and what the node says to it.
pub(crate) type Happening = (&'static str, fn(&mut Bench, Instant) -> Vec<Command>);

/// Fails unless every state answers every event as it is written in this file of the tests' folder.
pub(crate) fn compare(file: &str, states: &[State], events: &[Happening]) {
    let path = format!("{}/tests/table/{file}", env!("CARGO_MANIFEST_DIR"));
    let found = table(states, events);
    if std::env::var_os("HEARTBEAT_BLESS").is_some() {
        std::fs::write(path, found).expect("the table can be written");
        return;
    }
    let written = std::fs::read_to_string(path).expect("the table can be read");
    for (written, found) in written.lines().zip(found.lines()) {
        assert_eq!(written, found);
    }
    assert_eq!(written.lines().count(), found.lines().count());
}

fn table(states: &[State], events: &[Happening]) -> String {
    let mut table = String::new();
    for (state, make) in states {
        let (bench, now) = make();
        let role = bench.node.snapshot(now).role.as_str();
        assert!(state.starts_with(role), "the state {state:?} is a {role}");
        writeln!(table, "# {state}, at {} ms\n", now.since(START).as_millis()).expect("memory");
        for (event, happens) in events {
            let (mut bench, now) = make();
            writeln!(table, "{event}:").expect("memory");
            for line in lines(&happens(&mut bench, now)) {
                writeln!(table, "    {line}").expect("memory");
            }
        }
        table.push('\n');
    }
    table
}
