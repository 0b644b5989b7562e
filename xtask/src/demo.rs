//! `cargo xtask demo`: a cluster on this machine loses its master in four ways, and a client watches.

use anyhow::Result;
use clap::Args;

use crate::lab;

/// Options of `cargo xtask demo`.
#[derive(Args)]
pub(crate) struct Options {
    /// Which cluster: `quorum` for three nodes (the default), `pair` for two alone
    what: Option<String>,
    /// Leave the lab running at the end, with the commands to look around in it
    #[arg(long)]
    keep: bool,
}

/// Runs it.
///
/// # Errors
/// Something is missing, or not all went as promised.
pub(crate) fn run(options: &Options) -> Result<()> {
    let keep = options.keep.then(|| "--keep".to_owned());
    let arguments: Vec<String> = options.what.clone().into_iter().chain(keep).collect();
    lab::run_program("lab-demo", &arguments)
}
