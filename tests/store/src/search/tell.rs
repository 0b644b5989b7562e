//! Steps in words.

use heartbeat_core::Slot;
use heartbeat_store::Message;

use super::Scope;
use super::moves::Move;
use super::table::{Event, Table};
use crate::world::Envelope;

impl Move {
    /// In words.
    pub(super) fn tell(&self, scope: &Scope, table: &Table) -> String {
        let slot = table.slot(self.at);
        match self.event {
            Event::Hears(message) => told(table.message(message)),
            Event::HearsInVain(message) => {
                format!("{}; its disk is full", told(table.message(message)))
            }
            Event::Written => format!("{slot}'s disk has written"),
            Event::Fails => format!("{slot}'s disk is full"),
            Event::Leads(place) => {
                let (slot, epoch) = scope.leaders[place];
                format!("{slot} leads {}", epoch.round())
            }
            Event::Writes(_) => format!("a client writes at {slot}"),
            Event::Restarts => format!("{slot} loses its power and starts again"),
            Event::Wiped(_) => format!("{slot} starts again with another disk"),
            Event::Connects(other) => format!("{slot} is connected to {other} again"),
        }
    }
}

/// In words: who hears what of whom.
pub(crate) fn told(envelope: &Envelope) -> String {
    let (from, to): (Slot, Slot) = (envelope.from, envelope.to);
    match &envelope.message {
        Message::Order(order) => {
            let epoch = order.reign.epoch.round();
            format!("{to} hears of {from}'s leadership {epoch}: {:?}", order.ask)
        }
        Message::Report(report) => {
            let epoch = report.reign.epoch.round();
            let at = report.standing.stamp;
            format!(
                "{to}, leading {epoch}, hears that {from} stands at {at}: {:?}",
                report.answer
            )
        }
    }
}
