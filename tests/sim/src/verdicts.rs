//! Frames counted by verdict.

use std::ops::Index;

use heartbeat_wire::verdict::Verdict;

/// How many frames of one life of the maps had which verdict.
#[derive(Clone, Debug, Default)]
pub struct Verdicts([u64; Verdict::ALL.len()]);

impl Verdicts {
    pub(crate) const fn count(&mut self, verdict: Verdict) {
        self.0[verdict.index()] += 1;
    }
}

impl Index<Verdict> for Verdicts {
    type Output = u64;

    fn index(&self, verdict: Verdict) -> &u64 {
        &self.0[verdict.index()]
    }
}
