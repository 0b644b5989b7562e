//! Whether the network forwards the heartbeats' multicast group: only another node's daemon can show it.

use std::net::IpAddr;

use super::{Finding, Patient};
use crate::control::Status;

const SUBJECT: &str = "multicast";
/// So many leases ago another member was heard, at most: in one degraded moment it is not.
const LEASES: u64 = 3;

pub(super) fn look(patient: &Patient<'_>, status: Option<&Status>) -> Option<Finding> {
    let group = patient.config.group?;
    Some(match status {
        Some(status) => judge(group, others(status), status.degraded),
        None => judge(group, 0, false),
    })
}

/// Who answered this node's probes of late, or sent one that it heard: both go to the group.
fn others(status: &Status) -> usize {
    let of_late = status.lease_us * LEASES;
    let members = status.members.iter();
    members
        .filter(|it| {
            it.slot != status.slot && it.last_reply_age_us.is_some_and(|age| age < of_late)
        })
        .count()
}

fn judge(group: IpAddr, others: usize, degraded: bool) -> Finding {
    if others == 0 || degraded {
        Finding::note(
            SUBJECT,
            format!(
                "unknown: whether the switch forwards {group} shows only where a second node's daemon is heard by it, and \
                 none is"
            ),
        )
    } else {
        Finding::good(
            SUBJECT,
            format!("{group} is forwarded: {others} other members were heard by it a moment ago"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::Weight;
    use super::*;

    #[test]
    fn alone_nothing_is_known_of_the_switch() {
        let group: IpAddr = [239, 192, 7, 1].into();
        let alone = judge(group, 0, false);
        assert_eq!(alone.weight, Weight::Note);
        assert!(alone.text.contains("unknown"), "{alone:?}");
        assert_eq!(judge(group, 2, false).weight, Weight::Good);
        assert_eq!(
            judge(group, 2, true).weight,
            Weight::Note,
            "by the business network"
        );
    }
}
