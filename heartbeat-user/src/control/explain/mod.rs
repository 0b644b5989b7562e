//! Why this node is or is not master, and what would change it: sentences made of the facts in its status.

mod addresses;
mod chance;
mod watched;

use heartbeat_core::Slot;

use super::alarm::Alarm;
use super::human::{duration, list};
use super::snapshot::{MemberStatus, Status};
use super::words::{Answering, Guarantee, Role};
use addresses::addresses;
use chance::{abstention, needed_votes, own_chance};
use watched::watched;

/// Full sentences, the most important first.
#[must_use]
pub fn explain(status: &Status) -> Vec<String> {
    let mut sentences = vec![who(status)];
    sentences.extend(match status.role {
        Role::Master => master(status),
        Role::Slave => follower(status),
        Role::Candidate => candidate(status),
        Role::Init => init(status),
        Role::Witness => witness(status),
        Role::IsMaster => is_master(status),
        Role::BattleMaster => battle_master(status),
    });
    sentences.extend(addresses(status));
    sentences.extend(watched(status));
    if status.degraded {
        sentences.push(
            "Degraded: the management network does not carry a majority's answers, so the probes go by the business \
             network. It ends by itself as soon as the management network answers."
                .to_owned(),
        );
    }
    if let Some(first) = &status.first_master {
        let who = capital(&status.describe(first.first_master));
        sentences.push(format!("{who}, the master before, {}.", first.words()));
    }
    sentences.extend(missing_electors(status));
    sentences.extend(status.members.iter().filter_map(|it| diagnosed(status, it)));
    sentences.extend(status.alarms.iter().map(alarm));
    sentences.extend(
        status
            .warnings
            .iter()
            .map(|warning| format!("Warning: {warning}.")),
    );
    sentences
}

/// Why a member is diagnosed as it is, and since when; what to do says its alarm.
fn diagnosed(status: &Status, member: &MemberStatus) -> Option<String> {
    let (who, what) = (
        capital(&status.describe(member.slot)),
        member.diagnosis.as_str(),
    );
    let since = (member.since.as_ref()).map_or_else(String::new, |at| format!(" since {at}"));
    let told = if member.told_at.is_some() {
        ", as its master tells"
    } else {
        ""
    };
    Some(format!(
        "{who} is {what}{since}{told}: {}.",
        member.cause.as_ref()?
    ))
}

fn alarm(alarm: &Alarm) -> String {
    let since = (alarm.age_us).map_or_else(String::new, |age| format!(", for {}", duration(age)));
    let (name, text, cure) = (alarm.name.as_str(), &alarm.text, &alarm.cure);
    format!("Alarm {name}{since}: {text}. What to do: {cure}.")
}

fn who(status: &Status) -> String {
    format!(
        "This node, {} of cluster {}, has been {} for {}: {}.",
        status.describe(status.slot),
        status.cluster,
        status.role.as_str(),
        duration(status.role_age_us),
        status.reason
    )
}

fn master(status: &Status) -> Vec<String> {
    let mut sentences = Vec::new();
    let lease = status.lease_remaining_us.unwrap_or(0);
    if lease == 0 {
        sentences.push(
            "Its lease is over: the gate is shut, and it steps down as soon as its pulse runs."
                .to_owned(),
        );
    } else if status.guarantee == Guarantee::Forced {
        sentences.push(format!(
            "It holds a forced lease for {} more, and renews it by itself: no majority keeps a second master away, the \
             operator who forced it does. When {} of the {} electors grant again it is an ordinary one.",
            duration(lease),
            status.majority,
            status.electors.len()
        ));
        return sentences;
    } else if matches!(status.guarantee, Guarantee::Evidence | Guarantee::Fenced) {
        sentences.push(format!(
            "It holds the lease for {} more. Its peer is silent, and the evidence against the peer renews it: with \
             `fenced` a fence command stopped the peer, with `evidence` the reference answers this node.",
            duration(lease)
        ));
    } else {
        sentences.push(format!(
            "It holds the lease for {} more, and every probe that {} of the {} electors answer (itself included) renews it.",
            duration(lease),
            status.majority,
            status.electors.len()
        ));
    }
    sentences.push(format!(
        "It gives mastership up when fewer than {} electors answer for one lease ({}), on `heartbeatctl switchover`, on \
         `heartbeatctl maintenance on`, or when its daemon is told to stop.",
        status.majority,
        duration(status.lease_us)
    ));
    sentences.push(match status.successor_slot {
        Some(slot) => format!("If it is lost, {} follows.", status.describe(slot)),
        None => "If it were lost, nobody could follow: no other member is healthy and eligible."
            .to_owned(),
    });
    sentences
}

