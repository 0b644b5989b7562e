//! A planned restart: once no hook runs, the election is told.

use std::time::Duration;

use heartbeat_core::event::Order;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::current::Current;
use super::operator::{PULSE_ANSWERS, wait};
use crate::hook::Rest;
use crate::pulse::{OrderSender, PulseOrder};

/// How long an operator's command waits for a hook that runs: commands answer within a second.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long a hook that runs is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    /// As long as somebody waits for the answer.
    ForAnAnswer,
    /// Until it has ended: its own timeout bounds that.
    ToTheEnd,
}

/// Hands the order to the pulse.
#[derive(Clone, Debug)]
pub(super) struct Restarting {
    current: Current,
    pulse: OrderSender,
    rest: Rest,
}

impl Restarting {
    pub(super) const fn new(current: Current, pulse: OrderSender, rest: Rest) -> Self {
        Self {
            current,
            pulse,
            rest,
        }
    }

    /// What the election says of it; no hook begins between that and the end of this daemon.
    pub(super) async fn order(&self, waits: Waits) -> Result<String, String> {
        let resting = self.rest.ask();
        match waits {
            Waits::ToTheEnd => resting.begun().await,
            Waits::ForAnAnswer => {
                if timeout(PATIENCE, resting.begun()).await.is_err() {
                    return Err(self.held_up());
                }
            }
        }
        let (answer, answered) = oneshot::channel();
        let order = PulseOrder::Election(Order::Restart, Some(answer));
        self.pulse.send(order)?;
        // The election waits for a majority's grant.
        let most = PULSE_ANSWERS + self.current.plan().config.timing.restart_timeout();
        let done = wait(answered, most).await?;
        if done.is_ok() {
            resting.for_good();
        }
        done
    }

    fn held_up(&self) -> String {
        let hook = self.rest.running().unwrap_or("a hook");
        let plan = self.current.plan();
        let longest = plan.config.hooks.as_ref().map(|hooks| hooks.timeout);
        format!(
            "{hook} still runs, and may do so for {} ms in all; the daemon goes on: order the restart again when it has \
             ended",
            longest.unwrap_or_default().as_millis()
        )
    }
}
