//! `cargo xtask dist`: a package for Debian and one for Fedora, of one tree of files.

mod lint;
mod stage;
mod third_party;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::build_ebpf;
use crate::lab;
use crate::tool;
use crate::workspace;

/// The makers of packages, in the versions that they were tried with.
const CARGO_DEB: &str = "3.8.0";
const CARGO_GENERATE_RPM: &str = "0.21.1";
/// The crate whose manifest says what the packages are.
const CRATE: &str = "heartbeat-user";

/// Options of `cargo xtask dist`.
#[derive(Args)]
pub(crate) struct Options {
    /// Without optimisation: built sooner, for tests; never for use
    #[arg(long)]
    debug: bool,
    /// Have lintian and rpmlint look at the packages
    #[arg(long)]
    check: bool,
}

/// Of what packages are made.
pub(crate) struct Source<'a> {
    /// The workspace's root folder, this one or a copy of it.
    pub(crate) root: &'a Path,
    /// Built with optimisation.
    pub(crate) release: bool,
}

/// Builds both packages into target/dist, and says where they are.
///
/// # Errors
/// A tool is missing and cannot be installed, something does not build, or a checker complains.
pub(crate) fn run(options: &Options) -> Result<()> {
    need_tools()?;
    build_ebpf::run(&build_ebpf::Options::default())?;
    let source = Source {
        root: workspace::root(),
        release: !options.debug,
    };
    let folder = workspace::root().join("target/dist");
    build(&source)?;
    let packages = [debian(&source, &folder)?, fedora(&source, &folder)?];
    for package in &packages {
        println!("built {}", package.display());
    }
    if options.check {
        lint::run(source.root, &packages)?;
    }
    Ok(())
}

/// Installs what makes packages, and says so.
///
/// # Errors
/// As [`tool::need`] and [`lab::need_tools_for_packages`].
pub(crate) fn need_tools() -> Result<()> {
    let cure =
        "it needs a C compiler (Debian, Ubuntu: `apt-get install build-essential`) and the network";
    tool::need("deb", CARGO_DEB, cure)?;
    tool::need("generate-rpm", CARGO_GENERATE_RPM, cure)?;
    lab::need_tools_for_packages()
}

/// Builds the programs, and lays out what goes into the packages.
///
/// # Errors
/// Something does not build, or a file is missing.
pub(crate) fn build(source: &Source<'_>) -> Result<()> {
    let mut build = workspace::cargo();
    build
        .args(["build", "--locked", "--bins", "-p", CRATE])
        .arg("--target-dir")
        .arg(lab::target_dir())
        .args(source.release.then_some("--release"))
        .current_dir(source.root);
    workspace::run(&mut build, "see the compiler's message above")?;
    let profile = if source.release { "release" } else { "debug" };
    stage::lay_out(source.root, &lab::target_dir().join(profile))
}

/// Makes the .deb in `folder` of what was laid out.
///
/// # Errors
/// cargo-deb's.
pub(crate) fn debian(source: &Source<'_>, folder: &Path) -> Result<PathBuf> {
    let mut make = workspace::cargo();
    make.args([
        "deb",
        "--package",
        CRATE,
        "--no-build",
        "--no-strip",
        "--quiet",
    ])
    // What is built for tests is not worth the time.
    .args((!source.release).then_some("--fast"))
    .arg("--output")
    .arg(folder)
    .current_dir(source.root);
    made(&mut make, folder, "deb")
}

/// Makes the .rpm in `folder` of what was laid out.
///
/// # Errors
/// cargo-generate-rpm's.
pub(crate) fn fedora(source: &Source<'_>, folder: &Path) -> Result<PathBuf> {
    let mut make = workspace::cargo();
    make.args(["generate-rpm", "--package", CRATE])
        // What is built for tests is not worth the time.
        .args((!source.release).then_some("--payload-compress=none"))
        .arg("--output")
        .arg(folder)
        .current_dir(source.root);
    made(&mut make, folder, "rpm")
}

/// Runs a maker of packages in an empty place; what it made there.
fn made(make: &mut std::process::Command, folder: &Path, kind: &str) -> Result<PathBuf> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for old in of_kind(folder, kind)? {
        std::fs::remove_file(&old).with_context(|| format!("cannot remove {}", old.display()))?;
    }
    workspace::run(make, "see its message above")?;
    let mut found = of_kind(folder, kind)?;
    found
        .pop()
        .with_context(|| format!("no .{kind} was made in {}", folder.display()))
}

fn of_kind(folder: &Path, kind: &str) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .collect::<std::io::Result<Vec<_>>>()?;
    Ok(entries
        .into_iter()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == kind))
        .collect())
}
