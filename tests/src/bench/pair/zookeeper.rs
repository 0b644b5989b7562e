//! The way that a pair goes without this product: a lock in ZooKeeper, whose server runs on a third machine, and on
//! each node a controller that has the address while it holds the lock.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use heartbeat_user::sys::clock::boot_ns;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::fault::Fault;
use super::{Series, series};
use crate::fault::wire::{self, Death};
use crate::lab::Lab;
use crate::lab::addresses::{Network, PREFIX, ROGUE};
use crate::lab::helper::Helper;
use crate::lab::settings::Settings;
use crate::lab::watch::Watch;
use crate::report::sight::{BEFORE_NS, Sight};

/// Its own defaults: the session of a node that is gone ends after two to three of these.
const TICK: Duration = Duration::from_millis(2_000);
/// The shortest session that the server grants with that tick.
const SESSION_SECONDS: &str = "4";
const PORT: u16 = 2181;
/// A Java program takes its time to start, and a session to end.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);
/// How long client and observer look on after a move.
const QUIET: Duration = Duration::from_millis(300);
const MAIN: &str = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
const CLASSES: &str = "/etc/zookeeper/conf:/usr/share/java/zookeeper.jar";
const CONTROLLER: &str = include_str!("lock.py");

/// The server and both controllers, at work.
struct Rival {
    // What runs in the namespaces goes before them.
    controllers: Vec<Controller>,
    _server: Running,
    services: Vec<Helper>,
    lab: Lab,
}

/// A process that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only for a process that is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Controller {
    process: Running,
    log: PathBuf,
}

impl Controller {
    /// The last thing that it said.
    fn state(&self) -> String {
        let said = fs::read_to_string(&self.log).unwrap_or_default();
        said.lines().last().unwrap_or_default().to_owned()
    }
}

impl Rival {
    /// Starts everything and waits until one controller holds the lock and the other one waits for it.
    fn start() -> Result<Self> {
        let lab = Lab::build(Settings::PAIR.plan)?;
        let services: Vec<Helper> = lab
            .topology()
            .slots()
            .map(|slot| lab.serve(slot))
            .collect::<Result<_>>()?;
        let server = server(&lab)?;
        let script = lab.folder().join("lock.py");
        fs::write(&script, CONTROLLER)?;
        let mut rival = Self {
            controllers: Vec::new(),
            _server: server,
            services,
            lab,
        };
        for slot in rival.lab.topology().slots() {
            rival.controllers.push(rival.controller(slot, &script)?);
        }
        rival.settle()?;
        Ok(rival)
    }

    fn controller(&self, slot: u16, script: &Path) -> Result<Controller> {
        let log = self.lab.folder().join(format!("lock-{slot}.log"));
        let address = Settings::PAIR.virtual_address();
        let service = &self.services[usize::from(slot) - 1];
        let mut command = Command::new("/usr/bin/python3");
        command
            .arg(script)
            .arg(format!("{}:{PORT}", Network::Management.address(ROGUE)))
            .arg(SESSION_SECONDS)
            .arg(format!("{address}/{PREFIX}"))
            .arg(Network::Business.interface())
            .arg(service.pid().to_string())
            .stdin(Stdio::null())
            .stdout(File::create(&log)?)
            .stderr(File::create(log.with_extension("err"))?);
        let child = self.lab.topology().node(slot).spawn(&mut command)?;
        Ok(Controller {
            process: Running(child),
            log,
        })
    }

    /// Waits until one holds the lock and the other one waits; the holder's slot.
    fn settle(&self) -> Result<u16> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let states: Vec<String> = self.controllers.iter().map(Controller::state).collect();
            match [states[0].as_str(), states[1].as_str()] {
                ["holds", "waits"] => return Ok(1),
                ["waits", "holds"] => return Ok(2),
                _ => sleep(LOOK),
            }
        }
        let said = |controller: &Controller| {
            let of = |file: &Path| fs::read_to_string(file).unwrap_or_default();
            of(&controller.log) + &of(&controller.log.with_extension("err"))
        };
        let all: Vec<String> = self.controllers.iter().map(said).collect();
        bail!("the controllers do not settle within {PATIENCE:?}: {all:#?}")
    }

    /// One fault, and what was seen of it, the coming back included.
    fn suffer(&mut self, fault: Fault, watch: &mut Watch) -> Result<Sight> {
        let from = self.settle()?;
        // Who waits says so before its node in the queue is made.
        sleep(QUIET + Duration::from_nanos(BEFORE_NS));
        let fault_ns = boot_ns();
        match fault {
            Fault::ServiceDeath => self.services[usize::from(from) - 1].kill()?,
            Fault::NodeDeath => wire::kill_node(self.lab.topology(), from, Death::Loud)?,
            Fault::Switchover => {
                let controller = &self.controllers[usize::from(from) - 1];
                let process = i32::try_from(controller.process.0.id())?;
                kill(Pid::from_raw(process), Signal::SIGUSR1)?;
            }
        }
        let next = usize::from(3 - from) - 1;
        let begun = Instant::now();
        while self.controllers[next].state() != "holds" {
            if begun.elapsed() > PATIENCE {
                bail!("nobody took the lock over within {PATIENCE:?}");
            }
            sleep(LOOK);
        }
        sleep(QUIET);
        let sight = Sight::of(watch, fault_ns, boot_ns())?;
        match fault {
            Fault::ServiceDeath => {
                let script = self.lab.folder().join("lock.py");
                self.services[usize::from(from) - 1] = self.lab.serve(from)?;
                self.controllers[usize::from(from) - 1] = self.controller(from, &script)?;
            }
            Fault::NodeDeath => wire::heal_node(self.lab.topology(), from)?,
            Fault::Switchover => {}
        }
        self.settle()
            .with_context(|| format!("after a {}", fault.as_str()))?;
        Ok(sight)
    }
}

fn server(lab: &Lab) -> Result<Running> {
    let folder = lab.folder().join("zookeeper");
    fs::create_dir_all(&folder)?;
    let config = folder.join("zoo.cfg");
    let text = format!(
        "tickTime={}\ndataDir={}\nclientPort={PORT}\nadmin.enableServer=false\n",
        TICK.as_millis(),
        folder.display()
    );
    fs::write(&config, text)?;
    let mut command = Command::new("java");
    command
        .args(["-Xmx128m", "-cp", CLASSES, MAIN])
        .arg(&config)
        .stdin(Stdio::null())
        .stdout(File::create(folder.join("log"))?)
        .stderr(File::create(folder.join("err"))?);
    let child = lab.topology().rogue().spawn(&mut command);
    child
        .map(Running)
        .context("a ZooKeeper server needs java and Debian's package zookeeper")
}

/// Every fault so many times.
pub(super) fn measure(repetitions: usize) -> Result<Vec<Series>> {
    let mut rival = Rival::start()?;
    let mut watch = rival.lab.watch()?;
    series(repetitions, |fault| rival.suffer(fault, &mut watch))
}
