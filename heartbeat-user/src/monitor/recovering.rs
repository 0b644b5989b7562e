//! What is tried for one failed service.

use std::collections::BTreeMap;

use heartbeat_core::Instant;
use heartbeat_core::recovery::{Plan, Recovery, Step};
use tokio::task::JoinSet;
use tracing::{error, info};

use crate::config::Service;
use crate::exec::{Ended, Output, run};

/// Attempts under way; each tells whose it was and how it ended.
pub(super) type Attempts = JoinSet<(usize, Ended)>;

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
                let role = if is_master { "master" } else { "slave" };
                let (program, limit) = (wanted.run.clone(), wanted.timeout);
                attempts.spawn(async move {
                    let environment = BTreeMap::from([
                        ("HEARTBEATD_SERVICE", name),
                        ("HEARTBEATD_ROLE", role.to_owned()),
                    ]);
                    (index, run(&program, &environment, Output::Log, limit).await)
                });
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
    pub(super) fn ended(&mut self, service: &Service, ended: &Ended, now: Instant) {
        self.is_running = false;
        if let Some(fault) = ended.fault() {
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
