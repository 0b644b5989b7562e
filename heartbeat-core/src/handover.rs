//! Handing mastership on where this node cannot serve and another member could.

use crate::config::Handovers;
use crate::node::Node;
use crate::release::Tell;
use crate::service::ServiceState;
use crate::snapshot::{Alarm, Diagnosis, Reason};
use crate::stage::Stage;
use crate::{Instant, Slot};

/// When mastership was handed on for a fault's sake, within the window.
#[derive(Clone, Debug, Default, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Spent(Vec<Instant>);

impl Spent {
    /// Whether one more would be too many; forgets those before the window.
    fn is_all(&mut self, rules: Handovers, now: Instant) -> bool {
        self.0.retain(|at| now.since(*at) < rules.window);
        self.0.len() >= usize::try_from(rules.most).unwrap_or(usize::MAX)
    }
}

impl Node {
    /// What is wrong with this node by its own word; of its place on the business network, by its master's.
    pub(crate) fn own_diagnosis(&self) -> Diagnosis {
        match self.services.state() {
            Some(ServiceState::Recovering | ServiceState::Lost | ServiceState::NotPromoted) => {
                Diagnosis::ServiceFault
            }
            None | Some(ServiceState::Healthy | ServiceState::Starting)
                if self.is_off_business() =>
            {
                Diagnosis::BusinessFault
            }
            None | Some(ServiceState::Healthy | ServiceState::Starting) => Diagnosis::Healthy,
        }
    }

    /// Hands mastership on where this node has a fault that another member has not. Whether it did.
    ///
    /// Who has no heir stays: an address without a service is no worse than no address, and operators see why.
    pub(crate) fn leave_for_fault(&mut self, now: Instant) -> bool {
        let Some(reason) = self.services.leaves_for().or(self.leaves_business()) else {
            self.set_alarm(Alarm::HandoversSpent, false);
            return false;
        };
        let Stage::Master(mastership) = &self.stage else {
            return false;
        };
        let is_forced = mastership.forced.is_some();
        let heir = self.heir_without(reason, mastership.successor, now);
        if heir == 0 || is_forced {
            return false;
        }
        let has_spent = self.spent.is_all(self.config.handovers, now);
        self.set_alarm(Alarm::HandoversSpent, has_spent);
        if has_spent {
            return false;
        }
        self.spent.0.push(now);
        self.demote(reason, Tell::Electors(heir), now);
        if reason == Reason::BusinessLost {
            // Until the next master tells otherwise.
            self.side.told(Diagnosis::BusinessFault);
        }
        true
    }

    /// Who follows a master that leaves for this reason: nobody who has the same fault; 0 for nobody.
    fn heir_without(&self, reason: Reason, successor: Slot, now: Instant) -> Slot {
        if reason != Reason::BusinessLost {
            return successor;
        }
        let on_business = self.config.members.values().filter(|it| it.business);
        let is_one_of_two = on_business.count() == 2;
        let mut heirs = self.roster.heirs.iter().copied();
        let is_fit = |slot: &Slot| {
            self.side.is_well_at(*slot, is_one_of_two, now)
                && self.detector.check_target(*slot, &self.config, now).is_ok()
        };
        heirs.find(is_fit).unwrap_or(0)
    }
}
