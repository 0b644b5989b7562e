//! What a write makes of a store once it is on the disk.

use std::collections::VecDeque;
use std::mem;

use super::{Replica, Staging};
use crate::change::Batch;
use crate::difference::Difference;
use crate::disk::{DiskWrite, Notes, Rest};
use crate::key::Key;
use crate::message::{Answer, Ask, Staged};
use crate::output::{Event, Output};
use crate::part;
use crate::recent::Recent;
use crate::state::Entry;

impl Replica {
    /// Takes over what was written, and says what the order that wanted it is answered.
    pub(super) fn make(
        &mut self,
        write: DiskWrite,
        ask: &Ask,
        outputs: &mut VecDeque<Output>,
    ) -> Answer {
        match write {
            DiskWrite::Promise(reign) => {
                // Parts of a state come from the leader that was promised before.
                self.staging = None;
                self.stored.promised = reign;
                self.promised()
            }
            DiskWrite::Batches { batches, noted } => self.make_changes(&batches, noted),
            DiskWrite::Part { is_first, entries } => self.lay_aside(is_first, entries, ask),
            DiskWrite::Replace(rest) => self.replace(rest, outputs),
        }
    }

    fn make_changes(&mut self, batches: &[Batch], noted: Notes) -> Answer {
        for batch in batches {
            self.stored.state.apply(batch);
            self.recent.push(batch);
        }
        self.stored.noted = noted;
        Answer::Stands
    }

    fn lay_aside(&mut self, is_first: bool, entries: Vec<(Key, Entry)>, ask: &Ask) -> Answer {
        let Ask::Part { at, .. } = ask else {
            unreachable!("a part is written for a part");
        };
        let after = entries.last().map(|(key, _)| key.clone());
        match &mut self.staging {
            Some(staging) if !is_first => {
                staging.entries.extend(entries);
                staging.staged.after = after.or(staging.staged.after.take());
            }
            Some(_) | None => {
                self.staging = Some(Staging {
                    staged: Staged { at: *at, after },
                    entries,
                });
            }
        }
        Answer::Stands
    }

    fn replace(&mut self, rest: Rest, outputs: &mut VecDeque<Output>) -> Answer {
        let staging = self.staging.take().expect("parts came before their end");
        self.stored.noted = rest.noted.clone();
        self.recent = Recent::default();
        let new = part::joined(staging.entries, rest);
        let old = mem::replace(&mut self.stored.state, new);
        let Some(difference) = Difference::between(&old, &self.stored.state) else {
            return Answer::Stands;
        };
        outputs.push_back(Output::Event(Event::GaveWay {
            old,
            difference: difference.clone(),
        }));
        Answer::Replaced(difference)
    }
}
