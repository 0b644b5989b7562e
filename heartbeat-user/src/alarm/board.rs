//! Which alarms are in force, which of them sinks were told of, and what they are to be told.
//!
//! The rule: an alarm is said when it is raised, and when it has been over for the hold time. One that is raised again
//! within that time is the same one, and nothing is said. What a node of an earlier life said, or a master before this
//! one, is neither said again nor forgotten: who is judged so still goes on, who is not within the settling time is over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use heartbeat_core::Instant;
use serde::{Deserialize, Serialize};

use crate::control::{Alarm, Scope};

/// The time by both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// What durations are measured by.
    pub(super) now: Instant,
    /// What people read.
    pub(super) wall: SystemTime,
}

/// Who judges an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The election.
    Election,
    /// The takeover's verification.
    Addresses,
}

/// An alarm that sinks know of, as it outlives a daemon and a mastership.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The alarm.
    pub alarm: Alarm,
    /// Who judges it.
    pub source: Source,
    /// Since when it is in force.
    pub since: SystemTime,
    /// Since when it seems to be over, if it does.
    pub over_at: Option<SystemTime>,
}

/// One alarm, and how it stands with it.
#[derive(Clone, Debug)]
struct Entry {
    standing: Standing,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// In force.
    Raised,
    /// Over, which is said then.
    Quiet(Instant),
    /// Said by somebody before, and not judged yet: over if it is not until then. Without a time it is not this node's
    /// to judge.
    Unjudged(Option<Instant>),
}

/// Alarms by their key.
#[derive(Debug)]
pub(super) struct Board {
    entries: BTreeMap<String, Entry>,
    is_master: bool,
    /// How long an alarm must be over.
    pub(super) hold: Duration,
    /// How long after its start, or a promotion, a node may take to judge everybody.
    pub(super) settle: Duration,
}

/// What is to be said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) alarm: Alarm,
    pub(super) since: SystemTime,
    /// `None`: it was raised.
    pub(super) over_at: Option<SystemTime>,
}

impl Said {
    fn raised(standing: &Standing) -> Self {
        Self {
            alarm: standing.alarm.clone(),
            since: standing.since,
            over_at: None,
        }
    }

    fn over(standing: Standing, now: SystemTime) -> Self {
        Self {
            over_at: Some(standing.over_at.unwrap_or(now)),
            alarm: standing.alarm,
            since: standing.since,
        }
    }
}

impl Board {
    /// With what the last life said.
    pub(super) fn new(
        said: Vec<Standing>,
        is_master: bool,
        [hold, settle]: [Duration; 2],
        clock: Clock,
    ) -> Self {
        let mut board = Self {
            entries: BTreeMap::new(),
            is_master,
            hold,
            settle,
        };
        for standing in said {
            board.recall(standing, clock);
        }
        board
    }

    /// An alarm is in force; what is to be said, if it is news.
    pub(super) fn raise(&mut self, source: Source, alarm: Alarm, clock: Clock) -> Option<Said> {
        if let Some(entry) = self.entries.get_mut(&alarm.key) {
            entry.standing.alarm = alarm;
            entry.standing.over_at = None;
            entry.phase = Phase::Raised;
            return None;
        }
        let standing = Standing {
            alarm,
            source,
            since: clock.wall,
            over_at: None,
        };
        let said = Said::raised(&standing);
        let phase = Phase::Raised;
        self.entries
            .insert(said.alarm.key.clone(), Entry { standing, phase });
        Some(said)
    }

    /// An alarm is over, for now.
    pub(super) fn clear(&mut self, key: &str, clock: Clock) {
        if let Some(entry) = self.entries.get_mut(key)
            && entry.phase == Phase::Raised
        {
            entry.standing.over_at = Some(clock.wall);
            entry.phase = Phase::Quiet(clock.now + self.hold);
        }
    }

    /// These are all that are in force by that judge.
    pub(super) fn whole(&mut self, source: Source, alarms: Vec<Alarm>, clock: Clock) -> Vec<Said> {
        let keys: BTreeSet<String> = alarms.iter().map(|alarm| alarm.key.clone()).collect();
        let is_over = |entry: &&Entry| {
            entry.standing.source == source && !keys.contains(&entry.standing.alarm.key)
        };
        let over: Vec<String> = (self.entries.values().filter(is_over))
            .map(|entry| entry.standing.alarm.key.clone())
            .collect();
        for key in over {
            self.clear(&key, clock);
        }
        let raised = alarms.into_iter();
        raised
            .filter_map(|alarm| self.raise(source, alarm, clock))
            .collect()
    }

