//! The wait for a token that enough disks have, before `on_promote` is given it.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use heartbeat_core::Slot;
use tokio::time::{Instant, timeout};

use super::job::Job;
use crate::floor::{Floors, Held};

/// Whose disks have the token, or why it is not given out.
type Outcome = Result<Held, String>;

/// `on_promote` of a mastership whose epoch is not on enough disks yet.
pub(super) struct Waiting {
    pub(super) job: Job,
    pub(super) since: Instant,
    over: Pin<Box<dyn Future<Output = Outcome> + Send>>,
}

impl Waiting {
    /// Begins, for so long at most. Meanwhile `show` hears which disks lack it, and why.
    pub(super) fn begin(
        job: Job,
        floors: Floors,
        limit: Duration,
        show: impl Fn(String) + Send + Sync + 'static,
    ) -> Self {
        let epoch = job.epoch();
        let over = async move {
            let lacking = Lacking::default();
            let tell = |slot, why| show(lacking.note(slot, why));
            let held = timeout(limit, floors.hold(epoch, tell)).await;
            held.map_err(|_| {
                format!(
                    "was not run: after {} ms a majority of the electors' disks did not have its token ({}); look after \
                     these disks and the links to them, or give it more `timeout`",
                    limit.as_millis(),
                    lacking.text()
                )
            })
        };
        Self {
            job,
            since: Instant::now(),
            over: Box::pin(over),
        }
    }
}

/// Waits for the end of the wait.
pub(super) async fn over(waiting: &mut Option<Waiting>) -> Outcome {
    match waiting {
        Some(waiting) => waiting.over.as_mut().await,
        None => std::future::pending().await,
    }
}

/// What is known of the disks that were asked and did not have it.
#[derive(Default)]
struct Lacking(Mutex<BTreeMap<Slot, String>>);

impl Lacking {
    fn note(&self, slot: Slot, why: String) -> String {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(slot, why);
        drop(all);
        self.text()
    }

    fn text(&self) -> String {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let one = |(slot, why): (&Slot, &String)| format!("slot {slot}: {why}");
        all.iter().map(one).collect::<Vec<_>>().join("; ")
    }
}
