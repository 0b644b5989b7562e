//! The start: the lease of the last run is taken up if it still holds, else the machine is made safe
//! before anything else.

use crate::event::Restored;
use crate::lease::Lease;
use crate::mastership::Mastership;
use crate::node::Node;
use crate::snapshot::{Guarantee, Reason, Role};
use crate::stage::Stage;
use crate::succession::Succession;
use crate::{Command, Instant, Slot};

impl Succession {
    /// What the words left by the last run say. `not_before`: one grant from now, in which a master
    /// would have probed.
    pub(crate) fn at_start(restored: &Restored, not_before: Instant) -> Self {
        let mut succession = Self::after(not_before);
        let (kernel, daemon) = (&restored.kernel, &restored.daemon);
        succession.follow(daemon.lease_epoch, 0);
        succession.follow(kernel.probed, kernel.successor);
        succession
    }
}

impl Node {
    pub(crate) fn start(&mut self, restored: &Restored, now: Instant) {
        if let Some(lease) = self.lease_to_take_up(restored, now) {
            return self.take_lease_up(lease, now);
        }
        self.push(Command::GateShut);
        self.push(Command::RemoveAddresses(restored.daemon.lease_epoch));
        if restored.daemon.forced {
            self.push(Command::Forced(false));
        }
        if !self.abstention.is_over(now) {
            self.push(Command::Abstain(self.abstention.until));
        }
        // By it the kernel tells recordings of this slot's own probes from another machine's.
        let is_forgotten = self.floor > restored.daemon.epoch_floor && !restored.maps_kept;
        // A mastership that began while no daemon ran here is in the kernel's word alone.
        let saved = restored.saved_floor.min(restored.daemon.epoch_floor);
        let is_unsaved = restored.kernel.probed > saved;
        if is_forgotten || is_unsaved {
            self.push(Command::Floor(self.floor));
        }
        if self.config.members[&self.config.slot].witness {
            let change = self.take_stage(Stage::Witness, Reason::Started, self.rounds.seen(), now);
            self.push(change);
        } else {
            self.push(Command::Role(Role::Init));
        }
        self.check_duplicate(now);
    }

    /// The lease of the last run, if slot and epoch match, it still holds, and nothing since has ended it.
    fn lease_to_take_up(&self, restored: &Restored, now: Instant) -> Option<Lease> {
        let (kernel, daemon, timing) = (&restored.kernel, &restored.daemon, &self.config.timing);
        let lease = Lease {
            epoch: daemon.lease_epoch,
            deadline: daemon.lease_deadline,
        };
        let own = |slot: Slot| slot == self.config.slot;
        let is_mine = own(lease.epoch.slot()) && self.roster.is_heir(self.config.slot);
        // A higher promise to itself is a higher round that was asked for while the lease held. One to
        // anybody else shuts the gate first, so its lease is zero.
        let is_highest = kernel.probed <= lease.epoch
            && daemon.promised >= lease.epoch
            && own(daemon.promised.slot());
        // The grant to itself outlives each lease; without it this node could vote against itself.
        let granted = self.grants.by_vote();
        let is_granted =
            granted.is_some_and(|grant| grant.holder == self.me && grant.end >= lease.deadline);
        let is_sound = self.abstention.is_over(now)
            && self.grants.held_against(self.me, now).is_zero()
            && (kernel.duplicate_at == Instant::ZERO
                || kernel.duplicate_at + self.electors.record.abstention() <= now);
        // An operator's word was for the process that got it.
        let is_elected = !daemon.forced;
        let holds = lease.holds(now) && lease.deadline.since(now) <= timing.max_lease;
        (restored.maps_kept
            && is_elected
            && is_mine
            && is_highest
            && is_granted
            && is_sound
            && holds)
            .then_some(lease)
    }

    fn take_lease_up(&mut self, lease: Lease, now: Instant) {
        let mut mastership = Mastership::new(
            lease,
            self.grants.promised,
            self.sequence + 1,
            self.config.timing.lease(),
            self.new_granter(now),
        );
        // A majority did reply to it, or it would not have outlived its first daemon's start.
        mastership.is_renewed = true;
        // What it rests on is not in the maps: in a pair it may be no more than evidence.
        self.rest_on(Guarantee::Evidence);
        self.push(Command::Lease {
            epoch: lease.epoch,
            deadline: lease.deadline,
        });
        self.push(Command::AddAddresses(lease.epoch));
        let change = self.take_stage(
            Stage::Master(mastership),
            Reason::LeaseTakenUp,
            lease.epoch,
            now,
        );
        self.push(change);
    }
}
