//! Carries out what the store wants.

use heartbeat_core::Slot;
use heartbeat_store::{Event, Message, Outcome, Output, Store};
use tracing::{debug, info, warn};

use super::{Driver, unknown};
use crate::control::InfoAnswer;
use crate::peer::Kind;
use crate::store::writer::DiskOrder;

impl Driver {
    /// Carries out what the store wants.
    pub(super) fn carry_out(&mut self) {
        while let Some(output) = self.store.as_mut().and_then(Store::poll_output) {
            match output {
                Output::Send { to, message } => self.send(to, &message),
                Output::Disk { id, write } => self.order(DiskOrder::Write(id, write)),
                Output::Outcome { id, outcome } => {
                    if let Some(answer) = self.writes.remove(&id) {
                        let _ = answer.send(told_outcome(outcome));
                    }
                }
                Output::Event(event) => self.happened(event),
            }
        }
    }

    /// What is not taken is sent again by the store.
    fn send(&self, to: Slot, message: &Message) {
        let body =
            postcard::to_allocvec(message).expect("a message has no part that cannot be written");
        if let Err(error) = self.peers.try_send(to, Kind::Store, body.into()) {
            debug!(slot = to, %error, "a message to another node's store was not sent");
        }
    }

    fn order(&self, order: DiskOrder) {
        // One write at a time is on its way, so there is room; without a thread the file is never said to be open.
        if let Err(error) = self.disk.try_send(order) {
            warn!(%error, "the store's disk thread does not listen");
        }
    }

    fn happened(&mut self, event: Event) {
        match event {
            Event::Serves { stamp } => {
                info!(%stamp, "dynamic information can be read and written here");
            }
            Event::Outranked { by } => {
                let epoch = by.epoch;
                warn!(
                    round = epoch.round(),
                    slot = epoch.slot(),
                    "another node leads the dynamic information"
                );
            }
            Event::Replaced { slot, difference } => warn!(
                slot,
                old = %difference.old,
                new = %difference.new,
                only_old = difference.only_old.count,
                changed = difference.changed.count,
                only_new = difference.only_new.count,
                "a node had dynamic information that nobody had acknowledged; it is kept there, in info-given-way"
            ),
            Event::GaveWay { old, difference } => {
                warn!(
                    old = %difference.old,
                    new = %difference.new,
                    only_old = ?difference.only_old.named,
                    changed = ?difference.changed.named,
                    only_new = ?difference.only_new.named,
                    "this node had dynamic information that nobody had acknowledged; it gave way to the master's, and is kept \
                     in info-given-way"
                );
                self.order(DiskOrder::Keep(Box::new(old)));
            }
            Event::SetBack { has, had } => {
                warn!(
                    %has,
                    %had,
                    "this node's store was set back to an older state; it is put aside as info-set-back.redb, and filled anew"
                );
                self.store = None;
                self.forget_writes();
                self.order(DiskOrder::PutAside);
            }
        }
    }
}

fn told_outcome(outcome: Outcome) -> InfoAnswer {
    match outcome {
        Outcome::Done { revision, copies } => InfoAnswer::Written { revision, copies },
        Outcome::Conflict { revision } => InfoAnswer::Conflict { revision },
        Outcome::Refused(refusal) => InfoAnswer::Refused(refusal.to_string()),
        Outcome::Unknown => unknown(),
    }
}
