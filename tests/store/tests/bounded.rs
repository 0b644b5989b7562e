//! The searches in their short form.

use heartbeat_store_proof::{explore, scopes};

#[test]
fn every_schedule_of_three_stores_is_safe() {
    for scope in scopes::short() {
        let report = explore(&scope, u64::MAX);
        println!(
            "{}: {} states in {:?}, {:?}",
            scope.name, report.states, report.took, report.seen
        );
        if let Some((violation, steps)) = report.violation {
            panic!("{}\n  {}\n=== {violation}", scope.name, steps.join("\n  "));
        }
        assert!(report.is_complete, "{}", scope.name);
        assert!(report.seen.serves > 10, "{}: {:?}", scope.name, report.seen);
        assert_eq!(
            report.seen.acknowledged > 0,
            scope.writes > 0,
            "{}: {:?}",
            scope.name,
            report.seen
        );
    }
}
