//! The scribe: takes the pulse's notes, and does what may wait for a disk or a lock: the log, the
//! history, the saved epoch, interfaces that came back.

use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{self, Duration, SystemTime};

use heartbeat_core::snapshot::{Alarm, Diagnosis, Reason, Role};
use heartbeat_core::{ElectorRecord, Epoch, Instant, Slot};
use tracing::{debug, error, info, warn};

use super::alarms;
use super::chronicle::Chronicle;
use super::current::Current;
use super::differing::Differing;
use super::dynamic;
use super::fence::Fencing;
use super::first_master::Inquiry;
use super::handing::Begun;
use super::happened::Happenings;
use super::history::{History, tell_unwritten};
use super::last_run;
use super::manager::Manager;
use super::relink::Relink;
use super::reload::Tally;
use crate::alarm::{Alarms, Told};
use crate::control::{
    Alarm as Shown, Event, HistoryEntry, SlotChange, SlotEvent, TakeoverStamps, rfc3339,
};
use crate::floor::Floors;
use crate::hands::Report;
use crate::hook::{Hooks, RoleChange};
use crate::monitor::Standing;
use crate::peer::Peers;
use crate::pulse::{Ending, Note, Notes, OrderSender, PulseOrder, Stamps};
use crate::state::StateFolder;
use crate::store::Info;
use crate::takeover::Around;
use crate::web::{Exporter, Page};

/// What the scribe works with.
pub(super) struct Scribe {
    pub(super) slot: Slot,
    pub(super) state: StateFolder,
    pub(super) history: Arc<Mutex<History>>,
    pub(super) relink: Relink,
    /// The watch over the services, which goes by this node's role.
    pub(super) standing: Option<Standing>,
    /// What is run when this node's role changes.
    pub(super) hooks: Option<Hooks>,
    /// Who brings alarms to people.
    pub(super) alarms: Alarms,
    /// Who finds out what became of the master before this node; nobody on a witness.
    pub(super) inquiry: Option<Inquiry>,
    /// What this daemon was started by.
    pub(super) manager: Manager,
    pub(super) pulse: OrderSender,
    pub(super) fence: Fencing,
    /// The configuration file, and what of it is in force.
    pub(super) file: PathBuf,
    pub(super) current: Current,
    pub(super) reloads: Tally,
    /// The takeover thread's part of it.
    pub(super) around: Around,
    /// What is written into it while this node is master.
    pub(super) chronicle: Chronicle,
    /// The dynamic information on this node.
    pub(super) dynamic: Info,
    /// What of the epochs is on this node's disk, and on the electors'.
    pub(super) floors: Floors,
    /// The links to the other daemons.
    pub(super) peers: Peers,
    /// In what others' configurations differ.
    pub(super) differing: Differing,
    /// The status page.
    pub(super) page: Page,
    /// Its metrics, and what is counted for them.
    pub(super) exporter: Exporter,
    pub(super) happenings: Happenings,
    /// The hands have ended, so the pulse stops.
    pub(super) hands_ended: bool,
}

