//! One random step.

use std::sync::Arc;
use std::time::Duration;

use heartbeat_core::Slot;
use heartbeat_store::{Part, Store, Trouble};

use super::{Course, Line};
use crate::oracle::Violation;

/// Messages that are on their way at most; the oldest are lost.
const ON_THE_WAY: usize = 60;

impl Course {
    /// Takes one.
    pub(super) fn step(&mut self) -> Result<(), Violation> {
        let surplus = self.world.net.len().saturating_sub(ON_THE_WAY);
        self.world.net.drain(..surplus);
        match self.dice.below(1000) {
            0..600 => self.deliver(),
            600..900 => self.write_to_disk(),
            900..930 => self.ask_for_a_write(),
            930..960 => self.pass_time(),
            960..970 => self.reconnect(),
            970..978 => self.lose(),
            978..982 => self.fail(),
            982..986 => self.begin(),
            986..989 => self.crash(),
            989..994 => self.start(),
            994..997 => self.wipe(),
            997..999 => self.change_electors(),
            _ => self.stop(),
        }
    }

    /// One that is chosen among those for which this holds.
    fn any(&mut self, is_meant: impl Fn(&crate::world::Node) -> bool) -> Option<Slot> {
        let nodes = self.world.nodes.iter();
        let meant = nodes.filter(|(_, node)| is_meant(node));
        let slots: Vec<Slot> = meant.map(|(slot, _)| *slot).collect();
        self.dice.of(&slots)
    }

    fn deliver(&mut self) -> Result<(), Violation> {
        let count = self.world.net.len();
        if count == 0 {
            return Ok(());
        }
        let at = self.dice.below(count);
        let envelope = Arc::clone(&self.world.net[at]);
        if self.dice.below(10) > 0 {
            self.world.net.remove(at);
        }
        self.note(Line::Heard(Arc::clone(&envelope)));
        self.world.deliver(&envelope)
    }

    fn write_to_disk(&mut self) -> Result<(), Violation> {
        let Some(slot) = self.any(|node| node.pending.is_some()) else {
            return Ok(());
        };
        self.tell(format!("{slot}'s disk has written"));
        self.world.written(slot)
    }

    fn ask_for_a_write(&mut self) -> Result<(), Violation> {
        // Now and then somebody asks who does not serve.
        let serves = |store: &Store| store.served().is_some();
        let is_free = self.dice.below(20) == 0;
        let Some(slot) = self.any(|node| is_free || node.store.as_ref().is_some_and(serves)) else {
            return Ok(());
        };
        self.tell(format!("a client writes at {slot}"));
        if self.campaign.is_long {
            self.world.write_long(slot)
        } else {
            self.world.write(slot)
        }
    }

    fn pass_time(&mut self) -> Result<(), Violation> {
        self.world.now = self.world.now + Duration::from_millis(300);
        let now = self.world.now;
        let slots: Vec<Slot> = self.world.nodes.keys().copied().collect();
        slots
            .into_iter()
            .try_for_each(|slot| self.world.with(slot, |store| store.handle_timeout(now)))
    }

    fn reconnect(&mut self) -> Result<(), Violation> {
        match self.any(|node| node.leads().is_some()) {
            Some(slot) => self.world.reconnect_from(slot),
            None => Ok(()),
        }
    }

    fn lose(&mut self) -> Result<(), Violation> {
        let count = self.world.net.len();
        if count > 0 {
            let at = self.dice.below(count);
            self.world.net.swap_remove(at);
        }
        Ok(())
    }

    fn fail(&mut self) -> Result<(), Violation> {
        let Some(slot) = self.any(|node| node.pending.is_some()) else {
            return Ok(());
        };
        self.tell(format!("{slot}'s disk is full"));
        self.world.fails(slot, Trouble::Full)
    }

    fn begin(&mut self) -> Result<(), Violation> {
        let electors = self.world.electors.clone();
        let slots: Vec<Slot> = electors.into_iter().collect();
        match self.dice.of(&slots) {
            Some(slot) if self.world.store(slot).is_some() => self.lead(slot),
            Some(_) | None => Ok(()),
        }
    }

    fn crash(&mut self) -> Result<(), Violation> {
        if let Some(slot) = self.any(|node| node.store.is_some()) {
            self.tell(format!("{slot} loses its power"));
            self.world.crash(slot);
        }
        Ok(())
    }

    fn start(&mut self) -> Result<(), Violation> {
        if let Some(slot) = self.any(|node| node.store.is_none()) {
            self.tell(format!("{slot} starts"));
            self.world.start(slot);
        }
        Ok(())
    }

    fn stop(&mut self) -> Result<(), Violation> {
        match self.any(|node| node.leads().is_some()) {
            Some(slot) => {
                self.tell(format!("{slot} is master no longer"));
                self.world.stop(slot)
            }
            None => Ok(()),
        }
    }

    /// Another disk, at a node that has all that others have: as many disks as a majority needs never fail together.
    fn wipe(&mut self) -> Result<(), Violation> {
        if self.all_have_all()
            && let Some(slot) = self.any(|_| true)
        {
            self.tell(format!("{slot} starts with another disk"));
            self.world.wipe(slot);
        }
        Ok(())
    }

    /// Whether the highest leadership sees every store that counts have all that is stored.
    fn all_have_all(&self) -> bool {
        let nodes = || self.world.nodes.values();
        let highest = nodes()
            .map(|node| node.disk.stored.promised.max(node.reign))
            .max();
        let leader = nodes().find(|node| node.leads() == highest && highest.is_some());
        let Some(store) = leader.and_then(|node| node.store.as_ref()) else {
            return false;
        };
        let status = store.status();
        let newest = store.served().map(|served| served.stamp);
        let has_all = |store: &heartbeat_store::StoreStatus| {
            store.part == Part::Counts && store.lags == Some(0)
        };
        newest.is_some()
            && status.stores.values().all(has_all)
            && nodes()
                .filter(|node| Some(node.disk.stored.state.stamp) == newest)
                .count()
                >= status.stores.len()
    }

    /// One elector more or one less, of which not every leadership hears.
    fn change_electors(&mut self) -> Result<(), Violation> {
        if !self.campaign.has_changes {
            return Ok(());
        }
        let Some(slot) = self.any(|_| true) else {
            return Ok(());
        };
        let mut electors = self.world.electors.clone();
        if !electors.remove(&slot) {
            electors.insert(slot);
        }
        if electors.len() < 3 {
            return Ok(());
        }
        self.tell(format!("the electors are {electors:?}"));
        self.world.electors = electors.clone();
        let now = self.world.now;
        match self.any(|node| node.leads().is_some()) {
            Some(leader) => self
                .world
                .with(leader, |store| store.set_electors(electors, now)),
            None => Ok(()),
        }
    }
}
