//! States of affairs that an operator should hear of, and who is missed for too long.

use crate::node::Node;
use crate::snapshot::Alarm;
use crate::{Command, Instant};

/// Periods that a question, a vote and the probe after them may take, on top of grants and pauses.
const ELECTION_PERIODS: u32 = 3;

/// The alarms in force.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Alarms {
    in_force: Vec<Alarm>,
    /// When a master was last known.
    master_seen: Instant,
}

impl Alarms {
    pub(crate) const fn new(now: Instant) -> Self {
        Self {
            in_force: Vec::new(),
            master_seen: now,
        }
    }

    pub(crate) fn in_force(&self) -> &[Alarm] {
        &self.in_force
    }
}

impl Node {
    /// Raises or clears an alarm, once.
    pub(crate) fn set_alarm(&mut self, alarm: Alarm, is_raised: bool) {
        match (self.alarms.in_force.binary_search(&alarm), is_raised) {
            (Err(place), true) => self.alarms.in_force.insert(place, alarm),
            (Ok(place), false) => {
                self.alarms.in_force.remove(place);
            }
            (Ok(_), true) | (Err(_), false) => return,
        }
        self.push(Command::Alarm(alarm, is_raised));
    }

    /// Clears what a master said of its members and its roads: the next master says it anew.
    pub(crate) fn clear_member_alarms(&mut self) {
        let is_of_member = |alarm: &&Alarm| match alarm {
            Alarm::Member(..) | Alarm::Degraded => true,
            Alarm::DuplicateSlot(slot) => *slot != self.config.slot,
            Alarm::ElectorsChange => true,
            Alarm::HandoversSpent | Alarm::Business => true,
            Alarm::ClockFault
            | Alarm::NoMaster
            | Alarm::NotElectable
            | Alarm::Forced
            | Alarm::FenceFailed
            | Alarm::Service => false,
        };
        let of_members: Vec<Alarm> = self
            .alarms
            .in_force
            .iter()
            .filter(is_of_member)
            .copied()
            .collect();
        for alarm in of_members {
            self.set_alarm(alarm, false);
        }
    }

    /// Raises an alarm when no master is known for longer than an election may take.
    pub(crate) fn watch_for_master(&mut self, now: Instant) {
        if self.known_master(now).is_some() {
            self.alarms.master_seen = now;
        }
        // Two grants, since the lost master may still have been heard; the ranks; one question and vote.
        // A node that abstains would only tell of its own start.
        let timing = &self.config.timing;
        let electors = u32::try_from(self.roster.electors.len()).unwrap_or(u32::MAX);
        let most =
            timing.lease() * 2 + timing.rank_pause() * electors + timing.period * ELECTION_PERIODS;
        let since = self.alarms.master_seen.max(self.abstention.until);
        self.set_alarm(Alarm::NoMaster, now.since(since) > most);
    }
}
