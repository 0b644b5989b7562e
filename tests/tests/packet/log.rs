//! The rare lines that the kernel programs write to the daemon's log.

use std::sync::Mutex;
use std::thread::sleep;
use std::time::Duration;

use heartbeat_tests::kernel::OWN_SLOT;
use heartbeat_tests::kernel::frames::probe;
use heartbeat_user::sys::clock::boot_ns;
use heartbeat_wire::Epoch;
use heartbeat_wire::maps::{ALARMS_PER_WINDOW, LIMIT_WINDOW_NS};
use log::{LevelFilter, Log, Metadata, Record};

use crate::segment::{attached_generic, setting};

/// Keeps every line.
struct Lines(Mutex<Vec<String>>);

static LINES: Lines = Lines(Mutex::new(Vec::new()));

impl Log for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = format!("{} {}", record.level(), record.args());
        self.0.lock().expect("nobody panics with it").push(line);
    }

    fn flush(&self) {}
}

#[test]
fn a_twin_and_an_implausible_epoch_are_told_in_the_log_at_a_bounded_rate() {
    log::set_logger(&LINES).expect("no other test sets one");
    log::set_max_level(LevelFilter::Warn);
    let Some((mut kernel, segment)) = setting("a_twin_and_an_implausible_epoch") else {
        return;
    };
    attached_generic(&mut kernel, &segment);
    let twins: Vec<_> = (1..=200)
        .map(|sequence| probe(Epoch::new(9, OWN_SLOT), sequence).packet())
        .collect();
    let started_ns = boot_ns();
    segment.send(&twins);
    let windows = (boot_ns() - started_ns) / LIMIT_WINDOW_NS + 2;
    // A window later, else it could be one alarm too many.
    sleep(Duration::from_nanos(2 * LIMIT_WINDOW_NS));
    segment.send(&[probe(Epoch::new(1 << 40, 3), 1).packet()]);
    sleep(Duration::from_millis(50));
    kernel
        .opened
        .log
        .as_mut()
        .expect("the programs were loaded")
        .flush();
    let lines = LINES.0.lock().expect("nobody panics with it");
    let count = |text: &str| lines.iter().filter(|line| line.as_str() == text).count() as u64;
    let told = count("WARN another machine uses slot 2, incarnation 1002");
    let cpus = std::thread::available_parallelism().map_or(1, |cpus| cpus.get() as u64);
    assert!(
        (1..=windows * cpus * ALARMS_PER_WINDOW).contains(&told),
        "{told} lines in {windows} windows"
    );
    assert_eq!(
        count("WARN slot 3 probes an implausible round 1099511627776"),
        1
    );
}
