//! Period and multiplier change while the election runs.
//!
//! Whatever the others go by, a grant lasts as long as the probe or vote request names that it answers. So only this
//! node's own arithmetic has to know which of its questions named which lease: a request keeps its own, and answers to
//! probes from before a raise count for nothing. A master's turns get slower only once a majority granted the longer
//! lease, or the one that it has would not reach from one turn to the next.

use std::time::Duration;

use crate::config::Timing;
use crate::node::Node;
use crate::stage::Stage;

impl Node {
    /// How long after a turn began the next one is due.
    #[must_use]
    pub fn period(&self) -> Duration {
        let period = self.config.timing.period;
        match &self.stage {
            Stage::Master(mastership) => mastership.quick.map_or(period, |quick| quick.min(period)),
            Stage::Init
            | Stage::Slave
            | Stage::Candidate(_)
            | Stage::Undecided(_)
            | Stage::Witness => period,
        }
    }

    /// The configuration has other times now.
    pub(crate) fn retime(&mut self, before: &Timing) {
        self.detector.retime(&self.config);
        self.health.retime(&self.config);
        let (length, next) = (self.config.timing.lease(), self.sequence + 1);
        // One that waits to restart names its own lease until then, or until it gives up.
        if let Stage::Master(mastership) = &mut self.stage
            && self.restart.is_none()
        {
            if length > mastership.length {
                mastership.quick = mastership.quick.or(Some(before.period));
            }
            mastership.name_lease(length, next);
        }
    }
}
