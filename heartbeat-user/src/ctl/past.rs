//! History as a person reads it.

use super::names::Names;
use super::render::or_dash;
use super::table::table;
use crate::control::human::duration;
use crate::control::{
    Event, FirstMaster, HistoryEntry, HookStatus, ServiceEvent, SlotChange, SlotEvent,
};

/// One line an event; a promotion's has what its steps cost.
pub(super) fn history(events: &[Event], names: &Names) -> String {
    if events.is_empty() {
        return "nothing happened so far\n".to_owned();
    }
    let row = |event: &Event| match event {
        Event::Role(change) => role(change),
        Event::Service(event) => service(event),
        Event::Hook(run) => hook(run),
        Event::FirstMaster(found) => first_master(found),
        Event::Slot(event) => slot(event),
    };
    let named = |event: &Event| row(event).map(|cell| names.beside(&cell));
    let rows: Vec<_> = events.iter().map(named).collect();
    table(
        [
            "WHEN (UTC)",
            "WHAT",
            "FROM",
            "TO",
            "ROUND/SLOT",
            "LASTED",
            "WHY",
        ],
        &rows,
    )
}

fn role(change: &HistoryEntry) -> [String; 7] {
    [
        change.at.clone(),
        "role".to_owned(),
        change.from.as_str().to_owned(),
        change.to.as_str().to_owned(),
        format!("{}/{}", change.epoch.round, change.epoch.slot),
        duration(change.duration_us),
        change.reason.clone() + &takeover(change),
    ]
}

fn service(event: &ServiceEvent) -> [String; 7] {
    [
        event.at.clone(),
        format!("service {}", event.service),
        event.from.as_str().to_owned(),
        event.to.as_str().to_owned(),
        "-".to_owned(),
        duration(event.duration_us),
        event.reason.clone(),
    ]
}

fn slot(event: &SlotEvent) -> [String; 7] {
    let dash = || "-".to_owned();
    [
        event.at.clone(),
        format!("slot {}'s addresses", event.slot_addresses),
        dash(),
        event.change.as_str().to_owned(),
        dash(),
        dash(),
        match event.change {
            SlotChange::LeaseHeld => "the master granted the slot's lease",
            SlotChange::LeaseOver => "the slot's lease ended without the master granting more",
            SlotChange::TakenOver => "the slot's lease is over: its machine asks for no more",
            SlotChange::GivenBack => "the slot's machine asked for them",
        }
        .to_owned(),
    ]
}

/// A hook's wait for its token that is worth a word, in microseconds.
const LONG_WAIT_US: u64 = 100_000;

fn hook(run: &HookStatus) -> [String; 7] {
    let fault = run.fault.as_ref().map(|fault| format!("{fault}: "));
    let waited = run.waited_us.filter(|us| *us >= LONG_WAIT_US);
    let waited = waited.map(|us| {
        format!(
            " (waited {} for a majority's disks to have its token)",
            duration(us)
        )
    });
    [
        run.at.clone(),
        run.hook.clone(),
        "-".to_owned(),
        run.state.as_str().to_owned(),
        format!("{}/{}", run.epoch.round, run.epoch.slot),
        run.took_us.map_or_else(|| "-".to_owned(), duration),
        fault.unwrap_or_default() + &run.reason + &waited.unwrap_or_default(),
    ]
}

fn first_master(found: &FirstMaster) -> [String; 7] {
    [
        found.at.clone(),
        format!("first master, slot {}", found.first_master),
        "-".to_owned(),
        found.diagnosis.as_str().to_owned(),
        format!("{}/{}", found.epoch.round, found.epoch.slot),
        duration(found.after_us),
        or_dash(found.cause.clone()),
    ]
}

/// The steps after the first that is known, each with the time since the one before.
fn takeover(entry: &HistoryEntry) -> String {
    let Some(stamps) = &entry.takeover else {
        return String::new();
    };
    let mut steps = Vec::new();
    let mut before = None;
    for (name, at) in stamps.steps() {
        let Some(at) = at else { continue };
        match before {
            Some(before) => {
                let passed = at.saturating_sub(before) / 1_000;
                steps.push(format!("{name} +{}", duration(passed)));
            }
            None => steps.push(name.to_owned()),
        }
        before = Some(at);
    }
    format!(" ({})", steps.join(", "))
}
