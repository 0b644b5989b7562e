//! What an order wants written, if it is one to be followed.

use std::collections::VecDeque;

use heartbeat_core::{Aside, Slot};

use super::{Replica, Writing};
use crate::change::Batch;
use crate::disk::{DiskWrite, Notes, Rest};
use crate::key::Key;
use crate::message::{Answer, Ask, Order};
use crate::notes;
use crate::output::{Event, Output};
use crate::part;
use crate::stamp::{Reign, Stamp};
use crate::state::Entry;

/// What is done about an order.
enum Next {
    /// It is answered.
    Answer(Answer),
    /// It is answered once this is written.
    Write(DiskWrite),
}

impl Replica {
    /// Follows an order: under the leadership that was promised, and no other.
    pub(super) fn take(&mut self, from: Slot, order: Order, outputs: &mut VecDeque<Output>) {
        self.look_for_a_set_back(&order, outputs);
        if self.is_set_back {
            return;
        }
        match self.next(&order) {
            Next::Answer(answer) => self.report(from, order.reign, answer, outputs),
            Next::Write(write) => {
                self.last_id.0 += 1;
                let id = *self.last_id;
                outputs.push_back(Output::Disk {
                    id,
                    write: write.clone(),
                });
                self.writing = Some(Writing {
                    id: Aside(id),
                    from,
                    order,
                    write,
                });
            }
        }
    }

    /// Whether others saw this store have more than it has.
    fn look_for_a_set_back(&mut self, order: &Order, outputs: &mut VecDeque<Output>) {
        let noted = match &order.ask {
            Ask::Append { noted, .. } => noted,
            Ask::Replace { rest, .. } => &rest.noted,
            Ask::Promise | Ask::Fetch { .. } | Ask::Part { .. } => return,
        };
        let has = self.note();
        if let Some(had) = notes::beyond(noted, self.slot, has)
            && !self.is_set_back
        {
            self.is_set_back = true;
            outputs.push_back(Output::Event(Event::SetBack {
                has: has.stamp,
                had: had.stamp,
            }));
        }
    }

    fn next(&self, order: &Order) -> Next {
        let reign = order.reign;
        let promised = self.stored.promised;
        if order.ask == Ask::Promise && reign > promised {
            return Next::Write(DiskWrite::Promise(reign));
        }
        if reign != promised {
            return Next::Answer(Answer::Stands);
        }
        let write = match &order.ask {
            Ask::Promise => return Next::Answer(self.promised()),
            Ask::Fetch { at, since, after } => {
                return Next::Answer(self.show(*at, *since, after.as_ref()));
            }
            Ask::Append { batches, noted } => self.batches_to_write(reign, batches, noted),
            Ask::Part { at, after, entries } => {
                self.part_to_write(reign, *at, after.as_ref(), entries)
            }
            Ask::Replace { last, rest } => self.rest_to_write(last.as_ref(), rest),
        };
        write.map_or(Next::Answer(Answer::Stands), Next::Write)
    }

    /// What a leader needs to know of who promised.
    pub(super) fn promised(&self) -> Answer {
        Answer::Promised {
            holders: self.stored.state.holders.clone(),
            noted: self.stored.noted.clone(),
        }
    }

    /// What a leader asks for that has an older state.
    fn show(&self, at: Stamp, since: Stamp, after: Option<&Key>) -> Answer {
        let state = &self.stored.state;
        if state.stamp != at {
            return Answer::Stands;
        }
        if after.is_none() {
            let batches = self.recent.after(since);
            if !batches.is_empty() {
                return Answer::Batches(batches);
            }
        }
        let entries = part::entries_after(state, after);
        let last = entries.last().map(|(key, _)| key).or(after);
        let is_last = last == part::last_key(state);
        Answer::Part {
            after: after.cloned(),
            rest: is_last.then(|| part::rest_of(state, &self.stored.noted)),
            entries,
        }
    }

    /// The batches that this store does not have yet, if they follow what it has.
    fn batches_to_write(
        &self,
        reign: Reign,
        batches: &[Batch],
        noted: &Notes,
    ) -> Option<DiskWrite> {
        let stamp = self.stored.state.stamp;
        let start = batches.iter().position(|batch| batch.from == stamp)?;
        let batches = &batches[start..];
        let is_chain = batches.windows(2).all(|pair| pair[0].to == pair[1].from);
        let is_sound = |batch: &Batch| batch.is_sound() && batch.to.reign <= reign;
        (is_chain && batches.iter().all(is_sound)).then(|| DiskWrite::Batches {
            batches: batches.to_vec(),
            noted: self.noted_with(noted),
        })
    }

    /// The next part of a state that is newer than the one here.
    fn part_to_write(
        &self,
        reign: Reign,
        at: Stamp,
        after: Option<&Key>,
        entries: &[(Key, Entry)],
    ) -> Option<DiskWrite> {
        let staged = self.staging.as_ref().map(|staging| &staging.staged);
        let staged = staged.filter(|staged| staged.at == at);
        let is_next = match staged {
            Some(staged) => after.is_some() && staged.after.as_ref() == after,
            None => after.is_none(),
        };
        let is_newer = at > self.stored.state.stamp && at.reign == reign;
        let is_sorted = entries.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let is_behind = entries.first().is_none_or(|(key, _)| Some(key) > after);
        (is_next && is_newer && is_sorted && is_behind).then(|| DiskWrite::Part {
            is_first: after.is_none(),
            entries: entries.to_vec(),
        })
    }

    /// What a state is beside its entries, if they have all come.
    fn rest_to_write(&self, last: Option<&Key>, rest: &Rest) -> Option<DiskWrite> {
        let staged = &self.staging.as_ref()?.staged;
        let has_come = staged.at == rest.stamp && staged.after.as_ref() == last;
        let noted = self.noted_with(&rest.noted);
        has_come.then(|| {
            DiskWrite::Replace(Rest {
                noted,
                ..rest.clone()
            })
        })
    }

    fn noted_with(&self, seen: &Notes) -> Notes {
        let mut noted = self.stored.noted.clone();
        notes::add_all(&mut noted, seen);
        noted
    }
}
