//! What the services on this node mean for mastership: who may take it, and when it is handed on for their sake.

use std::time::Duration;

use crate::Instant;
use crate::node::Node;
use crate::release::Tell;
use crate::snapshot::{Alarm, Diagnosis, NotElectable, Reason};
use crate::stage::Stage;

/// What the driver tells of the services: its rules, and how they are on this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Services {
    /// A member whose last successful check is older has a fault of its service.
    pub limit: Duration,
    /// How often this node hands mastership on for its services' sake within `window`; above 0.
    pub most_handovers: u32,
    /// See `most_handovers`.
    pub window: Duration,
    /// How they are here.
    pub state: ServiceState,
}

/// How the services on one node are, taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ServiceState {
    /// No check of one of them has succeeded yet.
    Starting,
    /// All work.
    Healthy,
    /// One failed, and is being recovered.
    Recovering,
    /// One failed, and its recovery came to nothing.
    Lost,
    /// The hook that makes this node fit to serve did not succeed.
    NotPromoted,
}

impl ServiceState {
    /// Whether a node like this may become master.
    const fn allows(self) -> bool {
        match self {
            Self::Healthy => true,
            Self::Starting | Self::Recovering | Self::Lost | Self::NotPromoted => false,
        }
    }

    /// Why a master like this hands mastership on; `None`: it does not.
    const fn leaves_for(self) -> Option<Reason> {
        match self {
            Self::Lost => Some(Reason::ServiceLost),
            Self::NotPromoted => Some(Reason::NotPromoted),
            Self::Starting | Self::Healthy | Self::Recovering => None,
        }
    }
}

/// The services as the election knows them.
#[derive(Clone, Debug, Default, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Watch {
    /// `None`: no services are watched.
    told: Option<Services>,
    /// When mastership was handed on for their sake, within the window.
    handovers: Vec<Instant>,
}

impl Watch {
    /// How the services are here, if any are watched.
    pub(crate) fn state(&self) -> Option<ServiceState> {
        self.told.map(|told| told.state)
    }

    /// Why they keep this node from becoming master, if they do.
    pub(crate) fn not_electable(&self) -> Option<NotElectable> {
        let state = self.state().filter(|state| !state.allows())?;
        Some(match state {
            ServiceState::NotPromoted => NotElectable::NotPromoted,
            ServiceState::Starting
            | ServiceState::Healthy
            | ServiceState::Recovering
            | ServiceState::Lost => NotElectable::Service,
        })
    }

    /// Whether one more handover would be too many; forgets those before the window.
    fn has_spent(&mut self, rules: &Services, now: Instant) -> bool {
        self.handovers.retain(|at| now.since(*at) < rules.window);
        self.handovers.len() >= usize::try_from(rules.most_handovers).unwrap_or(usize::MAX)
    }
}

impl Node {
    /// What is wrong with this node by its own word.
    pub(crate) fn own_diagnosis(&self) -> Diagnosis {
        match self.services.state() {
            None | Some(ServiceState::Healthy | ServiceState::Starting) => Diagnosis::Healthy,
            Some(ServiceState::Recovering | ServiceState::Lost | ServiceState::NotPromoted) => {
                Diagnosis::ServiceFault
            }
        }
    }

    /// The driver tells how the services are.
    pub(crate) fn on_services(&mut self, told: Services, now: Instant) {
        self.services.told = Some(told);
        self.detector.watch_services(told.limit);
        if let (Stage::Candidate(_), false) = (&self.stage, told.state.allows()) {
            let reason = told.state.leaves_for().unwrap_or(Reason::ServiceFailed);
            self.end_candidacy(reason, now);
        }
        let is_lost = told.state.leaves_for().is_some();
        self.set_alarm(Alarm::Service, is_lost);
        self.leave_for_services(now);
    }

    /// Hands mastership on where the services of this node are lost and another member could serve. Whether
    /// it did.
    ///
    /// Who has no heir stays: an address without a service is no worse than no address, and operators see why.
    pub(crate) fn leave_for_services(&mut self, now: Instant) -> bool {
        let Some((rules, reason)) = self
            .services
            .told
            .and_then(|told| Some((told, told.state.leaves_for()?)))
        else {
            self.set_alarm(Alarm::HandoversSpent, false);
            return false;
        };
        let Stage::Master(mastership) = &self.stage else {
            return false;
        };
        let heir = mastership.successor;
        if heir == 0 || mastership.forced.is_some() {
            return false;
        }
        let has_spent = self.services.has_spent(&rules, now);
        self.set_alarm(Alarm::HandoversSpent, has_spent);
        if has_spent {
            return false;
        }
        self.services.handovers.push(now);
        self.demote(reason, Tell::Electors(heir), now);
        true
    }
}
