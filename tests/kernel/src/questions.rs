//! The daemon's own record of what it asked.

use std::collections::VecDeque;

use heartbeat_wire::maps::{SENT_RECORDS, Sent};

/// The newest questions, as many as the map has places for; their numbers only grow.
#[derive(Clone, Debug, Default, Hash)]
pub struct Questions(VecDeque<Sent>);

impl Questions {
    /// Notes one more.
    ///
    /// # Panics
    /// When its number is not above the last one's.
    pub fn note(&mut self, sent: Sent) {
        let last = self.0.back().map_or(0, |last| last.sequence);
        assert!(sent.sequence > last, "sequence numbers only grow");
        if self.0.len() == SENT_RECORDS {
            self.0.pop_front();
        }
        self.0.push_back(sent);
    }

    /// The record of that number, or an empty one.
    #[must_use]
    pub fn of(&self, sequence: u64) -> Sent {
        let found = self.0.binary_search_by_key(&sequence, |sent| sent.sequence);
        found.map_or_else(|_| Sent::default(), |place| self.0[place])
    }

    /// The records, the newest last.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Sent> {
        self.0.iter()
    }

    /// Forgets all but those that `keeps` is true of.
    pub fn retain(&mut self, keeps: impl FnMut(&Sent) -> bool) {
        self.0.retain(keeps);
    }

    /// Forgets what was sent before `ns` of this node's clock.
    pub fn forget_before(&mut self, ns: u64) {
        while self.0.pop_front_if(|sent| sent.sent_ns < ns).is_some() {}
    }
}
