//! What the cluster's masters did and saw, as it is kept in the dynamic information: the next master goes on from it.

use std::net::IpAddr;

use heartbeat_core::Slot;
use serde::{Deserialize, Serialize};

use super::snapshot::EpochParts;
use super::words::Diagnosis;

/// Key of what happened: an array of [`Happened`], oldest first.
pub const HISTORY_KEY: &str = "heartbeatd/history";
/// Key of what the master sees: a [`MastersView`].
pub const VIEW_KEY: &str = "heartbeatd/view";
/// Key of the alarms in force and what sinks are still to hear of them, for the next master: a
/// [`Saved`](crate::alarm::Saved).
pub const ALARMS_KEY: &str = "heartbeatd/alarms";
/// Most events that are kept; the oldest go first.
pub const MOST_HAPPENED: usize = 500;

/// One event of the cluster, told by its master.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happened {
    /// When, by the master's wall clock, as RFC 3339 in UTC.
    pub at: String,
    /// The mastership.
    pub epoch: EpochParts,
    /// What.
    pub what: What,
    /// One sentence.
    pub text: String,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A mastership began.
    Mastership,
    /// What the new master sees is held against what the one before saw last.
    Compared,
    /// An alarm was raised.
    Raised,
    /// An alarm was cleared.
    Cleared,
}

impl What {
    /// In a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mastership => "mastership",
            Self::Compared => "compared",
            Self::Raised => "raised",
            Self::Cleared => "cleared",
        }
    }
}

/// What a master sees of its cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MastersView {
    /// Every member, by slot.
    pub members: Vec<Seen>,
    /// The addresses that follow the master.
    pub addresses: Vec<IpAddr>,
    /// Alarms in force, as sentences.
    pub alarms: Vec<String>,
}

/// A member as its master sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its slot.
    pub slot: Slot,
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub diagnosis: Diagnosis,
    /// Why it is diagnosed so, as the master knew it when it found that; null for one that is well.
    #[serde(default)]
    pub cause: Option<String>,
    /// Since when, as RFC 3339 in UTC; null for one that is well.
    #[serde(default)]
    pub since: Option<String>,
    /// When the master said so, by its wall clock, as RFC 3339 in UTC.
    #[serde(default)]
    pub at: String,
}

impl MastersView {
    /// Whoever is as before is told of in the words of before: they hold the facts of when that was found, and a view
    /// that changes with every second would be written every second.
    pub fn keep_words(&mut self, before: &Self) {
        for seen in &mut self.members {
            let known = before.members.iter().find(|it| it.slot == seen.slot);
            let is_same = |known: &&Seen| {
                known.diagnosis == seen.diagnosis && known.cause.is_some() == seen.cause.is_some()
            };
            if let Some(known) = known.filter(is_same) {
                seen.cause.clone_from(&known.cause);
                seen.at.clone_from(&known.at);
                if seen.since.is_none() {
                    seen.since.clone_from(&known.since);
                }
            }
        }
    }

    /// What it says of that member, if it finds the same wrong with it.
    #[must_use]
    pub fn of(&self, slot: Slot, diagnosis: Diagnosis) -> Option<&Seen> {
        let mut members = self.members.iter();
        members.find(|seen| seen.slot == slot && seen.diagnosis == diagnosis)
    }

    /// In what a later view differs from this one, a sentence each.
    #[must_use]
    pub fn differences(&self, later: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let of = |view: &'_ Self, slot| view.members.iter().find(|it| it.slot == slot).cloned();
        let mut slots: Vec<Slot> = (self.members.iter().chain(&later.members))
            .map(|seen| seen.slot)
            .collect();
        slots.sort_unstable();
        slots.dedup();
        for slot in slots {
            match (of(self, slot), of(later, slot)) {
                (Some(before), Some(now)) if before.diagnosis != now.diagnosis => {
                    found.push(format!(
                        "slot {slot} ({}) was {} and is {}",
                        now.name,
                        before.diagnosis.as_str(),
                        now.diagnosis.as_str()
                    ));
                }
                (Some(before), None) => {
                    found.push(format!(
                        "slot {slot} ({}) was a member and is none",
                        before.name
                    ));
                }
                (None, Some(now)) => {
                    found.push(format!(
                        "slot {slot} ({}) is a member and was none",
                        now.name
                    ));
                }
                (Some(_), Some(_)) | (None, None) => {}
            }
        }
        let mut lists = |before: &[String], now: &[String], what: &str| {
            let gone = before.iter().filter(|it| !now.contains(it));
            found.extend(gone.map(|it| format!("{what} no more: {it}")));
            let new = now.iter().filter(|it| !before.contains(it));
            found.extend(new.map(|it| format!("{what} now: {it}")));
        };
        let texts = |view: &Self| {
            view.addresses
                .iter()
                .map(IpAddr::to_string)
                .collect::<Vec<_>>()
        };
        lists(&texts(self), &texts(later), "address");
        lists(&self.alarms, &later.alarms, "alarm");
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(diagnosis: Diagnosis, alarms: &[&str]) -> MastersView {
        said(diagnosis, alarms, "2026-01-01T00:00:00Z", "silent for 1 s")
    }

    fn said(diagnosis: Diagnosis, alarms: &[&str], at: &str, cause: &str) -> MastersView {
        let seen = |slot, diagnosis| Seen {
            slot,
            name: format!("n{slot}"),
            diagnosis,
            cause: (diagnosis != Diagnosis::Healthy).then(|| cause.to_owned()),
            since: None,
            at: at.to_owned(),
        };
        MastersView {
            members: vec![seen(1, Diagnosis::Healthy), seen(2, diagnosis)],
            addresses: vec!["203.0.113.100".parse().unwrap()],
            alarms: alarms.iter().map(|it| (*it).to_owned()).collect(),
        }
    }

    #[test]
    fn who_is_as_before_is_told_of_in_the_words_of_before() {
        let before = view(Diagnosis::Down, &[]);
        let mut now = said(
            Diagnosis::Down,
            &[],
            "2026-01-01T00:00:09Z",
            "silent for 9 s",
        );
        now.members[1].since = Some("2026-01-01T00:00:00Z".to_owned());
        now.keep_words(&before);
        let seen = now.of(2, Diagnosis::Down).expect("it is");
        assert_eq!(seen.cause.as_deref(), Some("silent for 1 s"));
        assert_eq!(
            seen.since.as_deref(),
            Some("2026-01-01T00:00:00Z"),
            "known by now"
        );
        assert_eq!(now.of(2, Diagnosis::Healthy), None);
        let mut other = said(
            Diagnosis::ManagementFault,
            &[],
            "2026-01-01T00:00:09Z",
            "new",
        );
        other.keep_words(&before);
        let seen = other.of(2, Diagnosis::ManagementFault).expect("it is");
        assert_eq!(seen.cause.as_deref(), Some("new"));
    }

    #[test]
    fn what_is_the_same_is_no_difference_and_everything_else_is_said() {
        let before = view(Diagnosis::Healthy, &["a"]);
        assert_eq!(before.differences(&before), Vec::<String>::new());
        let mut now = view(Diagnosis::Down, &["b"]);
        now.members.remove(0);
        now.addresses.clear();
        assert_eq!(
            before.differences(&now),
            [
                "slot 1 (n1) was a member and is none",
                "slot 2 (n2) was healthy and is down",
                "address no more: 203.0.113.100",
                "alarm no more: a",
                "alarm now: b",
            ]
        );
    }
}
