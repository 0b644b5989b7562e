//! What needs no order, and is done at once; what can have no effect any more, and is left out.
//!
//! Both rest on this: what is on its way may always not arrive, so of two states that differ by what is on its way alone,
//! the one that has more can do all that the other can.

use std::rc::Rc;
use std::sync::Arc;

use heartbeat_store::message::{Ask, Order, Report};
use heartbeat_store::{Message, Stamp};

use super::known::Known;
use super::state::State;
use super::table::{Event, MessageId, Table};

impl State {
    /// Does what needs no order, and leaves out what can have no effect.
    pub(super) fn settle(&mut self, table: &mut Table) {
        self.answer(table);
        let net = std::mem::take(&mut self.net);
        let (nodes, left, has_wipes) = (&self.nodes, &self.left, self.has_wipes);
        let is_kept = |message: &MessageId| {
            let envelope = Arc::clone(table.message(*message));
            let at = nodes[table.place(envelope.to)];
            let to = Rc::clone(table.node(at));
            // What is argued below is looked at besides, as far as it can be: it has no effect now.
            let is_effective = table.step(at, Event::Hears(*message)).node != at;
            match &envelope.message {
                Message::Order(order) => {
                    to.is_busy() || may_be_followed(order, &to, left.crashes > 0) || is_effective
                }
                Message::Report(report) if to.leads == Some(report.reign) => {
                    match to.heard.get(&envelope.from) {
                        Some((store, stamp)) if *store == report.standing.store => {
                            may_tell(report, *stamp) || is_effective
                        }
                        Some(_) | None => has_wipes || report.standing.promised >= report.reign,
                    }
                }
                Message::Report(_) => false,
            }
        };
        self.net = net.into_iter().filter(is_kept).collect();
    }

    /// Has everybody say what it says without changing itself: what a store answers that an order wants nothing written
    /// of. It would be on its way all the more later, and by then the store may have gone on.
    fn answer(&mut self, table: &mut Table) {
        loop {
            let mut is_new = false;
            for message in self.net.clone() {
                let envelope = table.message(message);
                let is_order = envelope.is_order();
                let node = self.nodes[table.place(envelope.to)];
                if is_order && table.node(node).is_busy() {
                    continue;
                }
                let step = table.step(node, Event::Hears(message));
                if step.node == node && step.violation.is_none() {
                    is_new |= self.add_to_net(&step.sent);
                }
            }
            if !is_new {
                return;
            }
        }
    }
}

/// Whether a store whose disk is idle may still do anything about an order that it has answered as it is. Its promise and
/// its state never fall; another disk is told anew.
pub(super) fn may_be_followed(order: &Order, to: &Known, may_restart: bool) -> bool {
    let (promised, stamp) = (to.promised(), to.stamp());
    if order.reign < promised {
        return false;
    }
    match &order.ask {
        Ask::Promise => order.reign > promised,
        Ask::Append { batches, .. } => batches.last().is_some_and(|last| last.to > stamp),
        Ask::Part { at, .. } => *at > stamp,
        Ask::Replace { rest, .. } => rest.stamp > stamp,
        // Who has lost its newest batches with its power shows the whole state.
        Ask::Fetch { at, .. } => *at == stamp && may_restart,
    }
}

/// Whether a leader that knows where that store stands may still learn anything of its answer. One that is older than what
/// it knows would only have it ask again, and so does the one by which it knows.
fn may_tell(report: &Report, known: Stamp) -> bool {
    let standing = &report.standing;
    standing.promised > report.reign
        || (standing.promised == report.reign && standing.stamp >= known)
}
