//! What became of the master before this one: found out after a promotion, within a bound, and said.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use heartbeat_core::config::Timing;
use heartbeat_core::snapshot::{Diagnosis, Role};
use heartbeat_core::{Epoch, Instant, Slot};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tracing::{info, warn};

use super::current::Current;
use super::operator::{PULSE_ANSWERS, wait};
use super::plan::Plan;
use crate::control::{Event, FirstMaster, rfc3339, why};
use crate::datapath::Words;
use crate::diary::Diary;
use crate::pulse::convert::kernel_words;
use crate::pulse::{OrderSender, Published, PulseOrder};
use crate::sys::clock::boot_ns;

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(50);
/// A member that is found well for so long, and for so many periods, is well: a daemon that was killed shows by its age.
const LEAST_WELL: Duration = Duration::from_millis(500);
const WELL_PERIODS: u32 = 30;
/// After so long beyond that nobody could tell.
const BEYOND: Duration = Duration::from_secs(1);

/// What was found; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Found(Arc<Mutex<Option<FirstMaster>>>);

impl Found {
    /// What became of it, once that is known.
    pub(super) fn get(&self) -> Option<FirstMaster> {
        self.lock().clone()
    }

    fn set(&self, found: Option<FirstMaster>) {
        *self.lock() = found;
    }

    fn lock(&self) -> MutexGuard<'_, Option<FirstMaster>> {
        // One assignment: a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who looks.
#[derive(Debug)]
pub(super) struct Inquiry {
    /// From which it is known who probed last.
    pub(super) words: Words,
    pub(super) pulse: OrderSender,
    pub(super) current: Current,
    pub(super) found: Found,
    pub(super) diary: Diary,
    /// This node's own last mastership.
    pub(super) own: Epoch,
}

impl Inquiry {
    /// This node became master in `epoch`.
    pub(super) fn begin(&mut self, epoch: Epoch) {
        let before = kernel_words(&self.words.grant()).probed;
        let own = std::mem::replace(&mut self.own, epoch);
        self.found.set(None);
        // Nobody, or this node itself.
        if before.is_none() || before < own {
            return;
        }
        let case = Case {
            pulse: self.pulse.clone(),
            plan: self.current.plan(),
            epoch,
            slot: before.slot(),
            begun: Instant(boot_ns()),
        };
        let (found, diary) = (self.found.clone(), self.diary.clone());
        Handle::current().spawn(async move {
            if let Some(first) = case.find().await {
                tell(&first);
                diary.note(Event::FirstMaster(first.clone()));
                found.set(Some(first));
            }
        });
    }
}

/// One promotion's.
struct Case {
    pulse: OrderSender,
    plan: Arc<Plan>,
    epoch: Epoch,
    slot: Slot,
    begun: Instant,
}

impl Case {
    /// `None` if this mastership ended before.
    async fn find(&self) -> Option<FirstMaster> {
        let well_after = well_after(&self.plan, self.slot);
        loop {
            sleep(LOOK).await;
            let (answer, answered) = oneshot::channel();
            // A pulse that takes no order has ended, or has too many.
            self.pulse.send(PulseOrder::Publish(answer)).ok()?;
            let published = wait(answered, PULSE_ANSWERS).await.ok()?;
            let snapshot = &published.snapshot;
            if snapshot.role != Role::Master {
                return None;
            }
            let mut members = snapshot.members.iter();
            let diagnosis = members.find(|it| it.slot == self.slot)?.diagnosis;
            let passed = snapshot.at.since(self.begun);
            let is_found = match diagnosis {
                Diagnosis::Unknown => passed >= well_after + BEYOND,
                Diagnosis::Healthy => passed >= well_after,
                Diagnosis::Misconfigured
                | Diagnosis::DaemonStalled
                | Diagnosis::ManagementFault
                | Diagnosis::Down
                | Diagnosis::ServiceFault
                | Diagnosis::BusinessFault => true,
            };
            if is_found {
                return Some(self.finding(&published, diagnosis, passed));
            }
        }
    }

    fn finding(
        &self,
        published: &Published,
        diagnosis: Diagnosis,
        passed: Duration,
    ) -> FirstMaster {
        let (config, snapshot) = (&self.plan.config, &published.snapshot);
        let reply = published.replies.iter().find(|it| it.slot == self.slot);
        FirstMaster {
            at: rfc3339(SystemTime::now()),
            first_master: self.slot,
            epoch: self.epoch.into(),
            diagnosis: diagnosis.into(),
            cause: why(config, snapshot, reply, diagnosis),
            after_us: u64::try_from(passed.as_micros()).unwrap_or(u64::MAX),
        }
    }
}

/// A service that failed shows in its last success's age only, where nothing else says so; and that nobody reaches a node
/// over the business network after a whole row of questions.
fn well_after(plan: &Plan, first: Slot) -> Duration {
    let services = plan.config.services.iter();
    let oldest = services.map(|service| service.pace.oldest_success()).max();
    let periods = plan.config.timing.period * WELL_PERIODS;
    let has_business = |slot: &Slot| {
        let member = plan.config.members.get(slot);
        member.is_some_and(|member| member.business.is_some())
    };
    let questions = if [plan.slot, first].iter().all(has_business) {
        Timing::BUSINESS_ANSWER * Timing::BUSINESS_QUESTIONS
    } else {
        Duration::ZERO
    };
    periods.max(LEAST_WELL) + questions + oldest.unwrap_or(Duration::ZERO)
}

fn tell(first: &FirstMaster) {
    let (slot, diagnosis) = (first.first_master, first.diagnosis.as_str());
    let cause = first.cause.as_deref().unwrap_or_default();
    let after_ms = first.after_us / 1_000;
    if first.cause.is_some() {
        warn!(
            slot,
            diagnosis, cause, after_ms, "what became of the first master"
        );
    } else {
        info!(slot, diagnosis, after_ms, "what became of the first master");
    }
}
