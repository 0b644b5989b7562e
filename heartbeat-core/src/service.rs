//! What the services on this node mean for mastership: who may take it, and for which of them it is handed on.

use std::time::Duration;

use crate::Instant;
use crate::node::Node;
use crate::snapshot::{Alarm, NotElectable, Reason};
use crate::stage::Stage;

/// What the driver tells of the services: how old a success may be, and how they are on this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Services {
    /// A member whose last successful check is older has a fault of its service.
    pub limit: Duration,
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

    /// Why a master hands mastership on for their sake, if it does.
    pub(crate) fn leaves_for(&self) -> Option<Reason> {
        self.state().and_then(ServiceState::leaves_for)
    }
}

impl Node {
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
        self.leave_for_fault(now);
    }
}
