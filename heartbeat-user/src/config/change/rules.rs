//! When a change comes into force in another way than its key usually does.

use super::{Effect, Seen};

const ROTATION: &str = "a key is replaced in three steps, each on every node: the new one below the old one, above \
                        it, and the old one taken out";

/// A node goes on being heard only if what signs before and after is accepted before and after: the others still
/// go by the step before, or by this one already.
pub(super) fn key_file(seen: &Seen<'_>) -> Option<Effect> {
    let (from, to) = (seen.from?, seen.to?);
    let keys = |text: &str| text.split(", ").map(str::to_owned).collect::<Vec<_>>();
    let (from, to) = (keys(from), keys(to));
    let goes_on = to.contains(&from[0]) && from.contains(&to[0]);
    (!goes_on).then_some(Effect::Steps(ROTATION))
}

/// An address that comes or goes follows whom the file says.
pub(super) fn virtual_address(seen: &Seen<'_>) -> Option<Effect> {
    (seen.from.is_none() || seen.to.is_none()).then_some(Effect::Reload)
}

/// How another member names its own interface is its own matter.
pub(super) fn connection(seen: &Seen<'_>) -> Option<Effect> {
    let is_own = seen.entry == format!("slot {}", seen.node.slot);
    let address = |text: &str| text.split(' ').next().map(str::to_owned);
    let is_same = address(seen.from?) == address(seen.to?);
    (is_same && !is_own).then_some(Effect::Reload)
}
