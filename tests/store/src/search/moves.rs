//! What could happen next.

use heartbeat_store::Message;
use heartbeat_store::message::Order;

use super::Scope;
use super::reduce::may_be_followed;
use super::state::State;
use super::table::{Event, Table};

/// Something that could happen next, to the node in that place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    pub(super) at: usize,
    pub(super) event: Event,
}

impl State {
    /// Everything that could happen next and changes something.
    pub(super) fn moves(&self, scope: &Scope, table: &mut Table) -> Vec<Move> {
        let mut moves = Vec::new();
        for message in &self.net {
            let envelope = table.message(*message);
            let (at, is_order) = (table.place(envelope.to), envelope.is_order());
            let known = table.node(self.nodes[at]);
            let (is_busy, leads) = (known.is_busy(), known.leads.is_some());
            // A store that waits for its disk has an order wait. That makes a difference where a leader goes on meanwhile, and
            // the order is one to be followed: else the order may as well arrive later.
            let may_wait = |order: &Order| leads && may_be_followed(order, known, true);
            match &envelope.message {
                Message::Order(order) if is_busy && !may_wait(order) => continue,
                Message::Order(_) | Message::Report(_) => {}
            }
            let hears = Move {
                at,
                event: Event::Hears(*message),
            };
            if self.changes(hears, table) {
                moves.push(hears);
                let is_written = table.step(self.nodes[at], hears.event).node != self.nodes[at];
                if is_written && is_order && self.left.failures > 0 && (!leads || scope.is_quick) {
                    let event = Event::HearsInVain(*message);
                    moves.push(Move { at, event });
                }
            }
        }
        for place in &self.left.leaders {
            moves.push(Move {
                at: table.place(scope.leaders[*place].0),
                event: Event::Leads(*place),
            });
        }
        for at in 0..self.nodes.len() {
            let known = table.node(self.nodes[at]);
            let begun = u64::from(scope.wipes - self.left.wipes) + 1;
            let written = u64::from(scope.writes - self.left.writes);
            let can = [
                (known.is_busy(), Event::Written),
                (known.is_busy() && self.left.failures > 0, Event::Fails),
                (
                    self.left.writes > 0 && known.serves(),
                    Event::Writes(scope.start.writes + written + 1),
                ),
                (self.left.crashes > 0, Event::Restarts),
                (self.left.wipes > 0, Event::Wiped(scope.start.made + begun)),
            ];
            let can = can.into_iter().filter(|(can, _)| *can);
            let moved = can.map(|(_, event)| Move { at, event });
            for made in moved {
                if self.changes(made, table) {
                    moves.push(made);
                }
            }
        }
        moves
    }

    /// Whether anything is otherwise then.
    fn changes(&self, made: Move, table: &mut Table) -> bool {
        let node = self.nodes[made.at];
        let step = table.step(node, made.event);
        let says = || step.sent.iter().any(|sent| !self.net.contains(sent));
        step.node != node || step.violation.is_some() || (self.is_whole && says())
    }
}
