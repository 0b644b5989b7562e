//! The command lines and exit codes: types only, so that manual pages and shell completions can be made from
//! them.

pub mod ctl;
pub mod daemon;
mod exit;

use std::path::{Path, PathBuf};

pub use exit::Exit;

/// Where the configuration is, unless `--config` names another file.
pub const DEFAULT_CONFIG: &str = "/etc/heartbeatd/heartbeatd.toml";
/// Where the control socket is, unless `--control` names another place.
pub const DEFAULT_CONTROL: &str = "/run/heartbeatd/control.sock";
/// Where the daemon keeps what must survive a reboot, unless `--state` names another folder.
pub const DEFAULT_STATE: &str = "/var/lib/heartbeatd";
/// Where `heartbeatctl keygen` writes, unless `--out` names another file.
pub const DEFAULT_KEY_FILE: &str = "/etc/heartbeatd/cluster.key";

/// Where maps and links of a cluster are pinned, unless `--bpf-dir` names another folder.
#[must_use]
pub fn default_bpf_dir(cluster: &str) -> PathBuf {
    Path::new("/sys/fs/bpf/heartbeatd").join(cluster)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn both_command_lines_are_sound() {
        daemon::Args::command().debug_assert();
        ctl::Args::command().debug_assert();
    }
}
