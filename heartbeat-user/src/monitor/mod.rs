//! Watching the services of this node: is each well, since when, and what is tried when it is not.
//!
//! Every service has a task that looks at it at its pace; one more task, the watch, draws the conclusions: it
//! writes when all services were last well, from which the kernel tells their age in every answer, tells the
//! election how they are, and has a failed one recovered. None of it is ever waited for by the pulse.

mod command;
mod file;
mod http;
mod judge;
mod link;
mod look;
mod process;
mod recovering;
mod reference;
mod rewatch;
mod tcp;
mod unit;
mod view;
mod watch;
mod watched;

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch as signal};

pub use view::View;

use crate::config::{Connection, Service};
use crate::datapath::Words;
use crate::diary::Diary;
use crate::pulse::OrderSender;
use watch::Watch;

/// Findings not yet judged: each service has at most two on their way.
const FINDINGS_DEPTH: usize = 64;

/// The age of a last success that is too old where nothing says more: there are hooks only.
const USUAL_LIMIT: Duration = Duration::from_secs(3);

/// What is to be watched, and what may follow from it.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What is watched here.
    pub services: Vec<Service>,
    /// A hook may find this node unfit to serve, with or without services.
    pub has_hooks: bool,
}

/// What the watch needs to know of its node.
#[derive(Debug)]
pub struct Setup {
    /// What is wanted of it at first.
    pub wanted: Wanted,
    /// The interfaces of the networks, for those whose link is watched.
    pub interfaces: Interfaces,
    /// Where it stands when all services were last well.
    pub words: Words,
    /// For the election.
    pub pulse: OrderSender,
    /// For operators.
    pub view: View,
    /// For the history.
    pub diary: Diary,
    /// Where its tasks run.
    pub runtime: Handle,
}

/// This node's interfaces.
#[derive(Clone, Debug)]
pub struct Interfaces {
    /// On the management network.
    pub management: String,
    /// On the business network, with its address there, if it is on one.
    pub business: Option<Connection>,
}

/// How the rest of the daemon tells the watch what changed.
#[derive(Clone, Debug)]
pub struct Standing {
    stand: signal::Sender<Stand>,
    wanted: signal::Sender<Wanted>,
}

/// What the watch goes by.
#[derive(Clone, Copy, Debug)]
struct Stand {
    /// This node is master.
    is_master: bool,
    /// Its promotion hook did not fail.
    is_promoted: bool,
}

impl Standing {
    /// Whether this node is master now.
    pub fn is_master(&self, is_master: bool) {
        self.stand.send_modify(|stand| stand.is_master = is_master);
    }

    /// Whether the hook that makes this node fit to serve succeeded; one that is not has the election hand
    /// mastership on.
    pub fn is_promoted(&self, is_promoted: bool) {
        self.stand
            .send_modify(|stand| stand.is_promoted = is_promoted);
    }

    /// Something else is to be watched from now on. What is known of a service that is looked at as before stays.
    pub fn watch(&self, wanted: Wanted) {
        self.wanted.send_replace(wanted);
    }
}

#[cfg(test)]
impl Standing {
    /// For other modules' tests: nobody goes by it.
    pub(crate) fn unheard() -> Self {
        let stand = Stand {
            is_master: false,
            is_promoted: true,
        };
        let wanted = Wanted {
            services: Vec::new(),
            has_hooks: true,
        };
        Self {
            stand: signal::Sender::new(stand),
            wanted: signal::Sender::new(wanted),
        }
    }

    /// What [`Self::is_promoted`] said last.
    pub(crate) fn has_promoted(&self) -> bool {
        self.stand.borrow().is_promoted
    }
}

/// Starts the watch.
#[must_use]
pub fn start(setup: Setup) -> Standing {
    let (standing, stand) = signal::channel(Stand {
        is_master: false,
        is_promoted: true,
    });
    let (wanted, wishes) = signal::channel(setup.wanted.clone());
    let (findings, taken) = mpsc::channel(FINDINGS_DEPTH);
    let runtime = setup.runtime.clone();
    runtime.spawn(Watch::new(setup, stand, wishes, findings).run(taken));
    Standing {
        stand: standing,
        wanted,
    }
}
