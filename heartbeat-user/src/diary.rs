//! What belongs to this node's history besides its roles: told to whoever writes it, and never waited for.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use tracing::warn;

use crate::control::Event;

/// Events not written yet. A disk that hangs for longer than these take costs history, and nothing else.
const DEPTH: usize = 256;

/// Where events are told; cheap to clone.
#[derive(Clone, Debug)]
pub struct Diary(SyncSender<Event>);

impl Diary {
    /// An empty one, and its writer's end.
    #[must_use]
    pub fn begin() -> (Self, Receiver<Event>) {
        let (told, events) = sync_channel(DEPTH);
        (Self(told), events)
    }

    /// Tells it.
    pub fn note(&self, event: Event) {
        if let Err(error) = self.0.try_send(event) {
            warn!(%error, "an event is missing in the history: its disk is too slow");
        }
    }
}
