//! What is known of one member.

use heartbeat_wire::frame::flag;

use super::diagnosis::Settled;
use super::inquest::Inquest;
use super::presence::{Answering, Presence};
use super::reach::Reach;
use crate::aside::Aside;
use crate::config::Config;
use crate::event::Reply;
use crate::mastership::has_clash;
use crate::message::Network;
use crate::roads::road_of;
use crate::snapshot::Diagnosis;
use crate::{Instant, Slot};

/// One member other than this node.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Watched {
    pub(crate) slot: Slot,
    /// Its newest answer.
    pub(crate) reply: Option<Reply>,
    /// When it last answered over the business network.
    pub(crate) reached_at: Instant,
    /// Newest probe over the management network whose answer's words were judged.
    pub(super) heeded: u64,
    pub(super) presence: Presence,
    pub(super) settled: Settled,
    pub(super) inquest: Option<Inquest>,
    pub(super) reach: Reach,
    /// Since when it is healthy, or missing.
    pub(crate) since: Aside<Instant>,
    /// What was looked at last.
    pub(super) seen: (Answering, Diagnosis),
}

impl Watched {
    pub(super) fn new(slot: Slot) -> Self {
        Self {
            slot,
            reply: None,
            reached_at: Instant::ZERO,
            heeded: 0,
            presence: Presence::new(),
            settled: Settled::new(),
            inquest: None,
            reach: Reach::new(),
            since: Aside(Instant::ZERO),
            seen: (Answering::Unknown, Diagnosis::Unknown),
        }
    }

    pub(crate) const fn answering(&self) -> Answering {
        self.presence.answering
    }

    pub(crate) fn diagnosis(&self) -> Diagnosis {
        match (self.presence.answering, &self.inquest) {
            (Answering::Unknown, _) | (Answering::Missing, None) => Diagnosis::Unknown,
            (Answering::Missing, Some(inquest)) => inquest.finding(),
            (Answering::Healthy, _) => match self.settled.shown() {
                Diagnosis::Healthy if self.reach.is_at_fault => Diagnosis::BusinessFault,
                shown => shown,
            },
        }
    }

    /// Version of its dynamic information by its newest answer; 0 for none.
    pub(super) fn info_version(&self) -> u64 {
        self.reply.map_or(0, |reply| reply.info_version)
    }

    /// Whether its own newest answer says that it may become master, and its grants count.
    pub(super) fn is_ready(&self, config: &Config, now: Instant) -> bool {
        self.reply.as_ref().is_some_and(|reply| {
            reply.flags & flag::ELIGIBLE != 0
                && reply.flags & flag::NO_GRANT == 0
                && !has_clash(reply, config.timing.max_lease, now)
        })
    }

    /// Its newest answer, by whichever road it came. Whether its words are to be judged.
    pub(super) fn note(&mut self, reply: &Reply) -> bool {
        let is_new = self
            .reply
            .is_none_or(|known| reply.sequence > known.sequence);
        let road = road_of(reply.sequence);
        if road == Network::Business && is_new {
            self.reached_at = reply.arrival;
        }
        self.reply = Some(*reply);
        road == Network::Management && reply.sequence > self.heeded
    }

    pub(super) fn forget(&mut self) {
        *self = Self {
            reached_at: self.reached_at,
            reply: self.reply,
            ..Self::new(self.slot)
        };
    }
}
