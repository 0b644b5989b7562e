//! The dynamic information on this node: its store's file, its part in the replication, and what clients ask.
//!
//! A thread of its own steps the store ([`heartbeat_store`]); another one, which a slow disk may hold up, writes. Nothing of
//! it is waited for by the election: a mastership begins and its address is served whether or not the store can be.

mod backup;
mod disk;
mod driver;
mod reads;
mod shown;
mod writer;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use bytes::Bytes;
use heartbeat_core::{Epoch, Slot};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use tracing::error;

use crate::control::{InfoAnswer, InfoRequest};
use crate::datapath::Words;
use crate::floor::Floors;
use crate::peer::Peers;

use driver::Driver;

/// What the thread has not taken yet: changes of role and requests of clients. A client that finds no place is told so.
const DEPTH: usize = 1024;

/// What the store's thread needs to know of its node.
pub struct Setup {
    /// This node's slot.
    pub slot: Slot,
    /// Whose stores are to count; this node's only if it is among them.
    pub electors: BTreeSet<Slot>,
    /// The folder of the node's state.
    pub folder: PathBuf,
    /// The ways to the other nodes.
    pub peers: Peers,
    /// Whether the lease holds is read there.
    pub words: Words,
    /// An epoch is this node's floor before its store promises it.
    pub floors: Floors,
}

/// The thread, as the rest of the daemon holds it; cheap to clone.
#[derive(Clone, Debug)]
pub struct Info {
    told: mpsc::Sender<Told>,
    is_master: Arc<AtomicBool>,
}

/// What the thread is told.
#[derive(Debug)]
enum Told {
    /// This node is master of this epoch; `None`: it is no master.
    Master(Option<Epoch>),
    /// Whose stores are to count.
    Electors(BTreeSet<Slot>),
    /// In a pair: whether this node serves without the other, by evidence that it is lost.
    Alone(bool),
    /// The product's own entry, to be stored under this key.
    Keep(String, Bytes, oneshot::Sender<InfoAnswer>),
    /// A client's request, which this node is to answer itself.
    Ask(InfoRequest, oneshot::Sender<InfoAnswer>),
}

impl Info {
    /// Starts it. It ends with the process.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(setup: Setup) -> io::Result<Self> {
        let (told, taken) = mpsc::channel(DEPTH);
        let (orders, said) = writer::start(&setup.folder, setup.floors.clone())?;
        // Its own runtime: what it computes on a large state must not hold up the other tasks.
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let driver = Driver::new(setup, orders);
        let thread = thread::Builder::new().name("store".into());
        thread.spawn(move || runtime.block_on(driver.run(taken, said)))?;
        Ok(Self {
            told,
            is_master: Arc::default(),
        })
    }

    /// This node became master of `epoch`, or is master no more.
    pub fn master(&self, epoch: Option<Epoch>) {
        self.is_master.store(epoch.is_some(), Ordering::Relaxed);
        self.tell(Told::Master(epoch));
    }

    /// Whether this node is master, as it was told last: whom requests go to without the pulse being asked.
    #[must_use]
    pub fn is_master(&self) -> bool {
        self.is_master.load(Ordering::Relaxed)
    }

    /// Other stores are to count.
    pub fn electors(&self, electors: BTreeSet<Slot>) {
        self.tell(Told::Electors(electors));
    }

    /// In a pair: whether this node serves without the other, by evidence that it is lost. Its own disk is enough then.
    pub fn alone(&self, is_alone: bool) {
        self.tell(Told::Alone(is_alone));
    }

    /// What this very node answers.
    pub async fn ask(&self, request: InfoRequest) -> InfoAnswer {
        let (answer, answered) = oneshot::channel();
        self.answered(Told::Ask(request, answer), answered).await
    }

    /// Stores one of the product's own entries; only a master that serves can.
    pub async fn keep(&self, key: &str, value: Bytes) -> InfoAnswer {
        let (answer, answered) = oneshot::channel();
        let told = Told::Keep(key.to_owned(), value, answer);
        self.answered(told, answered).await
    }

    async fn answered(&self, told: Told, answered: oneshot::Receiver<InfoAnswer>) -> InfoAnswer {
        let busy = || {
            InfoAnswer::Refused("too many requests wait already; try again in a moment".to_owned())
        };
        if self.told.try_send(told).is_err() {
            return busy();
        }
        answered.await.unwrap_or_else(|_| busy())
    }

    fn tell(&self, told: Told) {
        if let Err(error) = self.told.try_send(told) {
            error!(%error, "the store's thread does not listen: dynamic information goes by an older role");
        }
    }
}
