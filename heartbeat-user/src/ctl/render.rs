//! Status and maps as a person reads them.

use super::names::Names;
use super::table::table;
use super::watched::{hooks, services};
use crate::control::human::duration;
use crate::control::{
    Alarm, Bearer, Datapath, Diagnosis, MemberStatus, PinnedMap, Status, VerifiedStatus,
    VirtualAddressStatus,
};

/// Most members that are shown in full, and of a larger cluster most that are not healthy.
const MOST_MEMBERS: usize = 64;

/// The whole picture on one screen.
pub(super) fn status(status: &Status) -> String {
    let names = Names::of(status);
    let mut text = head(status, &names);
    text += "\n";
    text += &members(status);
    if !status.virtual_addresses.is_empty() {
        text += "\n";
        text += &addresses(&status.virtual_addresses, &names);
        for entry in &status.virtual_addresses {
            text += &bearer(status, entry);
        }
    }
    if !status.services.is_empty() {
        text += "\n";
        text += &services(&status.services);
    }
    if !status.hooks.is_empty() {
        text += "\n";
        text += &hooks(&status.hooks, &names);
    }
    text += "\n";
    text += &answers(status);
    if let Some(first) = &status.first_master {
        text += &format!(
            "the master before, {}, {}\n",
            status.describe(first.first_master),
            first.words()
        );
    }
    for member in &status.members {
        if let Some(cause) = &member.cause {
            let (who, what) = (status.describe(member.slot), member.diagnosis.as_str());
            let told = (member.told_at.as_ref()).map_or_else(String::new, |at| {
                format!(" (told by the master, which found that at {at})")
            });
            text += &format!("{who} is {what}: {cause}{told}\n");
        }
    }
    for alarm in &status.alarms {
        text += &format!(
            "alarm {}{}: {}; do: {}\n",
            alarm.name.as_str(),
            age(alarm),
            alarm.text,
            alarm.cure
        );
    }
    for warning in &status.warnings {
        text += &format!("warning: {warning}\n");
    }
    text
}

fn age(alarm: &Alarm) -> String {
    (alarm.age_us).map_or_else(String::new, |age| format!(" for {}", duration(age)))
}

/// Where heartbeats are answered, and where they should be and are not.
fn answers(status: &Status) -> String {
    let place = |datapath: &Datapath| format!("{} ({})", datapath.interface, datapath.mode);
    match (&status.datapath, &status.business_datapath) {
        (Some(management), Some(business)) if management != business => {
            format!(
                "answers in the kernel on {} and {}\n",
                place(management),
                place(business)
            )
        }
        (Some(management), Some(_) | None) => {
            format!("answers in the kernel on {}\n", place(management))
        }
        (None, Some(business)) => format!(
            "answers in the kernel on {} only: the management interface is not there or not up\n",
            place(business)
        ),
        (None, None) => {
            "answers nothing: the management interface is not there or not up\n".to_owned()
        }
    }
}

fn head(status: &Status, names: &Names) -> String {
    let own = status.describe(status.slot);
    let mut text = format!(
        "cluster    {} (heartbeatd {})\nthis node  {own}, {} for {}: {}\n",
        status.cluster,
        status.version,
        status.role.as_str(),
        duration(status.role_age_us),
        names.beside(&status.reason)
    );
    text += &match status.master_slot {
        Some(slot) => format!(
            "master     {} in round {}{}\n",
            status.describe(slot),
            status.epoch.round,
            lease(status)
        ),
        None => "master     none is known\n".to_owned(),
    };
    text += &match status.successor_slot {
        Some(slot) => format!("successor  {}\n", status.describe(slot)),
        None => "successor  none\n".to_owned(),
    };
    text += &format!(
        "guarantee  {}: {} of {} electors answer, {} are needed{}\n",
        status.guarantee.as_str(),
        status.electors_answering,
        status.electors.len(),
        status.majority,
        if status.degraded {
            "; degraded: by the business network"
        } else {
            ""
        }
    );
    text + &standing(status)
}

fn lease(status: &Status) -> String {
    status.lease_remaining_us.map_or_else(String::new, |left| {
        format!(", lease {} more", duration(left))
    })
}

/// What keeps this node from becoming master, if anything does.
fn standing(status: &Status) -> String {
    let mut text = String::new();
    if status.maintenance {
        text += "           in maintenance: `heartbeatctl maintenance off` ends it\n";
    }
    if let Some(left) = status.abstaining_for_us {
        text += &format!(
            "           neither votes nor grants for {} more\n",
            duration(left)
        );
    }
    if let Some(why) = status.not_electable {
        text += &format!("           not electable: {}\n", why.as_str());
    }
    text
}

