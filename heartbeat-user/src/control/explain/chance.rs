//! What it takes to become master, and what keeps this node from it.

use crate::control::human::duration;
use crate::control::snapshot::Status;
use crate::control::words::NotElectable;

/// How many electors a master needs, and how many answer here.
pub(super) fn needed_votes(status: &Status) -> String {
    let (needed, answering) = (status.majority, status.electors_answering);
    let most = format!(
        "A master needs {needed} of the {} electors, and {answering} answer this node (itself included)",
        status.electors.len()
    );
    if answering >= needed {
        format!("{most}: one can be elected as soon as the grants in force are over.")
    } else {
        format!(
            "{most}: nobody can be elected from here until {} more answer.",
            needed - answering
        )
    }
}

/// Whether this node could become master at all, and what to do if not.
pub(super) fn own_chance(status: &Status) -> Vec<String> {
    let mut sentences: Vec<String> = abstention(status).into_iter().collect();
    if let (None, Some(left)) = (status.master_slot, status.stands_in_us) {
        sentences.push(format!(
            "If no probe comes, it asks for votes itself in {}.",
            duration(left)
        ));
    }
    if status.electable {
        sentences.extend(status.master_slot.map(|master| {
            format!(
                "`heartbeatctl switchover --to {}` on {} would make it master now.",
                status.slot,
                status.describe(master)
            )
        }));
    } else if let Some(why) = status.not_electable {
        sentences.extend(not_electable(status, why));
    }
    sentences
}

/// That this node waits, after a restart without its maps.
pub(super) fn abstention(status: &Status) -> Option<String> {
    let left = duration(status.abstaining_for_us?);
    Some(format!(
        "It started without the maps of its last run, so it does not know what it granted before: it neither votes nor \
         grants for {left} more. That ends by itself."
    ))
}

fn not_electable(status: &Status, why: NotElectable) -> Option<String> {
    let (cause, cure) = match why {
        NotElectable::Witness => (
            "it is a witness",
            "only the configuration could change that",
        ),
        NotElectable::NotElector => (
            "it is no elector",
            "listing its slot in electors of [cluster] on every node would change that",
        ),
        NotElectable::Maintenance => (
            "it is in maintenance",
            "`heartbeatctl maintenance off` ends it",
        ),
        // The abstention has a sentence of its own.
        NotElectable::Abstaining => return None,
        NotElectable::ClockFault => (
            "its clock ran faster or slower than the drift guard covers",
            "`chronyc tracking` and `adjtimex --print` show who slews it",
        ),
        NotElectable::DuplicateSlot => {
            ("another machine uses its slot", "shut one of the two down")
        }
        NotElectable::ControlPort => {
            return Some(format!(
                "It could not become master now: only {} of {} electors answer its polls on the control port, and {} are \
                 needed. Look for a firewall or a dead daemon there.",
                status.electors_answering,
                status.electors.len(),
                status.majority
            ));
        }
        NotElectable::Stopping => (
            "its daemon was told to stop",
            "starting it again changes that",
        ),
        NotElectable::Service => (
            "one of its services does not work, or was not seen to work yet",
            "`heartbeatctl status` names it; it may stand again as soon as the checks succeed",
        ),
        NotElectable::NotPromoted => (
            "its hook on_promote did not succeed when it was master last",
            "cure what the hook's lines in the log say; it may stand again after `retry_after` of [hooks]",
        ),
    };
    Some(format!("It could not become master now: {cause}; {cure}."))
}
