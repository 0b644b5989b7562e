//! How the store is, for people.

use std::collections::BTreeMap;

use heartbeat_core::Slot;
use heartbeat_store::{Part, Stage, Store};

use crate::control::{HolderStatus, StoreStatus};

/// The store of a node that has it open.
pub(super) fn store(store: &Store) -> StoreStatus {
    let status = store.status();
    let missing = named(&status.stores, |part| part == Part::Silent);
    let refilling = named(&status.stores, |part| part == Part::Refilling);
    StoreStatus {
        state: status.stage.as_str().to_owned(),
        text: text(status.stage, &missing, &refilling),
        epoch: status.stamp.reign.epoch.into(),
        revision: status.stamp.revision,
        entries: status.entries,
        bytes: status.bytes,
        disk: status.trouble.map(|trouble| trouble.as_str().to_owned()),
        holders: holders(store, &status.stores),
    }
}

/// That of a node whose file cannot be opened.
pub(super) fn absent(why: Option<&str>) -> StoreStatus {
    StoreStatus {
        state: "absent".to_owned(),
        text: why.unwrap_or("its file is being opened").to_owned(),
        epoch: heartbeat_core::Epoch::NONE.into(),
        revision: 0,
        entries: 0,
        bytes: 0,
        disk: why.map(|_| "absent".to_owned()),
        holders: Vec::new(),
    }
}

fn named(
    stores: &BTreeMap<Slot, heartbeat_store::StoreStatus>,
    is_so: impl Fn(Part) -> bool,
) -> String {
    let slots = stores.iter().filter(|(_, store)| is_so(store.part));
    slots
        .map(|(slot, _)| slot.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

fn text(stage: Stage, missing: &str, refilling: &str) -> String {
    match stage {
        Stage::Following => "it keeps what the master writes".to_owned(),
        Stage::SetBack => {
            "it has less than it had: its disk was set back; it is put aside and filled anew by the master".to_owned()
        }
        Stage::Forming => format!(
            "nothing was ever stored, as far as this node knows; to be sure of it, it waits for the stores of slots {missing}"
        ),
        Stage::Promising => format!("it waits for a majority of the stores; silent: {missing}"),
        Stage::Fetching => "the newest state comes from another node".to_owned(),
        Stage::Spreading => format!("a majority does not have its state yet; silent: {missing}"),
        Stage::Serving if refilling.is_empty() => "it can be read and written".to_owned(),
        Stage::Serving => format!("it can be read and written; being filled anew: {refilling}"),
    }
}

fn holders(
    store: &Store,
    known: &BTreeMap<Slot, heartbeat_store::StoreStatus>,
) -> Vec<HolderStatus> {
    let counting = &store.stored().state.holders;
    let slots: std::collections::BTreeSet<Slot> =
        counting.keys().chain(known.keys()).copied().collect();
    let holder = |slot| {
        let known = known.get(&slot);
        HolderStatus {
            slot,
            counts: counting.contains_key(&slot),
            state: known.map(|it| match it.trouble {
                Some(trouble) => format!("disk {}", trouble.as_str()),
                None => it.part.as_str().to_owned(),
            }),
            behind: known.and_then(|it| it.lags),
        }
    };
    slots.into_iter().map(holder).collect()
}
