//! Putting a plan in force: what can fail first, and what cannot after that.

use crate::daemon::plan::Plan;
use crate::daemon::scribe::Scribe;
use crate::daemon::watched;
use crate::pulse::{PulseOrder, Reconfigure, offer};

impl Scribe {
    /// # Errors
    /// Why it could not be; everything is as it was then.
    pub(super) fn apply(&mut self, before: &Plan, after: Plan) -> Result<(), String> {
        let _ = before;
        self.reconfigure_pulse(&after)?;
        self.go_by(after);
        Ok(())
    }

    fn reconfigure_pulse(&self, plan: &Plan) -> Result<(), String> {
        let (offer, offered) = offer(Reconfigure {
            core: Box::new(plan.for_core()),
            addresses_wait: watched::addresses_wait(plan),
        });
        self.pulse.send(PulseOrder::Reconfigure(offer))?;
        offered.wait()
    }

    /// The rest of the daemon: none of this can fail.
    fn go_by(&mut self, plan: Plan) {
        if let Some(standing) = &self.standing {
            standing.watch(watched::wanted(&plan));
            if watched::hooks(&plan).on_promote.is_none() {
                // Nothing is left that could have failed.
                standing.is_promoted(true);
            }
        }
        if let Some(hooks) = &self.hooks {
            hooks.change(watched::hooks(&plan));
        }
        self.fence.change(&plan);
        self.relink.plan = plan.clone();
        self.current.set(plan);
    }
}
