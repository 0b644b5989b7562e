//! What is tried for one failed service.

use std::collections::BTreeMap;

use heartbeat_core::Instant;
use heartbeat_core::recovery::{Plan, Recovery, Step};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{error, info};

use crate::config::Service;
use crate::config::service::{Means, Recovery as Wanted};
use crate::exec::{Output, run};
use crate::systemd;

/// Attempts under way; each tells whose it was, and what is wrong with how it ended.
pub(super) type Attempts = JoinSet<(usize, Option<String>)>;

/// The recovery of one service.
#[derive(Debug, Default)]
pub(super) struct Recovering {
    /// `None`: it has not failed.
    recovery: Option<Recovery>,
    /// Nothing more is tried.
    pub(super) is_lost: bool,
    /// An attempt runs, maybe one that another role began.
    is_running: bool,
}

impl Recovering {
    /// Attempts made for this failure.
    pub(super) fn tried(&self) -> u32 {
        self.recovery.map_or(0, |recovery| recovery.tried())
    }

    /// When it is tried again, if it is.
    pub(super) fn next_attempt(&self) -> Option<Instant> {
        self.recovery.filter(|_| !self.is_lost)?.next_attempt()
    }

    /// The service works, or works again.
    pub(super) const fn healthy(&mut self) {
        self.recovery = None;
        self.is_lost = false;
    }

    /// This node has another role, in which something else is tried.
    pub(super) fn role_changed(&mut self) {
        self.healthy();
    }

    /// Does what is due for a service that has failed; returns when there is more.
    pub(super) fn step(
        &mut self,
        index: usize,
        service: &Service,
        is_master: bool,
        attempts: &mut Attempts,
        now: Instant,
    ) -> Option<Instant> {
        if self.is_lost || self.is_running {
            return None;
        }
        let wanted = if is_master {
            &service.on_master
        } else {
            &service.on_slave
        };
        let plan = wanted.as_ref().map_or(Plan::NONE, |wanted| wanted.plan);
        let recovery = self
            .recovery
            .get_or_insert_with(|| Recovery::begin(plan, now));
        match (recovery.step(now), wanted) {
            (Step::Wait(until), _) => Some(until),
            (Step::Attempt, Some(wanted)) => {
                let name = service.name.clone();
                info!(
                    service = name,
                    attempt = recovery.tried(),
                    "bringing the service back"
                );
                self.is_running = true;
                let wanted = wanted.clone();
                attempts.spawn(async move { (index, attempt(&wanted, name, is_master).await) });
                None
            }
            (Step::GiveUp | Step::Attempt, _) => {
                let tried = recovery.tried();
                error!(
                    service = service.name,
                    tried, "the service is lost: nothing more is tried"
                );
                self.is_lost = true;
                None
            }
        }
    }

    /// An attempt has ended.
    pub(super) fn ended(&mut self, service: &Service, fault: Option<String>, now: Instant) {
        self.is_running = false;
        if let Some(fault) = fault {
            error!(
                service = service.name,
                fault, "what should bring the service back failed"
            );
        }
        if let Some(recovery) = &mut self.recovery {
            recovery.ended(now);
        }
    }
}

/// Does what should bring the service back; says what is wrong with how that ended.
async fn attempt(wanted: &Wanted, service: String, is_master: bool) -> Option<String> {
    match &wanted.means {
        Means::Program(program) => {
            let role = if is_master { "master" } else { "slave" };
            let environment = BTreeMap::from([
                ("HEARTBEATD_SERVICE", service),
                ("HEARTBEATD_ROLE", role.to_owned()),
            ]);
            let ended = run(program, &environment, Output::Log, wanted.timeout).await;
            ended.fault()
        }
        Means::Unit(unit) => match timeout(wanted.timeout, systemd::restart(unit)).await {
            Ok(ended) => ended.err().map(|error| error.to_string()),
            Err(_) => Some(format!(
                "systemd had not restarted {unit} after {} ms",
                wanted.timeout.as_millis()
            )),
        },
    }
}
