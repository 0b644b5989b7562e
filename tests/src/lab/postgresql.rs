//! PostgreSQL servers on the lab's nodes, as the product's profile for them wants them.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use nix::unistd::User;

use crate::lab::Lab;
use crate::lab::addresses::VIRTUAL_ADDRESS;
use crate::lab::command::run;
use crate::lab::profile::Profile;

/// Where Debian keeps the versions' programs.
const VERSIONS: &str = "/usr/lib/postgresql";
/// Whom Debian's servers run as.
const USER: &str = "postgres";
const PORT: u16 = 5432;
/// What a primary needs so that its standby can be rewound to it, and what makes a small one. No scenario takes the
/// machine's power, so nothing has to be on the disk, which other programs may keep busy for seconds.
const SETTINGS: &str = "listen_addresses = '*'\nwal_log_hints = on\nhot_standby = on\nshared_buffers = 16MB\n\
                        max_connections = 20\nwal_keep_size = 64MB\nautovacuum = off\nfsync = off\n";
/// The lab's networks are nobody else's.
const ACCESS: &str = "local all all trust\nhost all all 203.0.113.0/24 trust\n\
                      host replication all 203.0.113.0/24 trust\n";

/// The newest version's programs, if a server is installed.
#[must_use]
pub fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir(VERSIONS).ok()?.flatten();
    let folders = versions.map(|version| version.path().join("bin"));
    folders
        .filter(|folder| folder.join("initdb").exists())
        .max()
}

/// How a client reaches the primary.
#[must_use]
pub fn server() -> String {
    format!("host={VIRTUAL_ADDRESS} port={PORT} user={USER} dbname=postgres connect_timeout=1")
}

/// Both nodes' servers. They end with it, and their data goes.
#[derive(Debug)]
pub struct Servers {
    profile: Profile,
    programs: PathBuf,
}

impl Servers {
    /// Lays out folders, the profile's programs and their settings for these slots; no server runs yet.
    ///
    /// # Errors
    /// When PostgreSQL is not installed.
    pub fn lay_out(slots: impl Iterator<Item = u16>) -> Result<Self> {
        let servers = Self {
            profile: Profile::lay_out("postgresql")?,
            programs: programs().context("PostgreSQL is installed")?,
        };
        let user = User::from_name(USER)?.context("Debian's PostgreSQL has its user")?;
        for slot in slots {
            let node = servers.node(slot);
            fs::create_dir(&node)?;
            chown(&node, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
            let file = |name| node.join(name).display().to_string();
            servers.profile.set(
                slot,
                &[
                    ("PGBIN", servers.programs.display().to_string()),
                    ("PGDATA", file("data")),
                    ("PGLOG", file("log")),
                    ("PGSOCKETS", node.display().to_string()),
                    ("PGVIRTUAL", VIRTUAL_ADDRESS.to_string()),
                ],
            )?;
        }
        Ok(servers)
    }

    fn node(&self, slot: u16) -> PathBuf {
        self.profile.node(slot)
    }

    /// The profile's part of heartbeatd's configuration.
    ///
    /// # Errors
    /// When the profile cannot be read.
    pub fn configuration(&self) -> Result<String> {
        let data = format!("{}/n{{slot}}/data", self.profile.folder().display());
        self.profile
            .configuration(&[("/var/lib/postgresql/15/main", data)])
    }

    /// Makes the server of that slot anew, with a table to write into, and starts it.
    ///
    /// # Errors
    /// What PostgreSQL's programs say.
    pub fn begin(&self, lab: &Lab, slot: u16) -> Result<()> {
        self.end()?;
        let node = self.node(slot);
        let data = node.join("data");
        let as_user = |program: &str, arguments: &[&str]| {
            let program = self.programs.join(program);
            let mut all = vec!["-u", USER, "--"];
            let program = program.display().to_string();
            all.push(&program);
            all.extend(arguments);
            lab.topology().node(slot).run(|| run("runuser", &all))?
        };
        let (data, log) = (
            data.display().to_string(),
            node.join("log").display().to_string(),
        );
        as_user("initdb", &["-D", &data, "-A", "trust", "--no-sync"])?;
        append(Path::new(&data).join("postgresql.conf"), SETTINGS)?;
        append(Path::new(&data).join("pg_hba.conf"), ACCESS)?;
        let sockets = format!("-k {}", node.display());
        as_user(
            "pg_ctl",
            &["-D", &data, "-l", &log, "-o", &sockets, "-w", "-s", "start"],
        )?;
        let made = self.ask(
            lab,
            slot,
            "create table written (number bigint primary key)",
        )?;
        ensure!(made.is_empty(), "{made}");
        Ok(())
    }

    /// What the server of that slot answers.
    ///
    /// # Errors
    /// When it does not run, or refuses.
    pub fn ask(&self, lab: &Lab, slot: u16, sql: &str) -> Result<String> {
        let sockets = self.node(slot).display().to_string();
        let arguments = [
            "-h", &sockets, "-U", USER, "-d", "postgres", "-qAtX", "-c", sql,
        ];
        lab.topology().node(slot).run(|| run("psql", &arguments))?
    }

    /// Number of that slot's first process.
    ///
    /// # Errors
    /// When the server does not run.
    pub fn process(&self, slot: u16) -> Result<i32> {
        let file = self.node(slot).join("data/postmaster.pid");
        let text = fs::read_to_string(&file).with_context(|| format!("no {}", file.display()))?;
        let first = text.lines().next().context("it has a line")?;
        Ok(first.trim().parse()?)
    }

    /// Ends all servers, and removes their data.
    fn end(&self) -> Result<()> {
        let program = self.programs.join("pg_ctl").display().to_string();
        for node in fs::read_dir(self.profile.folder())?.flatten() {
            let data = node.path().join("data");
            if !data.exists() {
                continue;
            }
            let named = data.display().to_string();
            let stop = ["-D", &named, "-m", "immediate", "-w", "-s", "stop"];
            // Fails where none runs, which is as well.
            let _ = Command::new("runuser")
                .args(["-u", USER, "--", &program])
                .args(stop)
                .stderr(Stdio::null())
                .status();
            fs::remove_dir_all(data)?;
        }
        Ok(())
    }

    /// The end of that slot's log.
    #[must_use]
    pub fn log_tail(&self, slot: u16) -> String {
        let log = fs::read_to_string(self.node(slot).join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(30).collect();
        lines
            .into_iter()
            .rev()
            .map(|line| format!("{line}\n"))
            .collect()
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        // Nobody is left to be told.
        let _ = self.end();
    }
}

fn append(file: PathBuf, more: &str) -> Result<()> {
    let text = fs::read_to_string(&file)?;
    fs::write(&file, text + more).with_context(|| format!("cannot write {}", file.display()))
}
