//! Every node's part in the electors' sets: it agrees to a next one, takes over the one in force, and saves
//! each before it tells of it or acts by it.

use std::time::Duration;

use crate::electors::{Ballot, ElectorRecord, ElectorSet};
use crate::grants::Holder;
use crate::message::Message;
use crate::node::Node;
use crate::release::Tell;
use crate::roster::Roster;
use crate::snapshot::Reason;
use crate::stage::Stage;
use crate::{Command, Instant, Slot};

/// After so long a record that was not saved is handed out to be saved again, and a master is asked again.
const AGAIN: Duration = Duration::from_secs(1);
/// Most members told of the set in force in one turn.
const MEMBERS_PER_TURN: usize = 16;

/// The electors' sets as this node knows them.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Electors {
    /// What is on disk: the only thing that is acted on.
    pub(crate) record: ElectorRecord,
    saving: Option<Saving>,
    asked_at: Instant,
    /// The master's tour of the members that go by another set.
    tour: usize,
    told_at: Instant,
}

/// A record on its way to the disk.
#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Saving {
    record: ElectorRecord,
    since: Instant,
    /// Who is answered then; 0 for nobody.
    asker: Slot,
}

impl Electors {
    pub(crate) const fn new(record: ElectorRecord) -> Self {
        Self {
            record,
            saving: None,
            asked_at: Instant::ZERO,
            tour: 0,
            told_at: Instant::ZERO,
        }
    }

    /// Whether a record is on its way to the disk: nothing else is begun meanwhile.
    pub(crate) const fn is_saving(&self) -> bool {
        self.saving.is_some()
    }

    /// Whether another set is about to be in force here: until it is, this node does not stand.
    pub(crate) fn is_adopting(&self) -> bool {
        self.saving
            .is_some_and(|saving| saving.record.in_force != self.record.in_force)
    }

    /// Has every member that goes by another set told of this one in the coming turns.
    pub(crate) const fn tell_at_once(&mut self) {
        (self.tour, self.told_at) = (0, Instant::ZERO);
    }
}

impl Node {
    /// The set that goes by this version and digest, if this node votes by it: the one in force here, or the
    /// next one that it agreed to.
    pub(crate) fn set_of(&self, version: u32, digest: u32) -> Option<ElectorSet> {
        let record = &self.electors.record;
        if version == self.config.elector_version && digest == self.config.elector_digest {
            return Some(record.in_force);
        }
        let is_it = |set: &&ElectorSet| set.version == version && set.digest() == digest;
        record.next().filter(is_it).copied()
    }

    /// Has a record saved; what follows from it comes with [`crate::Event::ElectorsSaved`].
    pub(crate) fn save_electors(&mut self, record: ElectorRecord, asker: Slot, now: Instant) {
        assert!(!self.electors.is_saving(), "one record at a time");
        let since = now;
        self.electors.saving = Some(Saving {
            record,
            since,
            asker,
        });
        self.push(Command::SaveElectors(record));
    }

    /// The record is on disk: from now on this node goes by it.
    pub(crate) fn on_electors_saved(&mut self, record: &ElectorRecord, now: Instant) {
        let Some(saving) = self
            .electors
            .saving
            .take_if(|saving| saving.record == *record)
        else {
            return;
        };
        let before = std::mem::replace(&mut self.electors.record, *record);
        // The kernel first: no frame by a set leaves before its own kernel goes by it.
        self.push(Command::Electors(*record));
        if before.in_force != record.in_force {
            self.take_set(now);
        }
        if saving.asker != 0 {
            self.tell_state(saving.asker);
        }
        self.run_change(now);
    }

    /// Another set is in force here.
    fn take_set(&mut self, now: Instant) {
        let set = self.electors.record.in_force;
        for (slot, member) in &mut self.config.members {
            member.elector = set.slots.contains(*slot);
        }
        self.config.elector_version = set.version;
        self.config.elector_digest = set.digest();
        let timing = &mut self.config.timing;
        timing.max_lease = set.max_lease;
        timing.restart_lease = timing.restart_lease.min(set.max_lease);
        self.roster = Roster::new(&self.config);
        self.detector.regroup(&self.config);
        self.poll.regroup(&self.config);
        self.health.retime(&self.config);
        let next_sequence = self.sequence + 1;
        match &mut self.stage {
            Stage::Master(mastership) if self.roster.is_heir(self.config.slot) => {
                mastership.enter_set(next_sequence);
            }
            Stage::Master(mastership) => {
                let successor = mastership.successor;
                self.demote(Reason::ElectorsChanged, Tell::Electors(successor), now);
            }
            // A candidate stopped being one before the set was saved.
            Stage::Candidate(_)
            | Stage::Init
            | Stage::Slave
            | Stage::Undecided(_)
            | Stage::Witness => {}
        }
    }

    /// A master, or whoever knows of a newer set, tells of the one in force, and may ask to agree to the next.
    pub(crate) fn on_electors(
        &mut self,
        from: Holder,
        set: &ElectorSet,
        ballot: Ballot,
        next: Option<&ElectorSet>,
        now: Instant,
    ) {
        if self.electors.is_saving() || self.learn_set(from.slot, set, now) {
            return;
        }
        let record = self.electors.record;
        if record.in_force != *set || ballot < record.promised || ballot == Ballot::NONE {
            return self.tell_state(from.slot);
        }
        let agrees = next.filter(|next| next.may_follow(set) && self.could_go_by(next));
        let agreed = record.with_promise(ballot, agrees.copied());
        if agreed == record {
            self.tell_state(from.slot);
        } else {
            self.save_electors(agreed, from.slot, now);
        }
    }

