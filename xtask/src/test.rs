//! `cargo xtask test`: everything there is to test, and what could not be tested and why.

use anyhow::Result;
use clap::Args;

use crate::build_ebpf;
use crate::kernels;
use crate::lab;
use crate::packages;
use crate::tally::Tally;
use crate::workspace;

/// Set where the machine has all that any test needs: a skip is then a failure (tests/src/skip.rs).
pub(crate) const REQUIRE_VARIABLE: &str = "HEARTBEAT_REQUIRE_ALL";
/// Set for the tests that take minutes (tests/src/skip.rs).
pub(crate) const LONG_VARIABLE: &str = "HEARTBEAT_LONG";

/// Options of `cargo xtask test`.
#[derive(Args)]
pub(crate) struct Options {
    /// Also what takes many minutes
    #[arg(long)]
    long: bool,
    /// Only this: Debian's other kernels, each in emulated machines (about half an hour)
    #[arg(long, conflicts_with = "long")]
    kernels: bool,
    /// Only this: packages on two Debian systems, installed, upgraded and removed (some minutes, and a download);
    /// with --long twenty upgrades
    #[arg(long, conflicts_with = "kernels")]
    packages: bool,
}

/// Runs every step, also after one failed, and sums up.
///
/// # Errors
/// Something failed, or was skipped where nothing need be.
pub(crate) fn run(options: &Options) -> Result<()> {
    if options.kernels {
        return kernels::run();
    }
    if options.packages {
        return packages::run(options.long);
    }
    let mut tally = Tally::default();
    let complete = prepare(&mut tally);
    for (name, arguments) in steps() {
        println!("\n== {name}");
        let mut command = workspace::cargo();
        command
            .args(arguments.split_ascii_whitespace())
            .current_dir(workspace::root());
        if complete {
            command.env(REQUIRE_VARIABLE, "1");
        }
        if options.long {
            command.env(LONG_VARIABLE, "1");
        }
        tally.step(name, &mut command)?;
    }
    tally.sum_up(complete)
}

/// Fetches and builds what the tests need beyond cargo. Whether the machine then has everything.
fn prepare(tally: &mut Tally) -> bool {
    println!("== tools and kernel programs");
    let built =
        build_ebpf::run(&build_ebpf::Options::default()).and_then(|()| lab::need_tools_for_tests());
    if let Err(error) = &built {
        println!("{error:#}");
        if lab::has_rights() {
            tally.fail("tools and kernel programs");
        }
    }
    if !lab::has_rights() {
        println!("not root: what needs namespaces or kernel programs will be skipped");
    }
    built.is_ok() && lab::has_rights()
}

/// Real daemons and faults run one at a time: each scenario wants the machine for itself.
fn steps() -> [(&'static str, &'static str); 6] {
    [
        ("format", "fmt --all --check"),
        (
            "format of the kernel programs",
            "fmt --manifest-path heartbeat-ebpf/Cargo.toml --check",
        ),
        (
            "lints",
            "clippy --workspace --all-targets --locked -- -D warnings",
        ),
        ("programs", "build --workspace --locked"),
        (
            "unit and property tests",
            "test --workspace --locked --no-fail-fast --lib --bins",
        ),
        (
            "packets, networks, command line, documents, lab and scenarios",
            "test --workspace --locked --no-fail-fast --test * -- --test-threads=1",
        ),
    ]
}
