//! Steps for schedules that are written down: who hears whom, and which disks are quick.

use std::sync::Arc;

use heartbeat_core::Slot;
use heartbeat_store::Stored;
use heartbeat_store::bounds::RESEND_MOST;

use crate::disk::Disk;
use crate::oracle::Violation;
use crate::world::{Envelope, World};

/// More messages than any schedule needs: what goes on beyond goes round in circles.
const MOST: usize = 100_000;

impl World {
    /// Delivers what these nodes say to each other, and lets their disks work, until nothing is left to do. What is said to
    /// or by others waits.
    ///
    /// # Errors
    /// What must never happen did.
    pub fn among(&mut self, slots: &[Slot]) -> Result<(), Violation> {
        self.settle(slots, slots)
    }

    /// The same; only these disks work.
    ///
    /// # Errors
    /// What must never happen did.
    pub fn settle(&mut self, slots: &[Slot], disks: &[Slot]) -> Result<(), Violation> {
        for _ in 0..MOST {
            if !self.step(slots, disks)? {
                return Ok(());
            }
        }
        panic!("it goes round in circles");
    }

    /// The same, for so many steps.
    ///
    /// # Errors
    /// What must never happen did.
    pub fn steps(&mut self, slots: &[Slot], count: usize) -> Result<(), Violation> {
        for _ in 0..count {
            self.step(slots, slots)?;
        }
        Ok(())
    }

    /// Delivers one message, or has one disk work. `false`: there is nothing to do.
    fn step(&mut self, slots: &[Slot], disks: &[Slot]) -> Result<bool, Violation> {
        let mut net = self.net.iter();
        let at = net.position(|sent| slots.contains(&sent.from) && slots.contains(&sent.to));
        let mut disks = disks.iter().copied();
        let busy = disks.find(|slot| self.nodes[slot].pending.is_some());
        match (at, busy) {
            (Some(at), _) => {
                let envelope = self.net.remove(at);
                self.deliver(&envelope)?;
            }
            (None, Some(slot)) => self.written(slot)?,
            (None, None) => return Ok(false),
        }
        Ok(true)
    }

    /// Whatever is on the way is lost.
    pub fn lose(&mut self) {
        self.net.clear();
    }

    /// Whatever is on the way is held up, until it is brought back.
    pub fn take_away(&mut self) -> HeldUp {
        HeldUp(std::mem::take(&mut self.net))
    }

    /// What was held up may arrive.
    pub fn bring_back(&mut self, held_up: HeldUp) {
        self.net.extend(held_up.0);
    }

    /// Whatever is on the way is lost, and each leadership asks again.
    ///
    /// # Errors
    /// What must never happen did.
    pub fn reconnect(&mut self) -> Result<(), Violation> {
        self.lose();
        let slots: Vec<Slot> = self.nodes.keys().copied().collect();
        slots
            .into_iter()
            .try_for_each(|slot| self.reconnect_from(slot))
    }

    /// The leadership there asks everybody again.
    ///
    /// # Errors
    /// What must never happen did.
    pub fn reconnect_from(&mut self, slot: Slot) -> Result<(), Violation> {
        let others: Vec<Slot> = self.nodes.keys().copied().collect();
        others
            .into_iter()
            .try_for_each(|other| self.connects(slot, other))
    }

    /// A connection to another node begins anew.
    pub(crate) fn connects(&mut self, slot: Slot, other: Slot) -> Result<(), Violation> {
        let now = self.now;
        self.with(slot, |store| store.connected(other, now))
    }

    /// So much time passes that the leadership there asks again whoever owes it an answer.
    ///
    /// # Errors
    /// What must never happen did.
    pub fn time_out(&mut self, slot: Slot) -> Result<(), Violation> {
        self.now = self.now + RESEND_MOST;
        let now = self.now;
        self.with(slot, |store| store.handle_timeout(now))
    }

    /// An operator's word.
    ///
    /// # Errors
    /// What must never happen did.
    pub fn force(&mut self, slot: Slot) -> Result<(), Violation> {
        let now = self.now;
        self.with(slot, |store| store.force(now))
    }

    /// In a pair: whether the other node is silent.
    ///
    /// # Errors
    /// What must never happen did.
    pub fn set_alone(&mut self, slot: Slot, is_alone: bool) -> Result<(), Violation> {
        let now = self.now;
        self.with(slot, |store| store.set_alone(is_alone, now))
    }

    /// Other slots are the electors, and every leadership hears of it.
    ///
    /// # Errors
    /// What must never happen did.
    pub fn set_electors(&mut self, electors: &[Slot]) -> Result<(), Violation> {
        self.electors = electors.iter().copied().collect();
        let (electors, now) = (self.electors.clone(), self.now);
        let slots: Vec<Slot> = self.nodes.keys().copied().collect();
        let set = |slot| self.with(slot, |store| store.set_electors(electors.clone(), now));
        slots.into_iter().try_for_each(set)
    }

    /// What is on a disk now.
    #[must_use]
    pub fn copy_of_disk(&self, slot: Slot) -> Stored {
        self.nodes[&slot].disk.stored.clone()
    }

    /// A node starts again with what once was on its disk.
    pub fn put_disk(&mut self, slot: Slot, stored: Stored) {
        self.crash(slot);
        self.node(slot).disk = Disk::new(stored);
        self.start(slot);
    }
}

/// Messages that take their time.
#[derive(Clone, Debug)]
pub struct HeldUp(Vec<Arc<Envelope>>);
