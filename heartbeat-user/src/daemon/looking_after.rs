//! Looking after what hangs on interfaces: other programs that set interfaces up delete what they do not know.
//!
//! A node that a switch no longer sends the group to is deaf, and a gate that hangs on a qdisc goes with it.

use tracing::{error, warn};

use super::relink::Relink;

impl Relink {
    /// Puts back what is missing, and says so.
    pub(super) fn look_after_what_is_there(&mut self) {
        self.look_after_membership();
        self.look_after_gates();
    }

    fn look_after_membership(&mut self) {
        // An interface that is gone, or that the kernel refuses, is told of elsewhere.
        let Ok(management) = self.netlink.link(&self.plan.management().interface) else {
            return;
        };
        if self.facts.mode(&management.name).is_some()
            && self.join(&management).is_ok_and(|is_new| is_new)
        {
            warn!(
                interface = management.name,
                group = ?self.plan.config.group,
                "the multicast group's address was missing and was added again: somebody else deletes it"
            );
        }
    }

    /// Interfaces that are gone or not in use yet are attached again elsewhere.
    fn look_after_gates(&mut self) {
        for interface in self.plan.gated() {
            let both = self.with_parent(&interface);
            if self.again.interfaces.contains(&interface)
                || both.iter().all(|it| self.datapath.is_gated(it))
                || self.netlink.link(&interface).is_err()
            {
                continue;
            }
            match self.attach_gate(&interface) {
                Ok(()) => warn!(
                    interface,
                    "the gate was missing and was attached again: somebody else removes it"
                ),
                Err(failure) => {
                    error!(interface, %failure, "the gate is missing and cannot be attached");
                }
            }
        }
    }
}
