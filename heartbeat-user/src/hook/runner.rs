//! Runs what is owed, one after the other, and tells what became of it.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use heartbeat_core::Epoch;
use heartbeat_core::snapshot::Role;
use tokio::sync::{mpsc, watch as signal};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{error, info, warn};

use super::Setup;
use super::job::{Job, Told, Which};
use super::journal::{self, Journal};
use super::token::{Waiting, over};
use crate::config::Hooks;
use crate::control::{Event, HookStatus, HookWord, rfc3339};
use crate::exec::{Output, check_trust, run};
use crate::floor::Held;
use crate::pulse::PulseOrder;

/// How soon a pulse that took no order is told again, and how often: by then it has ended.
const TELL_AGAIN: Duration = Duration::from_millis(5);
const TELL_TIMES: u32 = 200;

/// A hook that runs: what is wrong with how it ended, if anything is.
type Running = Pin<Box<dyn Future<Output = Option<String>> + Send>>;

/// The thread's state.
pub(super) struct Runner {
    setup: Setup,
    hooks: signal::Receiver<Hooks>,
    journal: Journal,
    role: Role,
    epoch: Epoch,
    running: Option<(Job, Instant)>,
    /// The newest token that may be given out, and how long it was waited for.
    token: Option<(Epoch, Duration)>,
    /// When `on_promote` is run again, or the node may become master again.
    retry_at: Option<Instant>,
    /// The mastership whose addresses the pulse was told to take.
    told: Option<Epoch>,
}

impl Runner {
    pub(super) fn new(setup: Setup, hooks: signal::Receiver<Hooks>) -> Self {
        let saved = setup.state.read(journal::FILE).unwrap_or_else(|error| {
            error!("{error}; what the last daemon owed is not known");
            None
        });
        let mut journal: Journal = saved.unwrap_or_default();
        journal.take_over(setup.goes_on);
        Self {
            role: if setup.goes_on.is_some() {
                Role::Master
            } else {
                Role::Init
            },
            epoch: setup.goes_on.unwrap_or(Epoch::NONE),
            setup,
            hooks,
            journal,
            running: None,
            token: None,
            retry_at: None,
            told: None,
        }
    }

    /// Works until nobody tells any more and nothing is owed.
    pub(super) async fn run(mut self, mut told: mpsc::Receiver<Told>) {
        let mut running: Option<Running> = None;
        let mut waiting: Option<Waiting> = None;
        let mut listens = true;
        let rest = self.setup.rest.clone();
        loop {
            if running.is_none() {
                running = self.begin(&mut waiting);
            }
            let is_idle = running.is_none() && waiting.is_none();
            let is_owed = is_idle && self.journal.next().is_some();
            if is_idle && !is_owed && !listens {
                return;
            }
            let retry_at = self.retry_at;
            tokio::select! {
                heard = told.recv(), if listens => match heard {
                    Some(heard) => self.hear(heard),
                    None => listens = false,
                },
                fault = ended(&mut running), if running.is_some() => {
                    running = None;
                    self.ended(fault).await;
                }
                held = over(&mut waiting), if waiting.is_some() => {
                    if let Some(waited) = waiting.take() {
                        self.waited(waited, held).await;
                    }
                }
                () = rest.over(), if is_owed => {}
                () = until(retry_at), if retry_at.is_some() => self.retry(),
            }
            self.take_addresses().await;
        }
    }

    fn hear(&mut self, told: Told) {
        match told {
            Told::Role(change) => {
                (self.role, self.epoch) = (change.to, change.epoch);
                self.journal.role_changed(&change);
                if change.to == Role::Master {
                    self.retry_at = None;
                }
            }
            Told::Fault(reason) => self.journal.fault(self.role, self.epoch, reason),
        }
        self.save();
    }

    /// Begins the next one that is owed, or the wait for its token; those without a program are run already.
    fn begin(&mut self, waiting: &mut Option<Waiting>) -> Option<Running> {
        loop {
            let Some(job) = self.journal.next().cloned() else {
                self.wait_no_more(waiting);
                return None;
            };
            let (cluster, slot) = (&self.setup.cluster, self.setup.slot);
            let (program, limit) = {
                let hooks = self.hooks.borrow();
                (job.program(&hooks, cluster, slot), hooks.timeout)
            };
            let Some(program) = program else {
                self.journal.ran(true);
                self.save();
                continue;
            };
            if !self.has_token(&job, limit, waiting) || !self.setup.rest.begins(job.which.as_str())
            {
                return None;
            }
            let environment = job.environment(cluster, slot);
            info!(
                hook = job.which.as_str(),
                epoch = job.epoch,
                reason = job.reason,
                "running a hook"
            );
            self.show(&job, HookWord::Running, None, None);
            self.running = Some((job, Instant::now()));
            return Some(Box::pin(async move {
                if let Err(error) = check_trust(program.words[0].as_ref()) {
                    return Some(format!("was not run: {error}"));
                }
                run(&program, &environment, Output::Log, limit)
                    .await
                    .fault()
            }));
        }
    }

