//! A rest between two hooks: a planned restart waits for the one that runs, and no other begins meanwhile.

use tokio::sync::watch;

/// Whether hooks may begin, as all see it who ask for a rest.
#[derive(Clone, Debug)]
pub struct Rest(watch::Sender<Now>);

#[derive(Clone, Copy, Debug, Default)]
struct Now {
    /// So many ask for it.
    asked: u32,
    running: Option<&'static str>,
}

/// Somebody's rest: no hook begins until this is dropped.
#[derive(Debug)]
pub struct Resting(Rest);

impl Default for Rest {
    /// Of a node without hooks: none ever runs.
    fn default() -> Self {
        Self(watch::Sender::new(Now::default()))
    }
}

impl Rest {
    /// From now on no hook begins; one may still run.
    #[must_use]
    pub fn ask(&self) -> Resting {
        self.0.send_modify(|now| now.asked += 1);
        Resting(self.clone())
    }

    /// The hook that runs.
    #[must_use]
    pub fn running(&self) -> Option<&'static str> {
        self.0.borrow().running
    }

    /// Nobody's rest holds any more.
    pub(super) fn lift(&self) {
        self.0.send_modify(|now| now.asked = 0);
    }

    /// A hook is about to begin. Whether it may.
    pub(super) fn begins(&self, hook: &'static str) -> bool {
        self.0.send_if_modified(|now| {
            if now.asked == 0 {
                now.running = Some(hook);
            }
            now.asked == 0
        })
    }

    /// What became of it is on the disk.
    pub(super) fn ended(&self) {
        self.0.send_modify(|now| now.running = None);
    }

    /// Waits until hooks may begin.
    pub(super) async fn over(&self) {
        let mut seen = self.0.subscribe();
        // Fails only without a sender, and this is one.
        let _ = seen.wait_for(|now| now.asked == 0).await;
    }
}

impl Resting {
    /// Waits until no hook runs.
    pub async fn begun(&self) {
        let mut seen = self.0.0.subscribe();
        // Fails only without a sender, and this is one.
        let _ = seen.wait_for(|now| now.running.is_none()).await;
    }

    /// It holds until the daemon has ended.
    pub fn for_good(self) {
        self.0.0.send_modify(|now| now.asked += 1);
    }
}

impl Drop for Resting {
    fn drop(&mut self) {
        self.0
            .0
            .send_modify(|now| now.asked = now.asked.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    async fn is_begun(resting: &Resting) -> bool {
        let soon = Duration::from_millis(20);
        timeout(soon, resting.begun()).await.is_ok()
    }

    #[tokio::test]
    async fn it_begins_when_the_hook_that_runs_has_ended_and_until_it_is_over_none_begins() {
        let rest = Rest::default();
        assert!(rest.begins("on_promote"));
        let resting = rest.ask();
        assert!(!is_begun(&resting).await);
        assert_eq!(rest.running(), Some("on_promote"));
        rest.ended();
        assert!(is_begun(&resting).await);
        assert!(!rest.begins("on_demote"));
        drop(resting);
        assert!(rest.begins("on_demote"));
    }

    #[tokio::test]
    async fn one_that_holds_for_good_outlives_its_asker_and_ends_when_the_daemon_stops_instead() {
        let rest = Rest::default();
        rest.ask().for_good();
        assert!(!rest.begins("on_promote"));
        rest.lift();
        assert!(rest.begins("on_promote"));
    }
}
