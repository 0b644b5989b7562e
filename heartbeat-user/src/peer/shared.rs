//! What dialled and accepted links have in common, and what operators see of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use heartbeat_core::Slot;
use heartbeat_core::message::Network;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tracing::warn;

use super::bounds::{MAX_ACCEPTED, MAX_ON_DEMAND, MAX_UNPROVEN, TELL_AGAIN};
use super::error::HandshakeError;
use super::intake::Intake;
use super::membership::{LinkFacts, Membership};

/// The link that this node dialled to another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// It stands.
    Up {
        /// Over which network.
        network: Network,
        /// Which one it is: with each new link some of what was sent may be lost.
        life: u64,
    },
    /// There is none.
    Down {
        /// Why.
        why: String,
    },
}

/// What all links go by, and what is told of them.
pub(super) struct Shared {
    pub(super) membership: watch::Sender<Arc<Membership>>,
    /// Members whose links stand whether or not anybody asks.
    pub(super) kept: watch::Sender<BTreeSet<Slot>>,
    pub(super) links: watch::Sender<BTreeMap<Slot, LinkState>>,
    pub(super) intake: Intake,
    pub(super) tally: Tally,
    pub(super) on_demand: Arc<Semaphore>,
    pub(super) unproven: Arc<Semaphore>,
    pub(super) accepted: Arc<Semaphore>,
    lives: AtomicU64,
    /// Why a network is not listened on.
    deaf: Mutex<BTreeMap<Network, String>>,
}

impl Shared {
    pub(super) fn new(membership: Membership) -> Self {
        Self {
            membership: watch::Sender::new(Arc::new(membership)),
            kept: watch::Sender::default(),
            links: watch::Sender::default(),
            intake: Intake::default(),
            tally: Tally::default(),
            on_demand: Arc::new(Semaphore::new(MAX_ON_DEMAND)),
            unproven: Arc::new(Semaphore::new(MAX_UNPROVEN)),
            accepted: Arc::new(Semaphore::new(MAX_ACCEPTED)),
            lives: AtomicU64::new(0),
            deaf: Mutex::default(),
        }
    }

    pub(super) fn membership(&self) -> Arc<Membership> {
        Arc::clone(&self.membership.borrow())
    }

    pub(super) fn is_kept(&self, slot: Slot) -> bool {
        self.kept.borrow().contains(&slot)
    }

    pub(super) fn up(&self, slot: Slot, network: Network) {
        let life = self.lives.fetch_add(1, Ordering::Relaxed) + 1;
        self.note(slot, LinkState::Up { network, life });
    }

    pub(super) fn down(&self, slot: Slot, why: String) {
        self.note(slot, LinkState::Down { why });
    }

    /// There is no link because nobody needs one.
    pub(super) fn forget(&self, slot: Slot) {
        self.links.send_modify(|links| {
            links.remove(&slot);
        });
    }

    pub(super) fn is_up(&self, slot: Slot) -> bool {
        matches!(self.links.borrow().get(&slot), Some(LinkState::Up { .. }))
    }

    fn note(&self, slot: Slot, state: LinkState) {
        self.links.send_if_modified(|links| {
            let before = links.insert(slot, state.clone());
            before != Some(state)
        });
    }

    /// Whether a network is listened on, or why not; whether that is new.
    pub(super) fn listens(&self, network: Network, outcome: Result<(), String>) -> bool {
        let mut deaf = self.deaf.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(()) => deaf.remove(&network).is_some(),
            Err(why) => deaf.insert(network, why.clone()) != Some(why),
        }
    }

    pub(super) fn deaf(&self) -> BTreeMap<Network, String> {
        let deaf = self.deaf.lock();
        deaf.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends when the configuration allows a link of these facts no more.
    pub(super) async fn outdated(&self, facts: LinkFacts) {
        let mut changes = self.membership.subscribe();
        // The sender lives as long as this.
        let _ = changes.wait_for(|now| !now.allows(&facts)).await;
    }
}

/// Connections that became no link, by the word of the cause.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Refused>);

#[derive(Debug, Default)]
struct Refused {
    counts: BTreeMap<&'static str, u64>,
    told: Option<Instant>,
    untold: u64,
}

impl Tally {
    /// Counts it, and tells it if nothing was told for a while.
    pub(super) fn refused(&self, source: &str, why: &HandshakeError) {
        let mut refused = self.lock();
        *refused.counts.entry(why.as_str()).or_default() += 1;
        if refused.told.is_some_and(|at| at.elapsed() < TELL_AGAIN) {
            refused.untold += 1;
            return;
        }
        let others = std::mem::take(&mut refused.untold);
        refused.told = Some(Instant::now());
        drop(refused);
        warn!(source, %why, others, "a connection of another daemon was refused");
    }

    /// A message of a kind that nobody here takes.
    pub(super) fn undelivered(&self) {
        *self.lock().counts.entry("undelivered").or_default() += 1;
    }

    pub(super) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.lock().counts.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Refused> {
        // Numbers only: a panic elsewhere leaves nothing that misleads.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task that ends with whoever holds this.
#[derive(Debug)]
pub(super) struct Task(pub(super) JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
