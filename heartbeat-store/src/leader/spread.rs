//! A state that spreads: the one that a majority has, the round that is on its way, and what waits behind it.

use std::collections::{BTreeSet, VecDeque};

use heartbeat_core::Slot;

use super::round::Round;
use crate::bounds::{QUEUED_BYTES, QUEUED_WRITES};
use crate::change::{Batch, Change};
use crate::disk::Notes;
use crate::message::{Ask, Standing};
use crate::output::Output;
use crate::part;
use crate::recent::Recent;
use crate::stamp::{Reign, Stamp};
use crate::state::{Holders, State};
use crate::write::{Outcome, Refusal, Write, WriteId};

/// A state that spreads.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Spread {
    pub(super) reign: Reign,
    /// What a majority has; before it serves: what was taken over.
    pub(super) state: State,
    pub(super) recent: Recent,
    pub(super) round: Option<Round>,
    pub(super) queue: VecDeque<(WriteId, Write)>,
    pub(super) queued_bytes: usize,
    /// A majority has the state under this leadership.
    pub(super) serves: bool,
    /// What lagging stores are sent, while they are.
    frozen: Option<State>,
}

impl Spread {
    /// Begins with a state that was taken over: these changes first, or none, under the new leadership.
    pub(super) fn new(reign: Reign, state: State, recent: Recent, changes: Vec<Change>) -> Self {
        let mut spread = Self {
            reign,
            state,
            recent,
            round: None,
            queue: VecDeque::new(),
            queued_bytes: 0,
            serves: false,
            frozen: None,
        };
        spread.begin_round(changes, Vec::new());
        spread
    }

    /// The state that a majority has; `None` before there is one.
    pub(crate) fn served(&self) -> Option<&State> {
        self.serves.then_some(&self.state)
    }

    pub(crate) const fn recent(&self) -> &Recent {
        &self.recent
    }

    /// Where the newest state stands, on its way or not.
    pub(crate) fn newest(&self) -> Stamp {
        self.round
            .as_ref()
            .map_or(self.state.stamp, |round| round.batch.to)
    }

    /// Who counts in the newest state.
    pub(crate) fn holders(&self) -> &Holders {
        self.round
            .as_ref()
            .map_or(&self.state.holders, |round| &round.holders)
    }

    pub(super) fn begin_round(&mut self, changes: Vec<Change>, waiting: Vec<(WriteId, Outcome)>) {
        let batch = Batch::new(self.state.stamp, self.reign, changes);
        self.recent.push(&batch);
        self.round = Some(Round::new(batch, &self.state.holders, waiting));
    }

    /// Has a write wait for its round.
    pub(crate) fn queue(&mut self, id: WriteId, write: Write) -> Result<(), Refusal> {
        write.check()?;
        let bytes = self.queued_bytes + write.bytes();
        if !self.serves {
            return Err(Refusal::NotServing);
        }
        if self.queue.len() >= QUEUED_WRITES || bytes > QUEUED_BYTES {
            return Err(Refusal::Busy);
        }
        self.queued_bytes = bytes;
        self.queue.push_back((id, write));
        Ok(())
    }

    /// What a store lacks that stands there: the batches since, or else a whole state.
    pub(super) fn lacks(&mut self, standing: &Standing, noted: &Notes) -> Option<Ask> {
        if standing.stamp == self.newest() {
            return None;
        }
        let batches = self.recent.after(standing.stamp);
        if !batches.is_empty() {
            let noted = noted.clone();
            return Some(Ask::Append { batches, noted });
        }
        let frozen = self.frozen();
        let staged = standing.staged.as_ref();
        let staged = staged.filter(|staged| staged.at == frozen.stamp);
        let last = part::last_key(frozen);
        let after = staged.and_then(|staged| staged.after.as_ref());
        if staged.is_some() && after == last {
            return Some(Ask::Replace {
                last: last.cloned(),
                rest: part::rest_of(frozen, noted),
            });
        }
        Some(Ask::Part {
            at: frozen.stamp,
            after: after.cloned(),
            entries: part::entries_after(frozen, after),
        })
    }

    /// The state that lagging stores are sent: one from which the recent batches lead on.
    fn frozen(&mut self) -> &State {
        let kept = self.frozen.take();
        let kept = kept.filter(|frozen| self.recent.reaches_back_to(frozen.stamp));
        self.frozen.insert(kept.unwrap_or_else(|| {
            let mut newest = self.state.clone();
            if let Some(round) = &self.round {
                newest.apply(&round.batch);
            }
            newest
        }))
    }

    /// Nobody is sent a whole state any more.
    pub(super) fn let_go_of_frozen(&mut self) {
        self.frozen = None;
    }

    /// Takes a round's changes over, which these stores have.
    pub(super) fn finish(
        &mut self,
        round: Round,
        having: &BTreeSet<Slot>,
        outputs: &mut VecDeque<Output>,
    ) {
        self.state.apply(&round.batch);
        for (id, mut outcome) in round.waiting {
            if let Outcome::Done { copies, .. } = &mut outcome {
                *copies = having.len();
            }
            outputs.push_back(Output::Outcome { id, outcome });
        }
    }

    /// The leadership is over.
    pub(super) fn give_up(&mut self, outputs: &mut VecDeque<Output>) {
        let not_serving = Outcome::Refused(Refusal::NotServing);
        if let Some(round) = self.round.take() {
            for (id, outcome) in round.waiting {
                let outcome = match outcome {
                    Outcome::Done { .. } => Outcome::Unknown,
                    Outcome::Conflict { .. } | Outcome::Refused(_) | Outcome::Unknown => {
                        not_serving.clone()
                    }
                };
                outputs.push_back(Output::Outcome { id, outcome });
            }
        }
        for (id, _) in self.queue.drain(..) {
            let outcome = not_serving.clone();
            outputs.push_back(Output::Outcome { id, outcome });
        }
    }
}
