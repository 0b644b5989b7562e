//! Real daemons in a lab, with their services: what tests, demo and benchmarks break.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::lab::Lab;
use crate::lab::contact::Contact;
use crate::lab::daemon::Daemon;
use crate::lab::helper::Helper;
use crate::lab::settings::Settings;
use crate::lab::view::View;

/// How long until a cluster must have settled after anything; far above what it takes.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// Where the number of a node's service stands, in the folder of its daemon.
pub const SERVICE_PID: &str = "service.pid";
/// Time between two looks while waiting.
const LOOK: Duration = Duration::from_millis(20);

/// A cluster of real daemons.
pub struct Cluster {
    // What runs in the namespaces goes before them.
    daemons: Vec<Daemon>,
    services: Vec<Helper>,
    lab: Lab,
    settings: Settings,
}

impl Cluster {
    /// Builds the lab and its services, and prepares the daemons; none runs yet.
    ///
    /// # Errors
    /// When the lab cannot be built.
    pub fn build(settings: Settings) -> Result<Self> {
        let lab = Lab::build(settings.plan)?;
        let config = settings.write(lab.folder())?;
        let slots = || lab.topology().slots();
        let daemons = slots()
            .map(|slot| {
                let mut daemon = Daemon::prepare(&lab, slot, &config)?;
                if settings.more.is_some() {
                    daemon.pose(slot, &settings.write_for(daemon.folder(), slot)?);
                }
                Ok(daemon)
            })
            .collect::<Result<_>>()?;
        let mut cluster = Self {
            daemons,
            services: Vec::new(),
            lab,
            settings,
        };
        for slot in cluster.lab.topology().slots() {
            let service = cluster.serve(slot)?;
            cluster.services.push(service);
        }
        Ok(cluster)
    }

    /// Starts the service of that slot, and writes its process's number where a daemon may look for it.
    fn serve(&self, slot: u16) -> Result<Helper> {
        let service = self.lab.serve(slot)?;
        let file = self.daemon(slot).folder().join(SERVICE_PID);
        fs::write(&file, service.pid().to_string())
            .with_context(|| format!("cannot write {}", file.display()))?;
        Ok(service)
    }

    /// Ends the service of that slot by SIGKILL; nobody starts it again.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn kill_service(&mut self, slot: u16) -> Result<()> {
        self.services[usize::from(slot) - 1].kill()
    }

    /// Starts the service of that slot again.
    ///
    /// # Errors
    /// When it does not come to work.
    pub fn start_service(&mut self, slot: u16) -> Result<()> {
        self.services[usize::from(slot) - 1] = self.serve(slot)?;
        Ok(())
    }

    /// Builds one, starts every daemon and waits until all agree on a master.
    ///
    /// # Errors
    /// When they do not; the error shows what each of them says.
    pub fn start(settings: Settings) -> Result<Self> {
        let mut cluster = Self::build(settings)?;
        cluster.start_all()?;
        cluster.settle().with_context(|| cluster.story())?;
        Ok(cluster)
    }

    /// Starts every daemon.
    ///
    /// # Errors
    /// When one runs already or cannot be started.
    pub fn start_all(&mut self) -> Result<()> {
        self.daemons
            .iter_mut()
            .try_for_each(|daemon| daemon.start(&self.lab))
    }

    /// Starts the daemon of that slot.
    ///
    /// # Errors
    /// When it runs already or cannot be started.
    pub fn start_one(&mut self, slot: u16) -> Result<()> {
        self.daemons[usize::from(slot) - 1].start(&self.lab)
    }

    /// The daemon of that slot.
    ///
    /// # Panics
    /// If the lab has no such slot: the test is wrong.
    #[must_use]
    pub fn daemon(&self, slot: u16) -> &Daemon {
        &self.daemons[usize::from(slot) - 1]
    }

    /// The daemon of that slot, to be started or ended.
    ///
    /// # Panics
    /// If the lab has no such slot: the test is wrong.
    #[must_use]
    pub fn daemon_mut(&mut self, slot: u16) -> &mut Daemon {
        &mut self.daemons[usize::from(slot) - 1]
    }

    /// The networks and machines.
    #[must_use]
    pub const fn lab(&self) -> &Lab {
        &self.lab
    }

    /// What it was built to be.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How to ask every daemon.
    #[must_use]
    pub fn contacts(&self) -> Vec<Contact> {
        self.daemons.iter().map(Daemon::contact).collect()
    }

    /// What every daemon says now.
    #[must_use]
    pub fn view(&self) -> View {
        View::take(&self.contacts())
    }

    /// Waits until every daemon that runs sees the same master, which sees all members healthy.
    ///
    /// # Errors
    /// As [`Cluster::wait_for`].
    pub fn settle(&self) -> Result<u16> {
        self.wait_for(
            "all nodes agree on a master and are healthy",
            PATIENCE,
            View::settled,
        )
    }

    /// Looks until `wanted` finds what it wants, and returns that.
    ///
    /// # Errors
    /// When that takes longer than `patience`.
    pub fn wait_for<T>(
        &self,
        what: &str,
        patience: Duration,
        mut wanted: impl FnMut(&View) -> Option<T>,
    ) -> Result<T> {
        let begun = Instant::now();
        loop {
            let view = self.view();
            if let Some(found) = wanted(&view) {
                return Ok(found);
            }
            if begun.elapsed() > patience {
                bail!("waited {patience:?} until {what}, in vain");
            }
            sleep(LOOK);
        }
    }

    /// Like [`Cluster::wait_for`], but it must stay away: fails as soon as `unwanted` finds something.
    ///
    /// # Errors
    /// When it finds something within `time`.
    pub fn hold<T: std::fmt::Debug>(
        &self,
        what: &str,
        time: Duration,
        mut unwanted: impl FnMut(&View) -> Option<T>,
    ) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < time {
            let view = self.view();
            if let Some(found) = unwanted(&view) {
                bail!("{what}: {found:?}");
            }
            sleep(LOOK);
        }
        Ok(())
    }

    /// Orders a switchover at the master.
    ///
    /// # Errors
    /// When `heartbeatctl` refuses.
    pub fn switchover(&self, master: u16, to: Option<u16>) -> Result<()> {
        let target = to.map(|slot| slot.to_string());
        let mut arguments = vec!["switchover"];
        if let Some(target) = &target {
            arguments.extend(["--to", target]);
        }
        let output = self.daemon(master).contact().control(&arguments)?;
        if !output.status.success() {
            bail!(
                "heartbeatctl {}: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(())
    }

    /// What every daemon says now, and the end of every log, for a failure's message.
    #[must_use]
    pub fn story(&self) -> String {
        let view = self.view();
        let logs: String = self
            .daemons
            .iter()
            .map(|daemon| {
                format!(
                    "\n--- end of the log of slot {}\n{}",
                    daemon.slot(),
                    daemon.log_tail()
                )
            })
            .collect();
        format!("\n--- what they say\n{view}{logs}")
    }
}
