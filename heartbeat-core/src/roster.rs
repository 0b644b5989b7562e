//! Who counts and who may be master, looked up once: a cluster may have 10,000 members, and at most nine
//! electors.

use crate::Slot;
use crate::config::Config;

/// The electors, and those of them that may become master.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Roster {
    /// By slot.
    pub(crate) electors: Vec<Slot>,
    /// Electors that are no witnesses, by slot.
    pub(crate) heirs: Vec<Slot>,
    pub(crate) majority: usize,
}

impl Roster {
    pub(crate) fn new(config: &Config) -> Self {
        let electors: Vec<Slot> = config.electors().collect();
        let heirs = electors.iter().copied();
        Self {
            heirs: heirs.filter(|slot| config.may_be_master(*slot)).collect(),
            majority: config.majority(),
            electors,
        }
    }

    pub(crate) fn is_elector(&self, slot: Slot) -> bool {
        self.electors.binary_search(&slot).is_ok()
    }

    pub(crate) fn is_heir(&self, slot: Slot) -> bool {
        self.heirs.binary_search(&slot).is_ok()
    }

    /// Votes of others that make a majority with this node's own.
    pub(crate) const fn votes_needed(&self) -> usize {
        self.majority - 1
    }
}
