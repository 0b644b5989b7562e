//! The task that draws the conclusions.

use heartbeat_core::Instant;
use heartbeat_core::service::{ServiceState, Services};
use heartbeat_core::time::nanos;
use tokio::sync::{mpsc, watch as signal};
use tokio::time::sleep;
use tracing::{info, warn};

use super::judge::{Health, Judge, More};
use super::look::Finding;
use super::recovering::Attempts;
use super::rewatch::rules;
use super::watched::Watched;
use super::{Setup, Stand, Wanted};
use crate::control::Event;
use crate::pulse::PulseOrder;
use crate::sys::clock::boot_ns;

/// How often the word that says when all were well is written at least, as a part of the age that is too old.
const BEATS: u32 = 8;
/// So many failures more it takes until a master believes one that all nodes may see: those whose it is too are then
/// known to be no better, and nothing moves. One and a part would do: each node begins its checks when it likes.
/// So many successes more it takes until another node believes that it is over: the master has seen it by then.
const SHARED_WAITS: u16 = 2;
/// What the word says where no check succeeded since this machine started: its age is the machine's.
const NEVER_NS: u64 = 1;

/// All of them.
pub(super) struct Watch {
    pub(super) setup: Setup,
    pub(super) watched: Vec<Watched>,
    pub(super) rules: Services,
    pub(super) changes: signal::Receiver<Stand>,
    pub(super) wishes: signal::Receiver<Wanted>,
    pub(super) findings: mpsc::Sender<Finding>,
    pub(super) next_index: usize,
    /// There is, or was, something that the election must be told of.
    pub(super) tells: bool,
    stand: Stand,
    attempts: Attempts,
    /// What the election was told last.
    pub(super) told: Option<ServiceState>,
}

impl Watch {
    pub(super) fn new(
        setup: Setup,
        changes: signal::Receiver<Stand>,
        wishes: signal::Receiver<Wanted>,
        findings: mpsc::Sender<Finding>,
    ) -> Self {
        let wanted = setup.wanted.clone();
        let stand = *changes.borrow();
        let mut watch = Self {
            watched: Vec::new(),
            rules: rules(&wanted),
            next_index: 0,
            tells: false,
            attempts: Attempts::new(),
            told: None,
            setup,
            stand,
            changes,
            wishes,
            findings,
        };
        watch.rewatch(wanted);
        watch
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
                Ok(()) = self.wishes.changed() => {
                    let wanted = self.wishes.borrow_and_update().clone();
                    self.rewatch(wanted);
                }
                Some(Ok((index, fault))) = self.attempts.join_next() => self.attempted(index, fault),
                () = sleep(due.since(now)) => {}
            }
        }
    }

    fn take(&mut self, finding: &Finding) {
        if self.changes.has_changed().unwrap_or_default() {
            self.stand_changed();
        }
        let is_master = self.stand.is_master;
        let Some(watched) = self.of(finding.index) else {
            return;
        };
        if watched.service.starts_anew() && finding.as_master != is_master {
            // How it looked in another role says nothing of this one.
            return;
        }
        let before = watched.judge.health();
        let more = match (watched.service.check.is_shared(), finding.as_master) {
            (false, _) => More::default(),
            (true, true) => More {
                failures: SHARED_WAITS,
                ..More::default()
            },
            (true, false) => More {
                successes: SHARED_WAITS,
                ..More::default()
            },
        };
        watched.judge.take(finding, more);
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

    fn attempted(&mut self, index: usize, fault: Option<String>) {
        let diary = self.setup.diary.clone();
        let Some(watched) = self.of(index) else {
            return;
        };
        let now = Instant(boot_ns());
        if let Some(fault) = &fault {
            diary.note(Event::Service(watched.not_brought_back(fault, now)));
        }
        watched.recovering.ended(&watched.service, fault, now);
    }

    /// The service with this number; `None` if it is no longer watched.
    fn of(&mut self, index: usize) -> Option<&mut Watched> {
        self.watched.iter_mut().find(|it| it.index == index)
    }

    /// Does what follows from all that is known; returns when there is more to do.
    fn conclude(&mut self, now: Instant) -> Instant {
        let mut due = now + self.rules.limit / BEATS;
        for watched in &mut self.watched {
            let (index, health) = (watched.index, watched.judge.health());
            let is_failed = health == Health::Failed;
            if is_failed && watched.is_here(self.stand.is_master) {
                let (service, attempts) = (&watched.service, &mut self.attempts);
                let more =
                    (watched.recovering).step(index, service, self.stand.is_master, attempts, now);
                due = more.map_or(due, |more| more.min(due));
            }
        }
        let is_master = self.stand.is_master;
        for watched in &mut self.watched {
            if let Some(event) = watched.turn(is_master, now) {
                self.setup.diary.note(Event::Service(event));
            }
        }
        if self.tells {
            self.write_age(now);
            self.tell();
        }
        self.setup
            .view
            .show(self.watched.iter().map(Watched::shown).collect());
        due
    }

    fn here(&self) -> impl Iterator<Item = &Watched> {
        let is_master = self.stand.is_master;
        (self.watched.iter()).filter(move |watched| watched.is_here(is_master))
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
}
