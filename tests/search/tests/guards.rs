//! That a walk can fail: with one of the kernel program's safety lines taken off the twin, it does, and soon. What
//! needs more than chance to be met is a schedule in heartbeat-core's tests (known_bad).

use heartbeat_kernel_twin::{Guard, Guards};
use heartbeat_search::{Scope, scopes, walk};

/// Random steps in which each of these is found out; a hundredth of that is enough.
const STEPS: u64 = 500_000;

/// What random paths of five electors find without this line.
fn found_without(guard: Guard) -> String {
    let scope = Scope {
        guards: Guards::without(guard),
        ..scopes::walks().swap_remove(0)
    };
    let walked = walk(&scope, 1, STEPS);
    println!("without {guard:?}: {} steps", walked.steps);
    let found = walked
        .violation
        .map(|(violation, ..)| violation.to_string());
    found.unwrap_or_else(|| format!("nothing in {STEPS} steps"))
}

#[test]
fn a_grants_end_that_goes_back_is_found() {
    let found = found_without(Guard::EndOnlyGrows);
    assert!(found.starts_with("S3"), "{found}");
}

#[test]
fn a_probe_that_is_answered_twice_is_found() {
    let found = found_without(Guard::Replays);
    assert!(found.starts_with("S5"), "{found}");
}

#[test]
fn a_promise_that_counts_as_a_mastership_is_found() {
    let found = found_without(Guard::ProbedOnly);
    assert!(found.starts_with("S6"), "{found}");
}
