//! What the takeover thread goes by of the configuration: a reload puts something else in its place.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use heartbeat_core::Slot;

use super::{Place, Task, Tasks};

/// The addresses that move, and who may look after them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// Every address that follows the master or goes by a slot's lease, and where this node is on its network.
    pub places: Vec<Place>,
    /// The other members that are on such a network: they can look.
    pub lookers: Vec<Slot>,
    /// The other members that are no witnesses: as electors they may become master, and are told of connections.
    pub heirs: Vec<Slot>,
}

/// What is in force of it; cheap to clone.
#[derive(Clone, Debug)]
pub struct Around {
    in_force: Arc<Mutex<Arc<Surroundings>>>,
    tasks: Tasks,
}

impl Around {
    /// The first ones, for a thread that these tasks wake.
    #[must_use]
    pub fn new(first: Surroundings, tasks: Tasks) -> Self {
        Self {
            in_force: Arc::new(Mutex::new(Arc::new(first))),
            tasks,
        }
    }

    /// These are in force from now on.
    pub fn set(&self, surroundings: Surroundings) {
        *self.lock() = Arc::new(surroundings);
        // Where the queue is full the thread wakes by what fills it.
        self.tasks.give(Task::Look);
    }

    pub(super) fn get(&self) -> Arc<Surroundings> {
        Arc::clone(&self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Surroundings>> {
        // One assignment: a panic elsewhere leaves nothing half done.
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
