//! `cargo xtask search`: every search that ends, then a random walk of so many steps.

use std::process::ExitCode;

use heartbeat_search::{Report, Scope, Violation, Walked, explore, pair, scopes, walk};

/// Most states of one search.
const MOST_STATES: u64 = 400_000_000;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let steps = arguments.next().and_then(|steps| steps.parse().ok());
    let seed = arguments.next().and_then(|seed| seed.parse().ok());
    let only = arguments.next();
    std::panic::set_hook(Box::new(|_| {}));
    let mut is_sound = true;
    for scope in scopes::long() {
        if only
            .as_ref()
            .is_none_or(|only| scope.name.contains(only.as_str()))
        {
            let report = explore(&scope, MOST_STATES);
            is_sound &= report.violation.is_none() && report.is_complete;
            println!("{}", searched(&scope, &report));
        }
    }
    for scope in pair::long() {
        if only
            .as_ref()
            .is_none_or(|only| scope.cluster.name.contains(only.as_str()))
        {
            let report = pair::explore(&scope, MOST_STATES);
            is_sound &= report.violation.is_none() && report.is_complete;
            println!("{}; {:?}", searched(&scope.cluster, &report), scope.changes);
        }
    }
    for scope in scopes::walks() {
        if only
            .as_ref()
            .is_none_or(|only| scope.name.contains(only.as_str()))
        {
            let walked = walk(&scope, seed.unwrap_or(1), steps.unwrap_or(1_000_000));
            is_sound &= walked.violation.is_none();
            println!("{}", told(&scope, &walked));
        }
    }
    if is_sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn searched(scope: &Scope, report: &Report) -> String {
    let how = if report.is_complete { "all" } else { "not all" };
    let end = match scope.horizon {
        Some(horizon) => format!("tick {horizon}"),
        None => "nothing new".to_owned(),
    };
    let rounds = match scope.rounds {
        u64::MAX => "every round".to_owned(),
        highest => format!("round {highest}"),
    };
    let mut text = format!(
        "{}: {how} {} states by {} steps in {:.1} s; {:?}; bounds: {}, {}, clocks read up to {} ticks early, {:?}",
        scope.name,
        report.states,
        report.steps,
        report.took.as_secs_f64(),
        report.seen,
        end,
        rounds,
        scope.stale,
        scope.budget,
    );
    if let Some((violation, steps)) = &report.violation {
        text += &schedule(violation, steps);
    }
    text
}

fn told(scope: &Scope, walked: &Walked) -> String {
    let mut text = format!(
        "{}: {} random steps on {} paths, {} ticks, in {:.1} s; {:?}",
        scope.name,
        walked.steps,
        walked.paths,
        walked.ticks,
        walked.took.as_secs_f64(),
        walked.seen,
    );
    if let Some((violation, seed, steps)) = &walked.violation {
        text += &format!("\npath {seed}");
        text += &schedule(violation, steps);
    }
    text
}

fn schedule(violation: &Violation, steps: &[String]) -> String {
    let steps: String = steps.iter().map(|step| format!("\n  {step}")).collect();
    format!("{steps}\n=== {violation}")
}
