//! What operators and signals ask for.

use crate::node::Node;
use crate::order::{OrderDone, OrderError};
use crate::release::Tell;
use crate::snapshot::Reason;
use crate::stage::Stage;
use crate::{Instant, Slot};

impl Node {
    /// Hands mastership to `target`, or to the successor.
    pub(crate) fn switch_over(
        &mut self,
        target: Option<Slot>,
        now: Instant,
    ) -> Result<OrderDone, OrderError> {
        let Stage::Master(mastership) = &self.stage else {
            return Err(OrderError::NotMaster {
                master: self.known_master(now),
            });
        };
        if mastership.forced.is_some() {
            return Err(OrderError::IsForced);
        }
        let successor = mastership.successor;
        let target = match target {
            Some(slot) => self.check_target(slot, now)?,
            None if successor != 0 => self.check_target(successor, now)?,
            None => return Err(OrderError::NoTarget),
        };
        self.demote(Reason::Switchover(target), Tell::Electors(target), now);
        Ok(OrderDone::HandedTo(target))
    }

    fn check_target(&self, slot: Slot, now: Instant) -> Result<Slot, OrderError> {
        if slot == self.config.slot {
            return Err(OrderError::AlreadyMaster);
        }
        if !self.config.members.contains_key(&slot) {
            return Err(OrderError::NotAMember(slot));
        }
        if !self.roster.is_heir(slot) {
            return Err(OrderError::NeverMaster(slot));
        }
        self.detector.check_target(slot, &self.config, now)
    }

    /// Steps down for good: a master hands over first, and stays if nobody can take over.
    pub(crate) fn enter_maintenance(&mut self, now: Instant) -> Result<OrderDone, OrderError> {
        match &self.stage {
            Stage::Master(mastership) => {
                if mastership.forced.is_some() {
                    return Err(OrderError::IsForced);
                }
                let target = mastership.successor;
                if target == 0 {
                    return Err(OrderError::NoTarget);
                }
                self.demote(Reason::Maintenance, Tell::Electors(target), now);
            }
            Stage::Candidate(_) => self.end_candidacy(Reason::Maintenance, now),
            Stage::Init | Stage::Slave | Stage::Undecided(_) | Stage::Witness => {}
        }
        self.maintenance = true;
        Ok(OrderDone::MaintenanceOn)
    }

    /// Stands again like anybody else.
    pub(crate) fn leave_maintenance(&mut self) -> OrderDone {
        self.maintenance = false;
        OrderDone::MaintenanceOff
    }

    /// Hands mastership over if there is somebody, and never stands again.
    pub(crate) fn stop(&mut self, now: Instant) -> OrderDone {
        self.stopping = true;
        let done = match &self.stage {
            Stage::Master(mastership) if mastership.successor != 0 => {
                OrderDone::HandedTo(mastership.successor)
            }
            Stage::Master(_) => OrderDone::Released,
            Stage::Init
            | Stage::Slave
            | Stage::Candidate(_)
            | Stage::Undecided(_)
            | Stage::Witness => OrderDone::Stopping,
        };
        self.step_back(Reason::Stopped, now);
        done
    }
}
