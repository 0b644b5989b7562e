//! Encrypted, authenticated links between the daemons of a cluster.
//!
//! Each node dials those that it has something for: by a link that it dialled its messages and requests leave, and
//! answers come back. So two nodes that talk to each other have two links, and neither has to agree with the other
//! which one counts. A link is a TCP connection with the Noise protocol in it, opened by the cluster's key; it goes
//! over the management network, and over the business network while that fails.
//!
//! All of it runs in tokio. The pulse knows nothing of it.

mod accepted;
pub mod bounds;
mod dialled;
mod dialler;
mod error;
mod handshake;
mod intake;
mod key;
mod listener;
mod membership;
mod message;
mod sealed;
mod shared;
mod socket;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use heartbeat_core::Slot;
use heartbeat_core::message::Network;
use tokio::runtime::Handle;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::timeout;

use accepted::Seats;
use bounds::{MAX_BODY, QUEUE_DEPTH, QUEUE_UNIT, QUEUE_UNITS};
use dialled::Outgoing;
use dialler::Dialler;
use listener::Listener;
use shared::{Shared, Task};
use target::Target;

pub use error::{CallError, SendError};
pub use intake::Received;
pub use key::LinkKey;
pub use membership::{Membership, Place};
pub use message::Kind;
pub use shared::LinkState;

/// This node's links to the others; cheap to clone. The last clone that is dropped ends them.
#[derive(Clone)]
pub struct Peers(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    runtime: Handle,
    dialled: Mutex<BTreeMap<Slot, Dialled>>,
    _listeners: Vec<Task>,
}

/// The way to one member.
struct Dialled {
    queue: mpsc::Sender<Outgoing>,
    room: Arc<Semaphore>,
    demand: Arc<Notify>,
    _task: Task,
}

impl Peers {
    /// Listens on each network, in this runtime. A place that cannot be listened on is tried until it can; whatever
    /// else is of no avail is a [`LinkState::Down`]. Places and port stay for good.
    #[must_use]
    pub fn start(membership: Membership, runtime: Handle) -> Self {
        let places = membership.places.clone();
        let port = membership.port;
        let shared = Arc::new(Shared::new(membership));
        let seats = Arc::new(Seats::default());
        let listener = |place| {
            let listener = Listener {
                place,
                port,
                shared: Arc::clone(&shared),
                seats: Arc::clone(&seats),
            };
            Task(runtime.spawn(listener.run()))
        };
        Self(Arc::new(Inner {
            _listeners: places.into_iter().map(listener).collect(),
            shared,
            runtime,
            dialled: Mutex::default(),
        }))
    }

