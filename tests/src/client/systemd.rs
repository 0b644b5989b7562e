//! What heartbeatd asks of systemd, by one that does as a file says: no systemd runs in the lab. It has a real bus,
//! dbus-daemon, on which it is org.freedesktop.systemd1.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::runtime::Builder;
use zbus::connection;
use zbus::object_server::{InterfaceRef, SignalEmitter};
use zbus::wire::{ObjectPath, OwnedObjectPath};
use zbus::{Connection, interface};

/// The bus, in its node's folder.
pub const BUS: &str = "bus";
/// The process's number of the bus, there too.
pub const BUS_PID: &str = "bus.pid";
/// There as soon as systemd is on its bus.
pub const READY: &str = "bus.ready";
/// The unit's state, in systemd's word for it.
pub const STATE: &str = "unit";
/// The number of its main process; none while it is not there.
pub const MAIN_PID: &str = "unit.pid";
/// While it is there, restarts fail.
pub const STUCK: &str = "unit.stuck";
/// A line for each restart.
pub const RESTARTS: &str = "unit.restarts";
/// The one unit that it has.
pub const UNIT: &str = "web.service";

const PATH: &str = "/org/freedesktop/systemd1/unit/web_2eservice";
/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// How long a bus may take to be there.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a node's bus is.
#[must_use]
pub fn address(folder: &Path) -> String {
    format!("unix:path={}", folder.join(BUS).display())
}

/// Is systemd for the node with this folder, on a bus of its own, until the folder is gone or the bus is.
///
/// # Errors
/// When there is no dbus-daemon, or it does not start.
pub fn run(folder: &Path) -> Result<()> {
    let mut bus = start_bus(folder)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let served = runtime.block_on(serve(folder, &mut bus));
    // Fails only for one that is gone.
    let _ = bus.kill();
    bus.wait()?;
    served
}

fn start_bus(folder: &Path) -> Result<Child> {
    let config = folder.join("bus.conf");
    let text = format!(
        "<busconfig><listen>{}</listen><auth>EXTERNAL</auth><policy context=\"default\">\
         <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
        address(folder)
    );
    fs::write(&config, text)?;
    let mut bus = Command::new("dbus-daemon")
        .arg(format!("--config-file={}", config.display()))
        .args(["--nofork", "--nopidfile"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("no dbus-daemon; install the package dbus-daemon")?;
    fs::write(folder.join(BUS_PID), bus.id().to_string())?;
    let mut waited = Duration::ZERO;
    while !folder.join(BUS).exists() {
        ensure!(bus.try_wait()?.is_none(), "the bus ended at once");
        ensure!(waited < PATIENCE, "the bus is not there after {waited:?}");
        sleep(LOOK);
        waited += LOOK;
    }
    Ok(bus)
}

async fn serve(folder: &Path, bus: &mut Child) -> Result<()> {
    let connection = connection::Builder::address(address(folder).as_str())
        .serve_at(PATH, Unit(state(folder)))
        .serve_at(PATH, Service(folder.join(MAIN_PID)))
        .serve_at("/org/freedesktop/systemd1", Manager::new(folder))
        .name("org.freedesktop.systemd1")
        .build()
        .await?;
    fs::write(folder.join(READY), "")?;
    let unit: InterfaceRef<Unit> = connection.object_server().interface(PATH).await?;
    while folder.exists() && bus.try_wait()?.is_none() {
        tokio::time::sleep(LOOK).await;
        let now = state(folder);
        let mut shown = unit.get_mut().await;
        if shown.0 != now {
            shown.0 = now;
            shown.active_state_changed(unit.signal_emitter()).await?;
        }
    }
    Ok(())
}

fn state(folder: &Path) -> String {
    let text = fs::read_to_string(folder.join(STATE)).unwrap_or_else(|_| "active".to_owned());
    text.trim().to_owned()
}

/// The unit, in this state.
struct Unit(String);

#[interface(name = "org.freedesktop.systemd1.Unit")]
impl Unit {
    #[zbus(property)]
    fn active_state(&self) -> String {
        self.0.clone()
    }

    #[zbus(property)]
    fn load_state(&self) -> String {
        "loaded".to_owned()
    }

    #[zbus(property)]
    fn sub_state(&self) -> String {
        "of-the-lab".to_owned()
    }

    #[zbus(property)]
    fn job(&self) -> (u32, OwnedObjectPath) {
        let none = ObjectPath::from_static_str_unchecked("/");
        (0, none.into())
    }
}

/// The unit as a service, whose main process's number stands in this file.
struct Service(PathBuf);

#[interface(name = "org.freedesktop.systemd1.Service")]
impl Service {
    #[zbus(property, name = "MainPID")]
    fn main_pid(&self) -> u32 {
        let text = fs::read_to_string(&self.0).unwrap_or_default();
        text.trim().parse().unwrap_or_default()
    }
}

struct Manager {
    folder: PathBuf,
    jobs: u32,
}

impl Manager {
    fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            jobs: 0,
        }
    }
}

#[interface(name = "org.freedesktop.systemd1.Manager")]
impl Manager {
    fn subscribe(&self) {}

    fn load_unit(&self, name: &str) -> zbus::fdo::Result<OwnedObjectPath> {
        if name == UNIT {
            return Ok(ObjectPath::from_static_str_unchecked(PATH).into());
        }
        Err(zbus::fdo::Error::UnknownObject(name.to_owned()))
    }

    async fn restart_unit(
        &mut self,
        name: &str,
        mode: &str,
        #[zbus(connection)] connection: &Connection,
    ) -> zbus::fdo::Result<OwnedObjectPath> {
        let failed = |error: std::io::Error| zbus::fdo::Error::Failed(error.to_string());
        self.jobs += 1;
        let id = self.jobs;
        let restarts = fs::read_to_string(self.folder.join(RESTARTS)).unwrap_or_default();
        fs::write(
            self.folder.join(RESTARTS),
            format!("{restarts}{name} {mode}\n"),
        )
        .map_err(failed)?;
        let result = if self.folder.join(STUCK).exists() {
            "failed"
        } else {
            fs::write(self.folder.join(STATE), "active").map_err(failed)?;
            "done"
        };
        let path = format!("/org/freedesktop/systemd1/job/{id}");
        let job = OwnedObjectPath::try_from(path)?;
        tokio::spawn(tell(
            connection.clone(),
            id,
            job.clone(),
            name.to_owned(),
            result,
        ));
        Ok(job)
    }

    #[zbus(signal)]
    async fn job_removed(
        emitter: &SignalEmitter<'_>,
        id: u32,
        job: ObjectPath<'_>,
        unit: &str,
        result: &str,
    ) -> zbus::Result<()>;
}

/// Some time after the answer, as systemd does.
async fn tell(
    connection: Connection,
    id: u32,
    job: OwnedObjectPath,
    unit: String,
    result: &'static str,
) {
    tokio::time::sleep(LOOK).await;
    let Ok(emitter) = SignalEmitter::new(&connection, "/org/freedesktop/systemd1") else {
        return;
    };
    // Who asked may be gone.
    let _ = Manager::job_removed(&emitter, id, job.into_inner(), &unit, result).await;
}
