//! The fence command: the outside means that stops the peer.

use std::time::Duration;

use crate::config::FenceRule;
use crate::{Instant, Slot};

/// How long after a run that failed the next one begins.
const RETRY: Duration = Duration::from_secs(1);

/// Where the command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum State {
    /// Not needed.
    Idle,
    /// Due at this time if the peer stays silent.
    Due(Instant),
    Running,
    Done,
}

/// The command, and what became of it since the peer fell silent.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Fence {
    rule: Option<FenceRule>,
    own: Slot,
    /// A node that came up by itself may be the one that was stopped: it stops nobody before it saw the peer once,
    /// or two nodes that are parted would stop each other in turn.
    may_run: bool,
    state: State,
    /// The newest run. One that still goes on for an older silence proves nothing.
    id: u64,
}

impl Fence {
    /// `may_run`: the peer was seen in this life of the machine.
    pub(super) const fn new(
        rule: Option<FenceRule>,
        own: Slot,
        may_run: bool,
        first_id: u64,
    ) -> Self {
        Self {
            rule,
            own,
            may_run,
            state: State::Idle,
            id: first_id,
        }
    }

    pub(super) const fn is_required(&self) -> bool {
        self.rule.is_some()
    }

    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The peer was heard: it is not stopped, or no more.
    pub(super) const fn forget(&mut self) {
        (self.may_run, self.state) = (true, State::Idle);
    }

    /// All other evidence is there. Returns the id of the run that is to begin now, if one is.
    pub(super) fn run(&mut self, now: Instant) -> Option<u64> {
        let rule = self.rule.filter(|_| self.may_run)?;
        if self.state == State::Idle {
            self.state = State::Due(now + rule.delay * u32::from(self.own));
        }
        match self.state {
            State::Due(at) if at <= now => {
                self.state = State::Running;
                self.id = self.id.wrapping_add(1);
                Some(self.id)
            }
            State::Idle | State::Due(_) | State::Running | State::Done => None,
        }
    }

    /// A run has ended. Whether it succeeded; `None` if it was not the newest one's, or not for this silence.
    pub(super) fn ended(&mut self, id: u64, done: bool, now: Instant) -> Option<bool> {
        if id != self.id || self.state != State::Running {
            return None;
        }
        self.state = if done {
            State::Done
        } else {
            State::Due(now + RETRY)
        };
        Some(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Instant {
        Instant(ms * 1_000_000)
    }

    fn fence(own: Slot, may_run: bool) -> Fence {
        let delay = Duration::from_millis(500);
        Fence::new(Some(FenceRule { delay }), own, may_run, 7)
    }

    #[test]
    fn it_waits_its_slot_times_the_delay() {
        let (mut lower, mut upper) = (fence(1, true), fence(2, true));
        assert_eq!((lower.run(ms(100)), upper.run(ms(100))), (None, None));
        assert_eq!((lower.run(ms(599)), upper.run(ms(1_099))), (None, None));
        assert_eq!(
            (lower.run(ms(600)), upper.run(ms(1_100))),
            (Some(8), Some(8))
        );
    }

    #[test]
    fn a_run_counts_once_it_succeeded_and_one_that_failed_is_run_again() {
        let mut fence = fence(1, true);
        fence.run(ms(0));
        let first = fence.run(ms(500)).unwrap();
        assert_eq!(fence.ended(first, false, ms(900)), Some(false));
        assert!(!fence.is_done());
        assert_eq!(fence.run(ms(1_899)), None);
        let second = fence.run(ms(1_900)).unwrap();
        assert_eq!(fence.ended(first, true, ms(2_000)), None, "an old run's");
        assert_eq!(fence.ended(second, true, ms(2_000)), Some(true));
        assert!(fence.is_done());
    }

    #[test]
    fn a_run_for_an_older_silence_proves_nothing() {
        let mut fence = fence(1, true);
        fence.run(ms(0));
        let id = fence.run(ms(500)).unwrap();
        fence.forget();
        assert_eq!(fence.ended(id, true, ms(600)), None);
        assert!(!fence.is_done());
    }

    #[test]
    fn who_came_up_by_itself_stops_nobody_before_it_saw_the_peer() {
        let mut fence = fence(1, false);
        assert_eq!((fence.run(ms(0)), fence.run(ms(9_000))), (None, None));
        fence.forget();
        fence.run(ms(10_000));
        assert!(fence.run(ms(10_500)).is_some());
    }

    #[test]
    fn without_a_rule_nothing_runs() {
        let mut fence = Fence::new(None, 1, true, 0);
        assert_eq!((fence.run(ms(0)), fence.run(ms(99_000))), (None, None));
        assert!(!fence.is_required());
    }
}
