//! `cargo xtask search` for the store: every schedule of three stores within printed bounds, and random faults.

use std::process::exit;
use std::time::Instant;

use heartbeat_store_proof::{Campaign, Scope, Seen, campaigns, explore, scopes};

/// Runs of each campaign that are not asked for otherwise.
const RUNS: u64 = 1000;
/// Most states of one search: what some gigabytes hold.
const MOST_STATES: u64 = 20_000_000;

/// `[RUNS] [ONLY]`: runs of each campaign, and words in the names of what is tried.
fn main() {
    let mut arguments = std::env::args().skip(1);
    let runs = arguments
        .next()
        .map_or(RUNS, |runs| runs.parse().expect("a number of runs"));
    let only = arguments.next().unwrap_or_default();
    std::panic::set_hook(Box::new(|_| {}));
    let mut is_sound = true;
    for scope in scopes::long()
        .iter()
        .filter(|scope| scope.name.contains(&only))
    {
        is_sound &= search(scope);
    }
    for campaign in campaigns::ALL
        .into_iter()
        .filter(|campaign| campaign.name.contains(&only))
    {
        draw(campaign, runs);
    }
    if !is_sound {
        exit(1);
    }
}

/// Whether nothing was found that must never happen, in all states.
fn search(scope: &Scope) -> bool {
    let report = explore(scope, MOST_STATES);
    println!(
        "{}: {} {} states, {} steps, depth {}, in {:.1?}, {:?}; bounds: {} leaderships, {} writes, {} losses of power, {} \
         full disks, {} other disks, leaders' own disks {}",
        scope.name,
        if report.is_complete { "all" } else { "not all" },
        report.states,
        report.steps,
        report.depth,
        report.took,
        report.seen,
        scope.leaders.len(),
        scope.writes,
        scope.crashes,
        scope.failures,
        scope.wipes,
        if scope.is_quick { "quick" } else { "slow" },
    );
    if let Some((violation, steps)) = report.violation {
        println!("  {}\n=== {violation}", steps.join("\n  "));
        return false;
    }
    report.is_complete
}

fn draw(campaign: Campaign, runs: u64) {
    let start = Instant::now();
    let (mut seen, mut steps) = (Seen::default(), 0);
    for seed in 1..=runs {
        let run = campaign.run(seed);
        if let Some((violation, told)) = run.violation {
            println!(
                "{}, seed {seed}\n  {}\n=== {violation}",
                campaign.name,
                told.join("\n  ")
            );
            exit(1);
        }
        seen += run.seen;
        steps += run.steps;
    }
    let took = start.elapsed();
    println!(
        "{}: {runs} runs, {steps} steps, in {took:.1?}, {seen:?}",
        campaign.name
    );
}
