//! What the alarms' thread is told of, and by whom.

use std::time::Duration;

use heartbeat_core::Slot;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval};

use super::current::Current;
use super::failure::Failure;
use super::operator::{PULSE_ANSWERS, verified, wait};
use super::plan::Plan;
use crate::alarm::{Alarms, Identity, Reporter, Setup, Source, Teller, Told};
use crate::control::Alarm;
use crate::pulse::{OrderSender, PulseOrder};
use crate::state::StateFolder;
use crate::takeover::View;

/// How often the addresses' verification is looked at, which tells of nothing by itself.
const LOOK: Duration = Duration::from_secs(1);
/// What judging everybody takes at most, in periods: members that are no electors are asked in turn.
const SETTLE_PERIODS: u32 = 50;
const LEAST_SETTLE: Duration = Duration::from_secs(15);

/// Starts it.
pub(super) fn start(
    current: &Current,
    state: &StateFolder,
    is_master: bool,
    seen: &View,
) -> Result<Alarms, Failure> {
    let plan = current.plan();
    let alarms = Alarms::start(Setup {
        wanted: plan.config.alarms.clone(),
        from: plan.own().business.clone(),
        identity: identity(&plan),
        state: state.clone(),
        is_master,
        settle: settle(&plan),
    });
    let alarms = alarms.map_err(Failure::of)?;
    let teller = alarms.teller().clone();
    Handle::current().spawn(watch_addresses(current.clone(), seen.clone(), teller));
    Ok(alarms)
}

/// How long this node may take to judge everybody.
pub(super) fn settle(plan: &Plan) -> Duration {
    (plan.config.timing.period * SETTLE_PERIODS).max(LEAST_SETTLE)
}

/// Who speaks.
pub(super) fn identity(plan: &Plan) -> Identity {
    Identity {
        cluster: plan.config.cluster.clone(),
        reporter: Reporter {
            slot: plan.slot,
            name: plan.own().name.clone(),
        },
    }
}

/// Notes were lost, an alarm among them maybe: all that are in force are told anew.
pub(super) fn look_anew(pulse: OrderSender, current: Current, teller: Teller) {
    Handle::current().spawn(async move {
        let (answer, answered) = oneshot::channel();
        // A pulse that takes no order now ends, or loses notes again and is asked again.
        if pulse.send(PulseOrder::Publish(answer)).is_ok()
            && let Ok(published) = wait(answered, PULSE_ANSWERS).await
        {
            let plan = current.plan();
            let raised = published.snapshot.alarms.iter();
            let alarms = raised
                .filter_map(|raised| Alarm::of_election(&plan.config, plan.slot, *raised))
                .collect();
            teller.tell(Told::Whole(Source::Election, alarms));
        }
    });
}

async fn watch_addresses(current: Current, seen: View, teller: Teller) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before: Vec<String> = Vec::new();
    loop {
        looks.tick().await;
        let plan = current.plan();
        let alarms = of_addresses(&plan, plan.slot, &seen);
        let keys: Vec<String> = alarms.iter().map(|alarm| alarm.key.clone()).collect();
        if keys != before {
            before = keys;
            teller.tell(Told::Whole(Source::Addresses, alarms));
        }
    }
}

fn of_addresses(plan: &Plan, slot: Slot, seen: &View) -> Vec<Alarm> {
    let shown = seen.shown();
    let addresses = plan.config.virtual_addresses.iter();
    addresses
        .filter_map(|it| {
            let interface = plan.config.interface_of(it, slot);
            let verified = verified(&shown.verified, it.address)?;
            let cluster = &plan.config.cluster;
            let of = (it.address, it.follows.slot());
            Some(Alarm::of_address(cluster, slot, of, interface, &verified))
        })
        .flatten()
        .collect()
}
