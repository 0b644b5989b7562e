//! What people are told of all that beside the outage: alarms, what became of the first masters, whose address is where.

use anyhow::Result;

use crate::lab::cluster::Cluster;
use crate::lab::settings::slot_address;

/// In some lines, one below the other.
///
/// # Errors
/// When a node does not tell its history.
pub(super) fn told(cluster: &Cluster) -> Result<String> {
    let settings = cluster.settings();
    let count = |what: &str| -> usize {
        let slots = 1..=settings.plan.nodes;
        let lines = slots.map(|slot| cluster.daemon(slot).log().matches(what).count());
        lines.sum()
    };
    let mut text = format!(
        "alarms meanwhile: {} raised, {} cleared (heartbeatctl alarms; to a webhook, Alertmanager, a command, syslog: [alarms])",
        count("alarm raised"),
        count("alarm cleared"),
    );
    for slot in 1..=settings.plan.nodes {
        let contact = cluster.daemon(slot).contact();
        let history = contact.json(&["history", "--json"])?;
        for event in history.as_array().into_iter().flatten() {
            if let (Some(first), Some(diagnosis)) =
                (event.get("first_master"), event["diagnosis"].as_str())
            {
                text += &format!(
                    "\nslot {slot} found out what became of slot {first}, the master before it: {diagnosis}"
                );
            }
        }
    }
    if settings.slot_addresses {
        for slot in 1..=settings.plan.nodes {
            text += &format!(
                "\n{} is slot {slot}'s own, whatever machine sits in it, and moves with no mastership",
                slot_address(slot)
            );
        }
    }
    Ok(text)
}
