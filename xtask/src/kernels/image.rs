//! What a guest starts from: one archive in memory, with the host's own programs and the kernel's modules.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::packages::Kernel;
use crate::workspace;

/// What a guest does first.
const INIT: &str = include_str!("init.sh");
/// Modules of what the guests use: networks, and what those need.
const MODULES: [&str; 5] = ["net", "drivers/net", "drivers/virtio", "lib", "crypto"];
/// Folders that are links to those below /usr.
const MERGED: [&str; 4] = ["bin", "sbin", "lib", "lib64"];
/// Programs of the lab, and the loader of modules; busybox has the shell.
const PROGRAMS: [&str; 8] = [
    "busybox", "modprobe", "ip", "ethtool", "ping", "nft", "timeout", "bpftool",
];

/// Packs the kernel's modules, the lab's tools, and `own` files, these under the paths that they have here;
/// gives the archive's path.
///
/// # Errors
/// A program is missing, or the disk refuses.
pub(super) fn pack(kernel: &Kernel, own: &[PathBuf], folder: &Path) -> Result<PathBuf> {
    let root = folder.join("guest");
    let _ = fs::remove_dir_all(&root);
    for name in MERGED {
        fs::create_dir_all(root.join("usr").join(name))?;
        symlink(format!("usr/{name}"), root.join(name))?;
    }
    for name in ["dev", "proc", "sys", "run", "tmp", "etc"] {
        fs::create_dir(root.join(name))?;
    }
    let tools: Vec<PathBuf> = PROGRAMS
        .iter()
        .map(|name| find(name))
        .collect::<Result<_>>()?;
    let mut needed = BTreeSet::new();
    for program in own.iter().chain(&tools) {
        put(program, &root)?;
        needed.extend(libraries(program));
    }
    for library in &needed {
        put(library, &root)?;
    }
    // Tests find the kernel objects by a path that begins here.
    let tests = workspace::root().join("tests");
    fs::create_dir_all(inside(&tests, &root))?;
    modules(kernel, &root)?;
    let init = root.join("init");
    fs::write(&init, INIT)?;
    workspace::run(Command::new("chmod").arg("755").arg(&init), "")?;
    let archive = folder.join(format!("guest-{}.cpio", kernel.release));
    let mut list = Command::new("sh");
    list.args([
        "-c",
        "find . | busybox cpio -o -H newc 2>/dev/null > \"$1\"",
        "sh",
    ])
    .arg(&archive)
    .current_dir(&root);
    workspace::run(&mut list, "the disk may be full")?;
    fs::remove_dir_all(&root)?;
    Ok(archive)
}

fn find(program: &str) -> Result<PathBuf> {
    let folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    let paths = folders.iter().map(|folder| Path::new(folder).join(program));
    for path in paths {
        if path.is_file() {
            return Ok(path);
        }
    }
    bail!("no program {program} in {folders:?}")
}

/// Where a path of this machine is in the guest.
fn inside(path: &Path, root: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// Copies a file to the same path below `root`, without what only a debugger reads.
fn put(file: &Path, root: &Path) -> Result<()> {
    let copy = inside(file, root);
    let parent = copy.parent().context("a file lies in a folder")?;
    fs::create_dir_all(parent)?;
    fs::copy(file, &copy).with_context(|| format!("cannot copy {}", file.display()))?;
    // Kernel objects keep theirs: BTF is among it. What is no program stays as it is.
    if file.extension().is_none() && !file.starts_with(workspace::bpf_dir()) {
        let _ = workspace::output(Command::new("strip").arg("--strip-debug").arg(&copy));
    }
    Ok(())
}

/// The shared libraries that a program names, and its loader; none of a static one.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let listed = workspace::output(Command::new("ldd").arg(program)).unwrap_or_default();
    listed
        .split_ascii_whitespace()
        .filter(|word| word.starts_with('/'))
        .map(PathBuf::from)
        .collect()
}

fn modules(kernel: &Kernel, root: &Path) -> Result<()> {
    let to = root.join("usr/lib/modules").join(&kernel.release);
    for part in MODULES {
        let place = to.join("kernel").join(part);
        fs::create_dir_all(place.parent().context("below kernel/")?)?;
        let mut copy = Command::new("cp");
        copy.arg("-r")
            .arg(kernel.modules().join("kernel").join(part))
            .arg(&place);
        workspace::run(&mut copy, "the disk may be full")?;
    }
    for list in [
        "modules.builtin",
        "modules.order",
        "modules.builtin.modinfo",
    ] {
        fs::copy(kernel.modules().join(list), to.join(list))
            .with_context(|| format!("the package has no {list}"))?;
    }
    let mut index = Command::new("depmod");
    index.arg("-b").arg(root).arg(&kernel.release);
    workspace::run(&mut index, "install kmod")
}
