//! The task that draws the conclusions.

use heartbeat_core::Instant;
use heartbeat_core::service::{ServiceState, Services};
use heartbeat_core::time::nanos;
use tokio::sync::{mpsc, watch as signal};
use tokio::time::sleep;
use tracing::{info, warn};

use super::judge::{Health, Judge};
use super::look::Finding;
use super::recovering::{Attempts, Recovering};
use super::view::Shown;
use super::{Setup, Stand, USUAL_LIMIT};
use crate::config::Service;
use crate::config::service::On;
use crate::control::ServiceWord;
use crate::exec::Ended;
use crate::pulse::PulseOrder;
use crate::sys::clock::boot_ns;

/// How often the word that says when all were well is written at least, as a part of the age that is too old.
const BEATS: u32 = 8;
/// What the word says where no check succeeded since this machine started: its age is the machine's.
const NEVER_NS: u64 = 1;

/// One service and what is known of it.
#[derive(Debug)]
struct Watched {
    service: Service,
    judge: Judge,
    recovering: Recovering,
}

/// All of them.
pub(super) struct Watch {
    setup: Setup,
    watched: Vec<Watched>,
    rules: Services,
    changes: signal::Receiver<Stand>,
    stand: Stand,
    attempts: Attempts,
    /// What the election was told last.
    told: Option<ServiceState>,
}

impl Watch {
    pub(super) fn new(mut setup: Setup, changes: signal::Receiver<Stand>) -> Self {
        let now = Instant(boot_ns());
        let stand = *changes.borrow();
        let services = std::mem::take(&mut setup.services);
        let oldest = services.iter().map(|it| it.pace.oldest_success()).max();
        let rules = Services {
            limit: oldest.unwrap_or(USUAL_LIMIT),
            most_handovers: u32::from(setup.handovers.most),
            window: setup.handovers.window,
            state: ServiceState::Starting,
        };
        let watched = services.into_iter().map(|service| Watched {
            judge: Judge::new(service.pace, now),
            recovering: Recovering::default(),
            service,
        });
        Self {
            watched: watched.collect(),
            setup,
            rules,
            stand,
            changes,
            attempts: Attempts::new(),
            told: None,
        }
    }

    /// Works until the daemon ends.
    pub(super) async fn run(mut self, mut findings: mpsc::Receiver<Finding>) {
        loop {
            let now = Instant(boot_ns());
            let due = self.conclude(now);
            tokio::select! {
                Some(finding) = findings.recv() => self.take(&finding),
                changed = self.changes.changed() => match changed {
                    Ok(()) => self.stand_changed(),
                    Err(_) => return,
                },
                Some(Ok((index, ended))) = self.attempts.join_next() => self.attempted(index, &ended),
                () = sleep(due.since(now)) => {}
            }
        }
    }

    fn take(&mut self, finding: &Finding) {
        if self.changes.has_changed().unwrap_or_default() {
            self.stand_changed();
        }
        let watched = &mut self.watched[finding.index];
        if watched.service.starts_anew() && finding.as_master != self.stand.is_master {
            // How it looked in another role says nothing of this one.
            return;
        }
        let before = watched.judge.health();
        watched.judge.take(finding);
        let service = &watched.service.name;
        match (before, watched.judge.health()) {
            (Health::Starting | Health::Failed, Health::Healthy) => {
                info!(service, "service works");
                watched.recovering.healthy();
            }
            (Health::Starting | Health::Healthy, Health::Failed) => {
                let fault = finding.fault.as_ref().map(ToString::to_string);
                warn!(service, fault, "service failed");
            }
            (Health::Starting, Health::Starting)
            | (Health::Healthy, Health::Healthy | Health::Starting)
            | (Health::Failed, Health::Failed | Health::Starting) => {}
        }
    }

