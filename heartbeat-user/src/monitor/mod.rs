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
mod tcp;
mod tls;
mod view;
mod watch;

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch as signal};

pub use view::View;

use crate::config::{Handovers, Service};
use crate::datapath::Words;
use crate::pulse::OrderSender;
use look::Look;
use watch::Watch;

/// Findings not yet judged: each service has at most two on their way.
const FINDINGS_DEPTH: usize = 64;

/// The age of a last success that is too old where nothing says more: there are hooks only.
const USUAL_LIMIT: Duration = Duration::from_secs(3);

/// What the watch needs to know of its node.
#[derive(Debug)]
pub struct Setup {
    /// What is watched here.
    pub services: Vec<Service>,
    /// How often mastership may move for a service's sake.
    pub handovers: Handovers,
    /// The interfaces of the networks, for those whose link is watched.
    pub interfaces: Interfaces,
    /// Where it stands when all services were last well.
    pub words: Words,
    /// For the election.
    pub pulse: OrderSender,
    /// For operators.
    pub view: View,
}

/// This node's interfaces.
#[derive(Clone, Debug)]
pub struct Interfaces {
    /// On the management network.
    pub management: String,
    /// On the business network, if it is on one.
    pub business: Option<String>,
}

/// How the rest of the daemon tells the watch what changed.
#[derive(Clone, Debug)]
pub struct Standing(signal::Sender<Stand>);

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
        self.0.send_modify(|stand| stand.is_master = is_master);
    }

    /// Whether the hook that makes this node fit to serve succeeded; one that is not has the election hand
    /// mastership on.
    pub fn is_promoted(&self, is_promoted: bool) {
        self.0.send_modify(|stand| stand.is_promoted = is_promoted);
    }
}

/// Starts the watch.
#[must_use]
pub fn start(setup: Setup, runtime: &Handle) -> Standing {
    let (standing, stand) = signal::channel(Stand {
        is_master: false,
        is_promoted: true,
    });
    let (findings, taken) = mpsc::channel(FINDINGS_DEPTH);
    for (index, service) in setup.services.iter().enumerate() {
        let look = Look::new(&service.check, &setup.interfaces);
        let task = look::Task {
            index,
            on: service.on,
            pace: service.pace,
            stand: stand.clone(),
            findings: findings.clone(),
        };
        runtime.spawn(task.run(look));
    }
    runtime.spawn(Watch::new(setup, stand).run(taken));
    Standing(standing)
}
