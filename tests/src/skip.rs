//! Tests that need more than every machine has: they are skipped, say so, and must not be where
//! the machine has it all. And tests that take long: they are left for `cargo xtask test --long`.

use std::io::Write;
use std::path::Path;

use nix::unistd::Uid;

use crate::booted::Packages;
use crate::guest::Image;
use crate::lab::postgresql;
use crate::paths;

/// Set to 1 by `cargo xtask test` where rights and tools are there: a skip is then a failure.
pub const REQUIRE_VARIABLE: &str = "HEARTBEAT_REQUIRE_ALL";
/// Start of the line that tells a skip; `cargo xtask test` counts these.
pub const SKIPPED: &str = "skipped: ";

/// Set by `cargo xtask test --long`: what takes many minutes runs too.
pub const LONG_VARIABLE: &str = "HEARTBEAT_LONG";
/// Start of the line of a test that takes long and was not asked for; `cargo xtask test` lists these.
pub const LEFT: &str = "left for --long: ";

/// Start of the line of a test that needs guests and was not asked for; `cargo xtask test` lists these too.
pub const NOT_HERE: &str = "left for --kernels: ";

/// Start of the line of a test that needs packages and was not asked for; `cargo xtask test` lists these too.
pub const NO_PACKAGES: &str = "left for --packages: ";

/// Start of the line of a scenario that was played again; `cargo xtask test` lists these.
pub const REPEATED: &str = "repeated, the machine withheld its processors: ";

/// Says that a scenario failed in a way that shows nothing of the product, and is played again.
pub fn repeated(test: &str, error: &anyhow::Error) {
    let _ = writeln!(
        std::io::stderr(),
        "{REPEATED}{test} ({})",
        error.root_cause()
    );
}

/// Where packages put their programs.
const FOLDERS: [&str; 3] = ["/usr/sbin", "/sbin", "/usr/bin"];

/// Something a test may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Many minutes: somebody must ask for it ([`LONG_VARIABLE`]).
    Long,
    /// A kernel for guests: somebody must ask for them ([`crate::guest::KERNEL_VARIABLE`]).
    Guests,
    /// Packages of two versions: somebody must ask for them ([`crate::booted::PACKAGES_VARIABLE`]).
    Packages,
    /// To make namespaces, load programs and give real-time priority.
    Root,
    /// iproute2.
    Ip,
    /// bpftool.
    Bpftool,
    /// nftables' program.
    Nft,
    /// A message bus.
    Dbus,
    /// A PostgreSQL server.
    Postgresql,
    /// A program of this name, from the package of this name.
    Tool(&'static str, &'static str),
    /// The lab's BPF object (faulty wires).
    LabObject,
    /// The product's kernel program, built into it.
    KernelProgram,
    /// Programs at tcx, which this kernel has from Linux 6.6 on.
    Tcx,
    /// So many processors.
    Processors(usize),
    /// A program of this workspace that cargo does not build along with these tests.
    Program(&'static str),
}

/// What every test in the lab needs.
pub const LAB: [Need; 3] = [Need::Root, Need::Ip, Need::LabObject];

impl Need {
    /// Why this need is not met here; `None` if it is.
    fn unmet(self) -> Option<String> {
        match self {
            Self::Long => std::env::var_os(LONG_VARIABLE)
                .is_none()
                .then(|| "takes many minutes; run with --long".to_owned()),
            Self::Guests => (Image::of_environment().is_none())
                .then(|| "starts other kernels; run with --kernels".to_owned()),
            Self::Packages => (Packages::of_environment().is_none())
                .then(|| "installs packages; run with --packages".to_owned()),
            Self::Root => (!Uid::effective().is_root()).then(|| "not root; run as root".to_owned()),
            Self::Ip => tool("ip", "iproute2"),
            Self::Bpftool => tool("bpftool", "bpftool"),
            Self::Nft => tool("nft", "nftables"),
            Self::Dbus => tool("dbus-daemon", "dbus-daemon"),
            Self::Tool(program, package) => tool(program, package),
            Self::Postgresql => postgresql::programs()
                .is_none()
                .then(|| "no PostgreSQL server; install the package postgresql".to_owned()),
            Self::Processors(count) => std::thread::available_parallelism()
                .is_ok_and(|here| here.get() < count)
                .then(|| format!("fewer than {count} processors")),
            Self::KernelProgram => (!heartbeat_user::datapath::is_built_in()).then(|| {
                "the kernel program is not built in; run `cargo xtask build-ebpf`, then build again"
                    .to_owned()
            }),
            Self::Tcx => (!heartbeat_user::datapath::has_tcx())
                .then(|| "this kernel has no tcx; run on Linux 6.6 or later".to_owned()),
            Self::LabObject => paths::lab_object().err().map(|error| error.to_string()),
            Self::Program(name) => paths::program(name).err().map(|error| error.to_string()),
        }
    }
}

/// Why a program from a package cannot be run; `None` if it can.
fn tool(program: &str, package: &str) -> Option<String> {
    let is_there = |folder: &str| Path::new(folder).join(program).exists();
    (!FOLDERS.into_iter().any(is_there))
        .then(|| format!("no program {program}; install the package {package}"))
}

/// Whether `test` must be skipped for want of one of `needs`; says so if it must. One that takes long, starts guests or
/// installs packages and was not asked for is left, which is no want: it says so in another way.
///
/// # Panics
/// Where [`REQUIRE_VARIABLE`] is 1: there everything is to be had, so the want is a defect.
#[must_use]
pub fn lacks(test: &str, needs: &[Need]) -> bool {
    for (need, left) in [
        (Need::Long, LEFT),
        (Need::Guests, NOT_HERE),
        (Need::Packages, NO_PACKAGES),
    ] {
        if needs.contains(&need) && need.unmet().is_some() {
            let _ = writeln!(std::io::stderr(), "{left}{test}");
            return true;
        }
    }
    let Some(reason) = needs.iter().find_map(|need| need.unmet()) else {
        return false;
    };
    assert!(
        std::env::var_os(REQUIRE_VARIABLE).is_none_or(|value| value != "1"),
        "{test} may not be skipped here ({REQUIRE_VARIABLE}=1), but: {reason}"
    );
    // Straight to the descriptor: what print! says in a passing test is never seen.
    let _ = writeln!(std::io::stderr(), "{SKIPPED}{test}: {reason}");
    true
}
