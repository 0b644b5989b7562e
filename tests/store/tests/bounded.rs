//! The searches in their short form.

use heartbeat_store_proof::{Report, Scope, explore, scopes};

fn search(scope: &Scope) -> Report {
    let report = explore(scope, u64::MAX);
    println!(
        "{}: {} states in {:?}, {:?}",
        scope.name, report.states, report.took, report.seen
    );
    if let Some((violation, steps)) = &report.violation {
        panic!("{}\n  {}\n=== {violation}", scope.name, steps.join("\n  "));
    }
    assert!(report.is_complete, "{}", scope.name);
    report
}

#[test]
fn every_schedule_of_three_stores_is_safe() {
    for scope in scopes::short() {
        let seen = search(&scope).seen;
        assert!(seen.serves > 3, "{}: {seen:?}", scope.name);
        assert_eq!(
            seen.acknowledged > 0,
            scope.writes > 0,
            "{}: {seen:?}",
            scope.name
        );
        let faults = seen.failed.min(scope.failures.into()) + seen.wiped.min(scope.wipes.into());
        assert_eq!(
            faults,
            u64::from(scope.failures + scope.wipes),
            "{}: {seen:?}",
            scope.name
        );
        assert_eq!(seen.set_back, 0, "no disk was set back: {seen:?}");
    }
}

#[test]
fn what_a_search_leaves_out_hides_nothing_that_the_nodes_can_come_to() {
    let (mut fewer, mut more) = (0, 0);
    for scope in scopes::compared() {
        let reduced = search(&scope);
        let whole = search(&Scope {
            is_whole: true,
            ..scope
        });
        assert_eq!(reduced.together, whole.together);
        fewer += reduced.states;
        more += whole.states;
    }
    assert!(fewer < more, "there was something to leave out");
}
