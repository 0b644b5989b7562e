//! A store: what it accepts of leaders, and what it tells them once that is on its disk.

mod make;
mod take;

use std::collections::VecDeque;

use heartbeat_core::{Aside, Slot};

use crate::bounds::DEFERRED_ORDERS;
use crate::disk::{DiskId, DiskWrite, Note, Stored, Trouble};
use crate::key::Key;
use crate::message::{Answer, Message, Order, Report, Staged, Standing};
use crate::output::Output;
use crate::recent::Recent;
use crate::stamp::Reign;
use crate::state::Entry;

/// A store. What it is in memory is what is on its disk: a write takes effect when it is reported as written, and while
/// one is on its way other orders wait.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Replica {
    slot: Slot,
    stored: Stored,
    recent: Recent,
    staging: Option<Staging>,
    writing: Option<Writing>,
    deferred: VecDeque<(Slot, Order)>,
    /// What the disk did not take last.
    trouble: Aside<Option<Trouble>>,
    /// It has less than it was seen to have, and takes part in nothing more.
    is_set_back: bool,
    last_id: Aside<DiskId>,
}

/// A state that comes in parts.
#[derive(Clone, Debug, Hash)]
struct Staging {
    staged: Staged,
    entries: Vec<(Key, Entry)>,
}

/// An order whose write is on its way to the disk.
#[derive(Clone, Debug, Hash)]
struct Writing {
    id: Aside<DiskId>,
    from: Slot,
    order: Order,
    write: DiskWrite,
}

impl Replica {
    pub(crate) fn new(slot: Slot, stored: Stored) -> Self {
        Self {
            slot,
            stored,
            recent: Recent::default(),
            staging: None,
            writing: None,
            deferred: VecDeque::new(),
            trouble: Aside(None),
            is_set_back: false,
            last_id: Aside(0),
        }
    }

    pub(crate) const fn stored(&self) -> &Stored {
        &self.stored
    }

    pub(crate) const fn recent(&self) -> &Recent {
        &self.recent
    }

    pub(crate) const fn trouble(&self) -> Option<Trouble> {
        self.trouble.0
    }

    pub(crate) const fn is_set_back(&self) -> bool {
        self.is_set_back
    }

    /// Takes an order, or has it wait for the disk. More than [`DEFERRED_ORDERS`] are dropped, and come again.
    pub(crate) fn handle(&mut self, from: Slot, order: Order, outputs: &mut VecDeque<Output>) {
        let Some(writing) = &self.writing else {
            return self.take(from, order, outputs);
        };
        let is_known =
            writing.order == order || self.deferred.iter().any(|(_, waits)| *waits == order);
        if !is_known && self.deferred.len() < DEFERRED_ORDERS {
            self.deferred.push_back((from, order));
        }
    }

    /// A write is on the disk.
    pub(crate) fn written(&mut self, id: DiskId, outputs: &mut VecDeque<Output>) {
        let Some(writing) = self.writing.take_if(|writing| *writing.id == id) else {
            return;
        };
        self.trouble = Aside(None);
        let answer = self.make(writing.write, &writing.order.ask, outputs);
        self.report(writing.from, writing.order.reign, answer, outputs);
        self.go_on(outputs);
    }

    /// A write is not on the disk, and will not be.
    pub(crate) fn failed(&mut self, id: DiskId, trouble: Trouble, outputs: &mut VecDeque<Output>) {
        let Some(writing) = self.writing.take_if(|writing| *writing.id == id) else {
            return;
        };
        self.trouble = Aside(Some(trouble));
        self.staging = None;
        self.report(writing.from, writing.order.reign, Answer::Stands, outputs);
        self.go_on(outputs);
    }

    fn go_on(&mut self, outputs: &mut VecDeque<Output>) {
        while self.writing.is_none()
            && let Some((from, order)) = self.deferred.pop_front()
        {
            self.take(from, order, outputs);
        }
    }

    /// What this store has.
    fn note(&self) -> Note {
        Note {
            store: self.stored.store,
            stamp: self.stored.state.stamp,
        }
    }

    fn report(&self, to: Slot, reign: Reign, answer: Answer, outputs: &mut VecDeque<Output>) {
        let standing = Standing {
            store: self.stored.store,
            promised: self.stored.promised,
            stamp: self.stored.state.stamp,
            staged: self.staging.as_ref().map(|staging| staging.staged.clone()),
            trouble: *self.trouble,
        };
        let message = Message::Report(Report {
            reign,
            standing,
            answer,
        });
        outputs.push_back(Output::Send { to, message });
    }
}
