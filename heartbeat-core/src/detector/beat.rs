//! What every turn looks at of every member: a row of few bytes each, since a cluster may have 10,000 of them, and
//! all that is known of so many takes megabytes to walk through.

use super::presence::{Answering, Presence};
use crate::Slot;

/// One member's answers, counted.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Beat {
    /// Newest probe over the management network that it answered, and the newest that was judged.
    pub(super) managed: u64,
    pub(super) counted: u64,
    /// Judged periods without an answer, in a row.
    pub(super) missed: u32,
    pub(super) slot: Slot,
    /// Its answer says more than that it answered, and that was not judged yet.
    pub(super) is_noted: bool,
    /// It is not simply healthy: each period of it is judged by all that is known of it.
    is_unsettled: bool,
}

impl Beat {
    pub(super) const fn new(slot: Slot) -> Self {
        Self {
            managed: 0,
            counted: 0,
            missed: 0,
            slot,
            is_noted: false,
            is_unsettled: true,
        }
    }

    /// Whether it answered a probe since it was judged, one of this mastership's, which begins with `first`.
    pub(super) const fn has_answered(&self, first: u64) -> bool {
        self.managed >= first && self.managed > self.counted
    }

    /// Counts one period of a member that is healthy and does not go missing by it. Whether that is all there is to do.
    pub(super) const fn count(&mut self, has_answered: bool, is_missed: bool, fall: u32) -> bool {
        let goes_missing = is_missed && self.missed + 1 >= fall;
        if self.is_noted || self.is_unsettled || goes_missing {
            return false;
        }
        if has_answered {
            self.missed = 0;
        } else if is_missed {
            self.missed += 1;
        }
        true
    }

    /// Its period was judged by all that is known of it.
    pub(super) fn judged(&mut self, presence: &Presence) {
        self.missed = presence.missed;
        self.is_noted = false;
        self.is_unsettled = presence.answering != Answering::Healthy || presence.is_wary();
    }
}
