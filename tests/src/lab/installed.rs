//! A node on which heartbeatd is installed as on a machine: its own files under the usual names, programs on the path.
//!
//! The machine's own `/etc`, `/run`, `/var/lib` and bpf file system are covered in a mount namespace of the node, and its
//! processes live in a PID namespace, which ends with this. Where a machine has systemd, and a way to copy files to the
//! others, stand programs of the lab's own.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::lab::command::run;
use crate::lab::netns::Netns;
use crate::paths;

/// In systemd's place: starts the daemon anew 50 ms after its end, as the unit has it.
const SYSTEMCTL: &str = include_str!("installed/systemctl");
/// In ssh's place: the other nodes' folders lie beside this one's.
const SCP: &str = include_str!("installed/scp");
/// What covers the machine's own; `{node}` is the node's folder.
const COVER: &str = include_str!("installed/cover");
/// The product's programs.
const PROGRAMS: [&str; 2] = ["heartbeatd", "heartbeatctl"];

/// The node, as long as this lives.
#[derive(Debug)]
pub struct Installed<'lab> {
    network: &'lab Netns,
    programs: PathBuf,
    /// Holds the namespaces.
    holder: Child,
}

impl<'lab> Installed<'lab> {
    /// Lays out the node called `name` in its folder below `folder`, with nothing configured yet. Its control socket, its
    /// state and its log are then where those of a daemon of the lab's own are.
    ///
    /// # Errors
    /// When the programs are not built, or the kernel refuses.
    pub fn lay_out(network: &'lab Netns, folder: &Path, name: &str) -> Result<Self> {
        let node = folder.join(name);
        for part in ["etc", "state", "run", "programs", "under/heartbeatd"] {
            fs::create_dir_all(node.join(part))?;
        }
        symlink("run/heartbeatd/control.sock", node.join("control.sock"))?;
        let programs = node.join("programs");
        for program in PROGRAMS {
            symlink(paths::program(program)?, programs.join(program))?;
        }
        for (program, text) in [("systemctl", SYSTEMCTL), ("scp", SCP)] {
            let path = programs.join(program);
            let text = text
                .replace("{nodes}", &folder.display().to_string())
                .replace("{log}", &node.with_extension("log").display().to_string());
            fs::write(&path, text)?;
            fs::set_permissions(&path, Permissions::from_mode(0o755))?;
        }
        let cover = COVER.replace("{node}", &node.display().to_string());
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .args(["sh", "-ec", &cover])
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let holder = network.spawn(&mut command)?;
        let installed = Self {
            network,
            programs,
            holder,
        };
        installed.wait(&node.join("covered"))?;
        Ok(installed)
    }

    /// Runs a line of shell there, as root.
    ///
    /// # Errors
    /// When the shell cannot be started; that the line failed stands in the output.
    pub fn run(&self, line: &str) -> Result<Output> {
        let of_holder = |kind: &str| format!("/proc/{}/ns/{kind}", self.holder.id());
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--mount={}", of_holder("mnt")))
            .arg(format!("--pid={}", of_holder("pid_for_children")))
            .args(["sh", "-c", line])
            .env("PATH", format!("{}:{path}", self.programs.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Ok(self.network.spawn(&mut command)?.wait_with_output()?)
    }

    /// Waits until the machine's own is covered, which a file tells that only the covered node has.
    fn wait(&self, sign: &Path) -> Result<()> {
        let line = format!(
            "timeout 5 sh -c 'until [ -e {} ]; do sleep 0.01; done'",
            sign.display()
        );
        run("sh", &["-c", &line]).map(drop)?;
        let seen = self.run("ls -A /etc/heartbeatd /run")?;
        ensure!(
            seen.status.success() && seen.stdout.len() < 40,
            "not covered: {}",
            String::from_utf8_lossy(&seen.stdout)
        );
        Ok(())
    }
}

impl Drop for Installed<'_> {
    fn drop(&mut self) {
        // The first process of the PID namespace goes with it, and all others with that.
        let ended = self.holder.kill().and_then(|()| self.holder.wait());
        if let Err(error) = ended.context("cannot end a node") {
            eprintln!("lab: {error:#}");
        }
    }
}
