//! Pairs in the short form of their searches: two leases at one time are found, and in the excepted case alone.

use std::sync::Mutex;

use heartbeat_search::{Report, Seen, pair, side_by_side};

fn searched(scope: &pair::PairScope) -> Report {
    let report = pair::explore(scope, u64::MAX);
    let name = scope.cluster.name;
    println!(
        "{name}: {} states in {:?}, {:?}",
        report.states, report.took, report.seen
    );
    if let Some((violation, steps)) = &report.violation {
        panic!("{name}\n  {}\n=== {violation}", steps.join("\n  "));
    }
    assert!(report.is_complete, "{name}");
    report
}

#[test]
fn two_leases_run_at_one_time_in_the_excepted_case_alone() {
    let seen = Mutex::new(Seen::default());
    side_by_side(&pair::short(), |scope| {
        let report = searched(scope);
        let has_fence = report.seen.fences > 0;
        assert!(
            !has_fence || report.seen.excepted == 0,
            "{}: a fence command leaves no exception",
            scope.cluster.name
        );
        seen.lock().unwrap().add(&report.seen);
    });
    let seen = seen.into_inner().unwrap();
    // What was searched for could have been seen.
    assert!(seen.excepted > 100, "{seen:?}");
    assert!(seen.by_evidence > 1_000, "{seen:?}");
    assert!(seen.battles > 1_000, "{seen:?}");
    assert!(seen.fences > 10 && seen.refusals > 100, "{seen:?}");
}
