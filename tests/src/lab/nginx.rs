//! nginx on the lab's nodes, as the product's profile for gateways wants it.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::client::requester::PORT;
use crate::lab::Lab;
use crate::lab::profile::Profile;

/// Debian's nginx.
pub const PROGRAM: &str = "/usr/sbin/nginx";

/// Both nodes' gateways. They end with it.
#[derive(Debug)]
pub struct Gateways {
    profile: Profile,
    slots: Vec<u16>,
}

impl Gateways {
    /// Lays out the profile's program and each slot's settings and configuration; nothing runs yet.
    ///
    /// # Errors
    /// When the profile is not there.
    pub fn lay_out(slots: impl Iterator<Item = u16>) -> Result<Self> {
        let gateways = Self {
            profile: Profile::lay_out("nginx")?,
            slots: slots.collect(),
        };
        for slot in &gateways.slots {
            fs::create_dir(gateways.profile.node(*slot))?;
            let file = |name| gateways.file(*slot, name).display().to_string();
            gateways.profile.set(
                *slot,
                &[("CONF", file("nginx.conf")), ("PIDFILE", file("nginx.pid"))],
            )?;
            gateways.configure(*slot, true)?;
        }
        Ok(gateways)
    }

    fn file(&self, slot: u16, name: &str) -> PathBuf {
        self.profile.node(slot).join(name)
    }

    /// The profile's part of heartbeatd's configuration.
    ///
    /// # Errors
    /// When the profile cannot be read.
    pub fn configuration(&self) -> Result<String> {
        self.profile.configuration(&[])
    }

    /// Writes the configuration of that slot's nginx: one that works, or one that it cannot start with.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn configure(&self, slot: u16, works: bool) -> Result<()> {
        let node = self.profile.node(slot);
        let node = node.display();
        let health = self.profile.text("health.conf")?;
        let page = if works {
            format!("return 200 \"{slot} $arg_n\\n\";")
        } else {
            "what_nginx_does_not_know;".to_owned()
        };
        let text = format!(
            "pid {node}/nginx.pid;\nerror_log {node}/error.log;\nworker_processes 2;\n\
             events {{ worker_connections 256; }}\n\
             http {{\nlog_format numbers $arg_n;\naccess_log {node}/access.log numbers;\n{health}\
             server {{ listen {PORT}; location / {{ default_type text/plain; {page} }} }}\n}}\n"
        );
        fs::write(self.file(slot, "nginx.conf"), text).context("cannot write nginx's configuration")
    }

    /// Starts that slot's nginx anew.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(&self, lab: &Lab, slot: u16) -> Result<()> {
        self.end(slot);
        let mut command = Command::new(PROGRAM);
        command
            .arg("-c")
            .arg(self.file(slot, "nginx.conf"))
            .stdin(Stdio::null());
        let status = lab.topology().node(slot).spawn(&mut command)?.wait()?;
        ensure!(status.success(), "nginx of slot {slot}: {status}");
        Ok(())
    }

    /// Number of that slot's first process.
    ///
    /// # Errors
    /// When none wrote it.
    pub fn process(&self, slot: u16) -> Result<i32> {
        let file = self.file(slot, "nginx.pid");
        let text = fs::read_to_string(&file).with_context(|| format!("no {}", file.display()))?;
        Ok(text.trim().parse()?)
    }

    /// Sends a signal to all processes of that slot's nginx.
    ///
    /// # Errors
    /// When none runs.
    pub fn signal(&self, slot: u16, signal: Signal) -> Result<()> {
        killpg(Pid::from_raw(self.process(slot)?), signal).context("nginx runs")
    }

    fn end(&self, slot: u16) {
        // Fails where none runs, which is as well.
        let _ = self.signal(slot, Signal::SIGKILL);
    }

    /// Numbers of the requests that that slot's nginx answered.
    ///
    /// # Errors
    /// When its log cannot be read.
    pub fn answered(&self, slot: u16) -> Result<BTreeSet<u64>> {
        let text = fs::read_to_string(self.file(slot, "access.log"))?;
        Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
    }

    /// What that slot's nginx complained of.
    #[must_use]
    pub fn complaints(&self, slot: u16) -> String {
        fs::read_to_string(self.file(slot, "error.log")).unwrap_or_default()
    }
}

impl Drop for Gateways {
    fn drop(&mut self) {
        for slot in &self.slots {
            self.end(*slot);
        }
    }
}
