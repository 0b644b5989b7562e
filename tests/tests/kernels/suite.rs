//! The project's own tests, run inside a guest.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use heartbeat_tests::guest::{Guest, Hardware};
use heartbeat_tests::skip::REQUIRE_VARIABLE;

use crate::image;

/// Where the tests for guests are, by the name of their program.
const PROGRAM_VARIABLE: &str = "HEARTBEAT_GUEST_";
/// The longest that a program of tests may take in a guest.
const PATIENCE: Duration = Duration::from_secs(2_400);

/// Runs a program of tests in a guest of its own; what it prints is printed, so that its tests are counted.
fn passes(test: &str, program: &str, arguments: &str) {
    let Some(image) = image(test) else { return };
    let variable = PROGRAM_VARIABLE.to_owned() + &program.to_uppercase();
    let path = std::env::var_os(&variable).map(PathBuf::from);
    let path = path.unwrap_or_else(|| panic!("{variable} names no program"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let hardware = Hardware {
        memory_mib: 2048,
        processors: 2,
        wires: &[],
        namespace: None,
    };
    let begun = Instant::now();
    let mut guest = Guest::start(&image, &hardware, folder.path(), program).expect("it starts");
    let say = |line: &str| {
        // Straight to the descriptor, as skip::lacks does: what a passing test prints is never seen.
        let _ = writeln!(std::io::stderr(), "{line}");
    };
    let release = guest.run("uname -r").expect("a shell");
    say(&format!(
        "guest: Linux {release}, started in {:?}",
        begun.elapsed()
    ));
    let begun = Instant::now();
    let line = format!(
        "{REQUIRE_VARIABLE}=1 {} --test-threads=1 {arguments}",
        path.display()
    );
    let mut results = 0;
    let code = guest
        .do_line(&line, PATIENCE, |line| {
            results += usize::from(line.starts_with("test result: "));
            say(line);
        })
        .expect("the tests end");
    say(&format!("guest: {program} took {:?}", begun.elapsed()));
    assert_eq!((code, results), (0, 1), "{program} on Linux {release}");
}

#[test]
fn every_packet_is_judged_there_as_here() {
    passes("every_packet_is_judged_there", "packet", "");
}
