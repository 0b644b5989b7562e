//! Putting a plan in force: what can fail first, each step taken back if a later one fails, and last what cannot.

use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use tracing::error;

use super::guard::while_changing;
use crate::daemon::plan::Plan;
use crate::daemon::scribe::Scribe;
use crate::daemon::start::{addresses, leased};
use crate::daemon::{alarms, linked, watched, wiring};
use crate::hands::{Change, Failure};
use crate::pulse::{PulseOrder, Reconfigure, offer};

/// How long the hands may take. They wait for the kernel's RTNL lock, which others hold for milliseconds.
const HANDS_ANSWER: Duration = Duration::from_secs(2);

/// What the hands tell of a change of addresses.
type Changed = Receiver<Result<(), Failure>>;

impl Scribe {
    /// # Errors
    /// Why it could not be; everything is as it was then.
    pub(super) fn apply(&mut self, before: &Plan, after: Plan) -> Result<(), String> {
        self.attach_gates_of(before, &after)?;
        if let Err(why) = self.change(before, &after) {
            if let Err(also) = self.change(&after, before) {
                error!(
                    "what was changed could not be taken back: {also}; `heartbeatctl restart` makes it whole"
                );
            }
            return Err(why);
        }
        self.go_by(after);
        Ok(())
    }

    /// A gate stands where an address is to come before it comes. One where none is left stays until the daemon
    /// stops: it holds back nothing.
    fn attach_gates_of(&mut self, before: &Plan, after: &Plan) -> Result<(), String> {
        for interface in after.gated().difference(&before.gated()) {
            let attached = self.relink.attach_gate(interface);
            attached.map_err(|failure| failure.to_string())?;
        }
        Ok(())
    }

    /// The gate first: it shuts for what leaves and guards what comes; then the keys, so that what this node signs is
    /// what it accepts; then the pulse and the addresses; then the gate forgets what has left.
    fn change(&self, from: &Plan, to: &Plan) -> Result<(), String> {
        let datapath = &self.relink.datapath;
        let (before, after) = (from.guarded(), to.guarded());
        if before != after {
            let both = while_changing(&before, &after);
            datapath.guard(&both).map_err(|error| error.to_string())?;
        }
        if from.config.keys != to.config.keys {
            let keys = to.frame_keys();
            datapath.keys(keys).map_err(|error| error.to_string())?;
        }
        if from.config.members != to.config.members {
            let members = to.kernel_members();
            (datapath.members(&members)).map_err(|error| error.to_string())?;
        }
        self.change_pulse(from, to)?;
        if before != after {
            datapath.guard(&after).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn change_pulse(&self, from: &Plan, to: &Plan) -> Result<(), String> {
        let (change, changed) = change_of_addresses(from, to).unzip();
        let (offer, offered) = offer(Reconfigure {
            core: Box::new(to.for_core()),
            addresses_wait: watched::addresses_wait(to),
            addresses: addresses(to.carried()),
            leased: leased(to),
            key: to.frame_keys().slots[0],
            envelope: wiring::envelope(to, self.relink.incarnation),
            members: (to.connections())
                .map(|(network, _)| (network, wiring::others(to, network).collect()))
                .collect(),
            change,
        });
        self.pulse.send(PulseOrder::Reconfigure(offer))?;
        offered.wait()?;
        changed.map_or(Ok(()), |changed| wait_for_hands(&changed))
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
        let settle = alarms::settle(&plan);
        self.alarms.change(plan.config.alarms.clone(), settle);
        self.fence.change(&plan);
        let envelope = wiring::envelope(&plan, self.relink.incarnation);
        let members = |network| wiring::others(&plan, network).collect();
        self.relink.tellers.go_by(&envelope, members);
        self.around.set(plan.surroundings());
        self.peers.go_by(linked::membership(&plan));
        self.relink.plan = plan.clone();
        self.page.go_by(plan.page());
        self.exporter.go_by(plan.exported());
        self.current.set(plan);
    }
}

/// What the hands are to do, and where they answer; `None` where the addresses here stay.
fn change_of_addresses(from: &Plan, to: &Plan) -> Option<(Box<Change>, Changed)> {
    let carried = |plan: &Plan| (plan.carried(), plan.own_addresses(), plan.leased());
    if carried(from) == carried(to) {
        return None;
    }
    let (done, changed) = sync_channel(1);
    let change = Change {
        masters: addresses(to.carried()),
        own: addresses(to.own_addresses()),
        leased: leased(to),
        interfaces: to.gated().into_iter().collect(),
        done,
    };
    Some((Box::new(change), changed))
}

fn wait_for_hands(changed: &Changed) -> Result<(), String> {
    match changed.recv_timeout(HANDS_ANSWER) {
        Ok(outcome) => outcome.map_err(|failure| failure.to_string()),
        Err(RecvTimeoutError::Timeout) => Err(format!(
            "the hands did not move the addresses within {} s: the kernel's lock of interfaces is held",
            HANDS_ANSWER.as_secs()
        )),
        Err(RecvTimeoutError::Disconnected) => Err("the hands have ended".to_owned()),
    }
}
