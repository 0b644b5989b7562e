//! What `cargo xtask test` asks of the simulator: a hundred thousand failovers, and anything at any time.
//!
//! Each of these says on the terminal what it contained, and fails if some kind of fault never came up.

use std::io::Write as _;
use std::time::Duration;

use heartbeat_sim::campaign::{Case, FAULTS, Kind, LOSSES, Limits, Tally, campaign};

/// The last events of a case that went wrong; `cargo xtask soak --case` shows all of them.
const SHOWN: usize = 200;

/// Lives through the campaign and tells of it.
fn through(kind: Kind, seed: u64, cases: u64) -> Tally {
    let (tally, took) = match campaign(kind, seed, Limits::cases(cases)) {
        Ok(seen) => seen,
        Err(failure) => {
            let first = failure.trace.len().saturating_sub(SHOWN);
            panic!(
                "{}\n{}\nall of it: cargo xtask soak --case {}",
                failure.trace[first..].join("\n"),
                failure.what,
                failure.case
            );
        }
    };
    let ratio = Duration::from_nanos(tally.lived).as_secs_f64() / took.as_secs_f64();
    // Straight to the descriptor: what print! says in a passing test is never seen.
    let _ = writeln!(
        std::io::stderr(),
        "{kind:?}, seeds from {seed} on\n{tally}\n{ratio:>12.0}  times real time, on all processors"
    );
    tally
}

#[test]
fn a_hundred_thousand_failovers_are_each_in_time_and_all_agree_soon_after() {
    let tally = through(Kind::Failover, 1, 5_300);
    let failovers = tally.checked_like("L1");
    assert!(failovers >= 100_000, "only {failovers}");
    for loss in LOSSES {
        assert!(tally.checked(loss.name()) > 1_000, "{}", loss.name());
    }
    assert!(tally.checked("L2 all agree") >= 100_000);
    assert!(tally.of("daemons started with their maps") > 10_000);
    assert!(tally.of("daemons started without their maps") > 10_000);
}

#[test]
fn whatever_happens_there_are_never_two_masters_and_one_wherever_a_majority_is_in_order() {
    let tally = through(Kind::Chaos, 1, 6_000);
    for fault in FAULTS {
        assert!(tally.of(fault.name) > 500, "{}", fault.name);
    }
    assert!(tally.checked("L1 in a lull") > 5_000);
    assert!(tally.checked("L1 faults ended") == 18_000);
    assert!(tally.of("masterships that ended unasked") > 5_000);
    assert!(tally.of("faults while a master and its majority were in order") > 10_000);
    assert!(tally.of("steps of a lease excused: its clocks had stood still") > 0);
}

/// That a campaign can fail: what the protocol guards against is found where the guard is taken away.
#[test]
fn clocks_outside_the_guard_and_forgotten_grants_are_found_out() {
    for kind in [Kind::Drift, Kind::Amnesia] {
        let failure = campaign(kind, 1, Limits::cases(5_000)).expect_err("two masters");
        assert!(failure.what.starts_with("S1"), "{}", failure.what);
        assert!(!failure.trace.is_empty());
        let _ = writeln!(
            std::io::stderr(),
            "found by {}: {}",
            failure.case,
            failure.what
        );
    }
}

#[test]
fn a_case_is_the_same_each_time_event_by_event() {
    let told = |case: Case| case.run(true).expect_err("it goes wrong").to_string();
    let failure = campaign(Kind::Amnesia, 1, Limits::cases(5_000)).expect_err("two masters");
    let again: Case = failure.case.to_string().parse().expect("its own name");
    assert_eq!(told(again), failure.to_string());
    assert_eq!(told(again), told(again));
    let sums = [7, 7, 8].map(|seed| {
        let case = Case {
            kind: Kind::Chaos,
            seed,
        };
        let tally = case.run(false).expect("it goes well");
        (tally.lived, tally.events)
    });
    assert_eq!(sums[0], sums[1]);
    assert_ne!(sums[1], sums[2]);
}

#[test]
fn two_of_a_pair_are_master_at_one_time_only_in_the_named_case() {
    let tally = through(Kind::Pair, 1, 6_000);
    for name in [
        "fault: parted or joined",
        "fault: reference lost or back",
        "fault: the reference changes sides",
        "fault: fence command fails or works",
        "times that a node was is_master",
        "battles",
        "fence commands run",
        "steps of two leases by evidence: the named case",
    ] {
        assert!(tally.of(name) > 500, "{name}: {}", tally.of(name));
    }
    assert!(tally.checked("L1 faults ended") == 18_000);
}

#[test]
fn whose_services_failed_never_becomes_master_and_hands_on_soon_and_not_too_often() {
    let tally = through(Kind::Service, 1, 300);
    for name in [
        "fault: services changed",
        "masterships begun, services looked at",
        "handovers that would have been one too many",
        "services lost while nobody is whole",
    ] {
        assert!(tally.of(name) > 50, "{name}: {}", tally.of(name));
    }
    assert!(tally.checked("service lost, heir known") > 500);
}