    /// Whether this job may be told its epoch, which `on_promote` takes for a token. If not, it is waited for.
    fn has_token(&self, job: &Job, limit: Duration, waiting: &mut Option<Waiting>) -> bool {
        let is_held = self.token.is_some_and(|(epoch, _)| epoch == job.epoch());
        if job.which != Which::Promote || is_held {
            self.wait_no_more(waiting);
            return true;
        }
        let waits = waiting.as_ref().is_some_and(|waiting| waiting.job == *job);
        if !waits {
            self.wait_no_more(waiting);
            let view = self.setup.view.clone();
            let status = self.status(job, HookWord::Waiting, None, None);
            view.show(status.clone());
            let show = move |lacking| {
                view.show(HookStatus {
                    fault: Some(lacking),
                    ..status.clone()
                });
            };
            let floors = self.setup.floors.clone();
            *waiting = Some(Waiting::begin(job.clone(), floors, limit, show));
        }
        false
    }

    /// The mastership is over whose token was waited for.
    fn wait_no_more(&self, waiting: &mut Option<Waiting>) {
        if let Some(waiting) = waiting.take() {
            self.setup.view.withdraw(waiting.job.which.as_str());
        }
    }

    async fn waited(&mut self, waited: Waiting, held: Result<Held, String>) {
        let Waiting { job, since, .. } = waited;
        match held {
            Ok(held) => {
                if held == Held::OwnDisk {
                    warn!(
                        epoch = job.epoch,
                        "the token is on this node's disk alone: it serves by an operator's word, or without the other \
                         node of the pair"
                    );
                }
                self.token = Some((job.epoch(), since.elapsed()));
            }
            Err(fault) => {
                self.running = Some((job, since));
                self.ended(Some(fault)).await;
            }
        }
    }

    async fn ended(&mut self, fault: Option<String>) {
        let Some((job, begun)) = self.running.take() else {
            return;
        };
        let (hook, took) = (job.which.as_str(), begun.elapsed());
        self.journal.ran(fault.is_none());
        self.save();
        self.setup.rest.ended();
        let word = match &fault {
            None => {
                info!(hook, took_ms = took.as_millis(), "hook succeeded");
                HookWord::Succeeded
            }
            Some(fault) => {
                error!(hook, fault, "hook failed");
                HookWord::Failed
            }
        };
        let is_well = fault.is_none();
        self.show(&job, word, Some(took), fault);
        match job.which {
            Which::Promote => self.promoted(is_well),
            Which::Demote | Which::Fault => {}
        }
    }

    /// A failed one makes the election hand mastership on.
    fn promoted(&mut self, is_well: bool) {
        self.setup.standing.is_promoted(is_well);
        self.retry_at = (!is_well).then(|| Instant::now() + self.hooks.borrow().retry_after);
    }

    fn retry(&mut self) {
        self.retry_at = None;
        if self.role == Role::Master {
            self.journal.promote_again();
            self.save();
        } else {
            self.setup.standing.is_promoted(true);
        }
    }

    /// Tells the pulse once for each mastership.
    async fn take_addresses(&mut self) {
        let Some(epoch) = self.journal.promoted() else {
            return;
        };
        for _ in 0..TELL_TIMES {
            if self.told == Some(epoch) {
                return;
            }
            match self.setup.pulse.send(PulseOrder::Promoted(epoch)) {
                Ok(()) => self.told = Some(epoch),
                Err(_) => sleep(TELL_AGAIN).await,
            }
        }
    }

    fn save(&self) {
        if let Err(error) = self.setup.state.write(journal::FILE, &self.journal) {
            error!("{error}; a daemon that ends now leaves hooks that nobody runs");
        }
    }

    fn show(&self, job: &Job, state: HookWord, took: Option<Duration>, fault: Option<String>) {
        let status = self.status(job, state, took, fault);
        match state {
            HookWord::Waiting | HookWord::Running => {}
            HookWord::Succeeded | HookWord::Failed => {
                self.setup.diary.note(Event::Hook(status.clone()));
            }
        }
        self.setup.view.show(status);
    }

    fn status(
        &self,
        job: &Job,
        state: HookWord,
        took: Option<Duration>,
        fault: Option<String>,
    ) -> HookStatus {
        let token = self.token.filter(|(epoch, _)| *epoch == job.epoch());
        let waited = token.filter(|_| job.which == Which::Promote);
        let us = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        HookStatus {
            hook: job.which.as_str().to_owned(),
            state,
            epoch: job.epoch().into(),
            reason: job.reason.clone(),
            at: rfc3339(SystemTime::now()),
            took_us: took.map(us),
            waited_us: waited.map(|(_, waited)| us(waited)),
            fault,
            owed: self.journal.owed(),
        }
    }
}

async fn ended(running: &mut Option<Running>) -> Option<String> {
    match running {
        Some(running) => running.await,
        None => std::future::pending().await,
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
