//! What the alarms' tests have in common.

use heartbeat_core::Slot;
use heartbeat_core::snapshot::{Alarm as Raised, Diagnosis};

use super::notice::{Identity, Reporter};
use crate::config::tests_support::three_nodes;
use crate::control::Alarm;

/// Slot 1 of the cluster of [`three_nodes`].
pub(crate) fn identity() -> Identity {
    Identity {
        cluster: three_nodes().cluster,
        reporter: Reporter {
            slot: 1,
            name: "n1".to_owned(),
        },
    }
}

/// That the member in `slot` is down, by the master's word.
pub(crate) fn member_alarm(slot: Slot) -> Alarm {
    of(Raised::Member(slot, Diagnosis::Down))
}

/// That slot 1 knows no master, by its own word.
pub(crate) fn own_alarm() -> Alarm {
    of(Raised::NoMaster)
}

fn of(raised: Raised) -> Alarm {
    Alarm::of_election(&three_nodes(), 1, raised).expect("an alarm")
}
