//! Alarms on their way to people: each raised and cleared once at every sink, in order, whatever a sink does.
//!
//! A thread of its own keeps what is in force and what each sink is still to hear; another one keeps the disk's copy, so
//! that a disk that hangs holds no alarm up. Every sink has a task: one that is down delays nobody but itself. The pulse
//! knows nothing of it: it tells the scribe, and the scribe tells this thread, neither ever waiting.

mod backoff;
mod board;
mod courier;
mod couriers;
mod desk;
mod disk;
mod ledger;
mod notice;
mod queue;
mod saved;
mod sink;
#[cfg(test)]
pub(crate) mod tests;
mod view;
mod withheld;

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tracing::error;

pub use board::{Source, Standing};
pub use couriers::test;
pub use ledger::Told;
pub use notice::{Action, Identity, Notice, Reporter, SCHEMA};
pub use saved::Saved;
pub use view::View;

use crate::config::{Alarms as Wanted, Connection};
use crate::state::StateFolder;
use couriers::Couriers;
use desk::{Desk, now};
use ledger::Ledger;

/// What the thread has not heard of yet: every member of the largest cluster may go missing at once. It hears at once,
/// whatever sinks and disk do; more are a fault, and told.
const DEPTH: usize = 16_384;
/// Heard in one go: what is known is copied for the disk once for all of them.
const HEARD_AT_ONCE: usize = 1_024;
/// How long a daemon that ends waits for the disk's copy.
const LAST_WRITE: Duration = Duration::from_secs(1);

/// What the thread needs to know of its node.
#[derive(Debug)]
pub struct Setup {
    /// The sinks at first.
    pub wanted: Wanted,
    /// Where connections to sinks leave: the business network; `None`: by the kernel's routes.
    pub from: Option<Connection>,
    /// Who speaks.
    pub identity: Identity,
    /// Where the disk's copy is kept.
    pub state: StateFolder,
    /// This node goes on as master.
    pub is_master: bool,
    /// How long this node may take to judge everybody, after its start or a promotion.
    pub settle: Duration,
}

/// Where it is told what happens; cheap to clone.
#[derive(Clone, Debug)]
pub struct Teller(mpsc::Sender<Option<Told>>);

impl Teller {
    /// Tells it.
    pub fn tell(&self, told: Told) {
        if let Err(error) = self.0.try_send(Some(told)) {
            error!(%error, "the alarms' thread does not listen: an alarm is not sent");
        }
    }
}

/// The thread, as the daemon holds it.
#[derive(Debug)]
pub struct Alarms {
    teller: Teller,
    wanted: watch::Sender<(Wanted, Duration)>,
    view: View,
    ended: std::sync::mpsc::Receiver<()>,
}

impl Alarms {
    /// Starts it.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(setup: Setup) -> io::Result<Self> {
        let saved = Saved::read(&setup.state).unwrap_or_else(|error| {
            error!("{error}; what sinks were told of, and were still to hear, is not known");
            Saved::default()
        });
        let (is_master, settle) = (setup.is_master, setup.settle);
        let ledger = Ledger::new(
            saved,
            is_master,
            &setup.wanted,
            settle,
            setup.identity,
            now(),
        );
        let (desk, to_write) = Desk::new(ledger);
        let desk = Arc::new(desk);
        let (alive, ended) = sync_channel(0);
        let writing = Builder::new_current_thread().enable_time().build()?;
        thread::Builder::new()
            .name("alarms-disk".into())
            .spawn(move || {
                writing.block_on(disk::keep(setup.state, to_write));
                drop(alive);
            })?;
        let (told, taken) = mpsc::channel(DEPTH);
        let (wanted, wishes) = watch::channel((setup.wanted, settle));
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (keeps, from) = (Arc::clone(&desk), setup.from);
        thread::Builder::new()
            .name("alarms".into())
            .spawn(move || runtime.block_on(keep(keeps, from, taken, wishes)))?;
        Ok(Self {
            teller: Teller(told),
            wanted,
            view: View::new(desk),
            ended,
        })
    }

    /// Where it is told what happens.
    #[must_use]
    pub const fn teller(&self) -> &Teller {
        &self.teller
    }

    /// For operators, and for whoever keeps the cluster's history.
    #[must_use]
    pub const fn view(&self) -> &View {
        &self.view
    }

    /// These are the sinks from now on, and how long this node may take to judge everybody. What is on its way to a sink
    /// arrives, or fails, as it began.
    pub fn change(&self, wanted: Wanted, settle: Duration) {
        self.wanted.send_replace((wanted, settle));
    }

    /// Waits until the disk has what the next daemon is to bring, for a moment at most.
    pub fn finish(self) {
        // Fails only where the thread has ended.
        let _ = self.teller.0.try_send(None);
        if self.ended.recv_timeout(LAST_WRITE) == Err(RecvTimeoutError::Timeout) {
            error!(
                "the disk is too slow: the next daemon may send an alarm again, or not know of one"
            );
        }
    }
}

/// Works until it is told that nothing more will be told.
async fn keep(
    desk: Arc<Desk>,
    from: Option<Connection>,
    mut told: mpsc::Receiver<Option<Told>>,
    mut wanted: watch::Receiver<(Wanted, Duration)>,
) {
    let mut couriers = Couriers::new(Arc::clone(&desk), from);
    couriers.send(&wanted.borrow_and_update().0);
    let mut heard = Vec::new();
    loop {
        let due = desk.look(Ledger::next_at);
        tokio::select! {
            count = told.recv_many(&mut heard, HEARD_AT_ONCE) => {
                let is_last = count == 0 || heard.iter().any(Option::is_none);
                desk.change(|ledger, clock| {
                    for told in heard.drain(..).flatten() {
                        ledger.hear(told, clock);
                    }
                });
                if is_last {
                    break;
                }
            }
            Ok(()) = wanted.changed() => {
                let (wanted, settle) = wanted.borrow_and_update().clone();
                desk.change(|ledger, clock| ledger.change(&wanted, settle, clock.wall));
                couriers.send(&wanted);
            }
            () = until(due) => desk.change(Ledger::tick),
        }
    }
    desk.close();
}

async fn until(at: Option<heartbeat_core::Instant>) {
    match at {
        Some(at) => sleep(at.since(now().now)).await,
        None => pending().await,
    }
}

#[cfg(test)]
#[path = "thread_tests.rs"]
mod thread_tests;
