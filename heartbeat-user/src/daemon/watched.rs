//! What a node does besides the election: the watch over its services, and what is run when its role changes.

use heartbeat_core::Epoch;
use tokio::runtime::Handle;

use super::failure::Failure;
use super::plan::Plan;
use crate::config::hooks::Address;
use crate::datapath::Words;
use crate::hook::{self, Hooks};
use crate::monitor::{self, Interfaces, Standing};
use crate::pulse::OrderSender;
use crate::state::StateFolder;

/// Both, as far as the configuration wants them, and what operators see of them.
#[derive(Default)]
pub(super) struct Watched {
    /// What the watch goes by.
    pub(super) standing: Option<Standing>,
    pub(super) hooks: Option<Hooks>,
    pub(super) services: monitor::View,
    pub(super) ran: hook::View,
}

/// Starts them; not on a witness, which never serves and whose role never changes. `goes_on` is the epoch of the last
/// daemon's mastership, if this one goes on with it.
pub(super) fn start(
    plan: &Plan,
    words: &Words,
    state: &StateFolder,
    goes_on: Option<Epoch>,
    pulse: &OrderSender,
) -> Result<Watched, Failure> {
    let mut watched = Watched::default();
    let (services, hooks) = (&plan.config.services, &plan.config.hooks);
    if (services.is_empty() && hooks.is_none()) || plan.own().witness {
        return Ok(watched);
    }
    let business = plan.own().business.as_ref();
    let setup = monitor::Setup {
        services: services.clone(),
        handovers: plan.config.handovers,
        interfaces: Interfaces {
            management: plan.management().interface.clone(),
            business: business.map(|business| business.interface.clone()),
        },
        words: words.clone(),
        pulse: pulse.clone(),
        view: watched.services.clone(),
    };
    let standing = monitor::start(setup, &Handle::current());
    if let Some(hooks) = hooks {
        let setup = hook::Setup {
            hooks: hooks.clone(),
            cluster: plan.config.cluster.clone(),
            slot: plan.slot,
            state: state.clone(),
            goes_on,
            pulse: pulse.clone(),
            standing: standing.clone(),
            view: watched.ran.clone(),
        };
        watched.hooks = Some(Hooks::start(setup).map_err(Failure::of)?);
    }
    watched.standing = Some(standing);
    Ok(watched)
}

/// Whether the master's addresses are taken only once `on_promote` has succeeded.
pub(super) fn addresses_wait(plan: &Plan) -> bool {
    let hooks = plan.config.hooks.as_ref();
    hooks.is_some_and(|hooks| hooks.address == Address::After)
}
