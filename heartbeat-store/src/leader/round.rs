//! One round after the other: changes go to all stores, and are done when a majority has them.

use std::collections::VecDeque;

use super::draft::Draft;
use super::{Leader, Stage};
use crate::bounds::BATCH_WEIGHT;
use crate::change::Batch;
use crate::leader::spread::Spread;
use crate::output::{Event, Output};
use crate::state::Holders;
use crate::write::{Outcome, WriteId};

/// Changes on their way to a majority.
#[derive(Clone, Debug, Hash)]
pub(super) struct Round {
    pub(super) batch: Batch,
    /// Who counts once it is made, and is asked already.
    pub(super) holders: Holders,
    /// What clients are told then.
    pub(super) waiting: Vec<(WriteId, Outcome)>,
}

impl Round {
    pub(super) fn new(batch: Batch, holders: &Holders, waiting: Vec<(WriteId, Outcome)>) -> Self {
        let mut holders = holders.clone();
        for change in &batch.changes {
            change.make_for(&mut holders);
        }
        Self {
            batch,
            holders,
            waiting,
        }
    }
}

impl Leader {
    /// Ends the round that a majority has, and begins the next one.
    pub(super) fn go_on_with_rounds(&mut self, outputs: &mut VecDeque<Output>) {
        while self.finish_round(outputs) {
            self.begin_next_round(outputs);
        }
        self.begin_next_round(outputs);
    }

    /// Whether a round came to its end.
    fn finish_round(&mut self, outputs: &mut VecDeque<Output>) -> bool {
        let Stage::Leading(spread) = &self.stage else {
            return false;
        };
        let Some(round) = &spread.round else {
            return false;
        };
        let end = round.batch.to;
        let having = self.counted(&round.holders, |peer| {
            peer.standing
                .as_ref()
                .is_some_and(|standing| standing.stamp == end)
        });
        if !self.is_enough(&round.holders, &having) {
            return false;
        }
        let is_filling = self.peers.values().any(|peer| peer.is_filling);
        let Stage::Leading(spread) = &mut self.stage else {
            unreachable!("it led just now");
        };
        let round = spread
            .round
            .take()
            .expect("a round was on its way just now");
        spread.finish(round, &having, outputs);
        if !is_filling {
            spread.let_go_of_frozen();
        }
        if !spread.serves {
            spread.serves = true;
            outputs.push_back(Output::Event(Event::Serves { stamp: end }));
        }
        true
    }

    /// Begins a round, if something waits for one: a store that comes or goes, or else clients' writes.
    fn begin_next_round(&mut self, outputs: &mut VecDeque<Output>) {
        let step = self.next_holders();
        let Stage::Leading(spread) = &mut self.stage else {
            return;
        };
        if spread.round.is_some() || !spread.serves {
            return;
        }
        match step {
            Some(step) => spread.begin_round(vec![step], Vec::new()),
            None => spread.begin_writing(outputs),
        }
    }
}

impl Spread {
    /// Begins a round with as many of the waiting writes as one batch holds. Writes that change nothing need none.
    fn begin_writing(&mut self, outputs: &mut VecDeque<Output>) {
        let mut draft = Draft::new(&self.state);
        let mut waiting = Vec::new();
        while let Some((id, write)) = self
            .queue
            .pop_front_if(|(_, write)| draft.has_room_for(write, BATCH_WEIGHT))
        {
            self.queued_bytes -= write.bytes();
            waiting.push((id, draft.add(&write)));
        }
        let changes = draft.into_changes();
        if !changes.is_empty() {
            return self.begin_round(changes, waiting);
        }
        for (id, outcome) in waiting {
            outputs.push_back(Output::Outcome { id, outcome });
        }
    }
}
