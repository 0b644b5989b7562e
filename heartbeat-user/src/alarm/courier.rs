//! One sink's task: brings what waits for it, in order, each until the sink took it.

use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

use super::backoff::pause;
use super::desk::Desk;
use super::sink::Sink;
use crate::config::Connection;
use crate::config::alarms;

/// What a courier goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Errand {
    pub(super) sink: alarms::Sink,
    /// Where connections leave; `None`: by the kernel's routes.
    pub(super) from: Option<Connection>,
}

/// One sink's task.
pub(super) struct Courier {
    pub(super) desk: Arc<Desk>,
    /// Its other end is dropped once the sink is configured no more.
    pub(super) errand: watch::Receiver<Errand>,
}

impl Courier {
    /// Works until the sink is configured no more.
    pub(super) async fn run(mut self) {
        while self.errand.has_changed().is_ok() {
            let errand = self.errand.borrow_and_update().clone();
            self.serve(&errand).await;
        }
    }

    /// Works until the errand is another one. What is on its way then arrives, or fails, first.
    async fn serve(&mut self, errand: &Errand) {
        let name = errand.sink.name.as_str();
        let mut sink = Sink::open(errand);
        let mut changes = self.desk.changes();
        let mut failures = 0;
        let mut repeated_at = Instant::now();
        while self.errand.has_changed().is_ok_and(|changed| !changed) {
            changes.mark_unchanged();
            let repeat_at = sink.resend().map(|every| repeated_at + every);
            let next = self.desk.look(|ledger| ledger.next_of(name));
            let outcome = match &next {
                Some(notice) => sink.deliver(notice).await,
                None if repeat_at.is_some_and(|at| at <= Instant::now()) => {
                    repeated_at = Instant::now();
                    let in_force = self.desk.look(|ledger| ledger.in_force_for(name));
                    sink.repeat(&in_force).await
                }
                None => {
                    tokio::select! {
                        _ = changes.changed() => {}
                        _ = self.errand.changed() => return,
                        () = until(repeat_at) => {}
                    }
                    continue;
                }
            };
            match outcome {
                Ok(()) => {
                    if failures > 0 {
                        info!(sink = name, failures, "alarms reach this sink again");
                    }
                    failures = 0;
                    let now = SystemTime::now();
                    self.desk.change(|ledger, _| match &next {
                        Some(notice) => ledger.took(name, notice, now),
                        None => ledger.works(name),
                    });
                }
                Err(fault) => {
                    failures += 1;
                    if failures == 1 {
                        warn!(
                            sink = name,
                            fault, "alarms do not reach this sink; told once until they do"
                        );
                    }
                    let pause = pause(failures, random());
                    self.note_failure(name, fault, pause);
                    tokio::select! {
                        () = sleep(pause) => {}
                        _ = self.errand.changed() => return,
                    }
                }
            }
        }
    }

    fn note_failure(&self, name: &str, fault: String, pause: Duration) {
        let now = SystemTime::now();
        self.desk
            .change(|ledger, _| ledger.failed(name, fault, now, now + pause));
    }
}

/// Any number; without random numbers nodes keep step, and no more is lost by it.
fn random() -> u64 {
    getrandom::u64().unwrap_or_default()
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}
