//! The addresses of a slot that the master takes over while the slot's machine is away.
//!
//! Such an address needs a lease, which the slot's machine asks the master for, again and again. It runs from the
//! sending of the question; the master counts it from the receipt, and takes the address over only when the newest
//! one that it, or any master before it, granted is over.

#[cfg(test)]
mod explore;
mod granter;
mod own;

use std::time::Duration;

use heartbeat_wire::gate::SLOT_LEASES;

use crate::grants::Holder;
use crate::message::{Message, Network};
use crate::node::Node;
use crate::snapshot::Bearer;
use crate::stage::Stage;
use crate::{Command, Epoch, Instant, Slot};

pub(crate) use granter::Granter;
pub(crate) use own::OwnLease;

/// How often a machine asks while a lease lasts: one lost answer and a failover of the master cost nothing.
const QUESTIONS: u32 = 4;

/// The asking of this node.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Asking {
    pub(crate) lease: OwnLease,
    /// Whom it asked last; 0 for nobody.
    asked: Slot,
    next_at: Instant,
}

impl Asking {
    pub(crate) const fn restored(deadline: Instant) -> Self {
        Self {
            lease: OwnLease::restored(deadline),
            asked: 0,
            next_at: Instant::ZERO,
        }
    }
}

impl Node {
    /// What the last run left of the own slot's lease is taken up, or ended.
    pub(crate) fn start_slots(&mut self, now: Instant) {
        if self.asking.lease.holds(now) {
            if self.config.takeover.contains(&self.config.slot) {
                self.push(Command::HoldSlot(self.config.slot));
            } else {
                self.end_own_slot();
            }
        }
        // Whoever of them asks may be granted its slot, so no word of the last run may still open it here.
        self.tell_taken();
    }

    /// Tells the kernel of every slot whether this master took it over, in the epoch that its lease has now.
    pub(crate) fn tell_taken(&mut self) {
        let taken = self.taken_slots();
        let epoch = match &self.stage {
            Stage::Master(mastership) => mastership.lease.epoch,
            Stage::Init
            | Stage::Slave
            | Stage::Candidate(_)
            | Stage::Undecided(_)
            | Stage::Witness => Epoch::NONE,
        };
        let slots: Vec<Slot> = self.config.takeover.iter().copied().collect();
        for slot in slots {
            let epoch = if taken.contains(&slot) {
                epoch
            } else {
                Epoch::NONE
            };
            self.push(Command::SlotTaken { slot, epoch });
        }
    }

    /// What a mastership that begins now knows of the slots.
    pub(crate) fn new_granter(&self, now: Instant) -> Granter {
        let longest = self.electors.record.longest_lease * SLOT_LEASES;
        Granter::new(&self.config.takeover, longest, now)
    }

    /// Once a turn: takes a slot over whose time has come, and looks after the own slot's lease.
    pub(crate) fn run_slots(&mut self, now: Instant) {
        if self.config.takeover.is_empty() {
            return;
        }
        self.take_slot(now);
        if self.config.takeover.contains(&self.config.slot) {
            self.keep_own_slot(now);
        }
    }

    /// At most one a turn, so that the turn's length does not grow with the cluster.
    fn take_slot(&mut self, now: Instant) {
        let own = self.config.slot;
        let Some((granter, epoch)) = self.granter(now) else {
            return;
        };
        if let Some(slot) = granter.due(own, now) {
            granter.take(slot, now);
            self.push(Command::SlotTaken { slot, epoch });
            self.push(Command::HoldSlot(slot));
        }
    }

    /// What a master grants by, while its lease holds and rests on more than an operator's word.
    fn granter(&mut self, now: Instant) -> Option<(&mut Granter, Epoch)> {
        match &mut self.stage {
            Stage::Master(mastership)
                if mastership.lease.holds(now) && mastership.forced.is_none() =>
            {
                Some((&mut mastership.slots, mastership.lease.epoch))
            }
            Stage::Master(_)
            | Stage::Init
            | Stage::Slave
            | Stage::Candidate(_)
            | Stage::Undecided(_)
            | Stage::Witness => None,
        }
    }