fn follower(status: &Status) -> Vec<String> {
    let mut sentences = Vec::new();
    match status.master_slot {
        Some(master) => {
            sentences.push(format!(
                "It is not master because {} is, in round {}.",
                status.describe(master),
                status.epoch.round
            ));
            sentences.extend(grant(status));
            sentences.push(place_in_succession(status, master));
        }
        None => {
            sentences.push(format!(
                "No master is known: this node is orphaned. {}",
                needed_votes(status)
            ));
            sentences.extend(grant(status));
        }
    }
    sentences.extend(own_chance(status));
    sentences
}

fn candidate(status: &Status) -> Vec<String> {
    let mut sentences = vec![format!(
        "It asks the electors whether they would vote for it, and then for their votes. {}",
        needed_votes(status)
    )];
    sentences.extend(own_chance(status));
    sentences
}

fn init(status: &Status) -> Vec<String> {
    let mut sentences = vec![format!(
        "It has just started and listens for a master's probe for one grant ({}) before it stands itself.",
        duration(status.lease_us)
    )];
    sentences.extend(own_chance(status));
    sentences
}

fn is_master(status: &Status) -> Vec<String> {
    let mut sentences = vec![
        "It was the last master of this pair as far as it knows, and asks its peer: a slave's vote makes it master, and \
         so does a silent peer once the evidence against that is complete."
            .to_owned(),
    ];
    sentences.extend(own_chance(status));
    sentences
}

fn battle_master(status: &Status) -> Vec<String> {
    let mut sentences = vec![
        "Neither node of this pair is master. They compare when each was active as master: the later one asks for the \
         other's vote."
            .to_owned(),
    ];
    sentences.extend(own_chance(status));
    sentences
}

fn witness(status: &Status) -> Vec<String> {
    let mut sentences = vec![
        "A witness answers and votes, and never becomes master; only the configuration could change that."
            .to_owned(),
    ];
    match status.master_slot {
        Some(master) => sentences.push(format!(
            "{} is master, in round {}.",
            capital(&status.describe(master)),
            status.epoch.round
        )),
        None => sentences.push(format!("No master is known. {}", needed_votes(status))),
    }
    sentences.extend(grant(status));
    sentences.extend(abstention(status));
    sentences
}

fn grant(status: &Status) -> Option<String> {
    let left = duration(status.grant_remaining_us?);
    Some(format!(
        "Its own grant runs for {left} more: until then it votes for nobody else."
    ))
}

fn place_in_succession(status: &Status, master: Slot) -> String {
    match status.successor_slot {
        Some(slot) if slot == status.slot => format!(
            "It is the successor: when no probe of {} comes for one grant ({}), it asks for votes at once.",
            status.describe(master),
            duration(status.lease_us)
        ),
        Some(slot) => format!(
            "If that master is lost, {} follows; this node stands only if that one fails too.",
            status.describe(slot)
        ),
        None => {
            "The master names no successor: it sees no other member that is healthy and eligible."
                .to_owned()
        }
    }
}

/// Electors that are known not to answer: what an operator can change.
fn missing_electors(status: &Status) -> Option<String> {
    let missing: Vec<String> = status
        .members
        .iter()
        .filter(|member| member.elector && member.answering == Some(Answering::Missing))
        .map(|member| {
            format!(
                "{} ({})",
                status.describe(member.slot),
                member.diagnosis.as_str()
            )
        })
        .collect();
    if missing.is_empty() {
        return None;
    }
    Some(format!("These electors do not answer: {}.", list(&missing)))
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
