//! What nodes said of themselves last, kept on disk: what a lost node was is asked for when it is lost.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use heartbeat_core::Slot;
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::control::NodeFacts;
use crate::state::{StateError, StateFolder};

const FILE: &str = "nodes.json";

/// By slot.
type Said = BTreeMap<Slot, Entry>;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    /// Milliseconds since the epoch.
    at_ms: u64,
    facts: NodeFacts,
}

/// What is known.
pub(super) struct Known {
    state: StateFolder,
    said: Mutex<Said>,
    /// One writes at a time; whoever reads does not wait for the disk.
    writing: Mutex<()>,
}

impl Known {
    /// A file that cannot be read is one that was never written: it is learned anew.
    pub(super) fn read(state: &StateFolder) -> Self {
        let said = state.read(FILE).unwrap_or_else(|error| {
            warn!("{error}; what nodes are is learned anew");
            None
        });
        Self {
            state: state.clone(),
            said: Mutex::new(said.unwrap_or_default()),
            writing: Mutex::default(),
        }
    }

    /// They said so now.
    pub(super) fn learn(&self, said: impl Iterator<Item = (Slot, NodeFacts)>, now: SystemTime) {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let at_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let entries = said.map(|(slot, facts)| (slot, Entry { at_ms, facts }));
        self.lock().extend(entries);
    }

    /// What one said last, and how long ago; a clock that was set back meanwhile makes that now.
    pub(super) fn of(&self, slot: Slot, now: SystemTime) -> Option<(Duration, NodeFacts)> {
        let entry = self.lock().get(&slot)?.clone();
        let at = UNIX_EPOCH + Duration::from_millis(entry.at_ms);
        Some((now.duration_since(at).unwrap_or_default(), entry.facts))
    }

    /// Writes it, without those that are no members any more.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn save(&self, members: &[Slot]) -> Result<(), StateError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut said = self.lock();
        said.retain(|slot, _| members.contains(slot));
        let saved = said.clone();
        drop(said);
        self.state.write(FILE, &saved)
    }

    fn lock(&self) -> MutexGuard<'_, Said> {
        // Each change is one insertion or removal: a panic elsewhere leaves nothing half done.
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(host: &str) -> NodeFacts {
        NodeFacts {
            host: host.to_owned(),
            version: "0.1.0".to_owned(),
            slot: 2,
            kernel: "6.12".to_owned(),
            booted_at: String::new(),
            configuration: String::new(),
            interfaces: Vec::new(),
        }
    }

    #[test]
    fn what_a_node_said_is_known_to_the_next_life_with_its_age_until_it_is_no_member() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state = StateFolder::open(folder.path()).expect("opened");
        let known = Known::read(&state);
        let now = UNIX_EPOCH + Duration::from_secs(1_000);
        assert_eq!(known.of(2, now), None);
        known.learn([(2, facts("beta")), (3, facts("gamma"))].into_iter(), now);
        known.save(&[1, 2]).expect("written");
        let next = Known::read(&state);
        let later = now + Duration::from_secs(60);
        assert_eq!(
            next.of(2, later),
            Some((Duration::from_secs(60), facts("beta")))
        );
        assert_eq!(next.of(3, later), None);
        let earlier = now - Duration::from_secs(60);
        assert_eq!(next.of(2, earlier), Some((Duration::ZERO, facts("beta"))));
    }

    #[test]
    fn a_file_that_is_damaged_is_learned_anew() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join(FILE), "{").expect("written");
        let state = StateFolder::open(folder.path()).expect("opened");
        let known = Known::read(&state);
        assert_eq!(known.of(2, SystemTime::now()), None);
        known.save(&[2]).expect("written over");
        assert!(state.read::<Said>(FILE).expect("whole again").is_some());
    }
}
