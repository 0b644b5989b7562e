//! Redis servers on the lab's nodes, as the product's profile for them wants them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::chown;

use anyhow::{Context as _, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User};

use crate::client::redis::SET;
use crate::lab::Lab;
use crate::lab::addresses::VIRTUAL_ADDRESS;
use crate::lab::command::run;
use crate::lab::profile::Profile;

/// Whom Debian's servers run as.
const USER: &str = "redis";
/// The lab's networks are nobody else's, and its data is small; two seconds are the least that a lag can be told by.
const SETTINGS: &str = "bind * -::*\nprotected-mode no\ndaemonize yes\nappendonly yes\nrepl-diskless-sync-delay 0\n\
                        min-replicas-max-lag 2\n";

/// Both nodes' servers. They end with it, and their data goes.
#[derive(Debug)]
pub struct Servers {
    profile: Profile,
    slots: Vec<u16>,
}

impl Servers {
    /// Lays out the profile's programs, and settings and configuration of these slots' servers; none runs yet.
    /// `min_replicas`: how many replicas a primary needs to take a write.
    ///
    /// # Errors
    /// When Redis is not installed.
    pub fn lay_out(slots: impl Iterator<Item = u16>, min_replicas: u8) -> Result<Self> {
        let servers = Self {
            profile: Profile::lay_out("redis")?,
            slots: slots.collect(),
        };
        let user = User::from_name(USER)?.context("Debian's Redis has its user")?;
        for slot in &servers.slots {
            let node = servers.profile.node(*slot);
            fs::create_dir(&node)?;
            chown(&node, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
            let node = node.display();
            fs::write(
                format!("{node}/redis.conf"),
                format!("{SETTINGS}dir {node}\npidfile {node}/pid\nlogfile {node}/log\n"),
            )?;
            servers.profile.set(
                *slot,
                &[
                    ("CONF", format!("{node}/redis.conf")),
                    ("PIDFILE", format!("{node}/pid")),
                    ("VIRTUAL", VIRTUAL_ADDRESS.to_string()),
                    ("MIN_REPLICAS", min_replicas.to_string()),
                ],
            )?;
        }
        Ok(servers)
    }

    /// The profile's part of heartbeatd's configuration.
    ///
    /// # Errors
    /// When the profile cannot be read.
    pub fn configuration(&self) -> Result<String> {
        let pid = format!("{}/n{{slot}}/pid", self.profile.folder().display());
        self.profile
            .configuration(&[("/run/redis/redis-server.pid", pid)])
    }

    /// Starts the server of that slot as the one that has the data, of which there is none yet anywhere.
    ///
    /// # Errors
    /// When it does not start.
    pub fn begin(&self, lab: &Lab, slot: u16) -> Result<()> {
        for slot in &self.slots {
            self.end(*slot);
            let data = self.profile.node(*slot).join("appendonlydir");
            if data.exists() {
                fs::remove_dir_all(data)?;
            }
        }
        let conf = self.profile.node(slot).join("redis.conf");
        let conf = conf.display().to_string();
        let start = ["-u", USER, "--", "redis-server", &conf];
        lab.topology().node(slot).run(|| run("runuser", &start))??;
        Ok(())
    }

    /// What the server of that slot answers.
    ///
    /// # Errors
    /// When it does not run, or refuses.
    pub fn ask(&self, lab: &Lab, slot: u16, command: &[&str]) -> Result<String> {
        let arguments = [&["-e"], command].concat();
        lab.topology()
            .node(slot)
            .run(|| run("redis-cli", &arguments))?
    }

    /// Whether the server of that slot is a primary that a replica follows.
    #[must_use]
    pub fn is_followed(&self, lab: &Lab, slot: u16) -> bool {
        self.ask(lab, slot, &["INFO", "replication"])
            .is_ok_and(|info| info.contains("role:master") && info.contains("state=online"))
    }

    /// Every number that the server of that slot has.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn numbers(&self, lab: &Lab, slot: u16) -> Result<BTreeSet<u64>> {
        let members = self.ask(lab, slot, &["SMEMBERS", SET])?;
        Ok(members
            .lines()
            .filter_map(|line| line.parse().ok())
            .collect())
    }

    /// Sends a signal to the server of that slot.
    ///
    /// # Errors
    /// When it does not run.
    pub fn signal(&self, slot: u16, signal: Signal) -> Result<()> {
        let file = self.profile.node(slot).join("pid");
        let text = fs::read_to_string(&file).with_context(|| format!("no {}", file.display()))?;
        kill(Pid::from_raw(text.trim().parse()?), signal).context("the server runs")
    }

    fn end(&self, slot: u16) {
        // Fails where none runs, which is as well.
        let _ = self.signal(slot, Signal::SIGKILL);
    }

    /// The end of that slot's log.
    #[must_use]
    pub fn log_tail(&self, slot: u16) -> String {
        let log = fs::read_to_string(self.profile.node(slot).join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for slot in &self.slots {
            self.end(*slot);
        }
    }
}
