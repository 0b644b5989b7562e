//! One task a member that anything was to be sent to: dials it when it must, and lets the link work.

use std::sync::Arc;
use std::time::Duration;

use heartbeat_core::Slot;
use heartbeat_core::message::Network;
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc};
use tokio::time::sleep;
use tracing::info;

use super::bounds::{FIRST_PAUSE, LONGEST_PAUSE};
use super::dialled::{self, Outgoing};
use super::error::{CallError, LinkError};
use super::target::{Link, Target};

/// Dials one member.
pub(super) struct Dialler {
    pub(super) target: Target,
    pub(super) queue: mpsc::Receiver<Outgoing>,
    /// Somebody has put something into the queue.
    pub(super) demand: Arc<Notify>,
}

impl Dialler {
    pub(super) async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            self.wanted().await;
            let _place = self.place().await;
            match self.target.dial().await {
                Ok(link) => {
                    pause = FIRST_PAUSE;
                    self.work(link).await;
                }
                Err(why) => self.failed(&why),
            }
            self.rest(pause).await;
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }

    /// Waits until somebody asks something, or the link is to stand anyway.
    async fn wanted(&self) {
        let slot = self.target.slot;
        let mut kept = self.target.shared.kept.subscribe();
        while self.queue.is_empty() && !kept.borrow_and_update().contains(&slot) {
            tokio::select! {
                // The sender lives as long as the target.
                _ = kept.changed() => {}
                () = self.demand.notified() => {}
            }
        }
    }

    /// A place among the links that stand only while somebody asks.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        let shared = &self.target.shared;
        if shared.is_kept(self.target.slot) {
            return None;
        }
        Arc::clone(&shared.on_demand).acquire_owned().await.ok()
    }

    /// Lets the link work until it ends; one over the business network until the management network answers.
    async fn work(&mut self, mut link: Link) {
        let Self { target, queue, .. } = self;
        let (slot, shared) = (target.slot, &target.shared);
        loop {
            let facts = link.facts;
            shared.up(slot, facts.network);
            info!(slot, network = ?facts.network, address = %facts.address, "linked");
            let is_business = facts.network == Network::Business;
            let ended = tokio::select! {
                error = dialled::run(&mut link, queue, || shared.is_kept(slot)) => Err(error),
                () = shared.outdated(facts) => Err(LinkError::Outdated),
                better = target.over_management(), if is_business => Ok(better),
            };
            match ended {
                Ok(better) => {
                    link = better;
                    refuse(queue, slot, "it moves back to the management network");
                }
                Err(LinkError::Idle) => {
                    shared.forget(slot);
                    return;
                }
                Err(why) => {
                    info!(slot, %why, "link ended");
                    shared.down(slot, why.to_string());
                    refuse(queue, slot, &why.to_string());
                    return;
                }
            }
        }
    }

    fn failed(&mut self, why: &str) {
        self.target.shared.down(self.target.slot, why.to_owned());
        refuse(&mut self.queue, self.target.slot, why);
    }

    /// Waits, and no longer than the first pause when somebody asks something.
    async fn rest(&self, pause: Duration) {
        let asked = async {
            sleep(FIRST_PAUSE).await;
            self.demand.notified().await;
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = asked => {}
        }
    }
}

/// What waits is of no link: who asked is told why in vain, and what goes one way is lost.
fn refuse(queue: &mut mpsc::Receiver<Outgoing>, peer: Slot, why: &str) {
    while let Ok(outgoing) = queue.try_recv() {
        if let Some(answer) = outgoing.answer {
            let why = why.to_owned();
            // Who asked may have gone away.
            let _ = answer.send(Err(CallError::NoLink { peer, why }));
        }
    }
}
