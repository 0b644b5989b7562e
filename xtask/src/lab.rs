//! What demo, bench and tests need before the lab can run: rights, tools, and everything built.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use nix::unistd::Uid;

use crate::build_ebpf;
use crate::no_starts::NoStarts;
use crate::workspace;

/// A program that the lab uses, and the package of Debian and Ubuntu that has it.
struct Tool {
    /// Its name, or the whole path of what is no program.
    program: &'static str,
    package: &'static str,
}

/// Without these the lab does not run.
const NEEDED: &[Tool] = &[
    Tool {
        program: "ip",
        package: "iproute2",
    },
    Tool {
        program: "ethtool",
        package: "ethtool",
    },
    Tool {
        program: "ping",
        package: "iputils-ping",
    },
    Tool {
        program: "nft",
        package: "nftables",
    },
    Tool {
        program: "timeout",
        package: "coreutils",
    },
    Tool {
        program: "bpftool",
        package: "bpftool",
    },
    Tool {
        program: "dbus-daemon",
        package: "dbus-daemon",
    },
    Tool {
        program: "pg_ctlcluster",
        package: "postgresql",
    },
    Tool {
        program: "nginx",
        package: "nginx-light",
    },
    Tool {
        program: "redis-server",
        package: "redis-server",
    },
    Tool {
        program: "prometheus-alertmanager",
        package: "prometheus-alertmanager",
    },
    Tool {
        program: "promtool",
        package: "prometheus",
    },
    Tool {
        program: "shellcheck",
        package: "shellcheck",
    },
    Tool {
        program: "systemd-analyze",
        package: "systemd",
    },
    Tool {
        program: "networkctl",
        package: "systemd",
    },
];

/// Without these nobody looks at the status page. They are large (0.4 GB), so only the tests want them.
const FOR_BROWSER: &[Tool] = &[
    Tool {
        program: "chromium",
        package: "chromium",
    },
    Tool {
        program: "chromedriver",
        package: "chromium-driver",
    },
];

/// Without these there are no guests with other kernels.
const FOR_GUESTS: &[Tool] = &[
    Tool {
        program: "qemu-system-x86_64",
        package: "qemu-system-x86",
    },
    Tool {
        program: "busybox",
        package: "busybox-static",
    },
    Tool {
        program: "modprobe",
        package: "kmod",
    },
    Tool {
        program: "strip",
        package: "binutils",
    },
];

/// Without these there are no packages, nor anybody who looks at them.
const FOR_PACKAGES: &[Tool] = &[
    Tool {
        program: "strip",
        package: "binutils",
    },
    Tool {
        program: "dpkg-deb",
        package: "dpkg",
    },
    Tool {
        program: "dpkg-shlibdeps",
        package: "dpkg-dev",
    },
    Tool {
        program: "lintian",
        package: "lintian",
    },
    Tool {
        program: "rpm",
        package: "rpm",
    },
    Tool {
        program: "rpmlint",
        package: "rpmlint",
    },
    Tool {
        program: "debootstrap",
        package: "debootstrap",
    },
];

/// Without these there is nothing to compare a pair with.
const FOR_RIVAL: &[Tool] = &[
    Tool {
        program: "/usr/share/java/zookeeper.jar",
        package: "zookeeper",
    },
    Tool {
        program: "/usr/lib/python3/dist-packages/kazoo/client.py",
        package: "python3-kazoo",
    },
];

/// Without it there is nothing to hold the dynamic information's figures against.
const ETCD: &[Tool] = &[Tool {
    program: "etcd",
    package: "etcd-server",
}];

/// Where programs are, for a root whose PATH leaves the administrators' folders out too.
const FOLDERS: &[&str] = &[
    "/usr/sbin",
    "/sbin",
    "/usr/bin",
    "/bin",
    "/usr/local/sbin",
    "/usr/local/bin",
];

/// Whether this process may make namespaces and load programs.
pub(crate) fn has_rights() -> bool {
    Uid::effective().is_root()
}

/// Fails with the cure unless this process has the rights.
pub(crate) fn need_rights() -> Result<()> {
    if !has_rights() {
        bail!("the lab makes network namespaces and loads kernel programs: run this as root");
    }
    Ok(())
}

/// Installs what is missing of the lab's tools, and says so.
///
/// # Errors
/// Something is missing and cannot be installed; the message names the packages.
pub(crate) fn need_tools() -> Result<()> {
    need(NEEDED)
}

/// Installs what is missing for all tests, the lab's tools too, and says so.
///
/// # Errors
/// As [`need_tools`].
pub(crate) fn need_tools_for_tests() -> Result<()> {
    need_tools()?;
    need(FOR_BROWSER)
}

/// Installs what is missing for guests with other kernels, the lab's tools too, and says so.
///
/// # Errors
/// As [`need_tools`].
pub(crate) fn need_tools_for_guests() -> Result<()> {
    need_tools()?;
    need(FOR_GUESTS)
}

/// Installs what is missing for making packages and looking at them, and says so.
///
/// # Errors
/// As [`need_tools`].
pub(crate) fn need_tools_for_packages() -> Result<()> {
    need(FOR_PACKAGES)
}

/// Installs what is missing of the lock service that a pair is measured against, and says so.
///
/// # Errors
/// As [`need_tools`].
pub(crate) fn need_tools_for_rival() -> Result<()> {
    need(FOR_RIVAL)
}

/// Installs etcd if it is missing, and says so.
///
/// # Errors
/// As [`need_tools`].
pub(crate) fn need_etcd() -> Result<()> {
    need(ETCD)
}

fn need(tools: &[Tool]) -> Result<()> {
    let missing: Vec<&str> = tools
        .iter()
        .filter(|tool| !is_installed(tool.program))
        .map(|tool| tool.package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    if !has_rights() || !is_installed("apt-get") {
        bail!("missing for the lab: install the packages {packages} (names of Debian and Ubuntu)");
    }
    println!("lab: installing {packages} by apt-get (once); servers among them are not started");
    let cure = format!("install {packages} by hand");
    let _quiet = NoStarts::begin()?;
    workspace::run(Command::new("apt-get").args(["update", "-q"]), &cure)?;
    let mut install = Command::new("apt-get");
    install
        .args(["install", "-q", "-y", "--no-install-recommends"])
        .args(&missing);
    workspace::run(install.env("DEBIAN_FRONTEND", "noninteractive"), &cure)
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(FOLDERS.iter().map(PathBuf::from))
        .any(|folder| folder.join(program).is_file())
}

/// Builds kernel objects, daemon and lab for measuring, and runs the lab's program `name`.
///
/// # Errors
/// Rights or tools are missing, something does not build, or the program fails.
pub(crate) fn run_program(name: &str, arguments: &[String]) -> Result<()> {
    need_rights()?;
    need_tools()?;
    build_ebpf::run(&build_ebpf::Options::default())?;
    let mut build = workspace::cargo();
    build
        .args(["build", "--release", "--locked", "--bins"])
        .args(["-p", "heartbeat-user", "-p", "heartbeat-tests"]);
    workspace::run(
        build.current_dir(workspace::root()),
        "see the compiler's message above",
    )?;
    let program = target_dir().join("release").join(name);
    let status = Command::new(&program)
        .args(arguments)
        .status()
        .with_context(|| format!("cannot start {}", program.display()))?;
    if !status.success() {
        bail!("{name} ended with {status}");
    }
    Ok(())
}

/// Where cargo builds to.
pub(crate) fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || workspace::root().join("target"),
        |dir| workspace::root().join(Path::new(&dir)),
    )
}
