//! A master's leadership of the store: promised, taken over, spread, and then open for writes.

mod basis;
mod draft;
mod feed;
mod fetch;
mod holders;
mod peer;
mod round;
mod show;
mod spread;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use heartbeat_core::{Instant, Slot};

use crate::disk::{Note, Notes};
use crate::message::{Answer, Report};
use crate::notes;
use crate::output::{Event, Output};
use crate::replica::Replica;
use crate::stamp::Reign;
use crate::state::{Holders, StoreId};
use fetch::Fetching;
use peer::Peer;
pub(crate) use spread::Spread;

/// A leadership.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Leader {
    slot: Slot,
    reign: Reign,
    electors: BTreeSet<Slot>,
    /// The other node of a pair is silent, by evidence.
    is_alone: bool,
    /// An operator said that whoever has not answered is gone for good.
    is_forced: bool,
    stage: Stage,
    peers: BTreeMap<Slot, Peer>,
    noted: Notes,
}

/// How far a leadership has come.
#[derive(Clone, Debug, Hash)]
enum Stage {
    /// Stores promise, and say what they have.
    Promising,
    /// The newest state comes from another node.
    Fetching(Fetching),
    /// The newest state is at hand, and spreads; once a majority has it, it serves.
    Leading(Box<Spread>),
    /// A higher leadership was promised.
    Over,
}

impl Leader {
    pub(crate) const fn new(slot: Slot, reign: Reign, electors: BTreeSet<Slot>) -> Self {
        Self {
            slot,
            reign,
            electors,
            is_alone: false,
            is_forced: false,
            stage: Stage::Promising,
            peers: BTreeMap::new(),
            noted: Notes::new(),
        }
    }

    /// Under which leadership, unless it is over.
    pub(crate) fn goes_on(&self) -> Option<Reign> {
        (!matches!(self.stage, Stage::Over)).then_some(self.reign)
    }

    /// What spreads, once it does.
    pub(crate) const fn spread(&self) -> Option<&Spread> {
        match &self.stage {
            Stage::Leading(spread) => Some(spread),
            Stage::Promising | Stage::Fetching(_) | Stage::Over => None,
        }
    }

    pub(crate) fn spread_mut(&mut self) -> Option<&mut Spread> {
        match &mut self.stage {
            Stage::Leading(spread) => Some(spread),
            Stage::Promising | Stage::Fetching(_) | Stage::Over => None,
        }
    }

    pub(crate) fn set_electors(&mut self, electors: BTreeSet<Slot>) {
        self.electors = electors;
    }

    pub(crate) const fn set_alone(&mut self, is_alone: bool) {
        self.is_alone = is_alone;
    }

    pub(crate) const fn force(&mut self) {
        self.is_forced = true;
    }

    /// A store answers.
    pub(crate) fn handle(
        &mut self,
        from: Slot,
        report: Report,
        own: &Replica,
        outputs: &mut VecDeque<Output>,
    ) {
        let promised = report.standing.promised;
        if report.reign != self.reign || matches!(self.stage, Stage::Over) {
            return;
        }
        if promised > self.reign {
            return self.outranked(promised, outputs);
        }
        let peer = self.peers.entry(from).or_default();
        if promised < self.reign {
            return peer.has_not_promised(&report.standing);
        }
        if !peer.stands(&report.standing) {
            return;
        }
        let note = Note {
            store: report.standing.store,
            stamp: report.standing.stamp,
        };
        notes::add(&mut self.noted, from, note);
        match report.answer {
            Answer::Stands => self.look_at_source(from),
            Answer::Promised { holders, noted } => {
                peer.holders = Some(holders);
                notes::add_all(&mut self.noted, &noted);
            }
            Answer::Batches(batches) => self.fetched_batches(from, &batches, own),
            Answer::Part {
                after,
                entries,
                rest,
            } => self.fetched_part(from, after.as_ref(), entries, rest),
            Answer::Replaced(difference) => {
                outputs.push_back(Output::Event(Event::Replaced {
                    slot: from,
                    difference,
                }));
            }
        }
    }

    /// Goes as far as what is known allows, and asks whoever can be asked for more.
    pub(crate) fn advance(&mut self, own: &Replica, now: Instant, outputs: &mut VecDeque<Output>) {
        let promised = own.stored().promised;
        if promised > self.reign {
            return self.outranked(promised, outputs);
        }
        self.find_basis(own);
        self.go_on_with_rounds(outputs);
        self.feed(own, now, outputs);
    }

    fn outranked(&mut self, by: Reign, outputs: &mut VecDeque<Output>) {
        if !matches!(self.stage, Stage::Over) {
            outputs.push_back(Output::Event(Event::Outranked { by }));
            self.end(outputs);
        }
    }

    /// Ends: what is on its way has an outcome that nobody knows, and what waits was not written. What it knew of others
    /// serves nothing any more.
    pub(crate) fn end(&mut self, outputs: &mut VecDeque<Output>) {
        if let Stage::Leading(spread) = &mut self.stage {
            spread.give_up(outputs);
        }
        self.stage = Stage::Over;
        self.peers.clear();
        self.noted.clear();
    }

    /// Whether what these have on their disks is in every later leadership's state: a majority of who counts. In a pair,
    /// this node's own while the other is silent.
    fn is_enough(&self, holders: &Holders, having: &BTreeSet<Slot>) -> bool {
        let is_majority = 2 * having.len() > holders.len();
        is_majority || (self.is_alone && holders.len() == 2 && having.contains(&self.slot))
    }

    /// Who counts and promised, and stands as `stands` wants it.
    fn counted(&self, holders: &Holders, stands: impl Fn(&Peer) -> bool) -> BTreeSet<Slot> {
        let counts = |(slot, store): &(&Slot, &StoreId)| {
            let peer = self.peers.get(slot).filter(|peer| stands(peer));
            let note = peer.and_then(Peer::note);
            let has = note.filter(|note| note.store == **store);
            has.is_some_and(|has| !self.is_set_back(**slot, has))
        };
        holders
            .iter()
            .filter(counts)
            .map(|(slot, _)| *slot)
            .collect()
    }

    /// Whether the store there has less than it was seen to have.
    fn is_set_back(&self, slot: Slot, has: Note) -> bool {
        notes::beyond(&self.noted, slot, has).is_some()
    }
}
