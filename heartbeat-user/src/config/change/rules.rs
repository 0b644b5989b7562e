//! When a change comes into force in another way than its key usually does.

use heartbeat_core::Slot;

use super::{Effect, Seen};

const ROTATION: &str = "a key is replaced in three steps, each on every node: the new one below the old one, above \
                        it, and the old one taken out";

const ELECTOR: &str = "an elector leaves in two steps: take its slot out of electors and `heartbeatctl members apply` \
                       at the master; then take the member out on every node";
const ROOM: &str =
    "the kernel's maps have no room for this slot: restart the daemon, after `heartbeatctl detach`";
const LEASE: &str =
    "a pair's evidence rests on one lease for both: stop both daemons, change the file, start them";
const PLACE: &str = "sockets and an elector's grants hang on it: restart the daemons, slaves first";

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

/// Members come and go, but for who elects.
pub(super) fn membership(seen: &Seen<'_>) -> Option<Effect> {
    let slot = slot_of(seen.entry)?;
    if seen.to.is_none() && (slot == seen.node.slot || seen.node.electors.contains(&slot)) {
        return Some(Effect::Steps(ELECTOR));
    }
    (slot > seen.node.highest_slot).then_some(Effect::Restart(ROOM))
}

/// Whatever the others go by, a grant lasts as long as its question names; only a pair's evidence needs one lease on both.
pub(super) fn times(seen: &Seen<'_>) -> Option<Effect> {
    seen.in_pair.then_some(Effect::Restart(LEASE))
}

/// Others move by a reload. How they name their own interfaces is their own matter.
pub(super) fn connection(seen: &Seen<'_>) -> Option<Effect> {
    let slot = slot_of(seen.entry)?;
    let address =
        |text: Option<&str>| text.and_then(|text| text.split(' ').next().map(str::to_owned));
    let moves = address(seen.from) != address(seen.to);
    let is_own = slot == seen.node.slot;
    (is_own || (moves && seen.node.electors.contains(&slot))).then_some(Effect::Restart(PLACE))
}

fn slot_of(entry: &str) -> Option<Slot> {
    entry.strip_prefix("slot ")?.parse().ok()
}
