//! `cargo xtask soak`: clusters in the simulator, one after the other, for as long as somebody likes.

use anyhow::Result;
use clap::Args;

use crate::workspace;

/// Options of `cargo xtask soak`.
#[derive(Args)]
pub(crate) struct Options {
    /// How long
    #[arg(long, required_unless_present = "case", value_parser = clap::value_parser!(u64).range(1..))]
    minutes: Option<u64>,
    /// The first seed [default: another one each time]
    #[arg(long)]
    seed: Option<u64>,
    /// Only clusters of so many members: 3 or 5
    #[arg(long)]
    members: Option<u64>,
    /// One case only, with each of its events, such as chaos:17
    #[arg(long, conflicts_with_all = ["minutes", "seed", "members"])]
    case: Option<String>,
}

/// Runs it.
///
/// # Errors
/// Something did not hold; the events that led to it are on the terminal.
pub(crate) fn run(options: &Options) -> Result<()> {
    let minutes = options.minutes.map(|minutes| minutes.to_string());
    let seed = options.seed.map(|seed| seed.to_string());
    let members = options.members.map(|members| members.to_string());
    let given = [
        ("--minutes", minutes),
        ("--seed", seed),
        ("--members", members),
        ("--case", options.case.clone()),
    ];
    let mut command = workspace::cargo();
    command
        .args([
            "run",
            "--quiet",
            "--locked",
            "-p",
            "heartbeat-sim",
            "--bin",
            "soak",
            "--",
        ])
        .args(
            given
                .into_iter()
                .filter_map(|(name, value)| Some([name.to_owned(), value?]))
                .flatten(),
        )
        .current_dir(workspace::root());
    workspace::run(
        &mut command,
        "see above what did not hold, and how to run it again",
    )
}
