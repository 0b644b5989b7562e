//! Through whose hands a state came: what tells a state that only lags from one that went another way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bounds::LINEAGE;
use crate::stamp::{Reign, Revision, Stamp};

/// The newest leaderships that a state came through, at most [`LINEAGE`], with the revision at which each took it over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lineage(BTreeMap<Reign, Revision>);

impl Lineage {
    pub(crate) fn pass_on(&mut self, reign: Reign, revision: Revision) {
        self.0.insert(reign, revision);
        while self.0.len() > LINEAGE {
            self.0.pop_first();
        }
    }

    /// The revision up to which two states went one way; `None` if they share no leadership that both remember.
    ///
    /// `stamp` and `other_stamp`: where they stand.
    #[must_use]
    pub fn parted_at(&self, stamp: Stamp, other: &Self, other_stamp: Stamp) -> Option<Revision> {
        let mut shared = self.0.iter().rev();
        let (reign, _) = shared.find(|(reign, from)| other.0.get(reign) == Some(from))?;
        let end = self.end_of(*reign, stamp);
        Some(end.min(other.end_of(*reign, other_stamp)))
    }

    /// The last revision under a leadership.
    fn end_of(&self, reign: Reign, stamp: Stamp) -> Revision {
        let mut later = self.0.range(reign..).skip(1);
        later.next().map_or(stamp.revision, |(_, from)| *from)
    }
}