    fn stand_changed(&mut self) {
        let stand = *self.changes.borrow_and_update();
        let before = std::mem::replace(&mut self.stand, stand);
        if before.is_master == stand.is_master {
            return;
        }
        let now = Instant(boot_ns());
        for watched in &mut self.watched {
            watched.recovering.role_changed();
            if watched.service.starts_anew() {
                watched.judge = Judge::new(watched.service.pace, now);
            }
        }
    }

    fn attempted(&mut self, index: usize, ended: &Ended) {
        let watched = &mut self.watched[index];
        let now = Instant(boot_ns());
        watched.recovering.ended(&watched.service, ended, now);
    }

    /// Does what follows from all that is known; returns when there is more to do.
    fn conclude(&mut self, now: Instant) -> Instant {
        let mut due = now + self.rules.limit / BEATS;
        for (index, watched) in self.watched.iter_mut().enumerate() {
            let is_failed = watched.judge.health() == Health::Failed;
            if is_failed && is_watched(&watched.service, self.stand.is_master) {
                let (service, attempts) = (&watched.service, &mut self.attempts);
                let more =
                    (watched.recovering).step(index, service, self.stand.is_master, attempts, now);
                due = more.map_or(due, |more| more.min(due));
            }
        }
        self.write_age(now);
        self.setup
            .view
            .show(self.watched.iter().map(|it| self.shown(it)).collect());
        self.tell();
        due
    }

    fn here(&self) -> impl Iterator<Item = &Watched> {
        let is_master = self.stand.is_master;
        (self.watched.iter()).filter(move |watched| is_watched(&watched.service, is_master))
    }

    /// All together are as old as the oldest.
    fn write_age(&self, now: Instant) {
        let words = &self.setup.words;
        if self.here().all(|it| it.judge.health() == Health::Healthy) {
            let successes = self.here().map(|it| it.judge.last_success);
            let oldest = successes.flatten().min().unwrap_or(now);
            words.set_service(oldest.0);
        } else if self.here().any(|it| it.judge.health() == Health::Failed)
            && words.control().service_ns == 0
        {
            words.set_service(NEVER_NS);
        }
    }

    fn state(&self) -> ServiceState {
        let has = |health| self.here().any(|it| it.judge.health() == health);
        if self.here().any(|it| it.recovering.is_lost) {
            ServiceState::Lost
        } else if !self.stand.is_promoted {
            ServiceState::NotPromoted
        } else if has(Health::Failed) {
            ServiceState::Recovering
        } else if has(Health::Starting) {
            ServiceState::Starting
        } else {
            ServiceState::Healthy
        }
    }

    fn tell(&mut self) {
        let state = self.state();
        if self.told == Some(state) {
            return;
        }
        let services = Services {
            state,
            ..self.rules
        };
        // A pulse that takes no order now is told at the next beat.
        if self
            .setup
            .pulse
            .send(PulseOrder::Services(services))
            .is_ok()
        {
            info!(%state, age_limit_ms = nanos(self.rules.limit) / 1_000_000, "services");
            self.told = Some(state);
        }
    }

    fn shown(&self, watched: &Watched) -> Shown {
        let (service, judge) = (&watched.service, &watched.judge);
        let state = match judge.health() {
            _ if !is_watched(service, self.stand.is_master) => ServiceWord::NotWatched,
            Health::Starting => ServiceWord::Starting,
            Health::Healthy => ServiceWord::Healthy,
            Health::Failed if watched.recovering.is_lost => ServiceWord::Lost,
            Health::Failed => ServiceWord::Recovering,
        };
        Shown {
            name: service.name.clone(),
            check: service.check.as_str(),
            state,
            last_success: judge.last_success,
            fault: judge.fault.as_ref().map(ToString::to_string),
            overruns: judge.overruns,
            attempts: watched.recovering.tried(),
        }
    }
}

/// Whether this node watches it in its role.
fn is_watched(service: &Service, is_master: bool) -> bool {
    match service.on {
        On::Every => true,
        On::Master => is_master,
    }
}
