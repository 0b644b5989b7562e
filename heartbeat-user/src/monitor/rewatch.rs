//! What is watched, from the configuration: at the start, and when a reload changes it.

use heartbeat_core::Instant;
use heartbeat_core::service::{ServiceState, Services};
use tokio::sync::watch as signal;

use super::judge::Judge;
use super::look::{Look, Task};
use super::recovering::Recovering;
use super::watch::Watch;
use super::watched::Watched;
use super::{USUAL_LIMIT, Wanted};
use crate::config::Service;
use crate::control::ServiceWord;
use crate::sys::clock::boot_ns;

/// What the election goes by, but for how the services are.
pub(super) fn rules(wanted: &Wanted) -> Services {
    let paces = wanted.services.iter().map(|it| it.pace.oldest_success());
    Services {
        limit: paces.max().unwrap_or(USUAL_LIMIT),
        state: ServiceState::Starting,
    }
}

impl Watch {
    /// Watches this from now on. A service that is looked at as before keeps what is known of it, attempts to bring
    /// it back included; all others begin anew.
    pub(super) fn rewatch(&mut self, wanted: Wanted) {
        self.rules = rules(&wanted);
        // Who was told once goes by it until it is told otherwise.
        self.tells |= wanted.has_hooks || !wanted.services.is_empty();
        self.told = None;
        let mut before = std::mem::take(&mut self.watched);
        for service in wanted.services {
            let same = |it: &Watched| is_looked_at_alike(&it.service, &service);
            let known = before.iter().position(same);
            let watched = match known.map(|place| before.swap_remove(place)) {
                Some(known) if known.service == service => known,
                Some(known) => self.repace(known, service),
                None => self.begin(service),
            };
            self.watched.push(watched);
        }
    }

    fn begin(&mut self, service: Service) -> Watched {
        let index = self.next_index;
        self.next_index += 1;
        let now = Instant(boot_ns());
        Watched {
            index,
            judge: Judge::new(service.pace, now),
            recovering: Recovering::default(),
            state: ServiceWord::Starting,
            since: now,
            _looked_at: self.look(index, &service),
            service,
        }
    }

    fn repace(&self, known: Watched, service: Service) -> Watched {
        Watched {
            judge: known.judge.at_pace(service.pace),
            _looked_at: self.look(known.index, &service),
            service,
            ..known
        }
    }

    /// Starts the task that looks at it, for as long as what this gives is there.
    fn look(&self, index: usize, service: &Service) -> signal::Sender<()> {
        let (looked_at, is_wanted) = signal::channel(());
        let task = Task {
            index,
            on: service.on,
            pace: service.pace,
            stand: self.changes.clone(),
            wanted: is_wanted,
            findings: self.findings.clone(),
        };
        let look = Look::new(&service.check, &self.setup.interfaces);
        self.setup.runtime.spawn(task.run(look));
        looked_at
    }
}

fn is_looked_at_alike(one: &Service, other: &Service) -> bool {
    (&one.name, one.on, &one.check) == (&other.name, other.on, &other.check)
}
