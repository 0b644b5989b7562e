//! What follows a takeover, and may take its time: another member looks who answers for the addresses, those of
//! slots too, and TCP clients of who bore them before find out at once that their connections are dead.
//!
//! An ordinary thread does it, after the gate and the addresses and never before them. The pulse tells it
//! what happened over a bounded queue, and hands it what other nodes' takeover threads say; it answers
//! them by itself, over both networks.

mod around;
mod asking;
mod bearing;
mod closing;
pub mod message;
mod tellers;
mod tickling;
mod verification;
mod view;
mod worker;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, JoinHandle};

use heartbeat_core::{ElectorRecord, Epoch, Slot};

use crate::hands::Whose;
use crate::net::envelope::MAX_BODY;
use crate::pulse::OrderSender;

pub use around::{Around, Surroundings};
pub use asking::Place;
pub use tellers::Tellers;
pub use verification::{Seen, Verified};
pub use view::{Shown, View};

/// Tasks that may wait. A mastership makes three, and one a turn while it takes slots over; the list of another node's
/// connections comes in at most sixteen datagrams over each of two networks. More are dropped and counted, since the
/// pulse never waits.
const TASKS_DEPTH: usize = 64;

/// What the thread needs to know of its node.
#[derive(Debug)]
pub struct Setup {
    /// This node's slot.
    pub slot: Slot,
    /// The addresses, and who may look after them.
    pub around: Around,
    /// Who is an elector, at the start.
    pub electors: ElectorRecord,
    /// Where messages leave.
    pub tellers: Tellers,
    /// What is known, for operators.
    pub view: View,
    /// For announcing again, and for the history.
    pub pulse: OrderSender,
}

/// What happened, as the pulse tells it.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "the pulse, which fills the queue, allocates nothing"
)]
pub enum Task {
    /// The addresses are added and announced.
    TookOver {
        /// The mastership.
        epoch: Epoch,
        /// Whose mastership was before it; 0 if nobody's.
        first_master: Slot,
        /// When they were announced, in nanoseconds of CLOCK_BOOTTIME.
        announced_ns: u64,
    },
    /// The gate is shut, and the hands were told to remove the addresses.
    Demoted(Epoch),
    /// They are removed, and with them those of slots that were taken over.
    Released(Epoch),
    /// A slot's addresses are added and announced: this node's own, or taken over.
    HoldsSlot {
        /// The slot.
        slot: Slot,
        /// Who bore them before, as far as is known; 0 if nobody did.
        before: Slot,
        /// When they were announced, in nanoseconds of CLOCK_BOOTTIME.
        announced_ns: u64,
    },
    /// A slot's gate is shut, and the hands were told to remove its addresses.
    GivesUpSlot(Slot),
    /// They are removed.
    LeftSlot(Slot),
    /// The electors changed.
    Electors(ElectorRecord),
    /// Other surroundings are in force.
    Look,
    /// Another node's takeover thread says something.
    Parcel(Parcel),
    /// Finish what is left to do, then end. Given by [`Takeover::finish`] alone.
    End {
        /// The addresses were removed by somebody else: their connections are to be closed.
        removed: bool,
    },
}

/// A message that the pulse does not look into.
#[derive(Debug)]
pub struct Parcel {
    from: Slot,
    epoch: Epoch,
    number: u64,
    length: usize,
    body: [u8; MAX_BODY],
}

impl Parcel {
    /// The message of `from` with this body, in an envelope with this epoch and nonce.
    ///
    /// # Panics
    /// If the body is longer than any can be.
    #[must_use]
    pub fn new(from: Slot, epoch: Epoch, nonce: u64, body: &[u8]) -> Self {
        let mut parcel = Self {
            from,
            epoch,
            number: nonce,
            length: body.len(),
            body: [0; MAX_BODY],
        };
        parcel.body[..body.len()].copy_from_slice(body);
        parcel
    }
}

/// The pulse's end of the queue.
#[derive(Debug, Clone)]
pub struct Tasks {
    queue: SyncSender<Task>,
    lost: Arc<AtomicU64>,
}

impl Tasks {
    /// Neither waits nor allocates; what finds the queue full is dropped and counted.
    pub fn give(&self, task: Task) {
        if self.queue.try_send(task).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The thread, as the daemon holds it.
#[derive(Debug)]
pub struct Takeover {
    tasks: Tasks,
    thread: JoinHandle<()>,
}

/// The queue, before the thread is there.
#[must_use]
pub fn tasks() -> (Tasks, Receiver<Task>) {
    let (queue, tasks) = mpsc::sync_channel(TASKS_DEPTH);
    let lost = Arc::default();
    (Tasks { queue, lost }, tasks)
}

impl Takeover {
    /// Starts the thread.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(setup: Setup, tasks: Tasks, taken: Receiver<Task>) -> io::Result<Self> {
        let lost = Arc::clone(&tasks.lost);
        let thread = thread::Builder::new()
            .name("takeover".into())
            .spawn(move || worker::Worker::new(setup, lost).run(&taken))?;
        Ok(Self { tasks, thread })
    }

    /// Has the thread close what connections are left of addresses that are gone, and ends it. `removed`:
    /// the addresses were removed without a word to it. To be called before the gates are taken away.
    pub fn finish(self, removed: bool) {
        // Waits for room, if need be: nobody else gives tasks any more.
        let _ = self.tasks.queue.send(Task::End { removed });
        // A panic there was printed by the thread itself.
        let _ = self.thread.join();
    }
}

/// The addresses of the places of these.
fn addresses(places: &[Place], whose: Whose) -> Vec<IpAddr> {
    let its = places.iter().filter(|place| place.whose == whose);
    its.map(|place| place.address).collect()
}