    /// Asks the member in slot `to`, which is dialled if it must be, and waits for its answer for so long at most.
    /// Several may ask at once; their answers come as they are ready.
    ///
    /// # Errors
    /// [`CallError`], which says whether it may have been carried out.
    pub async fn call(
        &self,
        to: Slot,
        kind: Kind,
        body: Bytes,
        within: Duration,
    ) -> Result<Bytes, CallError> {
        if body.len() > MAX_BODY {
            return Err(CallError::TooLong(body.len()));
        }
        let (answer, answered) = oneshot::channel();
        let way = self.way(to).ok_or(CallError::NoMember(to))?;
        let busy = || CallError::Busy(to);
        let room = way.room(body.len()).ok_or_else(busy)?;
        let outgoing = Outgoing {
            kind,
            body,
            answer: Some(answer),
            room,
        };
        (way.queue.try_send(outgoing)).map_err(|_| busy())?;
        way.demand.notify_one();
        match timeout(within, answered).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(CallError::LinkLost(to)),
            Err(_) => Err(self.late(to, within)),
        }
    }

    /// Puts a one-way message behind those that wait for slot `to`, a member whose link is kept; never waits.
    /// Messages of one link arrive once each and in their order; of those that were taken the last ones are lost
    /// when the link ends, which [`Peers::links`] tells.
    ///
    /// # Errors
    /// [`SendError`]; it was not taken then.
    pub fn try_send(&self, to: Slot, kind: Kind, body: Bytes) -> Result<(), SendError> {
        if body.len() > MAX_BODY {
            return Err(SendError::TooLong(body.len()));
        }
        let way = self.way(to).ok_or(SendError::NoMember(to))?;
        if !self.0.shared.is_up(to) {
            return Err(SendError::NoLink(to));
        }
        let room = way.room(body.len()).ok_or(SendError::Full(to))?;
        let outgoing = Outgoing {
            kind,
            body,
            answer: None,
            room,
        };
        (way.queue.try_send(outgoing)).map_err(|_| SendError::Full(to))
    }

    /// Requests of this kind are answered so from now on. A request whose link ends is dropped where it waits.
    pub fn answer<F, A>(&self, kind: Kind, answerer: F)
    where
        F: Fn(Slot, Bytes) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Bytes, String>> + Send + 'static,
    {
        self.0.shared.intake.answer(kind, answerer);
    }

    /// One-way messages of this kind come here from now on. While they are not taken, the links that bring them are
    /// not read.
    #[must_use]
    pub fn receive(&self, kind: Kind) -> mpsc::Receiver<Received> {
        self.0.shared.intake.receive(kind)
    }

    /// Links to these members stand from now on, whether or not anybody sends anything; those to others only while
    /// they are used.
    pub fn keep(&self, slots: BTreeSet<Slot>) {
        for slot in &slots {
            // Its task begins to dial by itself.
            let _ = self.way(*slot);
        }
        self.0.shared.kept.send_replace(slots);
    }

    /// The links that this node dialled, and each of their changes.
    #[must_use]
    pub fn links(&self) -> watch::Receiver<BTreeMap<Slot, LinkState>> {
        self.0.shared.links.subscribe()
    }

    /// Members and keys are these from now on. A link of a member that left or moved, or by a key that is not
    /// accepted any more, ends.
    pub fn go_by(&self, membership: Membership) {
        let mut dialled = self.dialled();
        dialled.retain(|slot, _| membership.members.contains_key(slot));
        self.0.shared.links.send_modify(|links| {
            links.retain(|slot, _| membership.members.contains_key(slot));
        });
        drop(dialled);
        let membership = Arc::new(membership);
        self.0.shared.membership.send_replace(membership);
    }

    /// Connections that became no link, and messages that nobody took, by the word of the cause.
    #[must_use]
    pub fn refused(&self) -> BTreeMap<&'static str, u64> {
        self.0.shared.tally.counts()
    }

    /// Why this node is not listened to, by network.
    #[must_use]
    pub fn deaf(&self) -> BTreeMap<Network, String> {
        self.0.shared.deaf()
    }

    fn late(&self, to: Slot, after: Duration) -> CallError {
        let links = self.0.shared.links.borrow();
        match links.get(&to) {
            Some(LinkState::Down { why }) => CallError::NoLink {
                peer: to,
                why: why.clone(),
            },
            Some(LinkState::Up { .. }) | None => CallError::Late { peer: to, after },
        }
    }

    /// `None`: no other member.
    fn way(&self, to: Slot) -> Option<Way> {
        let inner = &self.0;
        if !inner.shared.membership().members.contains_key(&to) {
            return None;
        }
        let mut dialled = self.dialled();
        let dialled = dialled.entry(to).or_insert_with(|| {
            let (queue, waiting) = mpsc::channel(QUEUE_DEPTH);
            let demand = Arc::new(Notify::new());
            let target = Target {
                slot: to,
                shared: Arc::clone(&inner.shared),
            };
            let dialler = Dialler {
                target,
                queue: waiting,
                demand: Arc::clone(&demand),
            };
            Dialled {
                queue,
                room: Arc::new(Semaphore::new(QUEUE_UNITS)),
                demand,
                _task: Task(inner.runtime.spawn(dialler.run())),
            }
        });
        Some(Way {
            queue: dialled.queue.clone(),
            room: Arc::clone(&dialled.room),
            demand: Arc::clone(&dialled.demand),
        })
    }

    fn dialled(&self) -> MutexGuard<'_, BTreeMap<Slot, Dialled>> {
        // Each change is one insertion or removal: a panic elsewhere leaves nothing half done.
        (self.0.dialled.lock()).unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is sent to one member goes by this.
struct Way {
    queue: mpsc::Sender<Outgoing>,
    room: Arc<Semaphore>,
    demand: Arc<Notify>,
}

impl Way {
    /// Room for a body of so many bytes; `None` if too much waits already.
    fn room(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let units = bytes.div_ceil(QUEUE_UNIT).max(1) as u32;
        Arc::clone(&self.room).try_acquire_many_owned(units).ok()
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_support;