fn members(status: &Status) -> String {
    let row = |member: &MemberStatus| {
        let mark = if Some(member.slot) == status.master_slot {
            "*"
        } else {
            ""
        };
        [
            mark.to_owned(),
            member.slot.to_string(),
            member.name.clone(),
            member.address.to_string(),
            member.role.as_str().to_owned(),
            if member.elector { "yes" } else { "no" }.to_owned(),
            or_dash(
                member
                    .answering
                    .map(|answering| answering.as_str().to_owned()),
            ),
            member.diagnosis.as_str().to_owned(),
            or_dash(member.rtt_us.map(duration)),
            or_dash(member.last_reply_age_us.map(duration)),
        ]
    };
    let (shown, left_out) = worth_showing(status);
    let rows: Vec<_> = shown.into_iter().map(row).collect();
    let heads = [
        " ",
        "SLOT",
        "NAME",
        "ADDRESS",
        "ROLE",
        "ELECTOR",
        "ANSWERING",
        "DIAGNOSIS",
        "ROUND TRIP",
        "LAST HEARD",
    ];
    table(heads, &rows) + &left_out
}

/// Of a cluster that fits on a screen all members; of a larger one the electors and, of the others, the first ones that
/// are not healthy. And a line about those that are left out, if any are.
fn worth_showing(status: &Status) -> (Vec<&MemberStatus>, String) {
    if status.members.len() <= MOST_MEMBERS {
        return (status.members.iter().collect(), String::new());
    }
    let is_well = |member: &&MemberStatus| member.diagnosis == Diagnosis::Healthy;
    let (electors, others): (Vec<_>, Vec<_>) =
        status.members.iter().partition(|member| member.elector);
    let (well, unwell): (Vec<_>, Vec<_>) = others.into_iter().partition(is_well);
    let shown = unwell.len().min(MOST_MEMBERS);
    let left_out = format!(
        "and {} healthy members that are no electors, and {} others: `heartbeatctl status --json` has all\n",
        well.len(),
        unwell.len() - shown
    );
    let mut rows = electors;
    rows.extend(&unwell[..shown]);
    rows.sort_by_key(|member| member.slot);
    (rows, left_out)
}

fn addresses(addresses: &[VirtualAddressStatus], names: &Names) -> String {
    let row = |entry: &VirtualAddressStatus| {
        [
            entry.address.to_string(),
            or_dash(entry.interface.clone()),
            match (entry.follows_slot, entry.slot_lease) {
                (None, _) => "master".to_owned(),
                (Some(slot), None) => names.beside(&format!("slot {slot}")),
                (Some(slot), Some(_)) => names.beside(&format!("slot {slot}, else master")),
            },
            here(entry),
            if entry.gate_open { "open" } else { "shut" }.to_owned(),
            or_dash(
                entry
                    .verified
                    .as_ref()
                    .and_then(verified)
                    .map(|by| names.beside(&by)),
            ),
        ]
    };
    let rows: Vec<_> = addresses.iter().map(row).collect();
    table(
        [
            "VIRTUAL ADDRESS",
            "INTERFACE",
            "FOLLOWS",
            "HERE",
            "GATE",
            "VERIFIED",
        ],
        &rows,
    )
}

/// Whether it is here, and since when if this node took it over.
fn here(entry: &VirtualAddressStatus) -> String {
    let taken_over = entry.slot_lease.and_then(|lease| lease.taken_over_us);
    match (entry.held, taken_over) {
        (true, Some(since_us)) => format!("taken over {} ago", duration(since_us)),
        (true, None) => "yes".to_owned(),
        (false, _) => "no".to_owned(),
    }
}

/// Who bears an address that goes by its slot's lease, in a line; nothing of any other.
fn bearer(status: &Status, entry: &VirtualAddressStatus) -> String {
    let (Some(slot), Some(lease)) = (entry.follows_slot, entry.slot_lease) else {
        return String::new();
    };
    let (address, owner) = (entry.address, status.describe(slot));
    let left = lease.left_us.map(duration);
    match (lease.bearer, left) {
        (Some(Bearer::Slot), left) => {
            format!(
                "{address} is borne by {owner} itself, whose lease lasts {} more\n",
                or_dash(left)
            )
        }
        (Some(Bearer::Master), _) => {
            let master = (status.master_slot).map_or_else(String::new, |it| status.describe(it));
            format!("{address} is borne by the master, {master}, in place of {owner}\n")
        }
        (Some(Bearer::Nobody), _) => {
            format!("{address} is borne by nobody: the lease of {owner} is over\n")
        }
        (None, Some(left)) => format!(
            "who bears {address} is not known yet: a lease that {owner} has from the master before lasts {left} more at \
             most\n"
        ),
        (None, None) => {
            format!("who bears {address} is known to the master and to {owner}\n")
        }
    }
}

/// Who saw this node answer for an address, or that it did not; none until somebody looked.
fn verified(verified: &VerifiedStatus) -> Option<String> {
    let word = if verified.ours? { "by" } else { "not, says" };
    let (slot, age) = (verified.by_slot?, duration(verified.age_us?));
    Some(format!("{word} slot {slot}, {age} ago"))
}

/// Each map in two lines: what it holds, and how to see it.
pub(super) fn maps(maps: &[PinnedMap]) -> String {
    let entry = |map: &PinnedMap| format!("{}: {}\n    {}\n", map.name, map.what, map.dump);
    maps.iter().map(entry).collect()
}

pub(super) fn or_dash(cell: Option<String>) -> String {
    cell.unwrap_or_else(|| "-".to_owned())
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
