//! The watch over this node's services, if there is anything to watch.

use tokio::runtime::Handle;

use super::plan::Plan;
use crate::datapath::Words;
use crate::monitor::{self, Interfaces, Setup, Standing, View};
use crate::pulse::OrderSender;

/// Starts it; not on a witness, which never serves.
pub(super) fn start(
    plan: &Plan,
    words: &Words,
    pulse: &OrderSender,
    view: &View,
) -> Option<Standing> {
    let services = &plan.config.services;
    if services.is_empty() || plan.own().witness {
        return None;
    }
    let business = plan.own().business.as_ref();
    let setup = Setup {
        services: services.clone(),
        handovers: plan.config.handovers,
        interfaces: Interfaces {
            management: plan.management().interface.clone(),
            business: business.map(|business| business.interface.clone()),
        },
        words: words.clone(),
        pulse: pulse.clone(),
        view: view.clone(),
    };
    Some(monitor::start(setup, &Handle::current()))
}
