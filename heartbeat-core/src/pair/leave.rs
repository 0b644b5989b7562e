//! Stopping in order: whoever hands mastership over in a pair is the only one whose vote the next master could have.

use crate::node::Node;
use crate::{Command, Instant};

impl Node {
    /// Mastership was handed to the peer by a stop. Whether this node stays until the peer has its vote.
    pub(crate) fn stays_to_vote(&mut self, now: Instant) -> bool {
        let until = now + self.config.timing.lease();
        let Some(pair) = &mut self.pair else {
            return false;
        };
        pair.leaves_at = Some(until);
        true
    }

    /// Exits once the peer has its vote, or a lease has passed.
    pub(super) fn leave(&mut self, now: Instant) {
        let has_voted = self.grants.is_voted_away_from(self.me, now);
        if let Some(pair) = &mut self.pair
            && pair.leaves_at.is_some_and(|at| has_voted || at <= now)
        {
            pair.leaves_at = None;
            self.push(Command::Exit);
        }
    }
}
