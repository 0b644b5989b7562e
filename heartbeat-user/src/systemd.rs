//! systemd, asked over the system's D-Bus: how a unit is, when that changes, and to restart one.
//!
//! (org.freedesktop.systemd1(5).) Nothing here waits for a bounded time: who asks does.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;

use zbus::export::futures_core::Stream;
use zbus::fdo::{PropertiesChangedStream, PropertiesProxy};
use zbus::names::InterfaceName;
use zbus::proxy::CacheProperties;
use zbus::wire::{ObjectPath, OwnedObjectPath};
use zbus::{Connection, OwnedVariant, proxy};

const NAME: &str = "org.freedesktop.systemd1";
const UNIT: &str = "org.freedesktop.systemd1.Unit";
const SERVICE: &str = "org.freedesktop.systemd1.Service";
/// What a unit's state is called on the bus.
const ACTIVE_STATE: &str = "ActiveState";

/// Why systemd does not say or do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum SystemdError {
    /// There is no bus.
    #[error(
        "the system's D-Bus does not answer ({0}): start dbus, or say by DBUS_SYSTEM_BUS_ADDRESS where it is"
    )]
    NoBus(#[source] zbus::Error),
    /// There is one, and systemd is not on it, or refuses.
    #[error("systemd does not {what} ({source}): see `busctl status {NAME}`")]
    Refused {
        /// What it was asked for.
        what: String,
        /// What it said.
        source: zbus::Error,
    },
    /// It did as it was asked, and that failed.
    #[error("systemd's restart of {unit} ended with \"{result}\": see `systemctl status {unit}`")]
    NotRestarted {
        /// Which unit.
        unit: String,
        /// systemd's word.
        result: String,
    },
}

#[proxy(
    interface = "org.freedesktop.systemd1.Manager",
    default_service = "org.freedesktop.systemd1",
    default_path = "/org/freedesktop/systemd1"
)]
trait Manager {
    fn subscribe(&self) -> zbus::Result<()>;
    fn load_unit(&self, name: &str) -> zbus::Result<OwnedObjectPath>;
    fn restart_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
    #[zbus(signal)]
    fn job_removed(&self, id: u32, job: ObjectPath<'_>, unit: &str, result: &str);
}

/// How a unit is, in systemd's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitState {
    /// `loaded`, `not-found`, `masked`, ...
    pub load: String,
    /// `active`, `reloading`, `inactive`, `failed`, `activating`, `deactivating`, ...
    pub active: String,
    /// More of that, by the unit's kind: `running`, `dead`, `auto-restart`, ...
    pub sub: String,
    /// systemd is about to do something with it: a restart passes through `inactive`.
    pub has_job: bool,
}

/// One unit, on a connection of its own.
#[derive(Debug)]
pub struct UnitWatch {
    name: String,
    manager: ManagerProxy<'static>,
    properties: PropertiesProxy<'static>,
    changes: PropertiesChangedStream,
}

impl UnitWatch {
    /// Finds the unit; one that systemd has no file for is found too, and says so in its state.
    ///
    /// # Errors
    /// [`SystemdError`].
    pub async fn begin(name: &str) -> Result<Self, SystemdError> {
        let (connection, manager) = connect().await?;
        let refused = refused(format!("tell of {name}"));
        let properties = properties_of(name, &connection, &manager)
            .await
            .map_err(&refused)?;
        let changes = properties.receive_properties_changed().await;
        Ok(Self {
            name: name.to_owned(),
            manager,
            properties,
            changes: changes.map_err(&refused)?,
        })
    }

    /// How it is now.
    ///
    /// # Errors
    /// [`SystemdError`]: the watch is of no use any more.
    pub async fn state(&self) -> Result<UnitState, SystemdError> {
        let refused = refused(format!("tell of {}", self.name));
        // Each time: one that was started anew has forgotten who wants to hear of changes.
        subscribe(&self.manager).await.map_err(&refused)?;
        let interface = InterfaceName::from_static_str_unchecked(UNIT);
        let all = self.properties.get_all(interface).await;
        Ok(state_of(&all.map_err(|error| refused(error.into()))?))
    }

