//! Forced promotion: the way out when a majority is gone for good.
//!
//! A node becomes master at an operator's word, and renews its lease by itself from turn to turn. No majority
//! keeps a second master away meanwhile: the operator does. What remains of the protocol's own guards: no grant
//! of this node's may be in force, a probe of a higher epoch shuts the gate, and the others' kernels refuse
//! every lower epoch once they heard this one. As soon as a majority stands behind the epoch, and every older
//! lease must be over, the lease rests on its grants as any other.

use std::time::Duration;

use crate::lease::Lease;
use crate::node::{Node, Pending};
use crate::order::{OrderDone, OrderError};
use crate::pair::Pair;
use crate::snapshot::{Alarm, Guarantee, Reason};
use crate::stage::Stage;
use crate::{Command, Epoch, Instant};

/// What a forced mastership waits for.
#[derive(Clone, Copy, Debug, Default, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Forced {
    /// When this node learned that a majority had granted to a probe of its epoch, each member of which
    /// refuses every lower epoch since.
    majority_since: Option<Instant>,
}

impl Node {
    /// Takes the next round without anybody's vote; what follows comes with [`crate::Event::Promised`].
    pub(crate) fn force(&mut self, now: Instant) {
        match self.round_to_force(now) {
            Ok(round) => self.promise(round, Pending::Forced),
            Err(why) => self.push(Command::OrderAnswer(Err(why))),
        }
    }

    /// The epoch that would be forced, or why none is.
    fn round_to_force(&self, now: Instant) -> Result<Epoch, OrderError> {
        let slot = self.config.slot;
        if let Stage::Master(_) = self.stage {
            return Err(OrderError::AlreadyMaster);
        }
        if !self.roster.is_heir(slot) {
            return Err(OrderError::NeverMaster(slot));
        }
        if self.maintenance {
            return Err(OrderError::InMaintenance);
        }
        if let Some(master) = self.known_master(now) {
            return Err(OrderError::MasterKnown(master));
        }
        self.check_unbound(now)?;
        if self.poll.reaches_majority() {
            return Err(OrderError::MajorityAnswers);
        }
        self.rounds
            .next(slot)
            .filter(|_| !self.stopping)
            .ok_or(OrderError::NeverMaster(slot))
    }

    /// Whether no grant of this node's could be part of somebody's lease.
    fn check_unbound(&self, now: Instant) -> Result<(), OrderError> {
        if !self.abstention.is_over(now) {
            return Err(OrderError::Abstains(self.abstention.until.since(now)));
        }
        let left = self.grants.held_against(self.me, now);
        if left > Duration::ZERO {
            return Err(OrderError::Granted(left));
        }
        Ok(())
    }

    /// The round is promised to this node, and a probe that slipped in before is seen by now.
    pub(crate) fn on_forced_promised(&mut self, epoch: Epoch, now: Instant) {
        let refused = self.check_unbound(now).err().or_else(|| {
            let probed = self.grants.kernel.probed;
            (probed >= epoch).then_some(OrderError::MasterKnown(probed.slot()))
        });
        if let Some(why) = refused {
            return self.push(Command::OrderAnswer(Err(why)));
        }
        self.take_votes_back(now);
        let length = self.config.timing.lease();
        self.grant_to_myself(epoch, length, now);
        self.raise_floor(epoch);
        // Before the lease is: a process that finds it so must not take it up.
        self.push(Command::Forced(true));
        self.rest_on(Guarantee::Forced);
        let lease = Lease::since(epoch, now, length);
        self.begin_mastership(lease, Some(Forced::default()), Reason::Forced, now);
        self.set_alarm(Alarm::Forced, true);
        self.push(Command::OrderAnswer(Ok(OrderDone::Forced)));
    }

    /// Renews a forced lease by its own probe alone.
    pub(crate) fn renew_by_force(&mut self, now: Instant) {
        let Stage::Master(mastership) = &mut self.stage else {
            return;
        };
        let (Some(_), Some(sent)) = (mastership.forced, mastership.own_sent) else {
            return;
        };
        if mastership.lease.renew(sent, mastership.length, now) {
            let Lease { epoch, deadline } = mastership.lease;
            self.push(Command::Lease { epoch, deadline });
        }
    }

    /// A majority granted to the probe sent at `sent`. From then on it refuses every lower epoch, so a lease
    /// of one is over when the longest lease and its drift have passed; then this one rests on the majority.
    pub(crate) fn weigh_majority(&mut self, sent: Instant, now: Instant) {
        let wait = self.electors.record.abstention();
        let Stage::Master(mastership) = &mut self.stage else {
            return;
        };
        let Some(forced) = &mut mastership.forced else {
            return;
        };
        let since = *forced.majority_since.get_or_insert(now);
        let lease = Lease::since(mastership.lease.epoch, sent, mastership.length);
        if now < since + wait || !lease.holds(now) {
            return;
        }
        // Shorter than its own word made it.
        mastership.lease = lease;
        mastership.forced = None;
        mastership.is_renewed = true;
        let Lease { epoch, deadline } = lease;
        self.push(Command::Lease { epoch, deadline });
        self.rest_on_majority(now);
    }

    /// The lease is over, or rests on a majority.
    pub(crate) fn rest_on_majority(&mut self, now: Instant) {
        if let Stage::Master(mastership) = &mut self.stage {
            // Until now another master may have granted them.
            mastership.slots.forget(now);
        }
        self.push(Command::Forced(false));
        self.rest_on(Guarantee::Quorum);
        self.set_alarm(Alarm::Forced, false);
    }

    pub(crate) fn guarantee(&self) -> Guarantee {
        match &self.stage {
            Stage::Master(mastership) if mastership.forced.is_some() => Guarantee::Forced,
            Stage::Master(_) => self.pair.as_ref().map_or(Guarantee::Quorum, Pair::basis),
            Stage::Init
            | Stage::Slave
            | Stage::Candidate(_)
            | Stage::Undecided(_)
            | Stage::Witness => Guarantee::Quorum,
        }
    }
}
