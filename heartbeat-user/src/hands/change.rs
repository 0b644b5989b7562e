//! Other addresses than before, while some of them are held.

use super::order::{Change, Failure};
use super::worker::Worker;
use super::{Action, VirtualAddress};

impl Worker {
    /// What leaves goes first, so that an address that moves to another interface is never on two.
    ///
    /// # Errors
    /// Why one of the new addresses could not be added, or one that leaves not be deleted. Both are tried again
    /// until something else is ordered.
    pub(super) fn change(&mut self, change: &Change) -> Result<(), Failure> {
        self.watch(&change.interfaces)?;
        let lists = [&change.masters, &change.own];
        let lists = || lists.into_iter().chain(change.leased.values());
        let is_wanted = |address: &VirtualAddress| lists().any(|list| list.contains(address));
        self.leftovers
            .retain(|leftover| !is_wanted(&leftover.address));
        let mut leaving = Vec::new();
        if let Some(holding) = &mut self.holding {
            leaving.extend(holding.keep_only(&change.masters));
        }
        if let Some(kept) = &mut self.kept {
            leaving.extend(kept.keep_only(&change.own));
        }
        let leased = |slot| change.leased.get(&slot).map_or(&[][..], |list| list);
        for held in &mut self.slots {
            leaving.extend(held.holding.keep_only(leased(held.slot)));
        }
        let before = self.leftovers.len();
        for (address, link_index) in &leaving {
            self.give_up(address, *link_index);
        }
        let mut outcome = Ok(());
        if let Some(holding) = &mut self.holding {
            outcome = holding.hold_too(&mut self.tools, &change.masters);
        }
        if let Some(kept) = &mut self.kept {
            outcome = outcome.and(kept.hold_too(&mut self.tools, &change.own));
        }
        for held in &mut self.slots {
            outcome = outcome.and(held.holding.hold_too(&mut self.tools, leased(held.slot)));
        }
        match self.leftovers.get(before) {
            Some(left) => outcome.and(Err(Failure::Unchanged {
                action: Action::Delete,
                address: left.address.address,
            })),
            None => outcome,
        }
    }

    /// Takes more interfaces into view, as they are now.
    fn watch(&mut self, interfaces: &[String]) -> Result<(), Failure> {
        if !self.tools.watch.add(interfaces) {
            return Ok(());
        }
        let links = self.tools.netlink.links()?;
        let mut changes = Vec::new();
        let changed = |name: &str, change| changes.push((name.to_owned(), change));
        self.tools.watch.resync(&links, changed);
        for (interface, change) in changes {
            // Those that are new to the view have not just come back: their gates stand.
            if !interfaces.contains(&interface) {
                self.link_changed(interface, change);
            }
        }
        Ok(())
    }
}