    /// Ends when its state changed. False if nobody can tell any more: the watch is of no use.
    pub async fn changed(&mut self) -> bool {
        loop {
            let next = poll_fn(|context| Pin::new(&mut self.changes).poll_next(context)).await;
            let Some(signal) = next else { return false };
            let is_state = |properties: &HashMap<&str, _>| properties.contains_key(ACTIVE_STATE);
            let args = signal.args();
            if args.is_ok_and(|args| is_state(args.changed_properties())) {
                return true;
            }
        }
    }
}

/// The number of a service's main process; `None` while it has none.
///
/// # Errors
/// [`SystemdError`].
pub async fn main_process(unit: &str) -> Result<Option<u32>, SystemdError> {
    let (connection, manager) = connect().await?;
    let refused = refused(format!("tell of {unit}'s main process"));
    let properties = properties_of(unit, &connection, &manager)
        .await
        .map_err(&refused)?;
    let interface = InterfaceName::from_static_str_unchecked(SERVICE);
    let told = properties.get(interface, "MainPID").await;
    let pid = u32::try_from(told.map_err(|error| refused(error.into()))?);
    let pid = pid.map_err(&refused)?;
    Ok((pid != 0).then_some(pid))
}

/// Restarts a unit, and waits until systemd says what became of it.
///
/// # Errors
/// [`SystemdError`].
pub async fn restart(unit: &str) -> Result<(), SystemdError> {
    let refused = refused(format!("restart {unit}"));
    let (_connection, manager) = connect().await?;
    subscribe(&manager).await.map_err(&refused)?;
    let mut ended = manager.receive_job_removed().await.map_err(&refused)?;
    let job = manager
        .restart_unit(unit, "replace")
        .await
        .map_err(&refused)?;
    loop {
        let next = poll_fn(|context| Pin::new(&mut ended).poll_next(context)).await;
        let Some(signal) = next else {
            return Err(refused(zbus::Error::InputOutput(
                std::io::Error::from(std::io::ErrorKind::ConnectionReset).into(),
            )));
        };
        let args = signal.args().map_err(&refused)?;
        if *args.job() != *job {
            continue;
        }
        return match *args.result() {
            "done" => Ok(()),
            result => Err(SystemdError::NotRestarted {
                unit: unit.to_owned(),
                result: result.to_owned(),
            }),
        };
    }
}

async fn connect() -> Result<(Connection, ManagerProxy<'static>), SystemdError> {
    let connection = Connection::system().await.map_err(SystemdError::NoBus)?;
    let manager = ManagerProxy::new(&connection).await;
    Ok((connection, manager.map_err(SystemdError::NoBus)?))
}

/// What systemd tells of a unit, asked for anew each time.
async fn properties_of(
    unit: &str,
    connection: &Connection,
    manager: &ManagerProxy<'_>,
) -> zbus::Result<PropertiesProxy<'static>> {
    let path = manager.load_unit(unit).await?;
    PropertiesProxy::builder(connection)
        .destination(NAME)
        .path(path)
        .cache_properties(CacheProperties::No)
        .build()
        .await
}

/// systemd sends no signals before somebody wants them.
async fn subscribe(manager: &ManagerProxy<'_>) -> zbus::Result<()> {
    match manager.subscribe().await {
        Err(zbus::Error::MethodError(name, ..)) if name.ends_with(".AlreadySubscribed") => Ok(()),
        other => other,
    }
}

fn refused(what: String) -> impl Fn(zbus::Error) -> SystemdError {
    move |source| SystemdError::Refused {
        what: what.clone(),
        source,
    }
}

fn state_of(all: &HashMap<String, OwnedVariant>) -> UnitState {
    let word = |key: &str| {
        let text = all.get(key).and_then(|value| <&str>::try_from(value).ok());
        text.unwrap_or_default().to_owned()
    };
    let job = all.get("Job").and_then(|job| {
        let (id, _) = <(u32, OwnedObjectPath)>::try_from(job.clone()).ok()?;
        Some(id)
    });
    UnitState {
        load: word("LoadState"),
        active: word(ACTIVE_STATE),
        sub: word("SubState"),
        has_job: job.is_some_and(|id| id != 0),
    }
}