    /// Takes over a set that is in force elsewhere, if it takes this one's place. A master goes there by a
    /// change of its own. Whether something is being saved.
    pub(crate) fn learn_set(&mut self, from: Slot, set: &ElectorSet, now: Instant) -> bool {
        let record = self.electors.record;
        let is_newer = set.version > record.in_force.version;
        let is_first = record.is_proposed && set.version == record.in_force.version;
        let is_master = matches!(self.stage, Stage::Master(_));
        if !(is_newer || is_first) || is_master || !self.could_go_by(set) {
            return false;
        }
        if let Stage::Candidate(_) = self.stage
            && record.in_force != *set
        {
            // Votes by a set that is over do not add up with those by this one.
            self.end_candidacy(Reason::ElectorsChanged, now);
        }
        self.save_electors(record.with_in_force(*set), from, now);
        true
    }

    /// Whether this node could go by `set` at all: it knows every elector, and its own lease is not too long.
    fn could_go_by(&self, set: &ElectorSet) -> bool {
        let is_member = |slot| self.config.members.contains_key(&slot);
        set.version > 0
            && !set.slots.is_empty()
            && set.slots.iter().all(is_member)
            && set.max_lease >= self.config.timing.lease()
    }

    /// Somebody tells what stands on its disk.
    pub(crate) fn on_electors_state(&mut self, from: Holder, state: &ElectorRecord, now: Instant) {
        if self.clashes(from.slot, now) {
            return;
        }
        let own = self.electors.record;
        let (set, theirs) = (own.in_force, state.in_force);
        let is_behind = theirs.version < set.version || (state.is_proposed && !own.is_proposed);
        if is_behind && !own.is_proposed {
            self.tell_set(from.slot);
        }
        if !state.is_proposed && !self.electors.is_saving() {
            self.learn_set(from.slot, &theirs, now);
        }
        self.note_state(from.slot, state, now);
    }

    /// Tells `to` what stands on this node's disk.
    pub(crate) fn tell_state(&mut self, to: Slot) {
        let record = self.electors.record;
        self.send(to, Message::ElectorsState(record));
    }

    /// Tells `to` which set is in force.
    pub(crate) fn tell_set(&mut self, to: Slot) {
        let set = self.electors.record.in_force;
        let (ballot, next) = (Ballot::NONE, None);
        self.send(to, Message::Electors { set, ballot, next });
    }

    /// Does what time brings about, once a turn.
    pub(crate) fn watch_electors(&mut self, now: Instant) {
        if let Some(saving) = &mut self.electors.saving
            && saving.since + AGAIN <= now
        {
            saving.since = now;
            let record = saving.record;
            self.push(Command::SaveElectors(record));
        }
        match &self.stage {
            Stage::Master(_) => {
                self.confirm_set(now);
                self.tell_members(now);
                self.run_change(now);
            }
            Stage::Init
            | Stage::Slave
            | Stage::Candidate(_)
            | Stage::Undecided(_)
            | Stage::Witness => {
                self.ask_master(now);
            }
        }
    }

    /// A first set by which a majority granted is one that others may take over.
    fn confirm_set(&mut self, now: Instant) {
        let Stage::Master(mastership) = &self.stage else {
            return;
        };
        let record = self.electors.record;
        let is_elected = mastership.is_renewed && mastership.forced.is_none();
        if is_elected && record.is_proposed && !self.electors.is_saving() {
            let is_proposed = false;
            let confirmed = ElectorRecord {
                is_proposed,
                ..record
            };
            self.save_electors(confirmed, 0, now);
        }
    }

    /// Who does not know for sure which set is in force asks the master.
    fn ask_master(&mut self, now: Instant) {
        let record = &self.electors.record;
        let is_unsure = record.is_proposed || record.accepted.is_some();
        if !is_unsure || self.electors.is_saving() || self.electors.asked_at + AGAIN > now {
            return;
        }
        if let Some(master) = self.known_master(now) {
            self.electors.asked_at = now;
            self.tell_state(master);
        }
    }

    /// Tells the members whose answers go by another set, once a second.
    fn tell_members(&mut self, now: Instant) {
        if self.electors.record.is_proposed || self.electors.told_at + AGAIN > now {
            return;
        }
        let goes_by_another = |reply: &crate::event::Reply| {
            (reply.elector_version, reply.elector_digest)
                != (self.config.elector_version, self.config.elector_digest)
        };
        let others = self.detector.members();
        let next = others.iter().enumerate().skip(self.electors.tour);
        let found: Vec<(usize, Slot)> = next
            .filter(|(_, member)| member.reply.as_ref().is_some_and(goes_by_another))
            .map(|(place, member)| (place, member.slot))
            .take(MEMBERS_PER_TURN)
            .collect();
        for (_, slot) in &found {
            self.tell_set(*slot);
        }
        match found.last() {
            Some((place, _)) if found.len() == MEMBERS_PER_TURN => self.electors.tour = place + 1,
            Some(_) | None => (self.electors.tour, self.electors.told_at) = (0, now),
        }
    }
}
