//! A daemon in a container: what a runtime gives a process, and nothing else.
//!
//! Its own processes, mounts and view of /sys; a root that is read-only but for the daemon's folders; the machine's
//! own BPF file system; and of root's rights those that the daemon needs.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// What is done inside before the daemon; arguments: the writable folder, the rights, then the daemon's command.
const INSIDE: &str = include_str!("container.sh");

/// Rights that a daemon in a container needs, in setpriv's words: the unit's, and two that stand in for its limits.
pub const RIGHTS: &str = "-all,+net_admin,+net_raw,+bpf,+perfmon,+sys_nice,+ipc_lock";

/// Starts this daemon, whose arguments are still to come, in a container where `folder` is writable.
#[must_use]
pub fn command(folder: &Path, daemon: &Path) -> Command {
    let mut command = Command::new("unshare");
    // A container that is killed is a first process that is killed, and with it every other one.
    command
        .args([
            "--mount",
            "--pid",
            "--ipc",
            "--uts",
            "--fork",
            "--kill-child",
        ])
        .args(["sh", "-ec", INSIDE, "container"])
        .args([folder.as_os_str(), OsStr::new(RIGHTS), daemon.as_os_str()]);
    command
}
