//! The planned restart of a daemon, which keeps mastership.
//!
//! A master has its next probes name `restart_lease`, and exits when a majority granted that: gate,
//! addresses, programs and maps stay as they are, and the next process takes the lease up. If no
//! majority grants it in time the master goes on as before: exiting with less would lose mastership, which
//! nobody asked for. Who is not master has nothing to keep, and exits at once.

use std::time::Duration;

use crate::mastership::Mastership;
use crate::node::Node;
use crate::order::{OrderDone, OrderError};
use crate::snapshot::Reason;
use crate::stage::Stage;
use crate::{Command, Instant};

/// A restart that waits for its lease.
#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Restart {
    /// When it was ordered: probes from then on name its lease.
    since: Instant,
    give_up_at: Instant,
}

impl Mastership {
    /// Has probes name another lease from number `next` on. Answers to a probe that named a longer one
    /// than now count for the shorter one; those to one that named a shorter one count for nothing, and
    /// neither does what this node granted to itself by it.
    pub(crate) fn name_lease(&mut self, length: Duration, next: u64) {
        if length > self.length {
            self.first_sequence = next;
            self.own_sent = None;
        }
        self.length = length;
    }
}

impl Node {
    /// Exits at once, or as soon as a majority granted the lease that mastership is kept by.
    pub(crate) fn restart(&mut self, now: Instant) {
        let timing = self.config.timing;
        let next = self.sequence + 1;
        match &mut self.stage {
            // The next process would not take it up.
            Stage::Master(mastership) if mastership.forced.is_some() => {
                self.push(Command::OrderAnswer(Err(OrderError::IsForced)));
            }
            Stage::Master(mastership) => {
                mastership.name_lease(timing.restart_lease, next);
                self.restart = Some(Restart {
                    since: now,
                    give_up_at: now + timing.restart_timeout(),
                });
                self.probe(now);
            }
            Stage::Candidate(_) => {
                self.end_candidacy(Reason::Restarting, now);
                self.exit_keeping(OrderDone::Restarting, now);
            }
            Stage::Init | Stage::Slave | Stage::Undecided(_) | Stage::Witness => {
                self.exit_keeping(OrderDone::Restarting, now);
            }
        }
    }

    fn exit_keeping(&mut self, done: OrderDone, now: Instant) {
        self.restart = None;
        // Whatever still comes in before the process is gone: it stands no more, and its kernel says so.
        self.stopping = true;
        self.tell_eligible(now);
        self.push(Command::OrderAnswer(Ok(done)));
        self.push(Command::ExitKeeping);
    }

    pub(crate) fn restart_timeout(&self) -> Option<Instant> {
        self.restart.map(|restart| restart.give_up_at)
    }

    /// Does what a restart that waits has come to.
    pub(crate) fn run_restart(&mut self, now: Instant) {
        let Some(restart) = self.restart else { return };
        match &self.stage {
            Stage::Master(mastership) => {
                let left = mastership.lease.deadline.since(now);
                // A higher round that is being asked for would be cut short.
                if mastership.granted_sent >= restart.since && mastership.attempt.is_none() {
                    self.exit_keeping(OrderDone::RestartingAsMaster(left), now);
                } else if restart.give_up_at <= now {
                    self.give_restart_up(OrderError::RestartNotGranted);
                }
            }
            // Mastership ended meanwhile, and with it what there was to keep.
            Stage::Init
            | Stage::Slave
            | Stage::Candidate(_)
            | Stage::Undecided(_)
            | Stage::Witness => {
                self.exit_keeping(OrderDone::Restarting, now);
            }
        }
    }

    /// Another order is to be carried out.
    pub(crate) fn overtake_restart(&mut self) {
        if self.restart.is_some() {
            self.give_restart_up(OrderError::RestartOvertaken);
        }
    }

    fn give_restart_up(&mut self, why: OrderError) {
        self.restart = None;
        let (length, next) = (self.config.timing.lease(), self.sequence + 1);
        if let Stage::Master(mastership) = &mut self.stage {
            mastership.name_lease(length, next);
        }
        self.push(Command::OrderAnswer(Err(why)));
    }
}