    fn keep_own_slot(&mut self, now: Instant) {
        if self.asking.lease.expire(now) {
            self.drop_own_slot();
        }
        let master = self.known_master(now).unwrap_or(0);
        let is_due = self.asking.next_at <= now || self.asking.asked != master;
        if master == 0 || !is_due || self.abstention.is_for_fault() {
            return;
        }
        let length = self.config.timing.max_lease * SLOT_LEASES;
        let is_unanswered = self.asking.lease.is_asking();
        let id = self.random.next();
        self.asking.asked = master;
        self.asking.next_at = now + length / QUESTIONS;
        let renews = self.asking.lease.ask(id, length, now);
        if master == self.config.slot {
            return self.ask_myself(id, length, renews, now);
        }
        let question = Message::SlotAsk {
            id,
            lease: length,
            renews,
        };
        if is_unanswered {
            self.send_by_both(master, &question);
        } else {
            self.send(master, question);
        }
    }

    /// A master is bound like any other machine: the next one outwaits its lease as well.
    fn ask_myself(&mut self, id: u64, length: Duration, renews: bool, now: Instant) {
        let me = self.me;
        let granted = self
            .granter(now)
            .and_then(|(granter, _)| granter.ask(me, length, renews, now));
        if granted.is_some() {
            self.on_slot_grant(id, now);
        }
    }

    /// A machine asks for its slot's lease. `now` was read after the question came.
    pub(crate) fn on_slot_ask(
        &mut self,
        from: Holder,
        network: Network,
        (id, length, renews): (u64, Duration, bool),
        now: Instant,
    ) {
        let Some((granter, _)) = self.granter(now) else {
            return;
        };
        let Some(yes) = granter.ask(from, length, renews, now) else {
            return;
        };
        if yes.gives_back {
            self.give_slot_back(from.slot);
        }
        self.send_by(network, from.slot, Message::SlotGrant { id });
    }

    /// The gate first: when the answer is under way, nothing of the address passes here.
    fn give_slot_back(&mut self, slot: Slot) {
        self.push(Command::SlotTaken {
            slot,
            epoch: Epoch::NONE,
        });
        self.push(Command::DropSlot(slot));
    }

    /// The own slot's lease was granted. `now` was read after the answer came.
    pub(crate) fn on_slot_grant(&mut self, id: u64, now: Instant) {
        if self.asking.lease.expire(now) {
            self.drop_own_slot();
        }
        let held = self.asking.lease.holds(now);
        if let Some(deadline) = self.asking.lease.granted(id, now) {
            self.push(Command::SlotLease(deadline));
            if !held {
                self.push(Command::HoldSlot(self.config.slot));
            }
        }
    }

    /// Ends the own slot's lease, if there is one: this node stops, or its clock, or its being alone in its slot, is in
    /// doubt.
    pub(crate) fn end_own_slot(&mut self) {
        if self.asking.lease.end() {
            self.drop_own_slot();
        }
    }

    /// The slots that this master took over.
    fn taken_slots(&self) -> Vec<Slot> {
        match &self.stage {
            Stage::Master(mastership) => mastership.slots.taken().collect(),
            Stage::Init
            | Stage::Slave
            | Stage::Candidate(_)
            | Stage::Undecided(_)
            | Stage::Witness => Vec::new(),
        }
    }

    /// Who bears the addresses of each slot, as a master knows it.
    pub(crate) fn bearers(&self, now: Instant) -> Vec<(Slot, Bearer)> {
        match &self.stage {
            Stage::Master(mastership) => mastership.slots.bearers(now).collect(),
            Stage::Init
            | Stage::Slave
            | Stage::Candidate(_)
            | Stage::Undecided(_)
            | Stage::Witness => Vec::new(),
        }
    }

    fn drop_own_slot(&mut self) {
        self.push(Command::SlotLease(Instant::ZERO));
        self.push(Command::DropSlot(self.config.slot));
    }

    /// Other slots' addresses go by a lease now.
    pub(crate) fn enrol_slots(&mut self, now: Instant) {
        if let Stage::Master(mastership) = &mut self.stage {
            for slot in mastership.slots.enrol(&self.config.takeover, now) {
                self.give_slot_back(slot);
            }
        }
        self.tell_taken();
        if !self.config.takeover.contains(&self.config.slot) {
            self.end_own_slot();
        }
    }
}
