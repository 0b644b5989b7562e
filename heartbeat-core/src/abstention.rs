//! Why and until when this node neither votes, nor grants, nor stands.

use crate::node::Node;
use crate::snapshot::{Alarm, NotElectable, Reason};
use crate::{Command, Instant, Slot};

/// What is wrong with this very node, so that no majority may rest on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Fault {
    /// Its clock ran outside what the drift guard covers.
    Clock,
    /// Another machine uses its slot.
    Duplicate,
}

impl Fault {
    const fn reason(self) -> Reason {
        match self {
            Self::Clock => Reason::ClockFault,
            Self::Duplicate => Reason::DuplicateSlot,
        }
    }

    const fn alarm(self, slot: Slot) -> Alarm {
        match self {
            Self::Clock => Alarm::ClockFault,
            Self::Duplicate => Alarm::DuplicateSlot(slot),
        }
    }
}

/// Until when this node neither votes nor grants; long past on a quiet day.
#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Abstention {
    pub(crate) until: Instant,
    /// `None`: it (re)started without the maps of its last run.
    fault: Option<Fault>,
}

impl Abstention {
    pub(crate) const fn after_restart(until: Instant) -> Self {
        Self { until, fault: None }
    }

    pub(crate) fn is_over(&self, now: Instant) -> bool {
        now >= self.until
    }

    /// Whether it is for a fault of this very node.
    pub(crate) const fn is_for_fault(&self) -> bool {
        self.fault.is_some()
    }

    /// Why this node could not become master, while it abstains.
    pub(crate) const fn not_electable(&self) -> NotElectable {
        match self.fault {
            None => NotElectable::Abstaining,
            Some(Fault::Clock) => NotElectable::ClockFault,
            Some(Fault::Duplicate) => NotElectable::DuplicateSlot,
        }
    }
}

impl Node {
    /// Looks whether our own slot was seen with another incarnation of late.
    pub(crate) fn check_duplicate(&mut self, now: Instant) {
        let seen_at = self.grants.kernel.duplicate_at;
        if seen_at != Instant::ZERO {
            let until = seen_at + self.electors.record.abstention();
            if until > now {
                self.abstain(Fault::Duplicate, until, now);
            }
        }
    }

    /// Steps back from everything that a majority rests on: the gate first, then no vote and no grant.
    pub(crate) fn abstain(&mut self, fault: Fault, until: Instant, now: Instant) {
        self.step_back(fault.reason(), now);
        self.end_own_slot();
        self.set_alarm(fault.alarm(self.config.slot), true);
        if until > self.abstention.until {
            self.abstention = Abstention {
                until,
                fault: Some(fault),
            };
            self.push(Command::Abstain(until));
        }
    }

    /// Clears the faults' alarms once the abstention is over.
    pub(crate) fn clear_fault(&mut self, now: Instant) {
        if self.abstention.fault.is_some() && self.abstention.is_over(now) {
            self.abstention.fault = None;
            for fault in [Fault::Clock, Fault::Duplicate] {
                self.set_alarm(fault.alarm(self.config.slot), false);
            }
        }
    }
}
