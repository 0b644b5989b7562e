//! Whether the business link has its carrier: what of this network a node can see by itself, and at once.

use tracing::warn;

use super::relink::Relink;
use crate::pulse::{OrderSender, PulseOrder};

impl Relink {
    /// Tells the election, if it is not as was told last. An interface that is gone has none.
    pub(super) fn tell_carrier(&mut self, pulse: &OrderSender) {
        let Some(business) = &self.plan.own().business else {
            return;
        };
        let link = self.netlink.link(&business.interface);
        let has_carrier = link.is_ok_and(|link| link.running);
        if self.told_carrier == Some(has_carrier) {
            return;
        }
        match pulse.send(PulseOrder::Carrier(has_carrier)) {
            Ok(()) => self.told_carrier = Some(has_carrier),
            // It is looked at again soon.
            Err(error) => warn!(
                error,
                "the election was not told of the business link's carrier"
            ),
        }
    }
}
