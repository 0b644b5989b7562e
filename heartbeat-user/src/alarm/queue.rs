//! What one sink is still to hear, in order, and how it stands with it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::notice::{Action, Notice};
use crate::control::Scope;

/// Notices that wait for one sink at most: a day's of a cluster in trouble. Of more the oldest go, which the sink is
/// told as soon as it hears again.
pub(super) const DEPTH: usize = 256;

/// One sink's queue.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    pub(super) waiting: VecDeque<Arc<Notice>>,
    /// How many were dropped that the sink does not know of, and when the last one was.
    pub(super) dropped: Option<Dropped>,
    /// How many it took in this life.
    pub(super) delivered: u64,
    /// When it took the last one.
    pub(super) delivered_at: Option<SystemTime>,
    /// Why the last attempt failed.
    pub(super) fault: Option<Failing>,
}

/// What a sink lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Dropped {
    pub(super) count: u64,
    pub(super) at: SystemTime,
}

/// A sink that takes nothing now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failing {
    pub(super) fault: String,
    pub(super) since: SystemTime,
    /// So often in a row.
    pub(super) attempts: u32,
    pub(super) next_at: SystemTime,
}

impl Queue {
    /// One more waits; whether the oldest one went for it.
    pub(super) fn push(&mut self, notice: Arc<Notice>, now: SystemTime) -> bool {
        let is_full = self.waiting.len() == DEPTH;
        if is_full {
            self.waiting.pop_front();
            let count = self.dropped.map_or(0, |dropped| dropped.count) + 1;
            self.dropped = Some(Dropped { count, at: now });
        }
        self.waiting.push_back(notice);
        is_full
    }

    /// The sink took this.
    pub(super) fn took(&mut self, notice: &Notice, now: SystemTime) {
        match (notice.dropped, self.dropped) {
            (Some(said), Some(dropped)) => {
                // More may have been dropped while it was being said.
                let count = dropped.count.saturating_sub(said);
                self.dropped = (count > 0).then_some(Dropped { count, ..dropped });
            }
            _ => self.waiting.retain(|waiting| waiting.id != notice.id),
        }
        self.delivered += 1;
        self.delivered_at = Some(now);
        self.fault = None;
    }

    /// The sink did not take anything, and is tried again then.
    pub(super) fn failed(&mut self, fault: String, now: SystemTime, next_at: SystemTime) {
        let before = self.fault.take();
        self.fault = Some(Failing {
            fault,
            since: before.as_ref().map_or(now, |before| before.since),
            attempts: before.map_or(0, |before| before.attempts) + 1,
            next_at,
        });
    }

    /// What of it the next master is to go on with.
    pub(super) fn of_master(&self) -> Self {
        let waiting = self.waiting.iter();
        Self {
            waiting: waiting
                .filter(|notice| notice.scope == Scope::Cluster)
                .cloned()
                .collect(),
            ..Self::default()
        }
    }

    /// What a master before this one could not deliver comes before what this one says.
    pub(super) fn inherit(&mut self, left: Self, now: SystemTime) {
        let own = std::mem::take(&mut self.waiting);
        let is_news = |notice: &Arc<Notice>| own.iter().all(|it| it.id != notice.id);
        let left: Vec<_> = left.waiting.into_iter().filter(is_news).collect();
        for notice in left.into_iter().chain(own) {
            self.push(notice, now);
        }
    }

    /// Takes out that this alarm was raised, if that is the last that the sink has not heard of it. Whether it was.
    pub(super) fn hand_over(&mut self, key: &str) -> bool {
        let newest = self.waiting.iter().rposition(|notice| notice.key == key);
        let newest = newest.filter(|place| self.waiting[*place].action == Action::Raised);
        newest.is_some_and(|place| self.waiting.remove(place).is_some())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::alarm::tests::{identity, member_alarm};

    fn notice(number: u64) -> Arc<Notice> {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(number);
        Arc::new(identity().notice(&member_alarm(3), at, None))
    }

    fn filled(count: u64) -> Queue {
        let mut queue = Queue::default();
        for number in 0..count {
            queue.push(notice(number), SystemTime::UNIX_EPOCH);
        }
        queue
    }

    #[test]
    fn beyond_the_bound_the_oldest_go_and_are_counted_until_the_sink_was_told() {
        let mut queue = filled(DEPTH as u64 + 3);
        assert_eq!(queue.waiting.len(), DEPTH);
        assert_eq!(queue.waiting[0].id, notice(3).id);
        let now = SystemTime::now();
        let told = identity().dropped(2, now);
        queue.took(&told, now);
        assert_eq!(queue.dropped.map(|dropped| dropped.count), Some(1));
        queue.took(&identity().dropped(1, now), now);
        assert_eq!(queue.dropped, None);
        assert_eq!(queue.waiting.len(), DEPTH, "none of what waits was taken");
    }

    #[test]
    fn what_was_taken_goes_by_its_id_whatever_was_dropped_meanwhile() {
        let mut queue = filled(DEPTH as u64);
        let now = SystemTime::now();
        let being_sent = Arc::clone(&queue.waiting[0]);
        queue.push(notice(1_000), now);
        queue.took(&being_sent, now);
        assert_eq!(queue.waiting.len(), DEPTH);
        let next = Arc::clone(&queue.waiting[0]);
        queue.took(&next, now);
        assert_eq!(queue.waiting[0].id, notice(2).id);
        assert_eq!(queue.delivered, 2);
    }

    #[test]
    fn a_sink_that_fails_has_failed_since_its_first_failure() {
        let mut queue = filled(1);
        let at = |second| SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        queue.failed("a".to_owned(), at(1), at(2));
        queue.failed("b".to_owned(), at(3), at(9));
        let failing = queue.fault.clone().expect("it fails");
        assert_eq!((failing.since, failing.attempts), (at(1), 2));
        queue.took(&notice(0), at(9));
        assert_eq!(queue.fault, None);
    }

    #[test]
    fn what_was_left_is_heard_first_and_once() {
        let mut queue = filled(1);
        queue.push(notice(5), SystemTime::UNIX_EPOCH);
        let mut left = filled(0);
        for number in [3, 5] {
            left.push(notice(number), SystemTime::UNIX_EPOCH);
        }
        queue.inherit(left.of_master(), SystemTime::UNIX_EPOCH);
        let ids: Vec<_> = queue.waiting.iter().map(|it| it.id.clone()).collect();
        assert_eq!(ids, [3, 0, 5].map(|number| notice(number).id.clone()));
    }

    #[test]
    fn only_what_nobody_heard_of_is_left_to_the_next_master() {
        let over = |at| Arc::new(identity().notice(&member_alarm(3), at, Some(at)));
        let mut queue = filled(1);
        queue.push(over(SystemTime::UNIX_EPOCH), SystemTime::UNIX_EPOCH);
        assert!(!queue.hand_over(&member_alarm(3).key), "raised and over");
        assert_eq!(queue.waiting.len(), 2, "both are history");
        queue.push(notice(7), SystemTime::UNIX_EPOCH);
        assert!(queue.hand_over(&member_alarm(3).key));
        assert_eq!(queue.waiting.len(), 2);
    }
}