    /// This node became master, or ceased to be: then what a master says is the next one's to judge, but for what was
    /// over before.
    pub(super) fn stand(&mut self, is_master: bool, clock: Clock) -> Vec<Said> {
        if std::mem::replace(&mut self.is_master, is_master) == is_master {
            return Vec::new();
        }
        let mut over = Vec::new();
        for entry in self.entries.values_mut() {
            if entry.standing.alarm.scope == Scope::Node {
                continue;
            }
            match (is_master, entry.phase) {
                (true, _) => entry.phase = Phase::Unjudged(Some(clock.now + self.settle)),
                (false, Phase::Quiet(_)) => over.push(entry.standing.alarm.key.clone()),
                (false, Phase::Raised | Phase::Unjudged(_)) => entry.phase = Phase::Unjudged(None),
            }
        }
        over.iter().filter_map(|key| self.end(key, clock)).collect()
    }

    /// What the master before this one said, by whoever knows all of it. Of what this node raised since, nothing is
    /// taken back.
    pub(super) fn inherit(&mut self, said: Vec<Standing>, clock: Clock) {
        self.entries.retain(|_, entry| {
            let is_judged = !matches!(entry.phase, Phase::Unjudged(_));
            is_judged || entry.standing.alarm.scope == Scope::Node
        });
        for standing in said {
            if standing.alarm.scope == Scope::Cluster
                && !self.entries.contains_key(&standing.alarm.key)
            {
                self.recall(standing, clock);
            }
        }
    }

    pub(super) const fn is_master(&self) -> bool {
        self.is_master
    }

    /// It is in force since then, as was said before.
    pub(super) fn date(&mut self, key: &str, since: SystemTime) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.standing.since = since;
        }
    }

    /// What became due.
    pub(super) fn tick(&mut self, clock: Clock) -> Vec<Said> {
        let is_due = |entry: &&Entry| entry.due_at().is_some_and(|at| at <= clock.now);
        let due: Vec<String> = (self.entries.values().filter(is_due))
            .map(|entry| entry.standing.alarm.key.clone())
            .collect();
        due.iter().filter_map(|key| self.end(key, clock)).collect()
    }

    /// When something becomes due next.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.entries.values().filter_map(Entry::due_at).min()
    }

    /// What sinks know of.
    pub(super) fn standing(&self) -> impl Iterator<Item = &Standing> {
        self.entries.values().map(|entry| &entry.standing)
    }

    /// Those that are this node's to say.
    pub(super) fn ours(&self) -> impl Iterator<Item = &Standing> {
        let entries = self.entries.values();
        entries
            .filter(|entry| entry.phase != Phase::Unjudged(None))
            .map(|entry| &entry.standing)
    }

    /// Those of them that were judged in this life and mastership.
    pub(super) fn in_force(&self) -> impl Iterator<Item = &Standing> {
        let entries = self.entries.values();
        entries
            .filter(|entry| !matches!(entry.phase, Phase::Unjudged(_)))
            .map(|entry| &entry.standing)
    }

    /// Those that are another node's to say, as far as this one knows.
    pub(super) fn others(&self) -> Vec<String> {
        let entries = self.entries.iter();
        entries
            .filter(|(_, entry)| entry.phase == Phase::Unjudged(None))
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// Not all sinks know of it after all.
    pub(super) fn forget(&mut self, key: &str) {
        self.entries.remove(key);
    }

    fn recall(&mut self, standing: Standing, clock: Clock) {
        let is_ours = standing.alarm.scope == Scope::Node || self.is_master;
        let phase = Phase::Unjudged(is_ours.then(|| clock.now + self.settle));
        let key = standing.alarm.key.clone();
        self.entries.insert(key, Entry { standing, phase });
    }

    fn end(&mut self, key: &str, clock: Clock) -> Option<Said> {
        let entry = self.entries.remove(key)?;
        Some(Said::over(entry.standing, clock.wall))
    }
}

impl Entry {
    const fn due_at(&self) -> Option<Instant> {
        match self.phase {
            Phase::Raised => None,
            Phase::Quiet(at) => Some(at),
            Phase::Unjudged(at) => at,
        }
    }
}

#[cfg(test)]
#[path = "board_tests.rs"]
mod tests;
