//! When a change comes into force in another way than its key usually does.

use super::{Effect, Seen};

/// How another member names its own interface is its own matter.
pub(super) fn connection(seen: &Seen<'_>) -> Option<Effect> {
    let is_own = seen.entry == format!("slot {}", seen.node.slot);
    let address = |text: &str| text.split(' ').next().map(str::to_owned);
    let is_same = address(seen.from?) == address(seen.to?);
    (is_same && !is_own).then_some(Effect::Reload)
}
