//! One service and what is known of it.

use std::time::SystemTime;

use heartbeat_core::Instant;
use heartbeat_core::time::nanos;
use tokio::sync::watch as signal;

use super::judge::{Health, Judge};
use super::recovering::Recovering;
use super::view::Shown;
use crate::config::Service;
use crate::config::service::On;
use crate::control::{ServiceEvent, ServiceWord, rfc3339};

/// A service that is watched.
#[derive(Debug)]
pub(super) struct Watched {
    /// What its findings and attempts bear: never another service's, whatever the configuration becomes.
    pub(super) index: usize,
    pub(super) service: Service,
    pub(super) judge: Judge,
    pub(super) recovering: Recovering,
    /// How it was shown last, and since when.
    pub(super) state: ServiceWord,
    pub(super) since: Instant,
    /// Its task looks as long as this is there.
    pub(super) _looked_at: signal::Sender<()>,
}

impl Watched {
    /// Whether this node watches it in its role.
    pub(super) fn is_here(&self, is_master: bool) -> bool {
        match self.service.on {
            On::Every => true,
            On::Master => is_master,
        }
    }

    /// How it is now.
    fn word(&self, is_master: bool) -> ServiceWord {
        match self.judge.health() {
            _ if !self.is_here(is_master) => ServiceWord::NotWatched,
            Health::Starting => ServiceWord::Starting,
            Health::Healthy => ServiceWord::Healthy,
            Health::Failed if self.recovering.is_lost => ServiceWord::Lost,
            Health::Failed => ServiceWord::Recovering,
        }
    }

    /// Takes up what it is now; what is to be told of it, if it failed or works again.
    pub(super) fn turn(&mut self, is_master: bool, now: Instant) -> Option<ServiceEvent> {
        let to = self.word(is_master);
        if to == self.state {
            return None;
        }
        let event = self.event(
            to,
            self.fault().unwrap_or_else(|| "it works".to_owned()),
            now,
        );
        let from = std::mem::replace(&mut self.state, to);
        self.since = now;
        let is_failed = |word| matches!(word, ServiceWord::Recovering | ServiceWord::Lost);
        (is_failed(from) || is_failed(to)).then_some(event)
    }

    fn event(&self, to: ServiceWord, reason: String, now: Instant) -> ServiceEvent {
        ServiceEvent {
            at: rfc3339(SystemTime::now()),
            service: self.service.name.clone(),
            from: self.state,
            to,
            attempts: self.recovering.tried(),
            reason,
            duration_us: nanos(now.since(self.since)) / 1_000,
        }
    }

    /// An attempt to bring it back failed.
    pub(super) fn not_brought_back(&self, fault: &str, now: Instant) -> ServiceEvent {
        let reason = format!("what should bring it back failed: {fault}");
        self.event(self.state, reason, now)
    }

    fn fault(&self) -> Option<String> {
        self.judge.fault.as_ref().map(ToString::to_string)
    }

    pub(super) fn shown(&self) -> Shown {
        let last_fault = self.judge.last_fault.as_ref();
        Shown {
            name: self.service.name.clone(),
            check: self.service.check.as_str(),
            state: self.state,
            since: self.since,
            last_success: self.judge.last_success,
            fault: self.fault(),
            last_fault: last_fault.map(|(fault, at)| (fault.to_string(), *at)),
            overruns: self.judge.overruns,
            attempts: self.recovering.tried(),
            next_attempt: self.recovering.next_attempt(),
        }
    }
}
