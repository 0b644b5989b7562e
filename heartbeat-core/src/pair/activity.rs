//! When this node was last active as master, and what its disk says of it.

use std::time::Duration;

use super::record::{Age, LastRole, PairRecord};
use crate::{Epoch, Instant};

/// Time between two records of a master that goes on: a crash makes it look idle by at most so much.
const SAVE_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Activity {
    /// What the disk says.
    saved: Option<PairRecord>,
    saved_at: Instant,
    /// When this node was last active as master by its own clock, in this run.
    active_at: Option<Instant>,
    is_master: bool,
}

impl Activity {
    pub(super) const fn new(saved: Option<PairRecord>, now: Instant) -> Self {
        Self {
            saved,
            saved_at: now,
            active_at: None,
            is_master: false,
        }
    }

    /// What it was last; `None` if it never ran.
    pub(super) fn last(&self) -> Option<LastRole> {
        self.saved.map(|record| record.last)
    }

    /// How long ago it was active as master.
    pub(super) fn age(&self, now: Instant) -> Option<Age> {
        if self.is_master {
            return Some(Age::NOW);
        }
        if let Some(active_at) = self.active_at {
            return Some(Age {
                ago: now.since(active_at),
                is_marked: false,
            });
        }
        let age = self.saved?.active?;
        Some(Age {
            ago: age.ago + now.since(self.saved_at),
            ..age
        })
    }

    /// The newest mastership that it knows of, or knew of when it was written down last.
    pub(super) fn epoch(&self, known: Epoch) -> Epoch {
        self.saved.map_or(known, |saved| saved.epoch.max(known))
    }

    /// Notes what this node is now; the record to be saved, if the disk is to be told.
    pub(super) fn note(
        &mut self,
        is_master: bool,
        epoch: Epoch,
        now: Instant,
    ) -> Option<PairRecord> {
        if is_master || self.is_master {
            self.active_at = Some(now);
        }
        self.is_master = is_master;
        let epoch = self.epoch(epoch);
        let last = if is_master {
            LastRole::Master
        } else {
            LastRole::Slave
        };
        let has_changed = self
            .saved
            .is_none_or(|saved| saved.last != last || saved.epoch != epoch);
        let is_due = is_master && now.since(self.saved_at) >= SAVE_INTERVAL;
        if !has_changed && !is_due {
            return None;
        }
        let record = PairRecord {
            last,
            epoch,
            active: self.age(now),
        };
        (self.saved, self.saved_at) = (Some(record), now);
        Some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Instant {
        Instant(ms * 1_000_000)
    }

    const EPOCH: Epoch = Epoch::new(3, 1);

    fn ago(activity: &Activity, now: Instant) -> Option<(u128, bool)> {
        activity
            .age(now)
            .map(|age| (age.ago.as_millis(), age.is_marked))
    }

    #[test]
    fn an_age_from_the_disk_grows_and_keeps_its_mark_until_the_node_was_master_itself() {
        let active = Some(Age {
            ago: Duration::from_secs(2),
            is_marked: true,
        });
        let record = PairRecord {
            last: LastRole::Slave,
            epoch: EPOCH,
            active,
        };
        let mut activity = Activity::new(Some(record), ms(1_000));
        assert_eq!(ago(&activity, ms(1_500)), Some((2_500, true)));
        assert_eq!(
            activity.note(false, EPOCH, ms(1_500)),
            None,
            "it stands there already"
        );
        activity.note(true, Epoch::new(4, 1), ms(2_000));
        assert_eq!(ago(&activity, ms(2_600)), Some((0, false)));
        activity.note(false, Epoch::new(4, 1), ms(3_000));
        assert_eq!(ago(&activity, ms(3_200)), Some((200, false)));
    }

    #[test]
    fn a_node_that_never_ran_has_no_age() {
        let activity = Activity::new(None, ms(1_000));
        assert_eq!((ago(&activity, ms(2_000)), activity.last()), (None, None));
    }

    #[test]
    fn a_master_is_written_down_at_once_and_every_second_and_a_slave_once() {
        let mut activity = Activity::new(None, ms(0));
        let mut saves = |is_master, at| activity.note(is_master, EPOCH, ms(at)).is_some();
        assert!(saves(true, 10));
        assert!(!saves(true, 1_009));
        assert!(saves(true, 1_010));
        assert!(saves(false, 1_020));
        assert!(!saves(false, 5_000));
    }
}