impl Scribe {
    /// Works until the pulse has ended; `None` if it did so by itself.
    pub(super) fn run(&mut self, notes: &Notes) -> Option<Ending> {
        loop {
            let until = self.relink.next_look();
            match notes.recv_timeout(until.saturating_duration_since(time::Instant::now())) {
                Ok(Note::Ended(ending)) => return Some(ending),
                // Without an end in order the pulse has panicked.
                Err(RecvTimeoutError::Disconnected) => return None,
                Ok(note) => self.write(note),
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.relink.look(&self.pulse);
        }
    }

    fn write(&mut self, note: Note) {
        match note {
            Note::RoleChanged {
                from,
                to,
                reason,
                epoch,
                lasted,
            } => {
                self.role_changed(from, to, reason, epoch, lasted);
            }
            Note::TookOver(epoch, stamps) => self.took_over(epoch, &stamps),
            Note::Verified(epoch, at_ns) => {
                let written = self.history().verified(epoch.into(), at_ns);
                tell_unwritten(written);
            }
            Note::Alarm(alarm, raised) => self.alarm(alarm, raised),
            Note::Guarantee(guarantee) => {
                info!(
                    guarantee = guarantee.as_str(),
                    "what keeps a second master away has changed"
                );
                self.dynamic.alone(dynamic::is_alone(guarantee));
                self.floors.alone(dynamic::is_alone(guarantee));
            }
            Note::Pair(record, at) => {
                if let Err(error) = last_run::save(&self.state, record, at) {
                    error!("{error}; after a crash this node would not know what it was");
                }
            }
            Note::Fence(id, target) => self.fence.run(id, target),
            Note::Floor(epoch) => {
                if let Err(error) = self.floors.save(epoch) {
                    error!("{error}");
                }
            }
            Note::Electors(record) => self.save_electors(record),
            Note::SetsFailed(error) => {
                error!(%error, "the kernel was not told which electors' sets it grants by");
            }
            Note::SlotHeld(slot) => self.slot_changed(slot, true),
            Note::SlotDropped(slot) => self.slot_changed(slot, false),
            Note::Hands(report) => self.hands_told(&report),
            Note::Reload(asked) => self.reload_for(asked),
            Note::HandsEnded => {
                error!("the hands have ended, so addresses cannot be moved: the daemon stops");
                self.hands_ended = true;
            }
            Note::HandsBehind(reason) => error!(%reason, "the hands did not take an order"),
            Note::SendFailed(reason) => {
                warn!(reason, "frames cannot be sent; told once until they can");
            }
            Note::SendWorks => info!("frames can be sent again"),
            Note::Dropped(network, source, why) => {
                warn!(?network, %source, %why, "a control datagram was dropped; told at most once a second");
            }
            Note::ReadFailed(error) => {
                error!(%error, "the answers could not be read from the kernel's maps");
            }
            Note::Lost(count) => {
                self.happenings.notes_lost(count);
                warn!(
                    count,
                    "notes were lost: the log or the disk is slower than the election"
                );
                let teller = self.alarms.teller().clone();
                alarms::look_anew(self.pulse.clone(), self.current.clone(), teller);
            }
            Note::Answered(Ok(done)) => info!("{done}"),
            Note::Answered(Err(why)) => warn!("refused: {why}"),
            // Closed by being dropped, here where it may take its time.
            Note::Retired(_) | Note::Ended(_) => {}
        }
    }

    /// One line in the log, one entry in the history.
    fn slot_changed(&self, slot: Slot, is_held: bool) {
        let change = match (slot == self.slot, is_held) {
            (true, true) => SlotChange::LeaseHeld,
            (true, false) => SlotChange::LeaseOver,
            (false, true) => SlotChange::TakenOver,
            (false, false) => SlotChange::GivenBack,
        };
        info!(slot, change = change.as_str(), "the addresses of a slot");
        let event = SlotEvent {
            at: rfc3339(SystemTime::now()),
            slot_addresses: slot,
            change,
        };
        tell_unwritten(self.history().note(Event::Slot(event)));
    }

    /// Only what is on the disk is told to the pulse; what is not, it hands out again.
    fn save_electors(&mut self, record: Box<ElectorRecord>) {
        if let Err(error) = self.state.save_electors(&record) {
            error!("{error}; this node agrees to no other electors until it can be saved");
            return;
        }
        self.relink.plan.electors = *record;
        self.dynamic.electors(dynamic::electors(&record));
        self.floors.electors(dynamic::electors(&record));
        let set = &record.in_force;
        info!(
            version = set.version,
            electors = %set.slots,
            next = record.next().map_or_else(String::new, |next| next.slots.to_string()),
            proposed = record.is_proposed,
            "electors' sets saved"
        );
        if let Err(error) = self.pulse.send(PulseOrder::ElectorsSaved(record)) {
            warn!("{error}");
        }
    }

    fn hands_told(&mut self, report: &Report) {
        match report {
            Report::Link { interface, change } => {
                self.relink.link_changed(interface, *change, &self.pulse);
            }
            Report::TookOver { epoch, .. } => {
                debug!(round = epoch.round(), "addresses added and announced");
            }
            Report::Released { epoch, .. } => debug!(round = epoch.round(), "addresses removed"),
            Report::HeldSlot { slot, .. } => {
                debug!(slot, "addresses of a slot added and announced");
            }
            Report::DroppedSlot { slot } => debug!(slot, "addresses of a slot removed"),
            Report::Restored { address } => {
                warn!(
                    ?address,
                    "a virtual address was missing and was added again: its interface came back, or somebody else deletes it"
                );
            }
            Report::Failed {
                action,
                address,
                error,
            } => {
                error!(?action, ?address, %error, "the hands failed; tried again until it works");
            }
            Report::Broken { error } => {
                error!(%error, "the hands cannot go on");
            }
        }
    }

    fn role_changed(
        &mut self,
        from: Role,
        to: Role,
        reason: Reason,
        epoch: Epoch,
        lasted: Duration,
    ) {
        info!(
            from = from.as_str(),
            to = to.as_str(),
            %reason,
            slot = self.slot,
            epoch_round = epoch.round(),
            epoch_slot = epoch.slot(),
            lasted_us = lasted.as_micros(),
            "role changed"
        );
        self.happenings.role_changed(from, to, reason);
        self.manager.role(to, &reason.to_string());
        self.dynamic.master((to == Role::Master).then_some(epoch));
        self.floors.forced(reason == Reason::Forced);
        if from == Role::Master || to == Role::Master {
            let stands = Told::Stands(to == Role::Master);
            self.alarms.teller().tell(stands);
        }
        if to == Role::Master {
            let begun = if reason == Reason::LeaseTakenUp {
                Begun::InTheLastLife
            } else {
                Begun::Anew
            };
            self.chronicle.begin(epoch, reason.to_string(), begun);
        } else {
            self.chronicle.end();
        }
        if let Some(standing) = &self.standing {
            standing.is_master(to == Role::Master);
        }
        if let Some(hooks) = &self.hooks {
            hooks.role_changed(RoleChange {
                from,
                to,
                reason: reason.to_string(),
                epoch,
            });
        }
        if let (Role::Master, Some(inquiry)) = (to, &mut self.inquiry) {
            inquiry.begin(epoch);
        }
        let entry = HistoryEntry {
            at: rfc3339(SystemTime::now()),
            slot: self.slot,
            from: from.into(),
            to: to.into(),
            epoch: epoch.into(),
            reason: reason.to_string(),
            duration_us: u64::try_from(lasted.as_micros()).unwrap_or(u64::MAX),
            takeover: None,
        };
        let written = self.history().push(entry);
        tell_unwritten(written);
    }

    fn alarm(&mut self, alarm: Alarm, raised: bool) {
        tell_alarm(alarm, raised);
        match alarm {
            Alarm::Member(slot, Diagnosis::Misconfigured) => self.differing.differs(slot, raised),
            Alarm::Member(slot, Diagnosis::DaemonStalled) => self.floors.stalled(slot, raised),
            _ => {}
        }
        self.manager.alarm(raised);
        let told = if raised { Told::Raised } else { Told::Cleared };
        if let Some(alarm) = Shown::of_election(&self.relink.plan.config, self.slot, alarm) {
            self.alarms.teller().tell(told(alarm));
        }
        if let (Some(hooks), true, Some(fault)) = (&self.hooks, raised, own_fault(alarm, self.slot))
        {
            hooks.fault(fault.to_owned());
        }
    }

    fn took_over(&mut self, epoch: Epoch, stamps: &Stamps) {
        self.happenings.took_over(stamps);
        let takeover = takeover(stamps);
        info!(
            slot = self.slot,
            epoch_round = epoch.round(),
            epoch_slot = epoch.slot(),
            elected_us = takeover.after_ns(takeover.elected_ns).map(|ns| ns / 1_000),
            announced_us = takeover
                .after_ns(takeover.announced_ns)
                .map(|ns| ns / 1_000),
            ?takeover,
            "addresses taken over"
        );
        let written = self.history().complete(epoch.into(), takeover);
        tell_unwritten(written);
    }

    fn history(&self) -> std::sync::MutexGuard<'_, History> {
        // Nothing in the history is left half done by a panic elsewhere.
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is wrong with this very node, by this alarm.
fn own_fault(alarm: Alarm, slot: Slot) -> Option<&'static str> {
    match alarm {
        Alarm::Service => Some("a service of this node is lost, or its promotion hook failed"),
        Alarm::Business => Some("this node is not reachable over the business network"),
        Alarm::DuplicateSlot(of) if of == slot => Some("another machine uses this slot"),
        Alarm::ClockFault => Some("the clock ran outside the drift guard"),
        Alarm::DuplicateSlot(_)
        | Alarm::Member(..)
        | Alarm::NoMaster
        | Alarm::NotElectable
        | Alarm::Forced
        | Alarm::ElectorsChange
        | Alarm::Degraded
        | Alarm::FenceFailed
        | Alarm::HandoversSpent => None,
    }
}

fn tell_alarm(alarm: Alarm, raised: bool) {
    if raised {
        warn!(?alarm, "alarm raised");
    } else {
        info!(?alarm, "alarm cleared");
    }
}

fn takeover(stamps: &Stamps) -> TakeoverStamps {
    let done = |at: Instant| (at != Instant::ZERO).then_some(at.0);
    TakeoverStamps {
        last_probe_ns: done(stamps.last_probe),
        orphaned_ns: done(stamps.orphaned),
        queried_ns: done(stamps.queried),
        requested_ns: done(stamps.requested),
        elected_ns: done(stamps.elected),
        added_ns: done(stamps.added),
        announced_ns: done(stamps.announced),
        verified_ns: None,
    }
}
