//! `[cluster]`: its name, and who elects.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use heartbeat_core::Slot;
use heartbeat_wire::maps::MAX_ELECTORS;
use toml::Spanned;

use super::is_name;
use crate::config::Mode;
use crate::config::fault::Fault;
use crate::config::file::{Cluster, Member};

/// Longest name of a cluster, in bytes.
const MAX_NAME_LEN: usize = 32;

/// The cluster's name. It names the pin folder too, and the BPF file system takes no dots.
pub(super) fn name(cluster: &Cluster, faults: &mut Vec<Fault>) -> Option<String> {
    let name = cluster.name.as_ref()?;
    if is_name(name.get_ref(), MAX_NAME_LEN, &['-', '_']) {
        return Some(name.get_ref().clone());
    }
    faults.push(Fault::new(
        name.span(),
        "this cannot be a cluster's name",
        format!(
            "use 1 to {MAX_NAME_LEN} letters (a-z, A-Z), digits, - and _, beginning with a letter or digit"
        ),
    ));
    None
}

/// The electors' slots, ascending: those listed, else the lowest nine members.
pub(super) fn electors(
    cluster: &Cluster,
    members: &[Member],
    faults: &mut Vec<Fault>,
) -> Option<Vec<Slot>> {
    let (electors, at) = match &cluster.electors {
        Some(list) => {
            listed(list, members, faults);
            let slots = list.get_ref().iter().map(|slot| *slot.get_ref());
            (slots.collect::<BTreeSet<_>>(), list.span())
        }
        None => (lowest(members), mode_span(cluster)),
    };
    // A slot that could not be read, or is used twice, would make every sentence below a guess.
    let slots: BTreeSet<Slot> = members.iter().filter_map(slot_of).collect();
    if slots.len() != members.len() {
        return None;
    }
    match cluster.mode.as_ref().map(Spanned::get_ref) {
        Some(Mode::Pair) => both(cluster, members, &at, faults),
        Some(Mode::Quorum) | None => enough(&electors, &at, faults),
    }
    somebody_can_be_master(&electors, members, &at, faults);
    idle_witnesses(&electors, members, faults);
    Some(electors.into_iter().collect())
}

fn mode_span(cluster: &Cluster) -> Range<usize> {
    cluster
        .mode
        .as_ref()
        .map_or_else(|| cluster.at.clone(), Spanned::span)
}

fn lowest(members: &[Member]) -> BTreeSet<Slot> {
    let slots: BTreeSet<Slot> = members.iter().filter_map(slot_of).collect();
    slots.into_iter().take(MAX_ELECTORS).collect()
}

fn slot_of(member: &Member) -> Option<Slot> {
    member.slot.as_ref().map(|slot| *slot.get_ref())
}

fn listed(list: &Spanned<Vec<Spanned<u16>>>, members: &[Member], faults: &mut Vec<Fault>) {
    let known: Option<BTreeSet<Slot>> = members.iter().map(slot_of).collect();
    let mut seen = BTreeMap::new();
    for elector in list.get_ref() {
        let slot = *elector.get_ref();
        if known.as_ref().is_some_and(|known| !known.contains(&slot)) {
            let cause = format!("elector {slot} is no member");
            let cure = "list slots of members only, or add the [[member]]";
            faults.push(Fault::new(elector.span(), cause, cure));
        }
        if let Some(first) = seen.insert(slot, elector.span()) {
            let cause = format!("elector {slot} is listed twice");
            let fault = Fault::new(elector.span(), cause, "list each elector once");
            faults.push(fault.also(first, "first here"));
        }
    }
}

fn enough(electors: &BTreeSet<Slot>, at: &Range<usize>, faults: &mut Vec<Fault>) {
    let (cause, cure) = match electors.len() {
        0 | 1 => (
            "quorum needs three electors: with fewer there is no majority to lose",
            "add members until there are three; a small machine with witness = true is enough for one of them",
        ),
        2 => (
            "quorum with two electors would stop at the loss of either one",
            "add a witness: a third [[member]] with witness = true, which only votes; the other way for two \
             machines is the pair method: mode = \"pair\"",
        ),
        3..=MAX_ELECTORS => return,
        _ => (
            "more than 9 electors",
            "list at most 9; the other members are watched and follow without a vote",
        ),
    };
    faults.push(Fault::new(at.clone(), cause, cure));
}

/// Of a pair both members elect, and there is nobody else.
fn both(cluster: &Cluster, members: &[Member], at: &Range<usize>, faults: &mut Vec<Fault>) {
    if members.len() != 2 {
        let cause = format!("a pair is two members, and here are {}", members.len());
        let cure = "write mode = \"quorum\" for three and more, or leave two [[member]] tables";
        faults.push(Fault::new(at.clone(), cause, cure));
    }
    if let Some(witness) = members.iter().find(|member| member.witness) {
        let cause = "a witness in a pair: nobody would be left to follow the only master";
        let cure =
            "write mode = \"quorum\" and a third member beside it, or take witness = true out";
        faults.push(Fault::new(witness.at.clone(), cause, cure));
    }
    if let Some(list) = &cluster.electors {
        let cause = "electors of a pair are both its members";
        faults.push(Fault::new(list.span(), cause, "take the key out"));
    }
}

fn somebody_can_be_master(
    electors: &BTreeSet<Slot>,
    members: &[Member],
    at: &Range<usize>,
    faults: &mut Vec<Fault>,
) {
    let can = |member: &Member| {
        !member.witness && slot_of(member).is_some_and(|slot| electors.contains(&slot))
    };
    if !electors.is_empty() && !members.iter().any(can) {
        let cause = "every elector is a witness: nobody could become master";
        let cure = "take witness = true away from the members that may serve";
        faults.push(Fault::new(at.clone(), cause, cure));
    }
}

fn idle_witnesses(electors: &BTreeSet<Slot>, members: &[Member], faults: &mut Vec<Fault>) {
    for member in members.iter().filter(|member| member.witness) {
        let Some(slot) = &member.slot else { continue };
        if !electors.contains(slot.get_ref()) {
            let cause = format!(
                "witness {} is no elector, so it has nothing to do",
                slot.get_ref()
            );
            let cure = "list it in electors of [cluster], or give it one of the lowest 9 slots";
            faults.push(Fault::new(slot.span(), cause, cure));
        }
    }
}
