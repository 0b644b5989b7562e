//! `cargo xtask search` for the store: every schedule of three stores within printed bounds.

use heartbeat_store_proof::{explore, scopes};

fn main() {
    let only = std::env::args().nth(1).unwrap_or_default();
    let most = std::env::args().nth(2).and_then(|most| most.parse().ok());
    for scope in scopes::all()
        .into_iter()
        .filter(|scope| scope.name.contains(&only))
    {
        let report = explore(&scope, most.unwrap_or(u64::MAX));
        println!(
            "{}: {} states, {} steps, depth {}, {} in {:.1?}, {:?}",
            scope.name,
            report.states,
            report.steps,
            report.depth,
            if report.is_complete { "all" } else { "not all" },
            report.took,
            report.seen,
        );
        if let Some((violation, steps)) = report.violation {
            println!("  {}\n=== {violation}", steps.join("\n  "));
            std::process::exit(1);
        }
    }
}
