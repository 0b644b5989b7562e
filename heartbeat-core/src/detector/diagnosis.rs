//! From a member's newest answer to what is wrong with it.

use std::time::Duration;

use super::presence::RISE;
use crate::config::Config;
use crate::event::Reply;
use crate::snapshot::Diagnosis;

/// Periods after which a daemon that gives no sign of life is stalled.
const STALL_PERIODS: u32 = 10;
/// The same in time: a starved machine may hold a daemon up so long and still be well.
const LEAST_STALL: Duration = Duration::from_millis(100);

/// What a member's own answer says of it: the first row of the protocol's table that fits.
///
/// Who never had a successful check says by its eligibility how it is: it may have started just now.
pub(super) fn of_reply(
    reply: &Reply,
    config: &Config,
    service_limit: Option<Duration>,
) -> Diagnosis {
    let stall = (config.timing.period * STALL_PERIODS).max(LEAST_STALL);
    let is_configured_alike = reply.config_digest == config.config_digest
        && reply.elector_version == config.elector_version
        && reply.elector_digest == config.elector_digest;
    if !is_configured_alike {
        Diagnosis::Misconfigured
    } else if reply.daemon_age.is_none_or(|age| age > stall) {
        Diagnosis::DaemonStalled
    } else if is_older(reply.service_age, service_limit) {
        Diagnosis::ServiceFault
    } else {
        Diagnosis::Healthy
    }
}

fn is_older(age: Option<Duration>, limit: Option<Duration>) -> bool {
    age.zip(limit).is_some_and(|(age, limit)| age > limit)
}

/// A diagnosis that is shown once it lasted.
#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Settled {
    shown: Diagnosis,
    next: Diagnosis,
    seen: u32,
}

impl Settled {
    pub(super) const fn new() -> Self {
        Self {
            shown: Diagnosis::Unknown,
            next: Diagnosis::Unknown,
            seen: 0,
        }
    }

    pub(super) const fn shown(&self) -> Diagnosis {
        self.shown
    }

    /// What one period's answer says. The first one is shown at once.
    pub(super) fn feed(&mut self, diagnosis: Diagnosis) {
        if self.next != diagnosis {
            (self.next, self.seen) = (diagnosis, 0);
        }
        self.seen = (self.seen + 1).min(RISE);
        if self.seen >= RISE || self.shown == Diagnosis::Unknown {
            self.shown = diagnosis;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnosis_is_shown_once_it_lasted_for_two_periods() {
        let mut settled = Settled::new();
        settled.feed(Diagnosis::Healthy);
        assert_eq!(settled.shown(), Diagnosis::Healthy);
        settled.feed(Diagnosis::DaemonStalled);
        settled.feed(Diagnosis::Healthy);
        settled.feed(Diagnosis::DaemonStalled);
        assert_eq!(settled.shown(), Diagnosis::Healthy);
        settled.feed(Diagnosis::DaemonStalled);
        assert_eq!(settled.shown(), Diagnosis::DaemonStalled);
    }
}
