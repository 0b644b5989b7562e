//! What outlives a daemon, or a mastership: the alarms that sinks know of, and what each is still to hear.
//!
//! One small file, replaced whole after each change, with its own checksum: after a kill in any moment there is the state
//! before the change or after it. A notice that a sink took in that moment is sent once more, with the same id.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::board::Standing;
use super::notice::Notice;
use super::queue::{Dropped, Queue};
use crate::state::{StateError, StateFolder};

/// In the folder of the node's state.
pub(super) const FILE: &str = "alarms.json";

/// What is to outlive a daemon, on its disk; or a mastership, in the dynamic information.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    standing: Vec<Standing>,
    /// What any sink waits for, once each.
    notices: Vec<Arc<Notice>>,
    /// By the sink's name.
    queues: BTreeMap<String, SavedQueue>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct SavedQueue {
    /// Places among the notices, oldest first.
    waiting: Vec<usize>,
    dropped: Option<Dropped>,
}

impl Saved {
    pub(super) fn new<'a>(
        standing: Vec<Standing>,
        queues: impl Iterator<Item = (&'a str, &'a Queue)>,
    ) -> Self {
        let mut saved = Self {
            standing,
            ..Self::default()
        };
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for (name, queue) in queues {
            let mut waiting = Vec::with_capacity(queue.waiting.len());
            for notice in &queue.waiting {
                let next = saved.notices.len();
                let place = *places.entry(&notice.id).or_insert(next);
                if place == next {
                    saved.notices.push(Arc::clone(notice));
                }
                waiting.push(place);
            }
            let dropped = queue.dropped;
            let queue = SavedQueue { waiting, dropped };
            saved.queues.insert(name.to_owned(), queue);
        }
        saved
    }

    /// The alarms, and the queues by their sinks' names.
    pub(super) fn open(self) -> (Vec<Standing>, BTreeMap<String, Queue>) {
        let notices = self.notices;
        let queue = |saved: SavedQueue| Queue {
            waiting: (saved.waiting.iter())
                .filter_map(|place| notices.get(*place).map(Arc::clone))
                .collect(),
            dropped: saved.dropped,
            ..Queue::default()
        };
        let queues = self.queues.into_iter();
        let queues = queues.map(|(name, saved)| (name, queue(saved))).collect();
        (self.standing, queues)
    }

    /// # Errors
    /// When the file is there and is not what was written.
    pub(super) fn read(state: &StateFolder) -> Result<Self, StateError> {
        Ok(state.read_checked(FILE)?.unwrap_or_default())
    }

    /// # Errors
    /// When it cannot be written or synced.
    pub(super) fn write(&self, state: &StateFolder) -> Result<(), StateError> {
        state.write_checked(FILE, self)
    }
}
