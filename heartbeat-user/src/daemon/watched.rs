//! What a node does besides the election: the watch over its services, and what is run when its role changes.

use std::sync::{Arc, Mutex};

use heartbeat_core::Epoch;
use tokio::runtime::Handle;

use super::failure::Failure;
use super::history::{self, History};
use super::plan::Plan;
use crate::config::{self, hooks::Address};
use crate::datapath::Words;
use crate::diary::Diary;
use crate::floor::Floors;
use crate::hook::{self, Hooks, Rest};
use crate::monitor::{self, Interfaces, Standing, Wanted};
use crate::pulse::OrderSender;
use crate::state::StateFolder;

/// Both, and what operators see of them. A witness has neither: it never serves, and its role never changes.
#[derive(Default)]
pub(super) struct Watched {
    /// What the watch goes by.
    pub(super) standing: Option<Standing>,
    pub(super) hooks: Option<Hooks>,
    pub(super) services: monitor::View,
    pub(super) ran: hook::View,
    pub(super) rest: Rest,
    /// For the history.
    pub(super) diary: Option<Diary>,
}

/// Starts them, with what the configuration wants of them: a reload may want more. `goes_on` is the epoch of the last
/// daemon's mastership, if this one goes on with it.
pub(super) fn start(
    plan: &Plan,
    words: &Words,
    state: &StateFolder,
    goes_on: Option<Epoch>,
    pulse: &OrderSender,
    history: &Arc<Mutex<History>>,
    floors: &Floors,
) -> Result<Watched, Failure> {
    let mut watched = Watched::default();
    if plan.own().witness {
        return Ok(watched);
    }
    let (diary, events) = Diary::begin();
    history::keep(Arc::clone(history), events).map_err(Failure::of)?;
    let standing = monitor::start(monitor::Setup {
        wanted: wanted(plan),
        interfaces: Interfaces {
            management: plan.management().interface.clone(),
            business: plan.own().business.clone(),
        },
        words: words.clone(),
        pulse: pulse.clone(),
        view: watched.services.clone(),
        diary: diary.clone(),
        runtime: Handle::current(),
    });
    let hooks = Hooks::start(hook::Setup {
        hooks: hooks(plan),
        cluster: plan.config.cluster.clone(),
        slot: plan.slot,
        state: state.clone(),
        goes_on,
        floors: floors.clone(),
        pulse: pulse.clone(),
        standing: standing.clone(),
        view: watched.ran.clone(),
        rest: watched.rest.clone(),
        diary: diary.clone(),
    });
    watched.diary = Some(diary);
    watched.hooks = Some(hooks.map_err(Failure::of)?);
    watched.standing = Some(standing);
    Ok(watched)
}

/// What is to be watched.
pub(super) fn wanted(plan: &Plan) -> Wanted {
    Wanted {
        services: plan.config.services.clone(),
        has_hooks: plan.config.hooks.is_some(),
    }
}

/// What is to be run.
pub(super) fn hooks(plan: &Plan) -> config::Hooks {
    plan.config.hooks.clone().unwrap_or(config::Hooks::NONE)
}

/// Whether the master's addresses are taken only once `on_promote` has succeeded.
pub(super) fn addresses_wait(plan: &Plan) -> bool {
    let hooks = plan.config.hooks.as_ref();
    hooks.is_some_and(|hooks| hooks.address == Address::After)
}
