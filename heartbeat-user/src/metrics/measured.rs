//! What is measured at one moment, and whom it is asked of.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, SystemTime};

use crate::control::{Bucket, Details, Role, SinkStatus, Status, StoreStatus};

/// Bounds by which the durations of failovers are counted, in seconds: from below the shortest lease to what people call
/// an outage.
pub const DURATIONS: [f64; 14] = [
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// What one node knows at one moment.
#[derive(Clone, Debug)]
pub struct Measured {
    /// What `status` shows.
    pub status: Status,
    /// What the kernel counted.
    pub details: Details,
    /// How late the pulse's turns began, since the daemon's start.
    pub lateness: Vec<Bucket>,
    /// How long they took.
    pub turns: Vec<Bucket>,
    /// Who hears of alarms.
    pub sinks: Vec<SinkStatus>,
    /// How the dynamic information is; `None` if it did not say.
    pub store: Option<StoreStatus>,
    /// What happened since the daemon's start.
    pub happened: Happened,
    /// When a configuration was read last that is in force.
    pub configured: SystemTime,
}

impl Measured {
    pub(super) fn is_master(&self) -> bool {
        self.status.role == Role::Master
    }
}

/// What happened to a node since its daemon's start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Happened {
    /// Role changes, by the word for the role taken.
    pub roles: BTreeMap<&'static str, u64>,
    /// Masterships that began, by how.
    pub begun: BTreeMap<Begun, u64>,
    /// Masterships that ended while the daemon lived, by how.
    pub ended: BTreeMap<Ended, u64>,
    /// From the last probe of the lost master to this node's election.
    pub until_elected: Durations,
    /// From the same to the first announcement of the addresses.
    pub until_announced: Durations,
    /// Notes of the pulse that were lost, since the log or the disk was slower.
    pub notes_lost: u64,
}

/// How a mastership of this node began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Begun {
    /// A majority voted for it, or evidence stood for the peer, after a master was lost or when there was none.
    Election,
    /// The master before handed it over.
    Handover,
    /// An operator forced it.
    Forced,
    /// The process before left its lease.
    TakenUp,
}

impl Begun {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Election, Self::Handover, Self::Forced, Self::TakenUp];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Election => "election",
            Self::Handover => "handover",
            Self::Forced => "forced",
            Self::TakenUp => "taken_up",
        }
    }
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ended {
    /// By an operator's order, for a service's sake, or for a lower slot's.
    Order,
    /// It was lost, though the daemon lived.
    Loss,
}

impl Ended {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Order, Self::Loss];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Loss => "loss",
        }
    }
}

/// Durations, counted by [`DURATIONS`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Durations {
    /// By bound; the last one has no bound.
    pub(super) counts: [u64; DURATIONS.len() + 1],
    /// Of all, in seconds.
    pub(super) sum: f64,
}

impl Durations {
    /// Counts one more.
    pub fn count(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let place = DURATIONS.partition_point(|bound| *bound < seconds);
        self.counts[place] += 1;
        self.sum += seconds;
    }
}

/// Whoever can tell what a node knows.
pub trait Source: Send + Sync + 'static {
    /// What it knows now, or why it cannot say.
    fn measured(&self) -> impl Future<Output = Result<Measured, String>> + Send;
}
