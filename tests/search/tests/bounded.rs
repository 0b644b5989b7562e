//! The searches in their short form: every state within their bounds, and random paths beyond them.

use heartbeat_search::{explore, scopes, side_by_side, walk};

/// Random steps of each walk.
const STEPS: u64 = 2_000_000;

#[test]
fn every_state_of_a_small_cluster_is_safe() {
    side_by_side(&scopes::short(), |scope| {
        let report = explore(scope, u64::MAX);
        println!(
            "{}: {} states in {:?}",
            scope.name, report.states, report.took
        );
        if let Some((violation, steps)) = report.violation {
            panic!("{}\n  {}\n=== {violation}", scope.name, steps.join("\n  "));
        }
        assert!(report.is_complete, "{}", scope.name);
        assert!(
            report.seen.masterships > 1,
            "{}: nobody was elected",
            scope.name
        );
        assert!(report.seen.votes > 0, "{}: nobody voted", scope.name);
    });
}

#[test]
fn random_paths_of_larger_clusters_are_safe() {
    side_by_side(&scopes::walks(), |scope| {
        let walked = walk(scope, 1, STEPS);
        let seen = walked.seen;
        println!(
            "{}: {} steps in {:?}, {seen:?}",
            scope.name, walked.steps, walked.took
        );
        if let Some((violation, seed, steps)) = walked.violation {
            panic!("path {seed}\n  {}\n=== {violation}", steps.join("\n  "));
        }
        assert!(seen.masterships > 1_000, "{}: {seen:?}", scope.name);
        assert!(seen.renewals > 1_000, "{}: {seen:?}", scope.name);
        assert!(seen.refusals > 100, "{}: {seen:?}", scope.name);
        // S6's check of a demotion had something to judge.
        assert!(seen.overtaken > 20, "{}: {seen:?}", scope.name);
    });
}
