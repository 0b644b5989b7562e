//! Who was master, and from when to when, as far as this node knows.

use std::collections::VecDeque;

use heartbeat_core::Slot;
use serde::Serialize;

use crate::control::{EpochParts, Event, HistoryEntry, Role, Status};

/// Masterships kept.
const KEPT: usize = 64;

/// One mastership.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Mastership {
    /// Whose.
    pub(super) slot: Slot,
    /// Its number.
    pub(super) epoch: EpochParts,
    /// When this node first knew of it, as RFC 3339 in UTC.
    pub(super) from: String,
    /// When it was known to be over; null while it lasts.
    pub(super) until: Option<String>,
}

/// The last ones, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Masterships(VecDeque<Mastership>);

impl Masterships {
    /// What this node's own history tells of: its own ones, and those that it followed when its role changed.
    pub(super) fn recall(events: &[Event]) -> Self {
        let mut known = Self::default();
        for event in events {
            if let Event::Role(change) = event {
                known.recall_one(change);
            }
        }
        known
    }

    fn recall_one(&mut self, change: &HistoryEntry) {
        let own = change.epoch.slot == change.slot;
        match (change.to, own) {
            (Role::Master, true) | (Role::Slave | Role::Witness, false) => {
                self.begins(change.epoch, &change.at);
            }
            _ if change.from == Role::Master => self.ends(&change.at),
            _ => {}
        }
    }

    /// What is known now.
    pub(super) fn see(&mut self, status: &Status, now: &str) {
        match status.master_slot {
            Some(master) if status.epoch.slot == master => self.begins(status.epoch, now),
            // The epoch of a master that is named before its first probe is not known yet.
            Some(_) => {}
            None => self.ends(now),
        }
    }

    /// Every one, oldest first.
    pub(super) fn list(&self) -> Vec<Mastership> {
        self.0.iter().cloned().collect()
    }

    fn begins(&mut self, epoch: EpochParts, at: &str) {
        if let Some(last) = self.0.back_mut() {
            if last.epoch == epoch {
                last.until = None;
                return;
            }
            if epoch.round < last.epoch.round || epoch.round == 0 {
                return;
            }
        }
        self.ends(at);
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(Mastership {
            slot: epoch.slot,
            epoch,
            from: at.to_owned(),
            until: None,
        });
    }

    fn ends(&mut self, at: &str) {
        if let Some(last) = self.0.back_mut() {
            last.until.get_or_insert_with(|| at.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::tests::{master, slave};

    fn change(at: &str, from: Role, to: Role, round: u64, slot: Slot) -> Event {
        Event::Role(HistoryEntry {
            at: at.to_owned(),
            slot: 1,
            from,
            to,
            epoch: EpochParts { round, slot },
            reason: String::new(),
            duration_us: 0,
            takeover: None,
        })
    }

    fn told(known: &Masterships) -> Vec<(u64, Slot, String, Option<String>)> {
        let one = |it: Mastership| (it.epoch.round, it.slot, it.from, it.until);
        known.list().into_iter().map(one).collect()
    }

    #[test]
    fn the_history_of_a_node_tells_of_its_own_masterships_and_of_those_it_came_under() {
        let known = Masterships::recall(&[
            change("a", Role::Candidate, Role::Master, 1, 1),
            change("b", Role::Master, Role::Slave, 1, 1),
            change("c", Role::Candidate, Role::Slave, 2, 3),
            change("d", Role::Slave, Role::Candidate, 2, 3),
        ]);
        let text = |text: &str| text.to_owned();
        let expected = [(1, 1, text("a"), Some(text("b"))), (2, 3, text("c"), None)];
        assert_eq!(told(&known), expected);
    }

    #[test]
    fn a_mastership_lasts_until_another_is_seen_or_none_and_goes_on_if_it_is_seen_again() {
        let (mut known, mut status) = (Masterships::default(), master());
        known.see(&status, "1");
        status.master_slot = None;
        known.see(&status, "2");
        assert_eq!(told(&known)[0].3.as_deref(), Some("2"));
        known.see(&slave(), "3");
        assert_eq!(told(&known)[0].3, None);
        status.master_slot = Some(2);
        status.epoch = EpochParts { round: 5, slot: 2 };
        known.see(&status, "4");
        assert_eq!(told(&known)[0].3.as_deref(), Some("4"));
        assert_eq!(told(&known)[1].1, 2);
    }

    #[test]
    fn only_so_many_are_kept() {
        let (mut known, mut status) = (Masterships::default(), master());
        for round in 1..=2 * KEPT as u64 {
            status.epoch.round = round;
            known.see(&status, "now");
        }
        assert_eq!(known.list().len(), KEPT);
        assert_eq!(known.list()[KEPT - 1].epoch.round, 2 * KEPT as u64);
    }
}
