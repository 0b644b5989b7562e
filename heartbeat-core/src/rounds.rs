//! Which epochs this node knows of, and the next one it may take.

use heartbeat_wire::Epoch;

use crate::Slot;

/// Rounds have 48 bits.
const LAST_ROUND: u64 = (1 << 48) - 1;

/// The highest epoch seen: a floor for this node's own rounds, never a promise.
#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Rounds {
    seen: Epoch,
}

impl Rounds {
    pub(crate) fn new(saved: Epoch, in_maps: Epoch) -> Self {
        Self {
            seen: saved.max(in_maps),
        }
    }

    pub(crate) const fn seen(self) -> Epoch {
        self.seen
    }

    /// Notes an epoch that this node's own kernel vouches for, or that it took itself.
    pub(crate) fn raise(&mut self, epoch: Epoch) {
        self.seen = self.seen.max(epoch);
    }

    /// Notes an epoch that another node named. Whether it is plausible: a single frame or message with
    /// the last possible round must not leave everybody without a successor epoch.
    pub(crate) fn learn(&mut self, epoch: Epoch) -> bool {
        if !epoch.is_plausible_after(self.seen) {
            return false;
        }
        self.raise(epoch);
        true
    }

    /// The epoch that `slot` would take next; `None` when the rounds are used up.
    pub(crate) fn next(self, slot: Slot) -> Option<Epoch> {
        let round = self.seen.round() + 1;
        (round <= LAST_ROUND).then(|| Epoch::new(round, slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_epoch_lies_above_everything_seen() {
        let mut rounds = Rounds::new(Epoch::new(4, 9), Epoch::new(3, 1));
        assert_eq!(rounds.next(2), Some(Epoch::new(5, 2)));
        assert!(rounds.learn(Epoch::new(7, 1)));
        assert!(rounds.learn(Epoch::new(6, 1)));
        assert_eq!(rounds.seen(), Epoch::new(7, 1));
        assert_eq!(rounds.next(2), Some(Epoch::new(8, 2)));
    }

    #[test]
    fn an_implausible_epoch_is_not_learned_and_rounds_can_be_used_up() {
        let mut rounds = Rounds::new(Epoch::new(4, 1), Epoch::NONE);
        assert!(!rounds.learn(Epoch::new(LAST_ROUND, 3)));
        assert_eq!(rounds.next(2), Some(Epoch::new(5, 2)));
        assert!(rounds.learn(Epoch::new(4 + Epoch::PLAUSIBLE_ROUNDS, 3)));
        assert!(!rounds.learn(Epoch::new(5 + 2 * Epoch::PLAUSIBLE_ROUNDS, 3)));
        assert_eq!(
            Rounds::new(Epoch::new(LAST_ROUND, 1), Epoch::NONE).next(2),
            None
        );
    }
}
