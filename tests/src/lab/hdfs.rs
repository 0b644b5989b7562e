//! Stand-ins of HDFS's NameNodes on the lab's nodes, as the product's profile for them wants them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::hdfs::host;
use crate::hdfs::journal::{Reign, reigns};
use crate::hdfs::namenode::{PID_FILE, Trouble, trouble};
use crate::lab::Lab;
use crate::lab::command::run;
use crate::lab::profile::Profile;
use crate::paths;

/// How the peer is fenced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fencing {
    /// By the profile's program, over the network.
    Ssh,
    /// By a switch that always works: the peer's NameNode is gone.
    Power,
}

/// The NameNodes of two nodes, and what logs in there. They end with it.
#[derive(Debug)]
pub struct NameNodes {
    profile: Profile,
    fencing: Fencing,
}

const SLOTS: [u8; 2] = [1, 2];

impl NameNodes {
    /// Lays out the profile's programs, their settings, and stand-ins of what they run; nothing runs yet.
    ///
    /// # Errors
    /// When the stand-in is not built.
    pub fn lay_out(fencing: Fencing) -> Result<Self> {
        let nodes = Self {
            profile: Profile::lay_out("hdfs")?,
            fencing,
        };
        let tool = paths::program("lab-hdfs")?;
        let tool = tool.display();
        let ssh = nodes.write("ssh", &format!("exec {tool} ssh \"$@\""))?;
        for slot in SLOTS {
            let peer = 3 - slot;
            let folder = nodes.folder(slot.into());
            fs::create_dir_all(&folder)?;
            let folder = folder.display();
            let hdfs = nodes.write(
                &format!("hdfs-{slot}"),
                &format!("exec {tool} hdfs {folder} \"$@\""),
            )?;
            let power = nodes.write(&format!("power-{slot}"), &nodes.power_off(peer))?;
            let fence = match fencing {
                Fencing::Ssh => nodes.program("fence"),
                Fencing::Power => power,
            };
            nodes.profile.set(
                slot.into(),
                &[
                    ("HDFS", hdfs),
                    ("SELF", format!("nn{slot}")),
                    ("PEER", format!("nn{peer}")),
                    ("PEER_HOST", host(peer).to_string()),
                    ("SSH", ssh.clone()),
                    ("PIDFILE", format!("{folder}/{PID_FILE}")),
                    ("PATIENCE", "1".to_owned()),
                    ("STARTING", "5".to_owned()),
                    ("FENCE", fence),
                ],
            )?;
        }
        Ok(nodes)
    }

    fn program(&self, name: &str) -> String {
        self.profile.folder().join(name).display().to_string()
    }

    /// Where the NameNode of that slot has its files.
    fn folder(&self, slot: u16) -> PathBuf {
        self.profile.node(slot).join("NameNode")
    }

    fn write(&self, name: &str, line: &str) -> Result<String> {
        let path = self.profile.folder().join(name);
        fs::write(&path, format!("#!/bin/sh\n{line}\n"))?;
        fs::set_permissions(&path, Permissions::from_mode(0o755))?;
        Ok(path.display().to_string())
    }

    /// A machine without power answers nothing: its NameNode is gone, and stays so.
    fn power_off(&self, slot: u8) -> String {
        let pid = self.folder(slot.into()).join(PID_FILE);
        format!("pkill -KILL -F {} -f NameNode || true", pid.display())
    }

    /// The profile's part of heartbeatd's configuration, looking ten times as often.
    ///
    /// # Errors
    /// When the profile cannot be read.
    pub fn configuration(&self) -> Result<String> {
        let pid = format!(
            "{}/n{{slot}}/NameNode/{PID_FILE}",
            self.profile.folder().display()
        );
        self.profile.configuration(&[
            ("/var/run/hadoop/hadoop-hdfs-namenode.pid", pid),
            ("user = \"hdfs\"", "user = \"root\"".to_owned()),
            ("interval = \"1s\"", "interval = \"100ms\"".to_owned()),
            ("timeout = \"5s\"", "timeout = \"500ms\"".to_owned()),
            ("backoff = \"5s\"", "backoff = \"500ms\"".to_owned()),
            (
                "address = \"after\"",
                "retry_after = \"1s\"\naddress = \"after\"".to_owned(),
            ),
        ])
    }

    /// The fence command of `[pair]`, with its argument.
    #[must_use]
    pub fn fence_command(&self) -> String {
        match self.fencing {
            Fencing::Ssh => format!(
                "{} {}/n{{slot}}.env",
                self.program("fence"),
                self.profile.folder().display()
            ),
            Fencing::Power => self.program("power-{slot}"),
        }
    }

    /// Starts both NameNodes anew, and what logs in on their machines.
    ///
    /// # Errors
    /// When the stand-in cannot be started.
    pub fn start(&self, lab: &Lab) -> Result<()> {
        for slot in SLOTS.map(u16::from) {
            self.end(slot);
            fs::remove_dir_all(self.folder(slot))?;
            fs::create_dir(self.folder(slot))?;
            for what in ["sshd", "namenode"] {
                let mut command = Command::new(paths::program("lab-hdfs")?);
                command
                    .arg(what)
                    .arg(self.folder(slot))
                    .stdin(Stdio::null());
                // It ends when its folder is gone.
                lab.topology().node(slot).spawn(&mut command)?;
            }
        }
        Ok(())
    }

    fn end(&self, slot: u16) {
        if let Ok(pid) = self.process(slot) {
            // Fails where none runs, which is as well.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }

    /// What `hdfs haadmin CALL` says on the node in that slot, of its own NameNode.
    ///
    /// # Errors
    /// When it fails.
    pub fn admin(&self, lab: &Lab, slot: u16, call: &str) -> Result<String> {
        let (hdfs, name) = (self.program(&format!("hdfs-{slot}")), format!("nn{slot}"));
        let said = lab
            .topology()
            .node(slot)
            .run(|| run(&hdfs, &["haadmin", call, &name]))??;
        Ok(said.trim().to_owned())
    }

    /// From now on that transition of that slot's NameNode hangs or fails; or does not any more.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn disturb(&self, slot: u16, kind: Trouble, transition: &str, is_on: bool) -> Result<()> {
        let file = self.folder(slot).join(trouble(kind, transition));
        if is_on {
            fs::write(&file, "")
        } else {
            fs::remove_file(&file)
        }
        .with_context(|| format!("cannot change {}", file.display()))
    }

    /// Number of that slot's NameNode.
    ///
    /// # Errors
    /// When it did not write it.
    pub fn process(&self, slot: u16) -> Result<i32> {
        let text = fs::read_to_string(self.folder(slot).join(PID_FILE))?;
        Ok(text.parse()?)
    }

    /// When that slot's NameNode was active.
    ///
    /// # Errors
    /// When it cannot be told.
    pub fn reigns(&self, slot: u16) -> Result<Vec<Reign>> {
        reigns(&self.folder(slot))
    }
}

impl Drop for NameNodes {
    fn drop(&mut self) {
        for slot in SLOTS {
            self.end(slot.into());
        }
    }
}
