//! One service's task: looks at it again and again, each time for a bounded time.

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use heartbeat_core::Instant;
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::file::FileLook;
use super::http::PageLook;
use super::process::ProcessLook;
use super::unit::UnitLook;
use super::{Interfaces, Stand};
use super::{command, link, reference, tcp};
use crate::config::service::{Check, Network, On, Pace};
use crate::config::{Connection, Program};
use crate::sys::clock::boot_ns;

/// Why a check failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It found this.
    Found(String),
    /// What was looked at is gone, and does not come back by itself.
    Gone(String),
    /// It did not end in its time.
    Overran,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found(why) | Self::Gone(why) => f.write_str(why),
            Self::Overran => f.write_str("the check did not end in its time: what it asks hangs"),
        }
    }
}

impl From<String> for Fault {
    fn from(found: String) -> Self {
        Self::Found(found)
    }
}

/// What one check found.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    /// Which service.
    pub(super) index: usize,
    pub(super) begun: Instant,
    pub(super) ended: Instant,
    /// Whether this node was master as it began.
    pub(super) as_master: bool,
    /// `None`: it is well.
    pub(super) fault: Option<Fault>,
}

/// How a service is looked at.
#[derive(Debug)]
pub(super) enum Look {
    Process(ProcessLook),
    Tcp(SocketAddr),
    Http(Box<PageLook>),
    Command(Program),
    File(FileLook),
    /// The interface; `None` where this node has none on that network.
    Link(Option<String>),
    Unit(Box<UnitLook>),
    /// Where from; `None` as above. And whom it asks.
    Reference(Option<Connection>, Vec<IpAddr>),
}

impl Look {
    pub(super) fn new(check: &Check, interfaces: &Interfaces) -> Self {
        match check {
            Check::Process(process) => Self::Process(ProcessLook::new(process.clone())),
            Check::Tcp(address) => Self::Tcp(*address),
            Check::Http(page) => Self::Http(Box::new(PageLook::new(page.clone()))),
            Check::Command(program) => Self::Command(program.clone()),
            Check::File { path, max_age } => Self::File(FileLook::new(path.clone(), *max_age)),
            Check::Unit(unit) => Self::Unit(Box::new(UnitLook::new(unit.clone()))),
            Check::Link(Network::Management) => Self::Link(Some(interfaces.management.clone())),
            Check::Link(Network::Business) => {
                Self::Link(interfaces.business.as_ref().map(|it| it.interface.clone()))
            }
            Check::Reference(devices) => {
                Self::Reference(interfaces.business.clone(), devices.clone())
            }
        }
    }

    /// Looks once, for at most `limit`, for what is wanted of a master or of any other node.
    async fn once(&mut self, limit: Duration, is_master: bool) -> Result<(), Fault> {
        match self {
            Self::Process(process) => within(limit, process.look()).await,
            Self::Tcp(address) => within(limit, tcp::look(*address)).await,
            Self::Http(page) => within(limit, page.look(is_master)).await,
            Self::Command(program) => command::look(program, limit).await,
            Self::File(file) => within(limit, file.look()).await,
            Self::Unit(unit) => within(limit, unit.look(is_master)).await,
            Self::Reference(from, devices) => reference::look(from.as_ref(), devices, limit).await,
            Self::Link(interface) => link::look(interface.as_deref()),
        }
    }

    /// Ends when something happened to what was looked at: it is gone, or worth a look. Never where that cannot be told.
    async fn stirred(&mut self) -> Option<Fault> {
        match self {
            Self::Process(process) => Some(process.gone().await),
            Self::Unit(unit) => {
                unit.changed().await;
                None
            }
            Self::Tcp(_)
            | Self::Http(_)
            | Self::Command(_)
            | Self::File(_)
            | Self::Link(_)
            | Self::Reference(..) => std::future::pending().await,
        }
    }
}

async fn within<F: Into<Fault>>(
    limit: Duration,
    look: impl Future<Output = Result<(), F>>,
) -> Result<(), Fault> {
    match timeout(limit, look).await {
        Ok(found) => found.map_err(Into::into),
        Err(_) => Err(Fault::Overran),
    }
}

/// One service's task.
pub(super) struct Task {
    pub(super) index: usize,
    pub(super) on: On,
    pub(super) pace: Pace,
    pub(super) stand: watch::Receiver<Stand>,
    /// It is looked at no more once the other end is gone.
    pub(super) wanted: watch::Receiver<()>,
    pub(super) findings: mpsc::Sender<Finding>,
}

impl Task {
    /// Looks until the daemon ends, or the service is watched no more.
    pub(super) async fn run(mut self, mut look: Look) {
        let mut ticks = interval(self.pace.interval);
        // A check that took long is not made up for: two at once would only load what is slow already.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let mut gone = tokio::select! {
                _ = ticks.tick() => None,
                gone = look.stirred() => gone,
                _ = self.wanted.changed() => return,
            };
            if self.on == On::Master && !self.stand.borrow().is_master {
                // What ended before is none of the next master's business.
                gone = None;
                if !self.wait_for_mastership().await {
                    return;
                }
            }
            let begun = Instant(boot_ns());
            let as_master = self.stand.borrow().is_master;
            let fault = match gone {
                Some(fault) => Some(fault),
                None => look.once(self.pace.timeout, as_master).await.err(),
            };
            let finding = Finding {
                index: self.index,
                begun,
                ended: Instant(boot_ns()),
                as_master,
                fault,
            };
            if self.findings.send(finding).await.is_err() {
                return;
            }
        }
    }

    /// False if nobody wants to know any more.
    async fn wait_for_mastership(&mut self) -> bool {
        tokio::select! {
            is_master = self.stand.wait_for(|stand| stand.is_master) => is_master.is_ok(),
            _ = self.wanted.changed() => false,
        }
    }
}
