//! Whose dynamic information is as new as the others': who follows a master should not have to fetch it first.

use std::time::Duration;

use crate::Instant;

/// So far somebody may lag and count as current. What is written all the time reaches no two disks at once.
const LAG: Duration = Duration::from_secs(1);

/// The newest version that a member said it has, now and a while ago. Versions only grow.
#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Newest {
    version: u64,
    /// The version when `settled` was chosen last.
    pending: u64,
    /// The version of at least [`LAG`] ago, at most twice that.
    settled: u64,
    /// When `pending` becomes the settled one.
    settles_at: Instant,
}

impl Newest {
    /// Nobody said anything: so everybody is current.
    pub(super) const fn unknown() -> Self {
        Self {
            version: 0,
            pending: 0,
            settled: 0,
            settles_at: Instant::ZERO,
        }
    }

    /// Somebody has this version; 0 is none.
    pub(super) fn note(&mut self, version: u64, now: Instant) {
        if version == 0 {
            return;
        }
        if now >= self.settles_at {
            self.settled = self.pending;
            self.pending = self.version;
            self.settles_at = now + LAG;
        }
        self.version = self.version.max(version);
    }

    /// Whether this version is as new as what others had a while ago.
    pub(super) const fn is_current(&self, version: u64) -> bool {
        version >= self.settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Instant {
        Instant(ms * 1_000_000)
    }

    #[test]
    fn who_lags_a_little_is_current_and_who_stands_still_is_not() {
        let mut newest = Newest::unknown();
        // The first writes one every 10 ms, the second is five behind it, the third stands still at 50.
        for step in 1..=500_u64 {
            newest.note(step, at(10 * step));
            newest.note(step.saturating_sub(5), at(10 * step));
            newest.note(step.min(50), at(10 * step));
            assert!(newest.is_current(step.saturating_sub(5)), "at {step}");
        }
        assert!(!newest.is_current(50));
    }

    #[test]
    fn after_two_lags_at_the_latest_only_the_newest_version_is_current() {
        let mut newest = Newest::unknown();
        newest.note(7, at(1));
        assert!(newest.is_current(0), "nobody had the time to follow");
        for step in 0..=200 {
            newest.note(7, at(1 + 10 * step));
        }
        assert!(newest.is_current(7) && !newest.is_current(6));
    }

    #[test]
    fn where_nothing_is_stored_everybody_is_current() {
        let mut newest = Newest::unknown();
        (0..500).for_each(|step| newest.note(0, at(10 * step)));
        assert!(newest.is_current(0));
    }
}
