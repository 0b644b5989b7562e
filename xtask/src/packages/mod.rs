//! `cargo xtask test --packages`: the package's life on two Debian systems that systemd boots in namespaces.
//!
//! The tests themselves are those of tests/tests/packages; here is what they install, and where.

mod later;
mod system;

use anyhow::Result;

use crate::build_ebpf;
use crate::dist::{self, Source};
use crate::lab;
use crate::tally::Tally;
use crate::test::{LONG_VARIABLE, REQUIRE_VARIABLE};
use crate::workspace;

/// What the tests go by (tests/src/booted).
const PACKAGES_VARIABLE: &str = "HEARTBEAT_PACKAGES";

/// Makes the system and a package of each of three versions, and tests them; `long` has them upgraded more often.
///
/// # Errors
/// Something is missing, or a test failed.
pub(crate) fn run(long: bool) -> Result<()> {
    lab::need_rights()?;
    println!("== tools, kernel programs, a system and packages");
    lab::need_tools()?;
    dist::need_tools()?;
    build_ebpf::run(&build_ebpf::Options::default())?;
    let folder = lab::target_dir().join("packages");
    system::make(&folder.join("tree"))?;
    let later = later::copied(&folder.join("source"), 1)?;
    let relaid = later::copied(&folder.join("relaid-source"), 2)?;
    later::lay_anew(&relaid)?;
    let of = |root| Source {
        root,
        release: false,
    };
    let (now, later, relaid) = (of(workspace::root()), of(&later), of(&relaid));
    for (source, name) in [(&relaid, "relaid"), (&later, "later"), (&now, "now")] {
        dist::build(source)?;
        dist::debian(source, &folder.join(name))?;
    }
    dist::fedora(&now, &folder.join("now"))?;
    build_lab()?;
    let mut command = workspace::cargo();
    command
        .args(["test", "-p", "heartbeat-tests", "--locked"])
        .args(["--test", "packages", "--", "--test-threads=1"])
        .current_dir(workspace::root())
        .env(REQUIRE_VARIABLE, "1")
        .env(PACKAGES_VARIABLE, &folder);
    if long {
        command.env(LONG_VARIABLE, "1");
    }
    let mut tally = Tally::default();
    tally.step("packages", &mut command)?;
    tally.sum_up(true)
}

/// Who looks on is a program of the lab.
fn build_lab() -> Result<()> {
    let mut build = workspace::cargo();
    build
        .args(["build", "--locked", "--bins"])
        .args(["-p", "heartbeat-user", "-p", "heartbeat-tests"])
        .current_dir(workspace::root());
    workspace::run(&mut build, "see the compiler's message above")
}
