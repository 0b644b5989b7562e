//! Runs the fence command of a pair, one run at a time, and tells the election what became of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use heartbeat_core::Slot;
use tokio::runtime::Handle;
use tracing::{error, info};

use super::plan::Plan;
use crate::config::Fence;
use crate::exec::{self, Output, check_trust};
use crate::pulse::{OrderSender, PulseOrder};

/// The command, if the configuration requires one.
#[derive(Clone)]
pub(super) struct Fencing {
    fence: Option<Fence>,
    environment: BTreeMap<&'static str, String>,
    runs: Arc<AtomicBool>,
    runtime: Handle,
    pulse: OrderSender,
}

impl Fencing {
    /// Must be made inside the runtime that is to run it.
    pub(super) fn new(plan: &Plan, pulse: OrderSender) -> Self {
        Self {
            fence: plan
                .config
                .pair
                .as_ref()
                .and_then(|pair| pair.fence.clone()),
            environment: environment(plan),
            runs: Arc::default(),
            runtime: Handle::current(),
            pulse,
        }
    }

    /// Goes by another configuration from now on. A run that goes on already ends by what it began with.
    pub(super) fn change(&mut self, plan: &Plan) {
        let pulse = self.pulse.clone();
        let runs = Arc::clone(&self.runs);
        *self = Self {
            runs,
            ..Self::new(plan, pulse)
        };
    }

    /// Starts it against `target`. While an earlier run goes on this one has failed already: the election asks again.
    pub(super) fn run(&self, id: u64, target: Slot) {
        let Some(fence) = self.fence.clone() else {
            return;
        };
        if self.runs.swap(true, Ordering::AcqRel) {
            return self.tell(id, false);
        }
        info!(slot = target, program = fence.program.words[0], "fencing");
        let this = self.clone();
        self.runtime.spawn(async move {
            let program = &fence.program;
            let fault = match check_trust(program.words[0].as_ref()) {
                Ok(()) => exec::run(program, &this.environment, Output::Log, fence.timeout)
                    .await
                    .fault(),
                Err(error) => Some(format!("was not run: {error}")),
            };
            match &fault {
                None => info!(slot = target, "fenced: the peer is off"),
                Some(fault) => error!(
                    slot = target,
                    "fence command {} {fault}; the peer may still serve, so this node does not; it is tried again",
                    program.words[0]
                ),
            }
            this.runs.store(false, Ordering::Release);
            this.tell(id, fault.is_none());
        });
    }

    fn tell(&self, id: u64, done: bool) {
        if let Err(error) = self.pulse.send(PulseOrder::Fenced(id, done)) {
            error!("the election was not told how the fence command ended: {error}");
        }
    }
}

/// What the command is told: who asks, and whom to switch off.
fn environment(plan: &Plan) -> BTreeMap<&'static str, String> {
    let mut environment = BTreeMap::from([
        ("HEARTBEATD_CLUSTER", plan.config.cluster.clone()),
        ("HEARTBEATD_SLOT", plan.slot.to_string()),
    ]);
    let mut others = plan
        .config
        .members
        .iter()
        .filter(|(slot, _)| **slot != plan.slot);
    if let Some((slot, peer)) = others.next() {
        environment.insert("HEARTBEATD_TARGET_SLOT", slot.to_string());
        environment.insert("HEARTBEATD_TARGET_NAME", peer.name.clone());
        environment.insert(
            "HEARTBEATD_TARGET_ADDRESS",
            peer.management.address.to_string(),
        );
    }
    environment
}
